#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry::oauth::challenge;

fuzz_target!(|header: &str| {
    drop(challenge::parse(header));
});
