//! The discovery document of an OpenID Connect server (OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 8628
//! section 4, RFC 9207 section 3), of which AD FS has one too.

use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::MAX_BODY_BYTES;

/// What a server says about itself, as far as a public client uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIdConfiguration {
    /// Exactly as it is spelt.
    pub issuer: String,
    /// Where the user signs in.
    pub authorization_endpoint: Url,
    /// Where tokens are asked for.
    pub token_endpoint: Url,
    /// Where device codes are asked for, if the server has them.
    pub device_authorization_endpoint: Option<Url>,
    /// Whether the answer of a sign-in can come as a form.
    pub form_post: bool,
    /// Whether the answer of a sign-in always names its issuer.
    pub names_issuer: bool,
}

/// Why a document is not one that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenIdConfigurationError {
    /// It is not JSON, or too large.
    #[error("it is not JSON, or larger than any such document")]
    NotJson,
    /// It lacks a member.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// Codes, passwords and tokens would travel in the clear, or to who knows where.
    #[error("its `{0}` is not an https URL without a fragment")]
    NotHttps(&'static str),
}

impl OpenIdConfiguration {
    /// Reads a document. Endpoints may be on other hosts than the issuer, as those of Google are, and their queries
    /// belong to them (RFC 6749 section 3.1).
    pub fn parse(body: &[u8]) -> Result<Self, OpenIdConfigurationError> {
        use OpenIdConfigurationError::{Missing, NotJson};

        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if body.len() > MAX_BODY_BYTES {
            return Err(NotJson);
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| NotJson)?;
        let needed = |name, value: Option<String>| match endpoint(name, value) {
            Ok(Some(url)) => Ok(url),
            Ok(None) => Err(Missing(name)),
            Err(error) => Err(error),
        };
        Ok(Self {
            issuer: wire
                .issuer
                .filter(|issuer| !issuer.is_empty())
                .ok_or(Missing("issuer"))?,
            authorization_endpoint: needed("authorization_endpoint", wire.authorization_endpoint)?,
            token_endpoint: needed("token_endpoint", wire.token_endpoint)?,
            device_authorization_endpoint: endpoint(
                "device_authorization_endpoint",
                wire.device_authorization_endpoint,
            )?,
            // Where nothing is said, there are `query` and `fragment` alone.
            form_post: wire
                .response_modes_supported
                .iter()
                .any(|mode| mode == "form_post"),
            names_issuer: wire.authorization_response_iss_parameter_supported,
        })
    }
}

fn endpoint(
    name: &'static str,
    value: Option<String>,
) -> Result<Option<Url>, OpenIdConfigurationError> {
    let Some(text) = value.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url = Url::parse(&text).ok().filter(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    match url {
        Some(url) => Ok(Some(url)),
        None => Err(OpenIdConfigurationError::NotHttps(name)),
    }
}

#[derive(Deserialize)]
struct Wire {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    response_modes_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[cfg(test)]
mod tests {
    use super::OpenIdConfigurationError::{Missing, NotHttps, NotJson};
    use super::*;

    fn document(member: &str, value: &str) -> String {
        let mut document = serde_json::json!({
            "issuer": "https://id.contoso.com",
            "authorization_endpoint": "https://id.contoso.com/auth?policy=a",
            "token_endpoint": "https://tokens.contoso.com/token",
            "response_modes_supported": ["query", "form_post"],
        });
        document[member] = serde_json::from_str(value).unwrap();
        document.to_string()
    }

    #[test]
    fn endpoints_keep_their_hosts_and_queries() {
        let text = document(
            "device_authorization_endpoint",
            "\"https://id.contoso.com/d\"",
        );
        let read = OpenIdConfiguration::parse(format!("\u{feff}{text}").as_bytes()).unwrap();
        assert_eq!(read.issuer, "https://id.contoso.com");
        assert_eq!(read.authorization_endpoint.query(), Some("policy=a"));
        assert_eq!(read.token_endpoint.host_str(), Some("tokens.contoso.com"));
        assert!(read.device_authorization_endpoint.is_some() && read.form_post);
        assert!(!read.names_issuer);
    }

    #[test]
    fn what_nobody_could_sign_in_with_is_an_error() {
        for (text, expected) in [
            ("<html>".to_owned(), NotJson),
            ("[]".to_owned(), NotJson),
            (" ".repeat(MAX_BODY_BYTES + 1), NotJson),
            (document("issuer", "null"), Missing("issuer")),
            (
                document("token_endpoint", "\"\""),
                Missing("token_endpoint"),
            ),
            (
                document("authorization_endpoint", "null"),
                Missing("authorization_endpoint"),
            ),
            (
                document("token_endpoint", "\"http://id.contoso.com\""),
                NotHttps("token_endpoint"),
            ),
            (
                document("token_endpoint", "\"/token\""),
                NotHttps("token_endpoint"),
            ),
            (
                document("token_endpoint", "\"https://a@b.test/\""),
                NotHttps("token_endpoint"),
            ),
            (
                document("authorization_endpoint", "\"https://id.contoso.com/#x\""),
                NotHttps("authorization_endpoint"),
            ),
            (
                document("device_authorization_endpoint", "\"javascript:alert(1)\""),
                NotHttps("device_authorization_endpoint"),
            ),
        ] {
            assert_eq!(
                OpenIdConfiguration::parse(text.as_bytes()),
                Err(expected),
                "{text:.200}"
            );
        }
    }
}
