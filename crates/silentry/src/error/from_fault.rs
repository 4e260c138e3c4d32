//! What the federation server refused.

use super::{Error, Stage};
use crate::federation::fault::WsTrustFault;

impl Error {
    /// The error of a SOAP fault. `clocks` says how far the clocks are apart, should they be.
    pub(crate) fn from_fault(
        host: &str,
        status: u16,
        fault: &WsTrustFault,
        clocks: Option<&str>,
    ) -> Self {
        let what = [fault.code(), fault.reason().or(fault.detail())];
        let what: Vec<_> = what.into_iter().flatten().collect();
        let message = match what.is_empty() {
            true => format!("{host} refused with a fault that says nothing"),
            false => format!("{host} refused: {}", what.join(": ")),
        };
        let mitigation = match clocks {
            Some(clocks) => format!("{} Compare the clocks first: {clocks}.", fault.mitigation()),
            None => fault.mitigation().to_owned(),
        };
        Error::new(fault.error_code(), Stage::WsTrust, message)
            .with_mitigation(mitigation)
            .with_status(status)
            .with_aadsts(fault.aadsts())
    }
}
