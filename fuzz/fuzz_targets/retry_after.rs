#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::http::retry_after::{MAX_RETRY_AFTER, RetryAfter};

fuzz_target!(|header: &str| {
    let Some(wait) = RetryAfter::parse(header) else {
        return;
    };
    for now in [0, 784_111_777, u64::MAX] {
        assert!(wait.delay(now) <= MAX_RETRY_AFTER);
    }
    if let RetryAfter::Seconds(seconds) = wait {
        assert_eq!(RetryAfter::parse(&seconds.to_string()), Some(wait));
    }
});
