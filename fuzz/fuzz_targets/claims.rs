#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::claims::{ClaimsRequest, is_object};

fuzz_target!(|text: &str| {
    let Ok(claims) = ClaimsRequest::parse(text) else {
        return;
    };
    assert!(is_object(claims.as_str()));
    assert_eq!(ClaimsRequest::parse(claims.as_str()).as_ref(), Ok(&claims));
    let capabilities = ClaimsRequest::from_capabilities(["cp1"]).expect("a capability");
    for (one, other) in [(&capabilities, &claims), (&claims, &capabilities)] {
        let merged = one.merge(other).expect("two objects");
        assert!(is_object(merged.as_str()));
    }
});
