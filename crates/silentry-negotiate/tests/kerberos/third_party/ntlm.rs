//! A system where NTLM would be used in Kerberos's place: Heimdal has it built in.

use std::fs;

use crate::lab::{Lab, Question, STS};

const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// NegTokenResp { accept-incomplete, supportedMech NTLMSSP }: the server wants NTLM instead.
const SERVER_CHOOSES_NTLM: &[u8] = b"\xa1\x15\x30\x13\xa0\x03\x0a\x01\x01\
    \xa1\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

/// Asks as a user of whom Heimdal knows a password for NTLM.
fn ask(lab: &Lab) -> Question<'_> {
    let file = lab.path("ntlm");
    fs::write(&file, "CONTOSO:alice:Passw0rd!\n").unwrap();
    lab.ask(STS)
        .with_library("libgssapi.so.3")
        .with("NTLM_USER_FILE", file.to_str().unwrap())
}

fn carries_ntlm(token: &[u8]) -> bool {
    token
        .windows(SIGNATURE.len())
        .any(|window| window == SIGNATURE)
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn without_a_ticket_ntlm_is_used_only_if_allowed() {
    let lab = Lab::start();
    let token = ask(&lab).with("NTLM_ALLOWED", "1").run().token;
    assert!(carries_ntlm(&token.unwrap()));
    // What is said is why Kerberos was not possible.
    assert_eq!(ask(&lab).error().0, "kerberos_no_ticket");
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn with_a_ticket_kerberos_is_used() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let token = ask(&lab).with("NTLM_ALLOWED", "1").run().token.unwrap();
    assert!(!carries_ntlm(&token));
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn a_server_cannot_talk_the_client_into_ntlm() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let answered = || ask(&lab).with_answer(SERVER_CHOOSES_NTLM);
    let step = answered().with("NTLM_ALLOWED", "1").run().step.unwrap();
    assert!(carries_ntlm(&step.unwrap()));
    assert_eq!(answered().run().step.unwrap().unwrap_err(), "ntlm_refused");
}
