//! The assertions that AD FS signs.
//!
//! SAML 1.1 follows a recorded assertion member by member. SAML 2.0 has the attributes that other
//! federation services send to Entra (`IDPEmail` for the UPN, a persistent `NameID`).

use time::{Duration, OffsetDateTime};

use crate::clock::xml_time;
use crate::directory::{FEDERATION_ISSUER, User};
use crate::keys::SigningKey;
use crate::random::guid;
use crate::xml::signature::sign;
use crate::xml::{SAML1, SAML2, escape};

const LIFETIME: Duration = Duration::hours(1);

/// An assertion, ready to stand in a reply.
pub(super) struct Assertion {
    pub(super) id: String,
    pub(super) is_saml2: bool,
    /// The signed element; secret.
    pub(super) xml: String,
}

/// How the user proved who they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Windows,
    Password,
}

/// What an assertion states.
pub(super) struct Statement<'s> {
    pub(super) user: &'s User,
    pub(super) audience: &'s str,
    pub(super) method: Method,
    pub(super) inside_network: bool,
    pub(super) with_immutable_id: bool,
    /// The `client-request-id` header, which AD FS copies.
    pub(super) request_id: Option<&'s str>,
}

impl Statement<'_> {
    /// Issues a SAML 1.1 assertion.
    pub(super) fn saml1(&self, key: &SigningKey, now: OffsetDateTime) -> Assertion {
        let id = format!("_{}", guid());
        let (issued, expires) = (xml_time(now), xml_time(now + LIFETIME));
        let name = if self.with_immutable_id {
            self.user.immutable_id
        } else {
            self.user.upn
        };
        let subject = format!(
            "<saml:Subject><saml:NameIdentifier \
             Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">{}\
             </saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>\
             urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod>\
             </saml:SubjectConfirmation></saml:Subject>",
            escape(name)
        );
        let method = match self.method {
            Method::Windows => "urn:federation:authentication:windows",
            Method::Password => "urn:oasis:names:tc:SAML:1.0:am:password",
        };
        let attributes: String = self.attributes().iter().map(Attribute::saml1).collect();
        let xml = format!(
            "<saml:Assertion MajorVersion=\"1\" MinorVersion=\"1\" AssertionID=\"{id}\" \
             Issuer=\"{FEDERATION_ISSUER}\" IssueInstant=\"{issued}\" xmlns:saml=\"{SAML1}\">\
             <saml:Conditions NotBefore=\"{issued}\" NotOnOrAfter=\"{expires}\">\
             <saml:AudienceRestrictionCondition><saml:Audience>{audience}</saml:Audience>\
             </saml:AudienceRestrictionCondition></saml:Conditions><saml:AttributeStatement>\
             {subject}{attributes}</saml:AttributeStatement><saml:AuthenticationStatement \
             AuthenticationMethod=\"{method}\" AuthenticationInstant=\"{issued}\">{subject}\
             </saml:AuthenticationStatement>",
            audience = escape(self.audience),
        );
        // The signature is the last child.
        let at = xml.len();
        let xml = sign(&(xml + "</saml:Assertion>"), &id, at, key);
        Assertion {
            id,
            is_saml2: false,
            xml,
        }
    }

    /// Issues a SAML 2.0 assertion.
    pub(super) fn saml2(&self, key: &SigningKey, now: OffsetDateTime) -> Assertion {
        let id = format!("_{}", guid());
        let (issued, expires) = (xml_time(now), xml_time(now + LIFETIME));
        let context = match self.method {
            Method::Windows => "urn:federation:authentication:windows",
            Method::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        };
        let before = format!(
            "<Assertion ID=\"{id}\" IssueInstant=\"{issued}\" Version=\"2.0\" xmlns=\"{SAML2}\">\
             <Issuer>{FEDERATION_ISSUER}</Issuer>"
        );
        let after = format!(
            "<Subject><NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">\
             {name}</NameID><SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <SubjectConfirmationData NotOnOrAfter=\"{expires}\"/></SubjectConfirmation></Subject>\
             <Conditions NotBefore=\"{issued}\" NotOnOrAfter=\"{expires}\"><AudienceRestriction>\
             <Audience>{audience}</Audience></AudienceRestriction></Conditions>\
             <AttributeStatement>{attributes}</AttributeStatement>\
             <AuthnStatement AuthnInstant=\"{issued}\" SessionIndex=\"{id}\"><AuthnContext>\
             <AuthnContextClassRef>{context}</AuthnContextClassRef></AuthnContext>\
             </AuthnStatement></Assertion>",
            name = escape(self.user.immutable_id),
            audience = escape(self.audience),
            attributes = self
                .attributes()
                .iter()
                .map(Attribute::saml2)
                .collect::<String>(),
        );
        // The schema wants the signature right behind the issuer.
        let xml = sign(&format!("{before}{after}"), &id, before.len(), key);
        Assertion {
            id,
            is_saml2: true,
            xml,
        }
    }

    fn attributes(&self) -> Vec<Attribute<'_>> {
        let mut attributes = vec![Attribute {
            name: "UPN",
            saml2_name: "IDPEmail",
            namespace: "http://schemas.xmlsoap.org/claims",
            from_client: false,
            value: self.user.upn,
        }];
        if self.with_immutable_id {
            attributes.push(Attribute {
                name: "ImmutableID",
                saml2_name: "ImmutableID",
                namespace: "http://schemas.microsoft.com/LiveID/Federation/2008/05",
                from_client: false,
                value: self.user.immutable_id,
            });
        }
        if self.inside_network {
            attributes.push(Attribute {
                name: "insidecorporatenetwork",
                saml2_name: "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork",
                namespace: "http://schemas.microsoft.com/ws/2012/01",
                from_client: true,
                value: "true",
            });
        }
        attributes.push(Attribute {
            name: "authnmethodsreferences",
            saml2_name: "http://schemas.microsoft.com/claims/authnmethodsreferences",
            namespace: "http://schemas.microsoft.com/claims",
            from_client: false,
            value: match self.method {
                Method::Windows => {
                    "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows"
                }
                Method::Password => {
                    "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"
                }
            },
        });
        if let Some(request_id) = self.request_id {
            attributes.push(Attribute {
                name: "client-request-id",
                saml2_name: "http://schemas.microsoft.com/2012/01/requestcontext/claims/client-request-id",
                namespace: "http://schemas.microsoft.com/2012/01/requestcontext/claims",
                from_client: true,
                value: request_id,
            });
        }
        attributes
    }
}

