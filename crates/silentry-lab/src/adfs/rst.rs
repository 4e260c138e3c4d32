//! Reading a RequestSecurityToken, with the tolerance of WCF and the strictness of AD FS.
//!
//! Clients differ: `messageID` for `MessageID` (MSAL Java and Go), the query string or the port
//! missing in `To`, any prefix, white space anywhere (Python). What is compared is names in
//! namespaces, never text.

use roxmltree::Node;
use time::{Duration, OffsetDateTime};

use super::Trust;
use super::rstr::Fault;
use crate::clock::parse_xml_time;
use crate::xml::{ADDRESSING, SOAP12, WSP, WSSE, WSU, child, parse, text_of};

/// WCF's default for clocks that differ.
const SKEW: Duration = Duration::minutes(5);

/// A request for a token.
#[derive(Debug)]
pub(crate) struct Rst {
    /// The request's id, to relate the reply to; clients with a misspelt header have none.
    pub(crate) message_id: Option<String>,
    /// For whom the token is.
    pub(crate) applies_to: String,
    pub(crate) user_name: Option<UserName>,
}

/// What a `wsse:UsernameToken` says.
pub(crate) struct UserName {
    pub(crate) user_name: String,
    pub(crate) password: String,
}

impl std::fmt::Debug for UserName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("UserName")
            .field("user_name", &self.user_name)
            .finish_non_exhaustive()
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum RstError {
    /// Not XML, or not SOAP 1.2: the web server answers 400 with nothing in it.
    Malformed,
    /// The service understood, and refuses.
    Fault {
        fault: Fault,
        message_id: Option<String>,
    },
}

impl Rst {
    /// Parses a request that was sent to an endpoint of this version.
    pub(crate) fn parse(body: &[u8], trust: Trust, now: OffsetDateTime) -> Result<Self, RstError> {
        let text = std::str::from_utf8(body).map_err(|_| RstError::Malformed)?;
        let document = parse(text).ok_or(RstError::Malformed)?;
        let envelope = document.root_element();
        if !envelope.has_tag_name((SOAP12, "Envelope")) {
            return Err(RstError::Malformed);
        }
        let header = child(envelope, SOAP12, "Header");
        let body = child(envelope, SOAP12, "Body").ok_or(RstError::Malformed)?;
        let message_id = header
            .and_then(|header| child(header, ADDRESSING, "MessageID"))
            .map(text_of);
        read(header, body, trust, now, message_id.clone())
            .map_err(|fault| RstError::Fault { fault, message_id })
    }
}

fn read(
    header: Option<Node<'_, '_>>,
    body: Node<'_, '_>,
    trust: Trust,
    now: OffsetDateTime,
    message_id: Option<String>,
) -> Result<Rst, Fault> {
    let header = header.ok_or(Fault::ActionNotSupported)?;
    refuse_what_must_be_understood(header)?;
    let action = child(header, ADDRESSING, "Action")
        .map(text_of)
        .unwrap_or_default();
    if action != trust.issue_action() {
        return Err(Fault::ActionNotSupported);
    }

    let request =
        child(body, trust.namespace(), "RequestSecurityToken").ok_or(Fault::InvalidRequest)?;
    let part = |name| {
        child(request, trust.namespace(), name)
            .map(text_of)
            .unwrap_or_default()
    };
    if part("RequestType") != trust.request_type() {
        return Err(Fault::InvalidRequest);
    }
    // Without a key type AD FS would make a key and encrypt it: not for a bearer token.
    if part("KeyType") != trust.key_type() {
        return Err(Fault::InvalidRequest);
    }
    let applies_to = child(request, WSP, "AppliesTo")
        .and_then(|to| child(to, ADDRESSING, "EndpointReference"))
        .and_then(|reference| child(reference, ADDRESSING, "Address"))
        .map(text_of)
        .ok_or(Fault::InvalidScope)?;

    let security = child(header, WSSE, "Security");
    if let Some(security) = security {
        check_timestamp(security, now)?;
    }
    let user_name = security
        .and_then(|security| child(security, WSSE, "UsernameToken"))
        .map(|token| {
            // Blanks around a password are part of it; around a name they are not.
            let password = child(token, WSSE, "Password").map(|node| {
                node.descendants()
                    .filter(Node::is_text)
                    .filter_map(|text| text.text())
                    .collect()
            });
            UserName {
                user_name: child(token, WSSE, "Username")
                    .map(text_of)
                    .unwrap_or_default(),
                password: password.unwrap_or_default(),
            }
        });
    Ok(Rst {
        message_id,
        applies_to,
        user_name,
    })
}

/// SOAP 1.2 part 1, section 2.4: a mandatory header that nobody knows is a fault.
fn refuse_what_must_be_understood(header: Node<'_, '_>) -> Result<(), Fault> {
    for block in header.children().filter(Node::is_element) {
        let mandatory = matches!(
            block.attribute((SOAP12, "mustUnderstand")),
            Some("1" | "true")
        );
        let known = matches!(block.tag_name().namespace(), Some(ADDRESSING | WSSE));
        if mandatory && !known {
            return Err(Fault::MustUnderstand);
        }
    }
    Ok(())
}

