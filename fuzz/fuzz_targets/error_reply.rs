#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry::Error;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    drop(Error::of_reply(status, body).mitigation().to_owned());
});
