#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::http::challenge;

fuzz_target!(|header: &str| {
    let challenges = challenge::parse(header);
    for challenge in &challenges {
        assert!(!challenge.scheme.is_empty() && header.contains(&challenge.scheme));
        assert!(
            challenge
                .param("realm")
                .is_none_or(|realm| realm.len() <= header.len())
        );
        drop(challenge.claims());
    }
    drop(challenge::negotiate_token(&challenges));
});
