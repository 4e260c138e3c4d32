#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::wstrust::realm::UserRealm;

fuzz_target!(|document: &[u8]| {
    match UserRealm::parse(document, None) {
        Ok(realm) => {
            assert!(!realm.cloud_audience_urn().trim().is_empty());
            match realm.integrated_sign_in() {
                Ok(url) => assert!(url.as_str().starts_with("https://")),
                Err(refusal) => drop(refusal.to_string()),
            }
        }
        Err(error) => drop(error.to_string()),
    }
});
