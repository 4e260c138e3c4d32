#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::scopes::{RESERVED, Scopes};

fuzz_target!(|text: &str| {
    let Some(scopes) = Scopes::from_wire(text) else {
        return assert!(text.trim().is_empty());
    };
    let written = scopes.to_string();
    let again = Scopes::from_wire(&written).expect("what was written");
    assert_eq!(again.to_string(), written);
    assert!(text.split_whitespace().all(|scope| scopes.contains(scope)));
    assert!(scopes.serves(&scopes));
    let sent = scopes.with_reserved(true);
    assert!(RESERVED.iter().all(|scope| sent.contains(scope)));
    assert!(sent.serves(&scopes));
    assert!(scopes.as_ad_fs_means(&sent).serves(&scopes));
    drop(scopes.without_permission());
});
