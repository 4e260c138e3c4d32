#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::token_response::{MAX_LIFETIME, TokenResponse, is_token};

fuzz_target!(|body: &[u8]| {
    let reply = match TokenResponse::parse(body) {
        Ok(reply) => reply,
        Err(error) => return drop(error.to_string()),
    };
    assert!(is_token(reply.access_token.expose()));
    for now in [0, 1_700_000_000, u64::MAX] {
        let lifetime = reply.lifetime(now);
        assert!(lifetime <= MAX_LIFETIME);
        assert!(reply.refresh_in.is_none_or(|after| after < MAX_LIFETIME));
    }
});
