//! WS-Trust requests.

use std::fmt;

use zeroize::Zeroizing;

use super::mex::FederationEndpoint;
use super::namespaces::{SOAP12, WS_POLICY, WSA, WSSE, WSU};
use super::version::WsTrustVersion;

impl fmt::Display for WsTrustVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token request (RST), ready to be posted to the endpoint it was built for.
///
/// It may contain a password: the body wipes itself, and `Debug` does not show it.
pub struct WsTrustRequest {
    version: WsTrustVersion,
    body: Zeroizing<String>,
}

/// Who signs in with a password, and when.
#[derive(Clone, Copy)]
pub struct UsernameToken<'a> {
    /// The user name: a UPN, or `DOMAIN\user`, which AD FS takes too.
    pub username: &'a str,
    /// The password, as typed.
    pub password: &'a str,
    /// Now, in UTC: `2024-02-21T21:14:27.575Z`. AD FS refuses a clock that is 5 minutes off.
    pub created: &'a str,
    /// When the request ceases to be valid; every MSAL says 10 minutes later.
    pub expires: &'a str,
}

/// A value has a character that XML 1.0 cannot express, such as NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {what} has a character that cannot be sent in XML")]
pub struct NotExpressible {
    what: &'static str,
}

impl WsTrustRequest {
    /// The Content-Type of the request.
    pub const CONTENT_TYPE: &'static str = "application/soap+xml; charset=utf-8";

    /// Builds the request of the Windows session: HTTP Negotiate says who asks, so there is no
    /// `wsse:Security`.
    ///
    /// `audience` is the realm's [`cloud_audience_urn`](super::realm::UserRealm::cloud_audience_urn),
    /// `message_id` a fresh GUID. No TokenType is asked for: AD FS then issues SAML 1.1.
    ///
    /// # Errors
    ///
    /// [`NotExpressible`] when the audience or the id has a character that XML does not allow.
    pub fn integrated(
        endpoint: &FederationEndpoint,
        audience: &str,
        message_id: &str,
    ) -> Result<Self, NotExpressible> {
        Self::build(endpoint, audience, message_id, "")
    }

    /// Builds the request of a user name and password (`usernamemixed`).
    ///
    /// # Errors
    ///
    /// [`NotExpressible`] when a value has a character that XML does not allow.
    pub fn username_password(
        endpoint: &FederationEndpoint,
        audience: &str,
        message_id: &str,
        token: &UsernameToken<'_>,
    ) -> Result<Self, NotExpressible> {
        let username = escape(token.username, "user name")?;
        let password = escape(token.password, "password")?;
        let created = escape(token.created, "time")?;
        let expires = escape(token.expires, "time")?;
        let id = escape(message_id, "message id")?;
        let length = username.len() + password.len() + 1024;
        let security = concat(
            length,
            &[
                "<wsse:Security s:mustUnderstand=\"1\" xmlns:wsse=\"",
                WSSE,
                "\" xmlns:wsu=\"",
                WSU,
                "\">",
                "<wsu:Timestamp wsu:Id=\"_0\">",
                "<wsu:Created>",
                &created,
                "</wsu:Created>",
                "<wsu:Expires>",
                &expires,
                "</wsu:Expires></wsu:Timestamp>",
                "<wsse:UsernameToken wsu:Id=\"uuid-",
                &id,
                "\">",
                "<wsse:Username>",
                &username,
                "</wsse:Username>",
                "<wsse:Password>",
                &password,
                "</wsse:Password>",
                "</wsse:UsernameToken></wsse:Security>",
            ],
        );
        Self::build(endpoint, audience, message_id, &security)
    }

    /// Returns the SOAPAction header; every MSAL sends it without quotes.
    pub fn soap_action(&self) -> &'static str {
        self.version.issue_action()
    }

    /// Returns the body, in UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        self.body.as_bytes()
    }

    fn build(
        endpoint: &FederationEndpoint,
        audience: &str,
        message_id: &str,
        security: &str,
    ) -> Result<Self, NotExpressible> {
        let version = endpoint.version();
        let to = escape(endpoint.url().as_str(), "endpoint")?;
        let audience = escape(audience, "audience")?;
        let id = escape(message_id, "message id")?;
        let length = to.len() + audience.len() + security.len() + 2048;
        let body = concat(
            length,
            &[
                "<s:Envelope xmlns:s=\"",
                SOAP12,
                "\" xmlns:a=\"",
                WSA,
                "\"><s:Header>",
                "<a:Action s:mustUnderstand=\"1\">",
                version.issue_action(),
                "</a:Action>",
                "<a:MessageID>urn:uuid:",
                &id,
                "</a:MessageID>",
                "<a:ReplyTo><a:Address>",
                WSA,
                "/anonymous</a:Address></a:ReplyTo>",
                "<a:To s:mustUnderstand=\"1\">",
                &to,
                "</a:To>",
                security,
                "</s:Header><s:Body>",
                "<t:RequestSecurityToken xmlns:t=\"",
                version.namespace(),
                "\">",
                "<wsp:AppliesTo xmlns:wsp=\"",
                WS_POLICY[0],
                "\"><a:EndpointReference>",
                "<a:Address>",
                &audience,
                "</a:Address></a:EndpointReference></wsp:AppliesTo>",
                "<t:KeyType>",
                version.key_type(),
                "</t:KeyType>",
                "<t:RequestType>",
                version.request_type(),
                "</t:RequestType>",
                "</t:RequestSecurityToken></s:Body></s:Envelope>",
            ],
        );
        Ok(Self { version, body })
    }
}

