//! What is written is found again, by us and by others.

use silentry_protocol::cache::{CacheDocument, EntityKind};
use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::id_token::IdToken;
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_response::TokenResponse;

use super::index::{Index, Wanted};
use super::rows::Owner;
use super::write::{NewTokens, remove, store};

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const HOME: &str = "9f4880d8-80ba-4c40-97bc-f7a23c703084.72f988bf-86f1-41af-91ab-2d7cd011db47";
const NOW: u64 = 1_795_359_798;

/// A response of Entra with these further members; the id token is {sub, tid, oid, preferred_username}.
fn response(token: &str, scope: &str, more: &str) -> TokenResponse {
    let client_info = encode(
        r#"{"uid":"9f4880d8-80ba-4c40-97bc-f7a23c703084","utid":"72f988bf-86f1-41af-91ab-2d7cd011db47"}"#,
    );
    let id_token = encode(&format!(
        r#"{{"tid":"{TENANT}","oid":"9f4880d8-80ba-4c40-97bc-f7a23c703084","preferred_username":"ana@contoso.com","name":"Ana"}}"#
    ));
    let body = format!(
        r#"{{"token_type":"Bearer","access_token":"{token}","expires_in":3600,"scope":"{scope}","client_info":"{client_info}","id_token":"e30.{id_token}.c2ln"{more}}}"#
    );
    TokenResponse::parse(body.as_bytes()).unwrap()
}

