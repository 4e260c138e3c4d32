#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::authorization::{AuthorizationResponse, Outcome};
use silentry_text::is_invisible;

fuzz_target!(|form: &[u8]| {
    let Some(response) = AuthorizationResponse::parse(form) else {
        return;
    };
    assert!(!response.state.is_empty());
    match response.outcome {
        Outcome::Code(code) => assert!(!code.expose().is_empty()),
        Outcome::Cancelled => {}
        Outcome::Refused(error) => {
            assert!(!error.error().contains(is_invisible));
            let description = error.description().unwrap_or_default();
            assert!(!description.contains(is_invisible), "{description:?}");
        }
    }
});
