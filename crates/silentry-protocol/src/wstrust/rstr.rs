//! WS-Trust replies: an assertion or a fault.

use std::rc::Rc;

use roxmltree::{Document, Node};
use silentry_text::printable;

use super::assertion::{SamlAssertion, SamlVersion};
use super::fault::{self, WsTrustFault};
use super::namespaces::{SAML_1_1, SAML_2_0, WS_TRUST_13, WS_TRUST_2005};
use crate::xml::content::UnexpectedContent;
use crate::xml::document::{self, DocumentError, elements, is_named, trimmed_text_of};

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
    /// Shared by all tokens of a response: it may be long, and they may be many.
    token_type: Option<Rc<str>>,
}

fn token(text: &str, xml: &Document<'_>) -> Result<SamlAssertion, RstrError> {
    let issued = issued(xml);
    for version in [SamlVersion::V1_1, SamlVersion::V2_0] {
        if let Some(token) = issued.iter().find(|token| token.version() == Some(version)) {
            let token_type = token.token_type.as_deref().map(str::to_owned);
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
                .and_then(trimmed_text_of)
                .map(Rc::from);
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
mod tests;
