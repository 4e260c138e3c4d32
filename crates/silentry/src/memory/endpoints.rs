//! Which endpoints the authority has.

use silentry_protocol::discovery::instance::CloudMetadata;
use silentry_protocol::discovery::openid::OpenIdConfiguration;

use super::{Remembered, UnderWay};
use crate::error::Error;

/// What was learnt about the one host of the application's authority.
pub(crate) struct EndpointMemory {
    /// There is one answer and one question: an application has one authority.
    pub(crate) answer: Remembered<(), EndpointAnswer>,
    pub(crate) question: UnderWay<(), Result<EndpointAnswer, Error>>,
}

impl Default for EndpointMemory {
    fn default() -> Self {
        Self {
            answer: Remembered::up_to(1),
            question: UnderWay::default(),
        }
    }
}

/// What is known of a host.
#[derive(Clone)]
pub(crate) enum EndpointAnswer {
    /// It belongs to this cloud.
    Cloud(CloudMetadata),
    /// Nobody could be asked: the host stands for itself.
    Nothing,
    /// It says this of itself.
    Server(Box<OpenIdConfiguration>),
}