fn encode(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

fn write(document: &mut CacheDocument, tenant: &str, response: &TokenResponse) -> Owner {
    let scopes = Scopes::new(["https://graph.microsoft.com/.default"]).unwrap();
    let id = response.id_token.as_ref();
    let id = id.map(|token| IdToken::decode(token.expose()).unwrap());
    let new = NewTokens {
        id: id.as_ref(),
        server: AuthorityKind::Entra,
        client_id: CLIENT,
        environment: "login.microsoftonline.com",
        other_environment: None,
        tenant,
        scopes: &scopes,
        response,
        source: "iwa",
        signed_in: None,
        account: None,
        now: NOW,
    };
    store(document, &new).unwrap()
}

fn find(document: &CacheDocument, tenant: &str, scope: &str) -> Option<String> {
    let scopes = Scopes::new([scope]).unwrap();
    let wanted = Wanted {
        server: AuthorityKind::Entra,
        client_id: CLIENT,
        environment: "login.microsoftonline.com",
        home_account_id: HOME,
        other_environment: None,
        now: i64::try_from(NOW).unwrap(),
        tenant,
        scopes: &scopes,
    };
    let index = Index::of(document);
    let token = index.access_token(&wanted)?;
    Some(token.secret.expose().to_owned())
}

fn count(document: &CacheDocument, kind: EntityKind) -> usize {
    document.entities(kind).count()
}

/// MSAL.NET looks for the id token under the name that the access token's row gives the cloud, and the account has no
/// name without it.
#[test]
fn all_rows_name_the_cloud_as_the_account_that_was_there() {
    let account = format!("{HOME}-login.windows.net-{TENANT}");
    let mut document = CacheDocument::parse(
        format!(
            r#"{{"Account":{{"{account}":{{"home_account_id":"{HOME}","environment":"login.windows.net","realm":"{TENANT}"}}}}}}"#
        )
        .as_bytes(),
    )
    .unwrap();
    let scope = "https://graph.microsoft.com/.default";
    let response = response("AT", scope, r#","refresh_token":"RT""#);
    write(&mut document, TENANT, &response);
    for kind in [
        EntityKind::AccessToken,
        EntityKind::RefreshToken,
        EntityKind::IdToken,
        EntityKind::Account,
    ] {
        let rows: Vec<_> = document.entities(kind).collect();
        let [(key, row)] = rows.as_slice() else {
            panic!("{kind:?}: {} rows", rows.len());
        };
        assert_eq!(row.text("environment"), Some("login.windows.net"));
        assert!(key.contains("-login.windows.net-"), "{key}");
    }
    assert_eq!(find(&document, TENANT, scope).as_deref(), Some("AT"));
}

#[test]
fn a_response_becomes_the_rows_that_other_msals_read() {
    let mut document = CacheDocument::default();
    let scope = "openid https://graph.microsoft.com/User.Read profile email";
    write(
        &mut document,
        TENANT,
        &response("AT", scope, r#","refresh_token":"RT","refresh_in":1800"#),
    );
    let sorted = "email https://graph.microsoft.com/User.Read openid profile";
    let start = format!("{HOME}-login.microsoftonline.com");
    let key = |kind| {
        let keys: Vec<_> = document
            .entities(kind)
            .map(|(key, _)| key.to_owned())
            .collect();
        assert_eq!(keys.len(), 1);
        keys[0].clone()
    };
    assert_eq!(
        key(EntityKind::AccessToken),
        format!(
            "{start}-accesstoken-{CLIENT}-{TENANT}-{}",
            sorted.to_lowercase()
        )
    );
    assert_eq!(
        key(EntityKind::RefreshToken),
        format!("{start}-refreshtoken-{CLIENT}--{}", sorted.to_lowercase())
    );
    assert_eq!(
        key(EntityKind::IdToken),
        format!("{start}-idtoken-{CLIENT}-{TENANT}-")
    );
    assert_eq!(key(EntityKind::Account), format!("{start}-{TENANT}"));
    assert_eq!(
        key(EntityKind::AppMetadata),
        format!("appmetadata-login.microsoftonline.com-{CLIENT}")
    );
    let text = document.to_json();
    assert!(!text.expose().contains("null"));
    for member in [
        r#""cached_at":"1795359798""#,
        r#""expires_on":"1795363398""#,
        r#""refresh_on":"1795361598""#,
        r#""username":"ana@contoso.com""#,
    ] {
        assert!(text.expose().contains(member), "{member}");
    }
}

#[test]
fn a_token_is_found_by_any_name_of_its_tenant() {
    let mut document = CacheDocument::default();
    let scope = "https://graph.microsoft.com/User.Read";
    write(&mut document, "contoso.com", &response("AT", scope, ""));
    for tenant in [TENANT, "contoso.com", "organizations", "common"] {
        assert_eq!(
            find(&document, tenant, scope).as_deref(),
            Some("AT"),
            "{tenant}"
        );
    }
    for tenant in ["fabrikam.com", "11111111-86f1-41af-91ab-2d7cd011db47"] {
        assert_eq!(find(&document, tenant, scope), None, "{tenant}");
    }
    assert_eq!(
        find(&document, TENANT, "https://graph.microsoft.com/Mail.Read"),
        None
    );
}

#[test]
fn a_new_token_replaces_those_it_overlaps_and_no_other() {
    let mut document = CacheDocument::default();
    for (token, scope) in [
        ("A", "api://x/read"),
        ("B", "api://y/read"),
        ("C", "api://x/read api://x/write"),
    ] {
        write(
            &mut document,
            TENANT,
            &response(token, scope, r#","refresh_token":"RT""#),
        );
    }
    assert_eq!(
        find(&document, TENANT, "api://x/read").as_deref(),
        Some("C")
    );
    assert_eq!(
        find(&document, TENANT, "api://y/read").as_deref(),
        Some("B")
    );
    assert_eq!(count(&document, EntityKind::AccessToken), 2);
    assert_eq!(count(&document, EntityKind::RefreshToken), 1);
    assert_eq!(count(&document, EntityKind::Account), 1);
}

#[test]
fn rows_of_others_keep_their_keys_and_members() {
    let theirs = format!(
        r#"{{"Account":{{"their key":{{"home_account_id":"{HOME}","environment":"login.windows.net","realm":"{TENANT}","theirs":{{"a":[1]}}}}}},
            "AccessToken":{{"pop":{{"secret":"P","home_account_id":"{HOME}","environment":"sts.windows.net","client_id":"{CLIENT}","realm":"{TENANT}","target":"api://x/read","token_type":"pop","key_id":"k","expires_on":"4102444800"}}}}}}"#
    );
    let mut document = CacheDocument::parse(theirs.as_bytes()).unwrap();
    write(&mut document, TENANT, &response("A", "api://x/read", ""));
    let text = document.to_json();
    assert!(text.expose().contains(r#""their key":{"home_account_id""#));
    assert!(text.expose().contains(r#""theirs":{"a":[1]}"#));
    assert_eq!(count(&document, EntityKind::Account), 1);
    // A token that is bound to a key is no bearer token, and not ours to replace.
    assert_eq!(count(&document, EntityKind::AccessToken), 2);
    assert_eq!(
        find(&document, TENANT, "api://x/read").as_deref(),
        Some("A")
    );
}

#[test]
fn an_account_goes_with_everything_under_any_host_of_its_cloud() {
    let mut document = CacheDocument::default();
    let owner = write(
        &mut document,
        TENANT,
        &response("A", "api://x/read", r#","refresh_token":"RT""#),
    );
    let other = owner.home_account_id.replace('9', "8");
    let more = format!(
        r#"{{"AccessToken":{{"w":{{"home_account_id":"{HOME}","environment":"LOGIN.windows.net"}},"o":{{"home_account_id":"{other}","environment":"login.windows.net"}},"us":{{"home_account_id":"{HOME}","environment":"login.microsoftonline.us"}}}}}}"#
    );
    let mut more = CacheDocument::parse(more.as_bytes()).unwrap();
    remove(&mut document, &owner);
    remove(&mut more, &owner);
    for kind in [
        EntityKind::AccessToken,
        EntityKind::RefreshToken,
        EntityKind::IdToken,
        EntityKind::Account,
    ] {
        assert_eq!(count(&document, kind), 0, "{kind:?}");
    }
    let left: Vec<_> = more
        .entities(EntityKind::AccessToken)
        .map(|(key, _)| key)
        .collect();
    assert_eq!(left, ["o", "us"]);
}

#[test]
fn the_family_is_asked_only_when_the_program_wants_it() {
    let mut document = CacheDocument::parse(
        format!(
            r#"{{"RefreshToken":{{"f":{{"secret":"F","home_account_id":"{HOME}","environment":"login.windows.net","client_id":"other","family_id":"1"}},
                "x":{{"secret":"X","home_account_id":"{HOME}","environment":"login.windows.net","client_id":"stranger"}}}}}}"#
        )
        .as_bytes(),
    )
    .unwrap();
    write(
        &mut document,
        TENANT,
        &response("A", "api://x/read", r#","refresh_token":"own""#),
    );
    let scopes = Scopes::new(["api://x/read"]).unwrap();
    let wanted = Wanted {
        server: AuthorityKind::Entra,
        client_id: CLIENT,
        environment: "login.microsoftonline.com",
        home_account_id: HOME,
        other_environment: None,
        now: i64::try_from(NOW).unwrap(),
        tenant: TENANT,
        scopes: &scopes,
    };
    let index = Index::of(&document);
    let tokens = |family| -> Vec<String> {
        let list = index.refresh_tokens(&wanted, family).into_iter();
        list.map(|token| token.expose().to_owned()).collect()
    };
    assert_eq!(tokens(false), ["own"]);
    assert_eq!(tokens(true), ["own", "F"]);
}

#[test]
fn a_response_that_tells_no_user_is_not_kept() {
    let mut document = CacheDocument::default();
    let body =
        r#"{"token_type":"Bearer","access_token":"AT","refresh_token":"RT2","expires_in":3600}"#;
    let response = TokenResponse::parse(body.as_bytes()).unwrap();
    let scopes = Scopes::new(["api://x/read"]).unwrap();
    let new = NewTokens {
        server: AuthorityKind::Entra,
        client_id: CLIENT,
        environment: "login.microsoftonline.com",
        other_environment: None,
        tenant: TENANT,
        scopes: &scopes,
        response: &response,
        id: None,
        source: "iwa",
        signed_in: None,
        account: None,
        now: NOW,
    };
    assert_eq!(store(&mut document, &new), None);
    assert_eq!(document.to_json().expose(), "{}");

    // The account whose refresh token gave it is known, and the new one may be the only good one by now.
    let renewed = NewTokens {
        account: Some(HOME),
        ..new
    };
    let owner = store(&mut document, &renewed).unwrap();
    assert_eq!(owner.home_account_id, HOME);
    assert_eq!(count(&document, EntityKind::RefreshToken), 1);
}

#[test]
fn new_rows_spell_the_account_as_its_rows_do() {
    let capitals = HOME.to_uppercase();
    let mut document = CacheDocument::parse(
        format!(
            r#"{{"Account":{{"a":{{"home_account_id":"{capitals}","environment":"login.microsoftonline.com","realm":"{TENANT}"}}}}}}"#
        )
        .as_bytes(),
    )
    .unwrap();
    write(&mut document, TENANT, &response("AT", "User.Read", ""));
    for kind in [
        EntityKind::Account,
        EntityKind::AccessToken,
        EntityKind::IdToken,
    ] {
        let rows: Vec<_> = document.entities(kind).collect();
        assert_eq!(rows.len(), 1, "{kind:?}");
        assert_eq!(rows[0].1.text("home_account_id"), Some(&*capitals));
    }
    assert_eq!(find(&document, TENANT, "User.Read").as_deref(), Some("AT"));
}

#[test]
fn tokens_that_were_asked_for_in_another_way_are_neither_given_out_nor_replaced() {
    for member in [
        r#""token_type":"pop","credential_type":"AccessToken""#,
        r#""token_type":"Bearer","credential_type":"AccessToken_With_AuthScheme""#,
        r#""token_type":"Bearer","credential_type":"AccessToken_Extended""#,
    ] {
        let mut document = CacheDocument::parse(
            format!(
                r#"{{"AccessToken":{{"a":{{"secret":"other","home_account_id":"{HOME}","environment":"sts.windows.net","client_id":"{CLIENT}","realm":"{TENANT}","target":"User.Read",{member},"expires_on":"1795363398"}}}}}}"#
            )
            .as_bytes(),
        )
        .unwrap();
        let found = |document: &CacheDocument| find(document, TENANT, "User.Read");
        assert_eq!(found(&document), None, "{member}");
        write(&mut document, TENANT, &response("AT", "User.Read", ""));
        assert_eq!(found(&document).as_deref(), Some("AT"), "{member}");
        assert_eq!(count(&document, EntityKind::AccessToken), 2, "{member}");
    }
}

#[test]
fn personal_accounts_are_found_by_the_word_for_their_tenant() {
    const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    for (realm, tenant, is_found) in [
        (PERSONAL, "consumers", true),
        ("consumers", "consumers", true),
        (TENANT, "consumers", false),
        (PERSONAL, TENANT, false),
    ] {
        let document = CacheDocument::parse(
            format!(
                r#"{{"AccessToken":{{"a":{{"secret":"AT","home_account_id":"{HOME}","environment":"login.windows.net","client_id":"{CLIENT}","realm":"{realm}","target":"User.Read","expires_on":"1795363398"}}}}}}"#
            )
            .as_bytes(),
        )
        .unwrap();
        let found = find(&document, tenant, "User.Read");
        assert_eq!(found.is_some(), is_found, "{realm} {tenant}");
    }
}