fn check_timestamp(security: Node<'_, '_>, now: OffsetDateTime) -> Result<(), Fault> {
    let Some(timestamp) = child(security, WSU, "Timestamp") else {
        return Ok(());
    };
    let at = |name| {
        child(timestamp, WSU, name)
            .map(text_of)
            .and_then(|text| parse_xml_time(&text))
    };
    let created = at("Created").ok_or(Fault::InvalidSecurity)?;
    let expired = at("Expires").is_some_and(|expires| expires + SKEW < now);
    if created > now + SKEW || expired {
        return Err(Fault::InvalidSecurity);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rst(header: &str, body: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<e:Envelope xmlns:e='{SOAP12}' \
             xmlns:w='{ADDRESSING}'>\n <e:Header><w:Action e:mustUnderstand='1'>{action}\
             </w:Action>{header}</e:Header>\n <e:Body><wst:RequestSecurityToken \
             xmlns:wst='{trust}'>{body}</wst:RequestSecurityToken></e:Body></e:Envelope>",
            action = Trust::V13.issue_action(),
            trust = Trust::V13.namespace(),
        )
    }

    fn body() -> String {
        format!(
            "\n<p:AppliesTo xmlns:p='{WSP}'><w:EndpointReference><w:Address> \
             urn:federation:MicrosoftOnline </w:Address></w:EndpointReference></p:AppliesTo>\
             <wst:KeyType>{}</wst:KeyType><wst:RequestType>{}</wst:RequestType>",
            Trust::V13.key_type(),
            Trust::V13.request_type()
        )
    }

    fn parse_at(xml: &str, now: &str) -> Result<Rst, RstError> {
        Rst::parse(xml.as_bytes(), Trust::V13, parse_xml_time(now).unwrap())
    }

    const NOW: &str = "2024-02-21T21:14:27Z";

    #[test]
    fn prefixes_spelling_and_white_space_do_not_matter() {
        let parsed = parse_at(&rst("<w:messageID>urn:uuid:1</w:messageID>", &body()), NOW).unwrap();
        assert_eq!(parsed.applies_to, "urn:federation:MicrosoftOnline");
        assert_eq!(parsed.message_id, None);
        let parsed = parse_at(&rst("<w:MessageID>urn:uuid:1</w:MessageID>", &body()), NOW).unwrap();
        assert_eq!(parsed.message_id.as_deref(), Some("urn:uuid:1"));
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        let header = format!(
            "<o:Security xmlns:o='{WSSE}' xmlns:u='{WSU}'><u:Timestamp>\
             <u:Created>2024-02-21T21:14:27.068Z</u:Created>\
             <u:Expires>2024-02-21T21:24:27Z</u:Expires></u:Timestamp></o:Security>"
        );
        let request = rst(&header, &body());
        assert!(parse_at(&request, "2024-02-21T21:10:00Z").is_ok());
        assert!(parse_at(&request, "2024-02-21T21:29:00Z").is_ok());
        for wrong in ["2024-02-21T21:09:00Z", "2024-02-21T21:30:00Z"] {
            let error = parse_at(&request, wrong).unwrap_err();
            assert!(
                matches!(
                    error,
                    RstError::Fault {
                        fault: Fault::InvalidSecurity,
                        ..
                    }
                ),
                "{wrong}"
            );
        }
    }

    #[test]
    fn unknown_mandatory_headers_and_actions_are_faults() {
        let request = rst("<x:Odd xmlns:x='urn:x' e:mustUnderstand='true'/>", &body());
        let error = parse_at(&request, NOW).unwrap_err();
        assert!(matches!(
            error,
            RstError::Fault {
                fault: Fault::MustUnderstand,
                ..
            }
        ));
        let error = Rst::parse(
            rst("", &body()).as_bytes(),
            Trust::Feb2005,
            parse_xml_time(NOW).unwrap(),
        );
        assert!(matches!(
            error,
            Err(RstError::Fault {
                fault: Fault::ActionNotSupported,
                ..
            })
        ));
    }

    #[test]
    fn what_is_not_soap_is_malformed() {
        for text in ["", "<a", "<html/>", "<!DOCTYPE e []><e/>", "{\"json\":1}"] {
            assert!(
                matches!(parse_at(text, NOW), Err(RstError::Malformed)),
                "{text}"
            );
        }
    }

    #[test]
    fn passwords_do_not_show() {
        let user = UserName {
            user_name: "alice".into(),
            password: "secret".into(),
        };
        assert!(!format!("{user:?}").contains("secret"));
    }

    proptest::proptest! {
        #[test]
        fn no_request_makes_it_panic(
            at in 0_usize..2_000,
            with in "[<>&'\"/a: =\u{e9}]{0,12}",
        ) {
            let mut request = rst("<w:MessageID>urn:uuid:1</w:MessageID>", &body());
            let at = (0..=at.min(request.len())).rev().find(|at| request.is_char_boundary(*at));
            request.insert_str(at.unwrap(), &with);
            drop(parse_at(&request, NOW));
        }
    }
}