impl fmt::Debug for WsTrustRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsTrustRequest")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UsernameToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernameToken")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Escapes text for element content and attribute values alike.
///
/// White space other than the blank is written as a character reference: a parser would turn CR
/// into LF (XML 1.0 section 2.11), and a password must arrive as it is.
fn escape(text: &str, what: &'static str) -> Result<Zeroizing<String>, NotExpressible> {
    // The longest reference has six bytes; a reallocation would leave an unwiped copy behind.
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() * 6));
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => return Err(NotExpressible { what }),
            c => escaped.push(c),
        }
    }
    Ok(escaped)
}

/// Joins the parts in one buffer that is large enough from the start.
fn concat(capacity: usize, parts: &[&str]) -> Zeroizing<String> {
    let mut joined = Zeroizing::new(String::with_capacity(capacity));
    for part in parts {
        joined.push_str(part);
    }
    debug_assert!(
        joined.len() <= capacity,
        "a reallocation would leave a copy behind"
    );
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roxmltree::{Document, Node};

    use super::super::address::HttpsUrl;
    use super::*;
    use crate::wstrust::namespaces::{WS_TRUST_13, WS_TRUST_2005};
    use crate::xml::document::{is_named, text_of};

    const GUID: &str = "c3163081-59ba-443d-bfe0-4f3c2e343fa7";

    fn endpoint(version: WsTrustVersion, url: &str) -> FederationEndpoint {
        match HttpsUrl::parse(url) {
            Ok(url) => FederationEndpoint::new(url, version),
            Err(error) => panic!("{error}"),
        }
    }

    fn password_request(username: &str, password: &str) -> Result<WsTrustRequest, NotExpressible> {
        let endpoint = endpoint(
            WsTrustVersion::V1_3,
            "https://sts.contoso.com/13/usernamemixed",
        );
        let token = UsernameToken {
            username,
            password,
            created: "2024-02-21T21:14:27.575Z",
            expires: "2024-02-21T21:24:27.575Z",
        };
        WsTrustRequest::username_password(&endpoint, "urn:federation:MicrosoftOnline", GUID, &token)
    }

    fn with_parsed<T>(request: &WsTrustRequest, read: impl Fn(&Document<'_>) -> T) -> T {
        read(&Document::parse(&request.body).unwrap())
    }

    fn one(document: &Document<'_>, namespace: &str, local: &str) -> String {
        let found: Vec<Node<'_, '_>> = document
            .descendants()
            .filter(|node| is_named(*node, &[namespace], local))
            .collect();
        assert_eq!(found.len(), 1, "{local}");
        text_of(found[0])
    }

    #[test]
    fn an_integrated_request_reads_back_in_both_versions() {
        for (version, namespace) in [
            (WsTrustVersion::V1_3, WS_TRUST_13),
            (WsTrustVersion::V2005, WS_TRUST_2005),
        ] {
            let url = "https://sts.contoso.com/winauth/trust?client-request-id=1&a='b'";
            let endpoint = endpoint(version, url);
            let request = WsTrustRequest::integrated(&endpoint, "urn:a&b", GUID).unwrap();
            assert_eq!(request.soap_action(), version.issue_action());
            with_parsed(&request, |document| {
                assert_eq!(one(document, WSA, "Action"), version.issue_action());
                assert_eq!(one(document, WSA, "To"), endpoint.url().as_str());
                assert_eq!(one(document, WSA, "MessageID"), format!("urn:uuid:{GUID}"));
                assert_eq!(
                    one(document, namespace, "RequestType"),
                    version.request_type()
                );
                assert_eq!(one(document, namespace, "KeyType"), version.key_type());
                assert!(document.descendants().any(|node| is_named(node, &[WSA], "Address") && text_of(node) == "urn:a&b"));
                assert!(
                    !document
                        .descendants()
                        .any(|node| node.tag_name().name() == "Security")
                );
            });
        }
    }

    #[test]
    fn hard_passwords_arrive_as_typed() {
        for password in [
            " a&b<c>d\"e' ",
            "]]>",
            "Grüße, Ω, 𝄞",
            "tab\tcr\rlf\n",
            "&amp;",
            "<!--",
        ] {
            let request = password_request("CORP\\ana & bob", password).unwrap();
            with_parsed(&request, |document| {
                assert_eq!(one(document, WSSE, "Password"), password);
                assert_eq!(one(document, WSSE, "Username"), "CORP\\ana & bob");
                assert_eq!(one(document, WSU, "Created"), "2024-02-21T21:14:27.575Z");
                assert_eq!(one(document, WSU, "Expires"), "2024-02-21T21:24:27.575Z");
            });
        }
    }

    #[test]
    fn what_xml_cannot_express_is_refused_without_quoting_it() {
        let error = password_request("ana", "se\0cret").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the password has a character that cannot be sent in XML"
        );
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", password_request("ana", "hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_password_arrives_as_typed_or_is_refused(password in any::<String>()) {
            match password_request("ana", &password) {
                Ok(request) => with_parsed(&request, |document| {
                    assert_eq!(one(document, WSSE, "Password"), password);
                }),
                Err(_) => {
                    let refused = |c| c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}');
                    prop_assert!(password.contains(refused));
                },
            }
        }
    }
}