struct Attribute<'v> {
    name: &'static str,
    saml2_name: &'static str,
    namespace: &'static str,
    /// Whether AD FS knows it from the request rather than from Active Directory.
    from_client: bool,
    value: &'v str,
}

impl Attribute<'_> {
    fn saml1(&self) -> String {
        let Self {
            name, namespace, ..
        } = self;
        let origin = if self.from_client {
            " a:OriginalIssuer=\"CLIENT CONTEXT\" \
             xmlns:a=\"http://schemas.xmlsoap.org/ws/2009/09/identity/claims\""
        } else {
            ""
        };
        format!(
            "<saml:Attribute AttributeName=\"{name}\" AttributeNamespace=\"{namespace}\"{origin}>\
             <saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>",
            escape(self.value)
        )
    }

    fn saml2(&self) -> String {
        format!(
            "<Attribute Name=\"{}\"><AttributeValue>{}</AttributeValue></Attribute>",
            self.saml2_name,
            escape(self.value)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::user;
    use crate::keys::Keys;
    use crate::xml::signature::verify;

    fn statement(request_id: Option<&str>) -> Statement<'_> {
        Statement {
            user: user("alice").unwrap(),
            audience: "urn:federation:MicrosoftOnline",
            method: Method::Windows,
            inside_network: true,
            with_immutable_id: true,
            request_id,
        }
    }

    #[test]
    fn both_versions_are_signed() {
        let keys = Keys::load();
        let now = OffsetDateTime::now_utc();
        for (assertion, id) in [
            (statement(None).saml1(&keys.adfs, now), "AssertionID"),
            (statement(None).saml2(&keys.adfs, now), "ID"),
        ] {
            let document = roxmltree::Document::parse(&assertion.xml).unwrap();
            assert_eq!(
                document.root_element().attribute(id),
                Some(assertion.id.as_str())
            );
            assert_eq!(verify(&document, id, &[keys.adfs.public()]), Ok(()));
            assert!(!assertion.xml.contains('\n'));
        }
    }

    #[test]
    fn a_request_id_cannot_break_out_of_its_attribute() {
        let keys = Keys::load();
        let hostile = "</saml:AttributeValue><evil a='\"'/>&";
        let assertion = statement(Some(hostile)).saml1(&keys.adfs, OffsetDateTime::now_utc());
        let document = roxmltree::Document::parse(&assertion.xml).unwrap();
        assert!(
            document
                .descendants()
                .any(|node| node.text() == Some(hostile))
        );
        assert!(!document.descendants().any(|node| node.has_tag_name("evil")));
    }
}
