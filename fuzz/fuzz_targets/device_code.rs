#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::device_code::DeviceCodeResponse;
use silentry_text::is_invisible;

fuzz_target!(|body: &[u8]| {
    let code = match DeviceCodeResponse::parse(body) {
        Ok(code) => code,
        Err(error) => return drop(error.to_string()),
    };
    assert!((1..=60).contains(&code.interval) && code.expires_in <= 24 * 3600);
    let addresses = [
        Some(&code.verification_uri),
        code.verification_uri_complete.as_ref(),
    ];
    for address in addresses.into_iter().flatten() {
        assert!(
            address
                .get(..6)
                .is_some_and(|start| start.eq_ignore_ascii_case("https:"))
        );
    }
    // All of it is shown to the user.
    let shown = addresses
        .into_iter()
        .chain([Some(&code.user_code), code.message.as_ref()]);
    for text in shown.flatten() {
        assert!(!text.is_empty() && !text.contains(is_invisible), "{text:?}");
    }
});
