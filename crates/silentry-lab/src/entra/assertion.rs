//! Verifying the assertion of a federation service, or the token of Seamless SSO.
//!
//! The order of checks and the texts are those of documented errors; where none is documented, the
//! code is the nearest one. See the crate's README for what is inferred.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use roxmltree::{Document, Node};
use time::{Duration, OffsetDateTime};

use super::desktop_sso::DesktopSso;
use super::error::{EntraError, not_in_directory};
use crate::clock::parse_xml_time;
use crate::directory::{self, DomainKind, FEDERATION_ISSUER, User};
use crate::keys::Keys;
use crate::xml::signature::verify as verify_signature;
use crate::xml::{self, SAML1, SAML2, child, text_of};

const AUDIENCE: &str = "urn:federation:MicrosoftOnline";
const SKEW: Duration = Duration::minutes(5);
const MAX_ASSERTION: usize = 256 * 1024;

/// The version of SAML that a grant is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    Saml1,
    Saml2,
}

/// What a verified assertion states.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) user: &'static User,
    pub(super) inside_network: bool,
}

/// Verifies an assertion as it stands in a form, in base64.
pub(super) fn verify(
    presented: &str,
    version: Version,
    keys: &Keys,
    now: OffsetDateTime,
) -> Result<Statement, EntraError> {
    let bytes = decode(presented).ok_or_else(not_an_assertion)?;
    let text = String::from_utf8(bytes).map_err(|_| not_an_assertion())?;
    let document = xml::parse(&text).ok_or_else(not_an_assertion)?;
    let root = document.root_element();
    let found = match (root.tag_name().namespace(), root.tag_name().name()) {
        (Some(SAML1), "Assertion") => Version::Saml1,
        (Some(SAML2), "Assertion") => Version::Saml2,
        _ => return Err(not_an_assertion()),
    };
    if found != version {
        return Err(EntraError::invalid_grant(
            7500514,
            "A supported type of SAML response was not found. The supported response types are \
             'Response' (in XML namespace 'urn:oasis:names:tc:SAML:2.0:protocol') or 'Assertion' \
             (in XML namespace 'urn:oasis:names:tc:SAML:2.0:assertion').",
        ));
    }
    // Seamless SSO wraps its own token in an otherwise empty assertion.
    if let Some(token) = root
        .children()
        .find(|node| node.tag_name().name() == "DesktopSsoToken")
    {
        let user = DesktopSso::verify(&keys.entra, &text_of(token), now.unix_timestamp())?;
        return Ok(Statement {
            user,
            inside_network: true,
        });
    }
    saml(&document, version, keys, now)
}

fn saml(
    document: &Document<'_>,
    version: Version,
    keys: &Keys,
    now: OffsetDateTime,
) -> Result<Statement, EntraError> {
    let root = document.root_element();
    let fields = Fields { root, version };
    let issuer = fields.issuer();
    if issuer != FEDERATION_ISSUER {
        return Err(EntraError::invalid_request(
            50107,
            format!("The requested federation realm object '{issuer:.200}' does not exist."),
        ));
    }
    verify_signature(document, fields.id_attribute(), &[keys.adfs.public()]).map_err(|error| {
        tracing::debug!(%error, "assertion refused");
        EntraError::invalid_grant(
            50008,
            "Unable to verify token signature. The signing key identifier does not match any valid \
             registered keys.",
        )
    })?;
    fields.check_conditions(now)?;

    let user = fields.user()?;
    let upn = fields.upn();
    let domain = directory::domain_of(&upn);
    if directory::domain_kind(domain) != Some(DomainKind::Federated) {
        return Err(EntraError::invalid_request(
            5000819,
            format!(
                "SAML Assertion is invalid. Email address claim is missing or does not match domain \
                 from an external realm '{domain:.100}'."
            ),
        ));
    }
    let inside_network = fields
        .attribute("insidecorporatenetwork")
        .or_else(|| {
            fields.attribute("http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork")
        })
        .is_some_and(|value| value == "true");
    Ok(Statement {
        user,
        inside_network,
    })
}

/// Where the two versions of SAML keep what Entra looks at.
struct Fields<'d, 'i> {
    root: Node<'d, 'i>,
    version: Version,
}

