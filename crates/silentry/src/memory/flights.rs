//! The exchanges under way that several callers may wait for.

use super::{Joined, UnderWay};
use crate::error::Error;
use crate::flow_name::Flow;
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

type Answer = Result<AuthenticationResult, Error>;

/// The exchanges that are under way.
#[derive(Default)]
pub(crate) struct Flights(UnderWay<FlightKey, Answer>);

/// All that makes two exchanges the same: what reaches the wire, and whose token it is.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct FlightKey {
    pub(crate) flow: Flow,
    /// The account, or who is signed in to the machine.
    pub(crate) who: String,
    /// What else the flow is told.
    pub(crate) told: Vec<Option<String>>,
    pub(crate) authority: String,
    pub(crate) scopes: String,
    pub(crate) options: RequestOptions,
}

impl Flights {
    /// Takes part in the exchange with this key, which is the given one when none is under way; without a key it is
    /// the caller's own.
    pub(crate) async fn share(
        &self,
        key: Option<FlightKey>,
        exchange: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        match key {
            Some(key) => self.join(key, exchange).work.await,
            None => exchange.await,
        }
    }

    /// Joins the exchange with this key; `exchange` is dropped when it is under way already.
    pub(crate) fn join(
        &self,
        key: FlightKey,
        exchange: impl Future<Output = Answer> + Send + 'static,
    ) -> Joined<Answer> {
        self.0.join(key, exchange)
    }
}
