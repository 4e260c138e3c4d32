#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::{FederationEndpoint, FederationMetadata};

fuzz_target!(|document: &[u8]| {
    let url = HttpsUrl::parse("https://mex.example/adfs/services/trust/mex").expect("an https URL");
    for base in [None, Some(&url)] {
        let Ok(metadata) = FederationMetadata::parse(document, None, base) else {
            continue;
        };
        for endpoints in [metadata.integrated_windows(), metadata.username_password()] {
            match endpoints {
                Ok(endpoints) => {
                    assert!(endpoints.is_sorted_by_key(FederationEndpoint::version));
                    assert!(
                        endpoints
                            .iter()
                            .all(|found| found.url().as_str().starts_with("https://"))
                    );
                }
                Err(error) => drop(error.to_string()),
            }
        }
    }
});
