#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::oauth::claims::is_object;
use silentry_protocol::oauth::id_token::{
    ClientInfo, IdToken, UnverifiedJwt, canonical_account_id, home_account_id, same_account,
};

// An id token, or a client info: both are the base64 of JSON.
fuzz_target!(|text: &str| {
    let id_token = IdToken::decode(text);
    if let Ok(jwt) = UnverifiedJwt::decode(text) {
        assert!(is_object(jwt.header_json()) && is_object(jwt.claims_json()));
        assert!(id_token.is_ok());
    }
    let client_info = ClientInfo::decode(text);
    let Some(id) = home_account_id(client_info.as_ref(), id_token.ok().as_ref()) else {
        return;
    };
    let canonical = canonical_account_id(&id);
    assert!(same_account(&id, &canonical));
    assert_eq!(canonical_account_id(&canonical), canonical);
});
