//! The federation parsers on the documents of other projects, and on mutations of them.
//!
//! `expectations.json` of the collection names each document and what our rules make of it.
//! Documents that it names but that are not there are passed over; more are added at any time.

use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use silentry::Explain;
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::{
    EndpointNotFound, FederationEndpoint, FederationMetadata, FoundInstead, MexError,
};
use silentry_protocol::wstrust::realm::UserRealm;
use silentry_protocol::wstrust::rstr::{RstrError, WsTrustReply};
use silentry_protocol::xml::document::DocumentError;

use crate::testdata::testdata;

const MEX_URL: &str = "https://mex.example/adfs/services/trust/mex";

/// Returns the documents of a section that exist: name, bytes, what is expected.
fn corpus(section: &str) -> Vec<(String, Vec<u8>, Value)> {
    let Some(folder) = testdata() else {
        return Vec::new();
    };
    let expectations = std::fs::read(folder.join("expectations.json")).unwrap();
    let expectations: Value = serde_json::from_slice(&expectations).unwrap();
    let documents: Vec<_> = expectations[section]
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, entry)| {
            let bytes = std::fs::read(folder.join(name)).ok()?;
            Some((name.clone(), bytes, entry["recommended"].clone()))
        })
        .collect();
    assert!(
        !documents.is_empty(),
        "no document of section {section} exists"
    );
    documents
}

