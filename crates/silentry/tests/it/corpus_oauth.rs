//! The OAuth half against the documents of other projects: errors, tokens, caches. `INDEX.md` of the
//! collection says what each is and what is expected of it.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use silentry::Error;
use silentry_protocol::cache::{CacheDocument, EntityKind};
use silentry_protocol::http::challenge;
use silentry_protocol::http::retry_after::RetryAfter;
use silentry_protocol::oauth::claims::ClaimsRequest;
use silentry_protocol::oauth::classification::{Classification, Grant, Kind};
use silentry_protocol::oauth::error_response::ErrorResponse;
use silentry_protocol::oauth::id_token::{ClientInfo, IdToken, UnverifiedJwt, home_account_id};
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_response::TokenResponse;

use crate::testdata::testdata;

const DOTNET: &str =
    "microsoft-authentication-library-for-dotnet/tests/Microsoft.Identity.Test.Unit/Resources";
const DOTNET_EXTENSIONS: &str = "microsoft-authentication-extensions-for-dotnet/tests/\
     Microsoft.Identity.Client.Extensions.Msal.UnitTests/Resources";
const ADAL_DOTNET: &str =
    "azure-activedirectory-library-for-dotnet/tests/Test.ADAL.NET.Unit.net45/Resources";
const JAVA: &str = "microsoft-authentication-library-for-java/msal4j-sdk/src/test/resources";
const GO: &str = "microsoft-authentication-library-for-go/apps";
const JS: &str = "microsoft-authentication-library-for-js/lib";
const KUBELOGIN: &str = "Azure+kubelogin/pkg/internal";

fn read(root: &Path, name: &str) -> Vec<u8> {
    fs::read(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const USER: Kind = Kind::InteractionRequired;

/// What is expected of each error body: file, status, error, code, kind and classification, if any.
const ERRORS: &str = "
    docs-invalid_scope.json             400 invalid_scope         70011   service
    invalid_grant-suberror-claims.json  400 invalid_grant         70008   interaction_required basic_action
    java-suberror-basic_action.json     400 invalid_grant         50076   interaction_required basic_action
    java-suberror-client_mismatch.json  400 invalid_grant         50076   service
    not-public-client-7000218.json      401 invalid_client        7000218 service
    429-json.json                       429 Server+overload       90010   service
    instance-50049.json                 400 invalid_instance      50049   service
    dotnet-JsonError-90002.json         400 invalid_grant         90002   interaction_required none
    dotnet-JsonError-90002.json         500 invalid_grant         90002   service
    node-bad_token.json                 400 invalid_grant         9002313 interaction_required none
    device-pending-real-2025.json       400 authorization_pending 70016   service
    secret-7000215-real-2023.json       401 invalid_client        7000215 service
    redirect-error-900144.txt           400 invalid_request       900144  service
";

/// The rows of a table in this file, each split into its cells.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|row: &Vec<_>| !row.is_empty())
}

#[test]
fn every_error_body_is_read_as_its_source_expects() {
    let Some(root) = testdata() else { return };
    for row in rows(ERRORS) {
        let [name, status, error, code, kind, classification @ ..] = row.as_slice() else {
            panic!("{row:?}");
        };
        let status: u16 = status.parse().unwrap();
        let body = read(&root, &format!("inline/errors/{name}"));
        let found = ErrorResponse::parse(status, &body);
        let classified = found.classify(Grant::Unknown);
        assert_eq!(found.error(), error.replace('+', " "), "{name}");
        assert_eq!(found.codes(), [code.parse::<u32>().unwrap()], "{name}");
        assert_eq!(classified.kind.as_str(), *kind, "{name}");
        let classified_as = classified.classification.map(Classification::as_str);
        assert_eq!(classified_as, classification.first().copied(), "{name}");
        assert_eq!(classified.retryable, matches!(status, 429 | 500), "{name}");
        assert_eq!(classified.throttled, status == 429, "{name}");
        let description = found.description().expect(name);
        assert!(
            !description.contains(char::is_control),
            "{name}: {description}"
        );
        assert!(
            Error::of_reply(status, &body).mitigation().ends_with('.'),
            "{name}"
        );
    }
    for file in fs::read_dir(root.join("inline/errors")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            rows(ERRORS).any(|row| row[0] == name),
            "nothing is expected of {name}"
        );
    }
}

