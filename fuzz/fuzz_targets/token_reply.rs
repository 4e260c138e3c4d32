#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry::oauth::token_response::TokenResponse;

fuzz_target!(|body: &[u8]| {
    drop(TokenResponse::parse(body));
});