fn read(name: &str) -> Option<Vec<u8>> {
    let folder = testdata()?;
    Some(std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn mex(bytes: &[u8]) -> Result<FederationMetadata, MexError> {
    FederationMetadata::parse(bytes, None, Some(&HttpsUrl::parse(MEX_URL).unwrap()))
}

fn preferred(endpoints: Result<&[FederationEndpoint], EndpointNotFound>) -> Value {
    match endpoints.map(|endpoints| &endpoints[0]) {
        Ok(endpoint) => {
            let version = if endpoint.version().as_str() == "1.3" {
                "13"
            } else {
                "2005"
            };
            serde_json::json!([version, endpoint.url().as_str()])
        }
        Err(_) => Value::Null,
    }
}

#[test]
fn every_metadata_document_gives_the_recommended_endpoints() {
    for (name, bytes, expected) in corpus("mex") {
        match mex(&bytes) {
            Ok(metadata) => {
                assert_eq!(
                    preferred(metadata.integrated_windows()),
                    expected["iwa"],
                    "{name}"
                );
                assert_eq!(
                    preferred(metadata.username_password()),
                    expected["up"],
                    "{name}"
                );
            }
            Err(error) => {
                assert!(expected["error"].is_string(), "{name}: {error}");
                let refused = expected["error"].as_str().unwrap().starts_with("refused");
                let ours = matches!(
                    error.document(),
                    DocumentError::Doctype | DocumentError::Unexpected(_)
                );
                assert_eq!(ours, refused, "{name}: {error}");
            }
        }
    }
}

#[test]
fn metadata_without_an_endpoint_says_what_it_has_instead() {
    let found = |name: &str| Some(mex(&read(name)?).unwrap().integrated_windows().unwrap_err());
    let Some(ntlm) = found("synthetic/mex/ntlm-only-policy.xml") else {
        return;
    };
    assert_eq!(ntlm.found_instead(), &FoundInstead::NtlmOnly);
    let http = found("synthetic/mex/http-only.xml").unwrap();
    let refused = "http://fs.arupela.com/adfs/services/trust/2005/windowstransport is not https";
    assert!(http.to_string().contains(refused), "{http}");
    let outside = found(
        "Azure+kubelogin/pkg/internal/pop/testdata/AcquirePoPTokenByUsernamePasswordVCR/02-response.xml",
    )
    .unwrap();
    assert_eq!(outside.found_instead(), &FoundInstead::UsernamePasswordOnly);
    assert!(outside.mitigation().for_command().contains("VPN"));

    let relative = read("synthetic/mex/relative-address.xml").unwrap();
    let without_url = FederationMetadata::parse(&relative, None, None).unwrap();
    let error = without_url.integrated_windows().unwrap_err();
    assert!(error.to_string().contains("is relative"), "{error}");
}

#[test]
fn every_reply_gives_the_recommended_result() {
    for (name, bytes, expected) in corpus("rstr") {
        let result = expected["result"].as_str().unwrap_or("malformed");
        match WsTrustReply::parse(&bytes, Some("application/soap+xml; charset=utf-8")) {
            Ok(WsTrustReply::Token(assertion)) => {
                assert_eq!(result, "token", "{name}");
                let grant = expected["grant"].as_str().unwrap();
                assert_eq!(
                    assertion.grant_type().rsplit(':').next(),
                    Some(grant),
                    "{name}"
                );
                assert_eq!(
                    assertion.token_type(),
                    expected["tokenType"].as_str(),
                    "{name}"
                );
                assert_eq!(
                    Some(assertion.as_bytes().len() as u64),
                    expected["len"].as_u64(),
                    "{name}"
                );
                assert_eq!(
                    hex_sha256(assertion.as_bytes()),
                    expected["sha256"],
                    "{name}"
                );
            }
            Ok(WsTrustReply::Fault(fault)) => {
                assert_eq!(result, "fault", "{name}");
                assert_eq!(fault.code(), expected["code"].as_str(), "{name}");
                assert_eq!(fault.reason(), expected["reason"][0].as_str(), "{name}");
                assert_eq!(fault.detail(), expected["detail"].as_str(), "{name}");
            }
            Err(error) => {
                let ours = match &error {
                    RstrError::WithoutToken { .. } => "no-token",
                    RstrError::UnknownVersion { .. } => "unsupported-token",
                    RstrError::Encrypted => "encrypted",
                    RstrError::Document(_) => "malformed",
                    other => panic!("{name}: {other}"),
                };
                assert_eq!(ours, result, "{name}: {error}");
            }
        }
    }
}

#[test]
fn every_reply_is_the_same_in_another_encoding() {
    for (name, bytes, _) in corpus("rstr") {
        let Ok(WsTrustReply::Token(expected)) = WsTrustReply::parse(&bytes, None) else {
            continue;
        };
        let text = String::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let marked = format!("\u{FEFF}{}", text.trim_start_matches('\u{FEFF}'));
        let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
        match WsTrustReply::parse(&utf16, None) {
            Ok(WsTrustReply::Token(token)) => {
                assert_eq!(token.as_bytes(), expected.as_bytes(), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn entras_fault_carries_its_number() {
    let Some(bytes) = read("inline/ests/fault-50126.xml") else {
        return;
    };
    let Ok(WsTrustReply::Fault(fault)) = WsTrustReply::from_http(200, &bytes, None) else {
        panic!("a fault");
    };
    assert_eq!(
        (fault.aadsts(), fault.local_code()),
        (Some(50126), Some("FailedAuthentication"))
    );
}

#[test]
fn a_token_counts_only_with_a_status_of_success() {
    let Some(bytes) = read("derived/kubelogin-msft/rstr.xml") else {
        return;
    };
    assert!(matches!(
        WsTrustReply::from_http(200, &bytes, None),
        Ok(WsTrustReply::Token(_))
    ));
    for status in [302, 401, 500] {
        let error = WsTrustReply::from_http(status, &bytes, None).unwrap_err();
        assert_eq!(error, RstrError::TokenWithFailure { status });
    }
}

#[test]
fn every_realm_gives_its_verdict() {
    let Some(folder) = testdata() else {
        return;
    };
    let verdicts = [
        (
            "adal-happy.json",
            "https://adfs.federatedtenant.com/adfs/services/trust/mex",
        ),
        ("adal-bad-account-type.json", "unknown_user_type"),
        ("adal-bad-protocol.json", "unsupported_federation_protocol"),
        ("adal-noroot.txt", "user_realm_discovery_failed"),
        ("adal-empty.json", "unknown_user_type"),
        (
            "real-managed.json",
            "integrated_windows_auth_not_supported_managed_user",
        ),
        ("unknown.json", "unknown_user_type"),
        (
            "dsso-managed-shown-federated.json",
            "https://autologon.microsoftazuread-sso.com/contoso.com/winauth/trust/mex?client-request-id=8c09a1c1-5f4f-4b3b-9f0b-6c0d2b0a3b11",
        ),
        ("msa.json", "ropc_not_supported_for_msa"),
    ];
    let mut checked = 0;
    for entry in std::fs::read_dir(folder.join("inline/realm")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let verdict = match UserRealm::parse(&bytes, None) {
            Ok(realm) => match realm.integrated_sign_in() {
                Ok(url) => url.to_string(),
                Err(refusal) => refusal.code().to_string(),
            },
            Err(error) => error.code().to_string(),
        };
        if let Some((_, expected)) = verdicts.iter().find(|(known, _)| *known == name) {
            assert_eq!(verdict, *expected, "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 8, "only {checked} realm documents were checked");
}

#[test]
fn recorded_realms_of_entra_are_read() {
    let recordings = "Azure+kubelogin/pkg/internal/pop/testdata";
    let Some(bytes) = read(&format!(
        "{recordings}/AcquirePoPTokenByUsernamePasswordVCR/01-response.json"
    )) else {
        return;
    };
    let realm = UserRealm::parse(&bytes, Some("application/json; charset=utf-8")).unwrap();
    let metadata = realm.integrated_sign_in().unwrap();
    assert_eq!(
        metadata.as_str(),
        "https://msft.sts.microsoft.com/adfs/services/trust/mex"
    );
    assert_eq!(realm.domain_name(), Some("microsoft.com"));
    assert_eq!(realm.cloud_audience_urn(), "urn:federation:MicrosoftOnline");
}

/// Documents of all three kinds, for mutation.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let documents = [corpus("mex"), corpus("rstr")].concat();
    let mut seen = HashSet::new();
    let mut seeds: Vec<Vec<u8>> = documents
        .into_iter()
        .map(|(_, bytes, _)| bytes)
        .filter(|bytes| seen.insert(bytes.clone()))
        .collect();
    seeds.push(br#"{"account_type":"Federated","federation_protocol":"WSTrust"}"#.to_vec());
    seeds
});

/// A document of the corpus with pieces overwritten, removed, repeated or taken from another.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        0_u8..4,
        any::<u8>(),
        0_usize..40,
    );
    (
        any::<prop::sample::Index>(),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(seed, edits)| {
            let mut bytes = SEEDS[seed.index(SEEDS.len())].clone();
            for (at, kind, byte, length) in edits {
                let at = at.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                match kind {
                    0 => bytes[at..end].fill(byte),
                    1 => drop(bytes.drain(at..end)),
                    2 => bytes.splice(at..at, bytes[at..end].to_vec()).for_each(drop),
                    _ => {
                        let other = &SEEDS[usize::from(byte) % SEEDS.len()];
                        let from = at.min(other.len());
                        let to = (from + length).min(other.len());
                        bytes
                            .splice(at..end, other[from..to].to_vec())
                            .for_each(drop);
                    }
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), label in "\\PC{0,40}") {
        parse_all(&bytes, Some(&label));
    }

    #[test]
    fn mutated_documents_never_panic_and_assertions_are_exact(bytes in mutated()) {
        parse_all(&bytes, None);
    }
}

/// Runs every parser, and holds an accepted assertion against the rule of exact bytes.
fn parse_all(bytes: &[u8], label: Option<&str>) {
    if let Ok(metadata) = mex(bytes) {
        let (integrated, passwords) = (metadata.integrated_windows(), metadata.username_password());
        for endpoints in [integrated, passwords].into_iter().flatten() {
            assert!(endpoints.is_sorted_by_key(FederationEndpoint::version));
            assert!(
                endpoints
                    .iter()
                    .all(|endpoint| endpoint.url().as_str().starts_with("https://"))
            );
        }
    }
    if let Ok(realm) = UserRealm::parse(bytes, label) {
        assert!(!realm.cloud_audience_urn().trim().is_empty());
        _ = realm.integrated_sign_in();
    }
    match WsTrustReply::parse(bytes, label) {
        Ok(WsTrustReply::Token(assertion)) => {
            // Other encodings are re-encoded; their bytes are compared in their own test.
            if let (Ok(reply), Ok(token)) = (
                std::str::from_utf8(bytes),
                std::str::from_utf8(assertion.as_bytes()),
            ) {
                assert!(stood_in(reply, token), "{token}\nis not in\n{reply}");
            }
        }
        Ok(WsTrustReply::Fault(fault)) => _ = (fault.to_string(), fault.mitigation()),
        Err(error) => _ = (error.to_string(), error.mitigation()),
    }
}

/// Whether the assertion is a piece of the reply but for namespaces declared on its start tag.
fn stood_in(reply: &str, assertion: &str) -> bool {
    let name_end = assertion.find([' ', '\t', '\r', '\n', '/', '>']).unwrap();
    let (name, mut rest) = assertion.split_at(name_end);
    loop {
        if reply.contains(&format!("{name}{rest}")) {
            return true;
        }
        let Some(declaration) = rest.strip_prefix(" xmlns") else {
            return false;
        };
        let Some((_, after)) = declaration
            .split_once('"')
            .and_then(|(_, r)| r.split_once('"'))
        else {
            return false;
        };
        rest = after;
    }
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reports of users whose metadata is in several sections, or attaches its policies in other ways than AD FS.
#[test]
fn every_reported_metadata_document_leads_to_an_endpoint() {
    let Some(folder) = testdata() else {
        return;
    };
    let mut documents = 0;
    for entry in std::fs::read_dir(folder.join("reports/mex")).unwrap() {
        let path = entry.unwrap().path();
        let metadata = mex(&std::fs::read(&path).unwrap()).unwrap();
        assert!(metadata.integrated_windows().is_ok(), "{}", path.display());
        assert!(metadata.username_password().is_ok(), "{}", path.display());
        documents += 1;
    }
    assert!(documents > 0);
}
