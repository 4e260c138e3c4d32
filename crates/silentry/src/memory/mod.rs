//! What an application remembers between calls: answers, refusals, and the work that is under way.

mod early_renewals;
mod endpoints;
mod federation;
mod flights;
#[cfg(feature = "integrated")]
mod names;
#[cfg(feature = "integrated")]
mod network;
mod remembered;
mod throttle;
mod under_way;
#[cfg(feature = "integrated")]
mod verdicts;

pub(crate) use early_renewals::EarlyRenewals;
pub(crate) use endpoints::{EndpointAnswer, EndpointMemory};
pub(crate) use federation::FederationMemory;
pub(crate) use flights::{FlightKey, Flights};
#[cfg(feature = "integrated")]
pub(crate) use names::DirectoryMemory;
pub(crate) use remembered::Remembered;
pub(crate) use throttle::{Asking, Throttle};
pub(crate) use under_way::{Joined, UnderWay};
#[cfg(feature = "integrated")]
pub(crate) use verdicts::{Circumstances, Verdicts};
