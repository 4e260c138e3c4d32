//! What the federation server refused.

use silentry_protocol::wstrust::fault::{WsTrustFault, has_number};

use super::{Error, Explain, Stage};

impl Error {
    /// The error of a SOAP fault. `clocks` says how far the clocks are apart, should they be.
    pub(crate) fn from_fault(
        host: &str,
        status: u16,
        fault: &WsTrustFault,
        clocks: Option<&str>,
    ) -> Self {
        // Where the detail alone has the number that people search for, the reason says less.
        let numbered = |text: &&str| has_number(text);
        let reason = fault.reason().filter(numbered);
        let reason = reason.or(fault.detail().filter(numbered));
        let what = [fault.code(), reason.or(fault.reason()).or(fault.detail())];
        let what: Vec<_> = what.into_iter().flatten().collect();
        let message = match what.is_empty() {
            true => format!("{host} refused with a fault that says nothing"),
            false => format!("{host} refused: {}", what.join(": ")),
        };
        let mitigation = match clocks {
            Some(clocks) => fault
                .mitigation()
                .and(format!("Compare the clocks first: {clocks}.")),
            None => fault.mitigation(),
        };
        Error::new(Explain::code(fault), Stage::WsTrust, message)
            .with_mitigation(mitigation)
            .with_status(status)
            .with_aadsts(fault.aadsts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use silentry_protocol::wstrust::rstr::WsTrustReply;

    #[test]
    fn the_text_with_the_number_is_told() {
        for number in ["AADSTS50126: x", "MSIS7068: x", "ID3242: x"] {
            let fault = format!(
                "<Fault><faultcode>a:Failed</faultcode><faultstring>No.</faultstring><detail>{number}</detail></Fault>"
            );
            let Ok(WsTrustReply::Fault(fault)) = WsTrustReply::parse(fault.as_bytes(), None) else {
                panic!("{number}: no fault");
            };
            let error = Error::from_fault("sts.contoso.com", 500, &fault, None);
            let told = format!("sts.contoso.com refused: a:Failed: {number}");
            assert_eq!(error.to_string(), told);
        }
    }
}
