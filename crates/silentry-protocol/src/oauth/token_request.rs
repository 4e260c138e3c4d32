//! Bodies of requests to the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::claims::ClaimsRequest;
use super::scopes::Scopes;
use crate::secret::Secret;

/// What the token is asked for with.
#[derive(Clone, Copy)]
pub enum TokenGrant<'a> {
    /// A SAML 1.1 assertion, exactly as the federation server wrote it.
    Saml11Bearer(&'a [u8]),
    /// A SAML 2.0 assertion, exactly as the federation server wrote it (RFC 7522).
    Saml2Bearer(&'a [u8]),
    /// A refresh token (RFC 6749 section 6).
    RefreshToken(&'a Secret),
    /// The user's name and password (RFC 6749 section 4.3).
    Password {
        /// The UPN.
        username: &'a str,
        /// The password.
        password: &'a Secret,
    },
    /// The code that came back from the browser (RFC 6749 section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// The very address that the code came to.
        redirect_uri: &'a str,
        /// What the code challenge was made of (RFC 7636 section 4.5).
        code_verifier: &'a Secret,
    },
    /// The code of a device that waits for its user (RFC 8628 section 3.4).
    DeviceCode(&'a Secret),
}

/// A request to the token endpoint.
#[derive(Clone)]
pub struct TokenRequest<'a> {
    client_id: &'a str,
    scopes: &'a Scopes,
    grant: TokenGrant<'a>,
    claims: Option<&'a ClaimsRequest>,
    offline_access: bool,
    client_info: bool,
}

impl<'a> TokenRequest<'a> {
    /// Makes a request for these scopes, with a refresh token and an id token.
    #[must_use]
    pub fn new(client_id: &'a str, scopes: &'a Scopes, grant: TokenGrant<'a>) -> Self {
        Self {
            client_id,
            scopes,
            grant,
            claims: None,
            offline_access: true,
            client_info: true,
        }
    }

    /// Adds claims, those of the client's capabilities already merged in.
    #[must_use]
    pub fn with_claims(self, claims: &'a ClaimsRequest) -> Self {
        Self {
            claims: Some(claims),
            ..self
        }
    }

    /// Leaves `offline_access` out, so that no refresh token is given.
    #[must_use]
    pub fn without_offline_access(self) -> Self {
        Self {
            offline_access: false,
            ..self
        }
    }

    /// Leaves out what only Entra knows: `client_info`.
    #[must_use]
    pub fn without_client_info(self) -> Self {
        Self {
            client_info: false,
            ..self
        }
    }

    /// Returns the body, `application/x-www-form-urlencoded`.
    ///
    /// As MSAL.NET writes it: the assertion in standard base64 with padding, `client_info=1` to learn
    /// who the account is, and the reserved scopes of OpenID Connect.
    #[must_use]
    pub fn form(&self) -> Secret {
        let scope = self.scopes.with_reserved(self.offline_access).to_string();
        let grant = self.grant.members();
        let mut members: Vec<(&str, &str)> = grant
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        members.extend([("client_id", self.client_id), ("scope", &scope)]);
        members.extend(self.client_info.then_some(("client_info", "1")));
        members.extend(self.claims.map(|claims| ("claims", claims.as_str())));
        form(&members)
    }
}

/// Returns the form that asks for a device code (RFC 8628 section 3.1).
pub fn device_code_form(
    client_id: &str,
    scopes: &Scopes,
    offline_access: bool,
    claims: Option<&ClaimsRequest>,
) -> Secret {
    let scope = scopes.with_reserved(offline_access).to_string();
    let mut members = vec![("client_id", client_id), ("scope", scope.as_str())];
    members.extend(claims.map(|claims| ("claims", claims.as_str())));
    form(&members)
}

impl TokenGrant<'_> {
    /// Returns whether the request may be sent once only: a second wrong password counts towards the lockout of the
    /// account, and a code is good for one request.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Password { .. } | Self::AuthorizationCode { .. })
    }

    /// The parameters that only this grant has; copies that wipe themselves.
    fn members(self) -> Vec<(&'static str, Zeroizing<String>)> {
        let copy = |text: &str| Zeroizing::new(text.to_owned());
        let (grant_type, rest) = match self {
            Self::Saml11Bearer(bytes) => (
                "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
                vec![("assertion", encode(bytes))],
            ),
            Self::Saml2Bearer(bytes) => (
                "urn:ietf:params:oauth:grant-type:saml2-bearer",
                vec![("assertion", encode(bytes))],
            ),
            Self::RefreshToken(token) => (
                "refresh_token",
                vec![("refresh_token", copy(token.expose()))],
            ),
            Self::Password { username, password } => (
                "password",
                vec![
                    ("username", copy(username)),
                    ("password", copy(password.expose())),
                ],
            ),
            Self::AuthorizationCode {
                code,
                redirect_uri,
                code_verifier,
            } => (
                "authorization_code",
                vec![
                    ("code", copy(code.expose())),
                    ("redirect_uri", copy(redirect_uri)),
                    ("code_verifier", copy(code_verifier.expose())),
                ],
            ),
            Self::DeviceCode(code) => (
                "urn:ietf:params:oauth:grant-type:device_code",
                vec![("device_code", copy(code.expose()))],
            ),
        };
        let mut members = vec![("grant_type", copy(grant_type))];
        members.extend(rest);
        members
    }
}

fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

/// Encodes a form. The length is counted first: a buffer that grows would leave pieces of its
/// secrets behind.
fn form(members: &[(&str, &str)]) -> Secret {
    let pieces = || {
        members
            .iter()
            .enumerate()
            .flat_map(|(index, (name, value))| {
                let separator = if index == 0 { "" } else { "&" };
                [separator, *name, "="]
                    .into_iter()
                    .chain(byte_serialize(value.as_bytes()))
            })
    };
    let mut body = String::with_capacity(pieces().map(str::len).sum());
    body.extend(pieces());
    Secret::from(body)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use url::form_urlencoded;

    use super::*;

    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

    fn members(body: &Secret) -> BTreeMap<String, String> {
        form_urlencoded::parse(body.expose().as_bytes())
            .into_owned()
            .collect()
    }

    #[test]
    fn an_assertion_is_posted_byte_for_byte_in_padded_base64() {
        let scopes = Scopes::new(["https://graph.microsoft.com/User.Read"]).unwrap();
        let assertion = b"<saml:Assertion>\r\n\xf0\x9f\x94\x91>?~</saml:Assertion>";
        let body = TokenRequest::new(CLIENT, &scopes, TokenGrant::Saml11Bearer(assertion)).form();
        let sent = members(&body);
        assert_eq!(
            sent["assertion"],
            "PHNhbWw6QXNzZXJ0aW9uPg0K8J+UkT4/fjwvc2FtbDpBc3NlcnRpb24+"
        );
        assert_eq!(
            sent["grant_type"],
            "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
        );
        assert_eq!(sent["client_id"], CLIENT);
        assert_eq!(sent["client_info"], "1");
        assert_eq!(
            sent["scope"],
            "https://graph.microsoft.com/User.Read offline_access openid profile"
        );
        assert_eq!(
            sent.len(),
            5,
            "nothing else is sent, above all no user name or password"
        );
        assert!(!body.expose().contains(['/', ' ']));
    }

    #[test]
    fn saml_2_claims_and_no_refresh_token() {
        let scopes = Scopes::new(["a"]).unwrap();
        let claims = ClaimsRequest::from_capabilities(["cp1"]).unwrap();
        let body = TokenRequest::new(CLIENT, &scopes, TokenGrant::Saml2Bearer(b"<a/>"))
            .with_claims(&claims)
            .without_offline_access()
            .form();
        let sent = members(&body);
        assert_eq!(
            sent["grant_type"],
            "urn:ietf:params:oauth:grant-type:saml2-bearer"
        );
        assert_eq!(sent["claims"], claims.as_str());
        assert_eq!(sent["assertion"], "PGEvPg==");
        assert_eq!(sent["scope"], "a openid profile");
    }

    #[test]
    fn the_buffer_is_exactly_as_long_as_counted() {
        let body = form(&[("a", "ä &="), ("b", "")]);
        assert_eq!(body.expose(), "a=%C3%A4+%26%3D&b=");
    }
}
