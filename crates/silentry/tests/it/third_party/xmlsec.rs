//! The signatures of extracted assertions, judged by `xmlsec1`, which shares no code with us.
//!
//! Needs the program (`apt install xmlsec1`).

use std::process::Command;

use silentry_protocol::wstrust::rstr::WsTrustReply;

use crate::testdata::testdata;

/// A reply of a real AD FS whose signature verifies.
const REAL: &str = "derived/kubelogin-msft/rstr.xml";
const SAML_1_1: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
const SAML_2_0: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

fn extract(reply: &[u8]) -> Vec<u8> {
    match WsTrustReply::parse(reply, None) {
        Ok(WsTrustReply::Token(assertion)) => assertion.as_bytes().to_vec(),
        other => panic!("no token: {other:?}"),
    }
}

/// Asks xmlsec1 whether the signature is that of the certificate in the assertion's own KeyInfo.
fn verifies(assertion: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("assertion.xml");
    std::fs::write(&file, assertion).unwrap();
    Command::new("xmlsec1")
        .args(["--verify", "--insecure"])
        .args(["--id-attr:AssertionID", &format!("{SAML_1_1}:Assertion")])
        .args(["--id-attr:ID", &format!("{SAML_2_0}:Assertion")])
        .arg(&file)
        .output()
        .expect("xmlsec1 runs (apt install xmlsec1)")
        .status
        .success()
}

#[test]
#[ignore = "needs xmlsec1"]
fn assertions_that_the_index_calls_valid_verify_after_extraction() {
    let Some(folder) = testdata() else {
        return;
    };
    let index = std::fs::read_to_string(folder.join("INDEX.md")).unwrap();
    let mut verified = 0;
    for row in index.lines() {
        // | `file` | what the source says | recommended | signature | ...
        let cells: Vec<_> = row.split(" | ").collect();
        let Some(name) = cells[0]
            .strip_prefix("| `")
            .and_then(|name| name.strip_suffix('`'))
        else {
            continue;
        };
        if cells.get(3) != Some(&"valid") {
            continue;
        }
        let Ok(reply) = std::fs::read(folder.join(name)) else {
            continue;
        };
        assert!(verifies(&extract(&reply)), "{name}");
        verified += 1;
    }
    assert!(
        verified > 0,
        "the index calls no document valid that exists"
    );
}

#[test]
#[ignore = "needs xmlsec1"]
fn a_namespace_moved_to_the_envelope_leaves_the_signature_valid() {
    let Some(folder) = testdata() else {
        return;
    };
    let reply = std::fs::read_to_string(folder.join(REAL)).unwrap();
    for prefix in ["saml", "ds"] {
        let start = reply.find(&format!(" xmlns:{prefix}=")).unwrap();
        let end = start + reply[start..].match_indices('"').nth(1).unwrap().0 + 1;
        let declaration = &reply[start..end];
        let moved = reply.replace(declaration, "").replacen(
            "<s:Envelope",
            &format!("<s:Envelope{declaration}"),
            1,
        );
        let assertion = extract(moved.as_bytes());
        assert!(verifies(&assertion), "{prefix}");
        let inserted = format!("<saml:Assertion{declaration} ");
        assert!(assertion.starts_with(inserted.as_bytes()), "{prefix}");
    }
}

#[test]
#[ignore = "needs xmlsec1"]
fn another_encoding_leaves_the_signature_valid() {
    let Some(folder) = testdata() else {
        return;
    };
    let reply = std::fs::read_to_string(folder.join(REAL)).unwrap();
    let utf16: Vec<u8> = format!("\u{FEFF}{reply}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(verifies(&extract(&utf16)));
}

#[test]
#[ignore = "needs xmlsec1"]
fn the_judge_notices_a_changed_assertion() {
    let Some(folder) = testdata() else {
        return;
    };
    let reply = std::fs::read_to_string(folder.join(REAL)).unwrap();
    let changed = reply.replacen("ImmutableID", "ImmutableId", 1);
    assert_ne!(changed, reply);
    assert!(!verifies(&extract(changed.as_bytes())));
}
