#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::discovery::openid::OpenIdConfiguration;
use url::Url;

fuzz_target!(|document: &[u8]| {
    let found = match OpenIdConfiguration::parse(document) {
        Ok(found) => found,
        Err(error) => return drop(error.to_string()),
    };
    assert!(!found.issuer.is_empty());
    let endpoints = [
        Some(&found.authorization_endpoint),
        Some(&found.token_endpoint),
        found.device_authorization_endpoint.as_ref(),
    ];
    for url in endpoints.into_iter().flatten() {
        assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
        assert_eq!((url.scheme(), url.fragment()), ("https", None));
        assert_eq!((url.username(), url.password()), ("", None));
    }
});
