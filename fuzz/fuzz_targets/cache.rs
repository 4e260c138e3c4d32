#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::cache::{CacheDocument, EntityKind};

fuzz_target!(|bytes: &[u8]| {
    let document = match CacheDocument::parse(bytes) {
        Ok(document) => document,
        Err(error) => return drop(error.to_string()),
    };
    let accounts = document.accounts();
    let written = document.to_json();
    let mut again = CacheDocument::parse(written.expose().as_bytes()).expect("what was written");
    assert_eq!(again.to_json().expose(), written.expose());
    assert_eq!(again.accounts(), accounts);

    again.retain(EntityKind::Account, |_| false);
    assert!(again.accounts().is_empty());
    let account = [
        ("home_account_id", Some("uid.utid")),
        ("environment", Some("sts.corp.example")),
    ];
    again.put(EntityKind::Account, |_| false, "key", account);
    assert_eq!(again.accounts().len(), 1);
});