#[test]
fn ids_claims_and_advice_come_from_where_they_stand() {
    let Some(root) = testdata() else { return };
    let error =
        |name: &str| ErrorResponse::parse(400, &read(&root, &format!("inline/errors/{name}")));
    for (name, id) in [
        (
            "429-json.json",
            Some("f11508ab-067f-40d4-83cb-ccc67bf57e45"),
        ),
        (
            "node-bad_token.json",
            Some("00000000-0000-0000-0000-000000000000"),
        ),
        (
            "redirect-error-900144.txt",
            Some("6abae31d-3a08-4b95-8299-7d7ace789a59"),
        ),
        ("secret-7000215-real-2023.json", None),
        ("java-suberror-basic_action.json", None),
    ] {
        assert_eq!(error(name).correlation_id(), id, "{name}");
    }
    assert_eq!(
        error("dotnet-JsonError-90002.json").claims(),
        Some("some_claims")
    );
    assert!(
        error("java-suberror-basic_action.json")
            .claims()
            .unwrap()
            .starts_with(r#"{"access_token":{"polids":"#)
    );
    let refused = Error::of_reply(
        400,
        &read(&root, "inline/errors/not-public-client-7000218.json"),
    );
    let advice = refused.advice();
    assert!(
        advice.for_command().contains("Allow public client flows"),
        "{advice}"
    );
}

#[test]
fn recorded_answers_of_entra_are_tokens_or_errors() {
    let Some(root) = testdata() else { return };
    let body = |name: &str| read(&root, &format!("{KUBELOGIN}/{name}"));
    for (name, lifetime) in [
        (
            "pop/testdata/AcquirePoPTokenByUsernamePasswordVCR/04-response.json",
            86399,
        ),
        (
            "pop/testdata/AcquirePoPTokenConfidentialWithSecretVCR/02-response.json",
            86399,
        ),
        (
            "token/fixtures/client_secret_credential/02-response.json",
            3599,
        ),
        (
            "token/fixtures/client_cert_credential/02-response.json",
            3599,
        ),
        (
            "token/fixtures/workloadidentity_credential/02-response.json",
            86399,
        ),
        (
            "token/fixtures/device_code_credential/03-response.json",
            5302,
        ),
    ] {
        assert_eq!(
            TokenResponse::parse(&body(name)).unwrap().lifetime(0),
            lifetime,
            "{name}"
        );
    }

    let device = body("token/fixtures/device_code_credential/03-response.json");
    let device = TokenResponse::parse(&device).unwrap();
    let info = ClientInfo::decode(device.client_info.as_deref().unwrap()).unwrap();
    let id_token = IdToken::decode(device.id_token.unwrap().expose()).unwrap();
    assert_eq!(
        home_account_id(Some(&info), Some(&id_token)).as_deref(),
        Some("c73c6f28-ae5f-413d-a9a2-e11e5af668f8.e0bd2321-07fa-4cf0-87b8-00aa2a747329")
    );
    assert!(
        id_token
            .username()
            .unwrap()
            .starts_with("identitytestuser@")
    );

    let mfa = body("token/fixtures/usernamepassword_credential/02-response.json");
    let mfa = ErrorResponse::parse(400, &mfa);
    let classified = mfa.classify(Grant::Other);
    assert_eq!((mfa.codes(), classified.kind), (&[50076][..], USER));
    assert_eq!(classified.classification.unwrap().as_str(), "basic_action");
}

#[test]
fn msal_javas_token_responses_give_its_cache_entities() {
    let Some(root) = testdata() else { return };
    for (folder, family) in [("AAD", None), ("MSA", None), ("Foci", Some("1"))] {
        let file = |name: &str| read(&root, &format!("{JAVA}/{folder}_cache_data/{name}"));
        let json = |name: &str| serde_json::from_slice::<serde_json::Value>(&file(name)).unwrap();
        let token = TokenResponse::parse(&file("token_response.json")).unwrap();
        let info = ClientInfo::decode(token.client_info.as_deref().unwrap()).unwrap();
        let claims = base64_url(&file("token_response_id_token.json"));
        let id_token = IdToken::decode(&format!("e30.{claims}.")).unwrap();
        let account = json("account_cache_entity.json");
        let home = home_account_id(Some(&info), Some(&id_token)).unwrap();
        assert_eq!(token.family_id.as_deref(), family, "{folder}");
        assert_eq!(home, account["home_account_id"], "{folder}");
        assert_eq!(
            id_token.local_account_id().unwrap(),
            account["local_account_id"],
            "{folder}"
        );
        assert_eq!(
            id_token.username().unwrap(),
            account["username"],
            "{folder}"
        );
        assert_eq!(
            id_token.name.as_deref().unwrap(),
            account["name"],
            "{folder}"
        );
        let target = json("at_cache_entity.json")["target"]
            .as_str()
            .map(str::to_owned)
            .unwrap();
        assert_eq!(token.scope, Scopes::from_wire(&target), "{folder}");
    }
}

/// What is expected of each cache: file; how many access, refresh and id tokens and app metadata;
/// the accounts as username, home account id and environment, `+` standing for a blank in a name.
const CACHES: &str = "
    dotnet/SingleCloudTokenCache.json     2 2 2 1 user2@bogavrilLTD.onmicrosoft.com $OTHER $PUBLIC user1@microsoft.com $USER $PUBLIC
    dotnet/ExpectedTokenCache.json        5 4 3 3 $JOE env_1 $JOE env_2 $JOE env_3
    dotnet/MultiTenantTokenCache.json     3 2 3 1 user@domain.com $USER $PUBLIC someone_else@domain.com $OTHER $PUBLIC
    dotnet/MultiTenantOBOTokenCache.json  2 2 3 1 user@domain.com $USER $PUBLIC someone_else@domain.com $OTHER $PUBLIC
    dotnet/TokenCacheWithWamId.json       3 0 3 1 user@domain.com $USER $PUBLIC someone_else@domain.com $OTHER $PUBLIC
    dotnet/token_cache_adfs.json          1 1 1 1 fidlab@msidlab8.com unZYjm1NugFLhP1l338bxhRYyHbtCYOWX1P+F2fCsiQ= fs.msidlab8.com
    dotnet/token_cache_one_acc_seed.json  1 1 1 1 liu.kang@bogavrilLTD.onmicrosoft.com $OTHER $PUBLIC
    dotnet-extensions/token_cache_adfs.json         1 1 1 1 fidlab@msidlab8.com unZYjm1NugFLhP1l338bxhRYyHbtCYOWX1P+F2fCsiQ= fs.msidlab8.com
    dotnet-extensions/token_cache_one_acc_seed.json 1 1 1 1 liu.kang@bogavrilLTD.onmicrosoft.com $OTHER $PUBLIC
    adal-dotnet/FociTokenCacheFromMsal3.json        5 4 3 3 $JOE env_1 $JOE env_2 $JOE env_3
    adal-dotnet/ADALv5TokenCache.json               5 3 3 0 $JOE env_1 $JOE env_2 $JOE env_3
    java/AAD_cache_data/full_cache.json             1 1 1 0 username home_account_id $PUBLIC
    java/cache_data/multi-tenant-account-cache.json 0 0 5 0 MultiTenantAccount uid1.utid1 $PUBLIC TenantProfileNoHome uid5.utid4 $PUBLIC SingleTenantAccount uid6.utid5 $PUBLIC
    java/cache_data/remove-account-test-cache.json  0 0 0 0
    go/internal/base/storage/testdata/test_serialized_cache.json 2 1 1 1 John+Doe uid.utid $PUBLIC
    go/internal/base/storage/testdata/v1.0_cache.json            1 1 1 1 John+Doe uid.utid $PUBLIC
    go/tests/devapps/serialized_cache.json                       1 1 1 1 John+Doe uid.utid $PUBLIC
    go/tests/integration/serialized_cache_1.1.1.json             1 1 1 1 idlab1@msidlab4.onmicrosoft.com 597f86cd-13f3-44c0-bece-a1e77ba43228.f645ad92-e38d-4d1a-b510-d1b09a74a8ca $PUBLIC
    js/msal-node/test/cache/serializer/cache.json                3 2 1 1 johndoe@microsoft.com uid.utid $PUBLIC
    js/msal-node/test/cache/serializer/Account.json              0 0 0 0 John+Doe uid.utid $PUBLIC
    js/msal-node/test/cache/cache-test-files/default-cache.json  3 2 1 1 John+Doe uid.utid $PUBLIC
    js/msal-common/test/cache/cacheStore.json                    0 0 0 0
    recorded/cache-msal-python-1.39.0.json                       1 1 1 1 $ANA $PUBLIC
    recorded/cache-msal-node-7.2.1.json                          1 1 1 0 $ANA $PUBLIC
    recorded/cache-unified-recommended.json                      1 1 1 1 $ANA $PUBLIC
    recorded/cache-unified-login.windows.net.json                1 1 1 1 $ANA $PUBLIC
";

/// What the words with a dollar sign in the table of caches stand for.
const WORDS: [(&str, &str); 5] = [
    ("$PUBLIC", "login.microsoftonline.com"),
    (
        "$USER",
        "6eeda3a1-c3b9-4e92-a94d-965a50c06de7.72f988bf-86f1-41af-91ab-2d7cd011db47",
    ),
    (
        "$OTHER",
        "ae821e4d-f408-451a-af82-882691148603.49f548d0-12b7-4169-a390-bb5304d24462",
    ),
    ("$JOE", "joe@localhost.com my-uid.my-utid"),
    (
        "$ANA",
        "ana@contoso.com 9f4880d8-80ba-4c40-97bc-f7a23c703084.72f988bf-86f1-41af-91ab-2d7cd011db47",
    ),
];

/// The path of a cache in the table.
fn cache_path(name: &str) -> String {
    let (folder, rest) = name.split_once('/').expect("a folder and a file");
    let folder = match folder {
        "dotnet" => DOTNET,
        "dotnet-extensions" => DOTNET_EXTENSIONS,
        "adal-dotnet" => ADAL_DOTNET,
        "java" => JAVA,
        "go" => GO,
        "js" => JS,
        other => other,
    };
    format!("{folder}/{rest}")
}

/// The accounts of a cache in the table, sorted.
fn expected_accounts(cells: &[&str]) -> Vec<[String; 3]> {
    let text = WORDS.iter().fold(cells.join(" "), |text, (word, value)| {
        text.replace(word, value)
    });
    let cells: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let accounts = cells.chunks(3).map(|cells| {
        let [username, id, environment] = cells else {
            panic!("{cells:?}")
        };
        [username.replace('+', " "), id.clone(), environment.clone()]
    });
    sorted(accounts.collect())
}

#[test]
fn every_cache_is_read_and_survives_a_rewrite() {
    let Some(root) = testdata() else { return };
    let kinds = [
        EntityKind::AccessToken,
        EntityKind::RefreshToken,
        EntityKind::IdToken,
        EntityKind::AppMetadata,
    ];
    for row in rows(CACHES) {
        let name = cache_path(row[0]);
        let bytes = read(&root, &name);
        let cache = CacheDocument::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let counts = kinds.map(|kind| cache.entities(kind).count().to_string());
        assert_eq!(counts, row[1..5], "{name}");
        let listed = cache.accounts().into_iter().map(|account| {
            [
                account.username.unwrap(),
                account.home_account_id,
                account.environment,
            ]
        });
        assert_eq!(
            sorted(listed.collect()),
            expected_accounts(&row[5..]),
            "{name}"
        );

        let rewritten = cache.to_json();
        let again = CacheDocument::parse(rewritten.expose().as_bytes()).unwrap();
        assert_eq!(again.to_json().expose(), rewritten.expose(), "{name}");
        // Files with trailing commas are not JSON, so only the others can be compared by value.
        let text = String::from_utf8(bytes).unwrap();
        let before = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}'));
        if let Ok(before) = before {
            let after: serde_json::Value = serde_json::from_str(rewritten.expose()).unwrap();
            assert_eq!(after, before, "{name}");
        }
    }
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Runs every parser on bytes: none may panic, and what is meant for people is fit for them.
fn run_all(bytes: &[u8]) {
    for status in [200, 400, 429, 503] {
        assert!(Error::of_reply(status, bytes).mitigation().ends_with('.'));
        for grant in [Grant::Unknown, Grant::SamlAssertion, Grant::Other] {
            let error = ErrorResponse::parse(status, bytes);
            let classified = error.classify(grant);
            assert_eq!(classified.classification.is_some(), classified.kind == USER);
            assert!(!error.to_string().contains(char::is_control));
        }
    }
    if let Ok(token) = TokenResponse::parse(bytes) {
        let _ = token.lifetime(4_102_444_800);
        let _ = token.client_info.as_deref().map(ClientInfo::decode);
    }
    if let Ok(cache) = CacheDocument::parse(bytes) {
        let again = CacheDocument::parse(cache.to_json().expose().as_bytes())
            .expect("what was written can be read");
        assert_eq!(again.accounts(), cache.accounts());
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = (
        IdToken::decode(&text),
        UnverifiedJwt::decode(&text),
        ClientInfo::decode(&text),
    );
    let challenges = challenge::parse(&text);
    let _ = (
        challenge::negotiate_token(&challenges),
        challenge::bearer_claims(&challenges),
    );
    let _ = RetryAfter::parse(&text).map(|value| value.delay(0));
    let _ = Scopes::from_wire(&text).map(|scopes| scopes.with_reserved(true).to_string());
    let _ = ClaimsRequest::parse(&text).map(|claims| claims.merge(&claims));
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        run_all(&bytes);
    }

    #[test]
    fn arbitrary_headers_do_no_harm(
        text in "(Negotiate|Bearer|claims|[a-z]+|[=,\" \\\\]|[A-Za-z0-9+/]{1,9}={0,2}|\\PC){0,60}",
    ) {
        run_all(text.as_bytes());
    }

    #[test]
    fn damaged_documents_do_no_harm(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..40), 1..6),
    ) {
        let Some(root) = testdata() else { return Ok(()) };
        let mut names: Vec<String> = rows(CACHES).map(|row| cache_path(row[0])).collect();
        names.extend(rows(ERRORS).map(|row| format!("inline/errors/{}", row[0])));
        names.push(format!("{KUBELOGIN}/token/fixtures/device_code_credential/03-response.json"));
        let mut bytes = read(&root, &names[which.index(names.len())]);
        for (at, byte, length) in cuts {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, [byte]);
            }
        }
        run_all(&bytes);
    }
}
