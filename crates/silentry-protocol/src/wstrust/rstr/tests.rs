use super::*;

const SAML1: &str = "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'>1</a:Assertion>";
const SAML2: &str = "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'>2</Assertion>";

/// A response with this TokenType and these tokens.
fn response(token_type: &str, tokens: &str) -> String {
    format!(
        "<t:RequestSecurityTokenResponse>{}<t:RequestedSecurityToken>\n {tokens}\n</t:RequestedSecurityToken>\
         </t:RequestSecurityTokenResponse>",
        if token_type.is_empty() {
            String::new()
        } else {
            format!("<t:TokenType> {token_type} </t:TokenType>")
        }
    )
}

fn envelope(trust: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:t='{trust}'><s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn collection(responses: &[String]) -> String {
    let responses = responses.concat();
    envelope(
        WS_TRUST_13,
        &format!(
            "<t:RequestSecurityTokenResponseCollection>{responses}</t:RequestSecurityTokenResponseCollection>"
        ),
    )
}

fn parse(text: &str) -> Result<WsTrustReply, RstrError> {
    WsTrustReply::parse(text.as_bytes(), Some("application/soap+xml"))
}

fn assertion(text: &str) -> SamlAssertion {
    match parse(text) {
        Ok(WsTrustReply::Token(assertion)) => assertion,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_collection_is_optional_in_both_versions() {
    for trust in WS_TRUST {
        let bare = response(SAML_1_1, SAML1);
        let wrapped = format!(
            "<t:RequestSecurityTokenResponseCollection>{bare}</t:RequestSecurityTokenResponseCollection>"
        );
        for body in [bare, wrapped] {
            let assertion = assertion(&envelope(trust, &body));
            assert_eq!(assertion.as_bytes(), SAML1.as_bytes());
            assert_eq!(assertion.token_type(), Some(SAML_1_1));
        }
    }
    let bare = format!(
        "<t:RequestSecurityTokenResponse xmlns:t='{WS_TRUST_13}'><t:RequestedSecurityToken>{SAML2}</t:RequestedSecurityToken></t:RequestSecurityTokenResponse>"
    );
    assert_eq!(assertion(&bare).version(), SamlVersion::V2_0);
    assert!(matches!(
        parse(&envelope("urn:other", &response("", SAML1))),
        Err(RstrError::WithoutToken { .. })
    ));
}

#[test]
fn saml_1_1_is_preferred_and_the_first_of_a_kind_taken() {
    let other1 = SAML1.replace('1', "9").replace("9.0", "1.0");
    for (responses, bytes) in [
        (
            vec![
                response("", SAML2),
                response("", SAML1),
                response("", &other1),
            ],
            SAML1,
        ),
        (vec![response("", &format!("{SAML2}{SAML1}"))], SAML1),
        (
            vec![response(
                "",
                &format!("{SAML2}{}", SAML2.replace('2', "3").replace("3.0", "2.0")),
            )],
            SAML2,
        ),
        (
            vec![
                "<t:RequestSecurityTokenResponse/>".to_owned(),
                response("", SAML2),
            ],
            SAML2,
        ),
        (
            vec![
                response(
                    "",
                    "<e:EncryptedData xmlns:e='http://www.w3.org/2001/04/xmlenc#'/>",
                ),
                response("", SAML2),
            ],
            SAML2,
        ),
    ] {
        assert_eq!(
            assertion(&collection(&responses)).as_bytes(),
            bytes.as_bytes()
        );
    }
}

#[test]
fn the_namespace_decides_before_the_token_type() {
    let foreign = "<Assertion>x</Assertion>";
    for (token_type, token, version) in [
        (SAML_1_1, SAML2, Some(SamlVersion::V2_0)),
        (SAML_2_0, SAML1, Some(SamlVersion::V1_1)),
        ("urn:nonsense", SAML1, Some(SamlVersion::V1_1)),
        (SAML_1_1, foreign, Some(SamlVersion::V1_1)),
        (WSS_SAML_1_1, foreign, Some(SamlVersion::V1_1)),
        (SAML_2_0, foreign, Some(SamlVersion::V2_0)),
        (WSS_SAML_2_0, foreign, Some(SamlVersion::V2_0)),
        ("urn:custom", foreign, None),
        ("", foreign, None),
    ] {
        match parse(&collection(&[response(token_type, token)])) {
            Ok(WsTrustReply::Token(assertion)) => {
                assert_eq!(Some(assertion.version()), version, "{token_type} {token}");
            }
            Err(error) => {
                assert!(matches!(error, RstrError::UnknownVersion { .. }), "{error}");
                assert_eq!(version, None, "{token_type} {token}");
                assert!(error.to_string().contains(if token_type.is_empty() {
                    "(none given)"
                } else {
                    token_type
                }));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_encrypted_token_is_an_error_of_its_own() {
    for token in [
        "<EncryptedAssertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'/>",
        "<x:EncryptedData xmlns:x='http://www.w3.org/2001/04/xmlenc#'/>",
    ] {
        let error = parse(&collection(&[response(SAML_2_0, token)])).unwrap_err();
        assert_eq!(error, RstrError::Encrypted);
    }
}

#[test]
fn a_reply_without_a_token_tells_entras_status() {
    let status = "<t:RequestSecurityTokenResponse><psf:pp xmlns:psf='http://schemas.microsoft.com/Passport/SoapServices/SOAPFault'>\
                  <psf:reqstatus>0x8004882c</psf:reqstatus><psf:errorstatus>0x80045b00</psf:errorstatus></psf:pp></t:RequestSecurityTokenResponse>";
    let error = parse(&envelope(WS_TRUST_2005, status)).unwrap_err();
    assert!(matches!(error, RstrError::WithoutToken { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("0x8004882c") && text.contains("0x80045b00"),
        "{text}"
    );
    for empty in ["", "<t:RequestSecurityTokenResponse/>", "<Other>x</Other>"] {
        let error = parse(&envelope(WS_TRUST_2005, empty)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the federation server's reply contains no token"
        );
    }
}

#[test]
fn a_fault_wins_over_a_token_but_not_one_within_it() {
    let fault = "<s:Fault><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>";
    let both = envelope(WS_TRUST_13, &format!("{}{fault}", response("", SAML1)));
    assert!(matches!(parse(&both), Ok(WsTrustReply::Fault(fault)) if fault.reason() == Some("no")));
    let inside = SAML1.replace(">1<", &format!(">{fault}<"));
    let token = assertion(&envelope(WS_TRUST_13, &response("", &inside)));
    assert!(token.as_bytes().starts_with(b"<a:Assertion xmlns:s="));
    let misspelt = both.replace("http://www.w3.org/2003", "https://www.w3.org/2003");
    assert!(matches!(parse(&misspelt), Ok(WsTrustReply::Fault(_))));
}

#[test]
fn the_status_is_heeded() {
    let parse =
        |status, text: &str| WsTrustReply::from_http(status, text.as_bytes(), Some("text/html"));
    let fault = envelope(WS_TRUST_13, "<s:Fault/>");
    for status in [200, 400, 500] {
        assert!(matches!(parse(status, &fault), Ok(WsTrustReply::Fault(_))));
    }
    let token = collection(&[response("", SAML1)]);
    assert!(matches!(parse(201, &token), Ok(WsTrustReply::Token(_))));
    assert_eq!(
        parse(500, &token).unwrap_err(),
        RstrError::TokenWithFailure { status: 500 }
    );
    for (body, line) in [
        ("", ""),
        ("<html></html>", ""),
        (
            "<html><head><title>Service Unavailable</title></head></html>",
            ": Service Unavailable",
        ),
        ("Blocked by policy\nmore", ": Blocked by policy"),
    ] {
        let error = parse(503, body).unwrap_err();
        assert!(matches!(error, RstrError::Status { .. }), "{error}");
        assert!(
            error.to_string().ends_with(&format!("503{line}")),
            "{error}"
        );
    }
    assert!(matches!(
        parse(200, "<html></html>"),
        Err(RstrError::Document(_))
    ));
}

#[test]
fn many_tokens_of_a_response_share_its_type() {
    let text = collection(&[response("urn:type", "<a/><b/><c/>")]);
    let xml = Document::parse(&text).unwrap();
    let types: Vec<_> = issued(&xml)
        .into_iter()
        .filter_map(|token| token.token_type)
        .collect();
    assert_eq!(types.len(), 3);
    assert!(types.iter().all(|one| Rc::ptr_eq(one, &types[0])));
}
