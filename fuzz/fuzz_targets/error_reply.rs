#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry::oauth::error_response::ErrorResponse;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    drop(ErrorResponse::parse(status, body));
});
