#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::classification::{Grant, Kind};
use silentry_protocol::oauth::error_response::ErrorResponse;
use silentry_text::is_invisible;

fuzz_target!(|body: &[u8]| {
    for status in [200, 400, 401, 404, 429, 503] {
        let reply = ErrorResponse::parse(status, body);
        for grant in [Grant::Unknown, Grant::SamlAssertion, Grant::Other] {
            let classified = reply.classify(grant);
            let asks_user = classified.kind == Kind::InteractionRequired;
            assert!(asks_user || classified.classification.is_none());
        }
        let shown = [Some(reply.error()), reply.description(), reply.suberror()];
        for text in shown.into_iter().flatten() {
            assert!(!text.contains(is_invisible), "{text:?}");
        }
    }
});
