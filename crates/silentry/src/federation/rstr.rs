//! WS-Trust replies: an assertion or a fault.

use roxmltree::{Document, Node};

use super::assertion::{SamlAssertion, SamlVersion};
use super::content::UnexpectedContent;
use super::document::{self, DocumentError, elements, is_named, trimmed_text_of};
use super::fault::{self, WsTrustFault};
use super::namespaces::{SAML_1_1, SAML_2_0, WS_TRUST_13, WS_TRUST_2005};
use crate::advice::Advice;
use crate::text::printable;

const WS_TRUST: [&str; 2] = [WS_TRUST_13, WS_TRUST_2005];
/// TokenTypes of the WSS SAML Token Profile 1.1, section 3.2.
const WSS_SAML_1_1: &str =
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1";
const WSS_SAML_2_0: &str =
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0";

/// What a federation server answered to a token request.
#[derive(Debug)]
pub enum WsTrustReply {
    /// It issued an assertion.
    Token(SamlAssertion),
    /// It refused.
    Fault(WsTrustFault),
}

/// Why a reply is neither an assertion that Entra would take nor a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RstrError {
    /// It cannot be read.
    #[error("the federation server's reply cannot be read: {0}")]
    Document(#[from] DocumentError),
    /// It issues nothing.
    #[error(
        "the federation server's reply contains no token{}",
        status_text(request_status, error_status)
    )]
    WithoutToken {
        /// Entra's `psf:reqstatus`, such as `0x8004882c`.
        request_status: Option<String>,
        /// Entra's `psf:errorstatus`.
        error_status: Option<String>,
    },
    /// The token is encrypted, so that nobody but the audience can read or pass it on.
    #[error("the federation server encrypted the assertion")]
    Encrypted,
    /// The token is neither SAML 1.1 nor 2.0, by its namespace or by its TokenType.
    #[error("the federation server issued a token of unknown type {}", token_type.as_deref().unwrap_or("(none given)"))]
    UnknownVersion {
        /// The TokenType of the reply, shortened.
        token_type: Option<String>,
    },
    /// A token came with an HTTP status that says failure; it is not used.
    #[error("the federation server's reply contains a token but has the HTTP status {status}")]
    TokenWithFailure {
        /// The HTTP status.
        status: u16,
    },
    /// The HTTP status says failure, and the body does not say why.
    #[error("the federation server answered with the HTTP status {status}{}", text_of_page(page.as_ref()))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The page that came with it.
        page: Option<UnexpectedContent>,
    },
}

impl WsTrustReply {
    /// Parses a reply of either version of WS-Trust, whatever its HTTP status was.
    ///
    /// A fault wins over a token. Of several tokens the first SAML 1.1 assertion is taken, else
    /// the first SAML 2.0 one; the namespace of the assertion tells which it is, and only if that
    /// is foreign the TokenType: servers state it wrongly, or not at all.
    ///
    /// # Errors
    ///
    /// [`RstrError`] when it contains neither a fault nor an assertion for Entra.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, RstrError> {
        let text = document::decode(bytes, content_type)?;
        let xml = document::parse_xml(&text, content_type)?;
        if let Some(fault) = xml
            .descendants()
            .find(|node| fault::is_fault(*node) && !in_token(*node))
        {
            return Ok(Self::Fault(WsTrustFault::read(fault)));
        }
        token(&text, &xml).map(Self::Token)
    }

    /// Parses a reply as HTTP brought it: a fault counts at any status, a token only at 2xx.
    ///
    /// AD FS sends faults with 500, but access-denied ones have been seen with 200.
    ///
    /// # Errors
    ///
    /// [`RstrError`] as for [`parse`](Self::parse), or for a status that says failure.
    pub fn from_http(
        status: u16,
        bytes: &[u8],
        content_type: Option<&str>,
    ) -> Result<Self, RstrError> {
        let reply = Self::parse(bytes, content_type);
        if (200..300).contains(&status) {
            return reply;
        }
        match reply {
            Ok(Self::Fault(fault)) => Ok(Self::Fault(fault)),
            Ok(Self::Token(_)) => Err(RstrError::TokenWithFailure { status }),
            Err(_) => Err(RstrError::Status {
                status,
                page: UnexpectedContent::of_page(bytes, content_type),
            }),
        }
    }
}

