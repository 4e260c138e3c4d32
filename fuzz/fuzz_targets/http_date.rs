#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::http::date;

fuzz_target!(|header: &str| {
    if let Some(time) = date::parse(header) {
        assert_eq!(date::parse(&date::format(time)), Some(time));
    }
});