impl<'d, 'i> Fields<'d, 'i> {
    fn namespace(&self) -> &'static str {
        match self.version {
            Version::Saml1 => SAML1,
            Version::Saml2 => SAML2,
        }
    }

    fn id_attribute(&self) -> &'static str {
        match self.version {
            Version::Saml1 => "AssertionID",
            Version::Saml2 => "ID",
        }
    }

    fn child(&self, name: &str) -> Option<Node<'d, 'i>> {
        child(self.root, self.namespace(), name)
    }

    fn issuer(&self) -> String {
        match self.version {
            Version::Saml1 => self.root.attribute("Issuer").unwrap_or_default().to_owned(),
            Version::Saml2 => self.child("Issuer").map(text_of).unwrap_or_default(),
        }
    }

    fn check_conditions(&self, now: OffsetDateTime) -> Result<(), EntraError> {
        let invalid = |text: &str| EntraError::invalid_grant(50013, text);
        let conditions = self
            .child("Conditions")
            .ok_or_else(|| invalid("Assertion failed validation: it has no conditions."))?;
        let at = |name| conditions.attribute(name).and_then(parse_xml_time);
        let (Some(not_before), Some(not_after)) = (at("NotBefore"), at("NotOnOrAfter")) else {
            return Err(invalid("Assertion failed validation: it has no lifetime."));
        };
        if now + SKEW < not_before || now - SKEW >= not_after {
            return Err(EntraError::invalid_grant(
                500133,
                "Assertion is not within its valid time range. Ensure that the access token is not \
                 expired before using it for user assertion, or request a new token.",
            ));
        }
        let restriction = match self.version {
            Version::Saml1 => "AudienceRestrictionCondition",
            Version::Saml2 => "AudienceRestriction",
        };
        let audience = child(conditions, self.namespace(), restriction)
            .and_then(|node| child(node, self.namespace(), "Audience"))
            .map(text_of);
        if audience.as_deref() != Some(AUDIENCE) {
            return Err(EntraError::invalid_grant(
                50010,
                "Audience URI validation for the app failed since no token audiences were configured.",
            ));
        }
        Ok(())
    }

    fn user(&self) -> Result<&'static User, EntraError> {
        let immutable_id = match self.version {
            Version::Saml1 => self.attribute("ImmutableID"),
            Version::Saml2 => self
                .child("Subject")
                .and_then(|subject| child(subject, SAML2, "NameID"))
                .map(text_of),
        };
        let Some(immutable_id) = immutable_id.filter(|id| !id.is_empty()) else {
            return Err(EntraError::invalid_grant(
                90020,
                "The SAML 1.1 Assertion is missing ImmutableID of the user. Developer error - this \
                 could happen if the claims rules of the federation service are wrong.",
            ));
        };
        directory::by_immutable_id(&immutable_id).ok_or_else(|| not_in_directory(&immutable_id))
    }

    fn upn(&self) -> String {
        let name = match self.version {
            Version::Saml1 => "UPN",
            Version::Saml2 => "IDPEmail",
        };
        self.attribute(name).unwrap_or_default()
    }

    /// Returns the only value of an attribute.
    fn attribute(&self, name: &str) -> Option<String> {
        let name_attribute = match self.version {
            Version::Saml1 => "AttributeName",
            Version::Saml2 => "Name",
        };
        let statement = self.child("AttributeStatement")?;
        let attribute = statement.children().find(|node| {
            node.has_tag_name((self.namespace(), "Attribute"))
                && node.attribute(name_attribute) == Some(name)
        })?;
        child(attribute, self.namespace(), "AttributeValue").map(text_of)
    }
}

/// Decodes base64 with either alphabet, padded or not: MSAL Python sends the URL-safe one without
/// padding, all others the standard one with it, and Entra takes both.
fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_ASSERTION {
        return None;
    }
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = match text.contains(['-', '_']) {
        true => &alphabet::URL_SAFE,
        false => &alphabet::STANDARD,
    };
    GeneralPurpose::new(alphabet, lenient).decode(text).ok()
}

fn not_an_assertion() -> EntraError {
    EntraError::invalid_grant(50008, "SAML token is invalid. The token could not be read.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read() {
        let bytes = [0xfb, 0xff, 0xfe, 0x01];
        for text in ["+//+AQ==", "-__-AQ", "-__-AQ==", "+//+AQ"] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_slice()), "{text}");
        }
        assert_eq!(decode("%%%"), None);
    }

    #[test]
    fn rubbish_is_refused_with_an_error() {
        let keys = Keys::load();
        let now = OffsetDateTime::now_utc();
        for presented in ["", "PGE+", "PGEvPg==", "////"] {
            let error = verify(presented, Version::Saml1, &keys, now).unwrap_err();
            assert_eq!(error.code(), 50008, "{presented}");
        }
    }
}