impl RstrError {
    /// Returns the code, MSAL's where it has one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document(_) => "parsing_wstrust_response_failed",
            Self::WithoutToken { .. } => "wstrust_response_without_token",
            Self::Encrypted => "assertion_encrypted",
            Self::UnknownVersion { .. } => "assertion_version_unknown",
            Self::TokenWithFailure { .. } => "wstrust_token_with_failure_status",
            Self::Status { .. } => "federated_service_returned_error",
        }
    }

    /// Returns what to do about it.
    pub fn mitigation(&self) -> Advice {
        Advice::from(match self {
            Self::Document(DocumentError::Unexpected(_)) => {
                "A firewall, proxy or sign-in page answered instead of the federation server. \
                 Exempt the server from the proxy."
            }
            Self::Encrypted => {
                "Ask the administrator to remove the encryption certificate from the Microsoft 365 \
                 relying-party trust."
            }
            Self::UnknownVersion { .. } => {
                "Ask the administrator to let the federation server issue SAML 1.1 or 2.0 \
                 assertions for Microsoft Entra."
            }
            Self::Document(_) | Self::WithoutToken { .. } | Self::TokenWithFailure { .. } => {
                "Ask the federation server's administrator to look at its event log for this time."
            }
            Self::Status { .. } => {
                "Check that the endpoint is enabled on the federation server and that nothing \
                 between it and this machine answers in its place."
            }
        })
    }
}

fn text_of_page(page: Option<&UnexpectedContent>) -> String {
    let line = page.map(UnexpectedContent::first_line).unwrap_or_default();
    match line.is_empty() {
        true => String::new(),
        false => format!(": {line}"),
    }
}

/// A token as the reply presents it.
struct Issued<'a, 'i> {
    element: Node<'a, 'i>,
    token_type: Option<String>,
}

fn token(text: &str, xml: &Document<'_>) -> Result<SamlAssertion, RstrError> {
    let issued = issued(xml);
    for version in [SamlVersion::V1_1, SamlVersion::V2_0] {
        if let Some(token) = issued.iter().find(|token| token.version() == Some(version)) {
            let token_type = token.token_type.clone();
            return Ok(SamlAssertion::extract(
                text,
                token.element,
                version,
                token_type,
            ));
        }
    }
    if issued.iter().any(Issued::is_encrypted) {
        return Err(RstrError::Encrypted);
    }
    match issued.first() {
        Some(token) => {
            let token_type = token.token_type.as_deref().map(|uri| printable(uri, 200));
            Err(RstrError::UnknownVersion { token_type })
        }
        None => Err(RstrError::WithoutToken {
            request_status: status(xml, "reqstatus"),
            error_status: status(xml, "errorstatus"),
        }),
    }
}

/// Returns all tokens of all responses, in or out of a collection, in document order.
fn issued<'a, 'i>(xml: &'a Document<'i>) -> Vec<Issued<'a, 'i>> {
    xml.descendants()
        .filter(|node| is_named(*node, &WS_TRUST, "RequestSecurityTokenResponse"))
        .filter(|response| !in_token(*response))
        .flat_map(|response| {
            let token_type = elements(response)
                .find(|node| is_named(*node, &WS_TRUST, "TokenType"))
                .and_then(trimmed_text_of);
            elements(response)
                .filter(|node| is_named(*node, &WS_TRUST, "RequestedSecurityToken"))
                .flat_map(elements)
                .map(move |element| Issued {
                    element,
                    token_type: token_type.clone(),
                })
        })
        .collect()
}

impl Issued<'_, '_> {
    fn version(&self) -> Option<SamlVersion> {
        if self.is_encrypted() {
            return None;
        }
        match self.element.tag_name().namespace() {
            Some(SAML_1_1) => Some(SamlVersion::V1_1),
            Some(SAML_2_0) => Some(SamlVersion::V2_0),
            _ => match self.token_type.as_deref() {
                Some(SAML_1_1 | WSS_SAML_1_1) => Some(SamlVersion::V1_1),
                Some(SAML_2_0 | WSS_SAML_2_0) => Some(SamlVersion::V2_0),
                _ => None,
            },
        }
    }

    fn is_encrypted(&self) -> bool {
        matches!(
            self.element.tag_name().name(),
            "EncryptedAssertion" | "EncryptedData"
        )
    }
}

/// Returns whether an element is part of a token; what a token contains says nothing of the reply.
fn in_token(node: Node<'_, '_>) -> bool {
    node.ancestors()
        .any(|node| is_named(node, &WS_TRUST, "RequestedSecurityToken"))
}

fn status(xml: &Document<'_>, local: &str) -> Option<String> {
    fault::descendant_status(xml.root(), local, 40)
}

fn status_text(request_status: &Option<String>, error_status: &Option<String>) -> String {
    let named = [("status", request_status), ("error", error_status)];
    let texts: Vec<_> = named
        .iter()
        .filter_map(|(name, status)| Some(format!("{name} {}", status.as_deref()?)))
        .collect();
    if texts.is_empty() {
        String::new()
    } else {
        format!(" ({})", texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAML1: &str =
        "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'>1</a:Assertion>";
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
                    assert_eq!(error.code(), "assertion_version_unknown");
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
            assert_eq!(
                (error.code(), &error),
                ("assertion_encrypted", &RstrError::Encrypted)
            );
            assert!(
                error
                    .mitigation()
                    .for_command()
                    .contains("encryption certificate")
            );
        }
    }

    #[test]
    fn a_reply_without_a_token_tells_entras_status() {
        let status = "<t:RequestSecurityTokenResponse><psf:pp xmlns:psf='http://schemas.microsoft.com/Passport/SoapServices/SOAPFault'>\
                      <psf:reqstatus>0x8004882c</psf:reqstatus><psf:errorstatus>0x80045b00</psf:errorstatus></psf:pp></t:RequestSecurityTokenResponse>";
        let error = parse(&envelope(WS_TRUST_2005, status)).unwrap_err();
        assert_eq!(error.code(), "wstrust_response_without_token");
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
        assert!(
            matches!(parse(&both), Ok(WsTrustReply::Fault(fault)) if fault.reason() == Some("no"))
        );
        let inside = SAML1.replace(">1<", &format!(">{fault}<"));
        let token = assertion(&envelope(WS_TRUST_13, &response("", &inside)));
        assert!(token.as_bytes().starts_with(b"<a:Assertion xmlns:s="));
        let misspelt = both.replace("http://www.w3.org/2003", "https://www.w3.org/2003");
        assert!(matches!(parse(&misspelt), Ok(WsTrustReply::Fault(_))));
    }

    #[test]
    fn the_status_is_heeded() {
        let parse = |status, text: &str| {
            WsTrustReply::from_http(status, text.as_bytes(), Some("text/html"))
        };
        let fault = envelope(WS_TRUST_13, "<s:Fault/>");
        for status in [200, 400, 500] {
            assert!(matches!(parse(status, &fault), Ok(WsTrustReply::Fault(_))));
        }
        let token = collection(&[response("", SAML1)]);
        assert!(matches!(parse(201, &token), Ok(WsTrustReply::Token(_))));
        assert_eq!(
            parse(500, &token).unwrap_err().code(),
            "wstrust_token_with_failure_status"
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
            assert_eq!(error.code(), "federated_service_returned_error");
            assert!(
                error.to_string().ends_with(&format!("503{line}")),
                "{error}"
            );
        }
        assert_eq!(
            parse(200, "<html></html>").unwrap_err().code(),
            "parsing_wstrust_response_failed"
        );
    }
}
