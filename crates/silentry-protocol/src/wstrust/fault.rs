//! The SOAP fault by which a federation server, or Entra in its place, refuses to issue a token.

use std::fmt;

use roxmltree::Node;
use silentry_text::printable;

use super::namespaces::{PASSPORT_PREFIX, SOAP11, SOAP12};
use crate::xml::document::{elements, trimmed_text_of};

/// Characters of a code or status that are kept.
const MAX_CODE: usize = 100;
/// Characters of a reason or detail that are kept; WCF may put a stack trace into the latter.
const MAX_TEXT: usize = 1000;

/// A refusal, of SOAP 1.1 or 1.2. Servers leave out any part of it; what there is was made
/// [fit to be shown](silentry_text::printable).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WsTrustFault {
    code: Option<String>,
    soap_code: Option<String>,
    reason: Option<String>,
    detail: Option<String>,
    service_status: Option<String>,
    aadsts: Option<u32>,
}

/// What a fault is about, as far as its codes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The user is not authenticated or not authorised. Asking again may lock the account.
    NotAuthorised,
    /// The server has no relying-party trust for the audience.
    UnknownAudience,
    /// The clocks of client and server differ.
    ClockSkew,
    /// The request was not understood.
    BadRequest,
    /// The server failed, or says what we do not know.
    Other,
}

impl WsTrustFault {
    /// Returns the subcode of a SOAP 1.2 fault, or the faultcode of a SOAP 1.1 one, with its prefix.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns [`code`](Self::code) without its prefix, which each server chooses.
    pub fn local_code(&self) -> Option<&str> {
        self.code()
            .map(|code| code.rsplit_once(':').map_or(code, |(_, local)| local))
    }

    /// Returns the outermost code of a SOAP 1.2 fault, such as `s:Sender`.
    pub fn soap_code(&self) -> Option<&str> {
        self.soap_code.as_deref()
    }

    /// Returns the reason: of several languages the text with a number ([`message_id`](Self::message_id),
    /// [`aadsts`](Self::aadsts)), else the first.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns the detail: Entra's `psf:text` if there is one, else its text.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Returns Entra's status, such as `0x80048821`.
    pub fn service_status(&self) -> Option<&str> {
        self.service_status.as_deref()
    }

    /// Returns the AADSTS number in detail or reason, when Entra made the fault.
    pub fn aadsts(&self) -> Option<u32> {
        self.aadsts
    }

    /// Returns the number of the server's message, such as `ID3242` or `MSIS7068`; it is the same
    /// in every language.
    pub fn message_id(&self) -> Option<&str> {
        let texts = [self.reason(), self.detail()];
        texts.into_iter().flatten().find_map(message_id)
    }

    /// Returns what the fault is about. The numbers of AD FS and WCF decide before the code, which
    /// is often `FailedAuthentication` or `RequestFailed` for everything.
    pub fn kind(&self) -> FaultKind {
        match self.message_id() {
            Some("ID3242" | "MSIS3126" | "MSIS3173" | "MSIS7068") => FaultKind::NotAuthorised,
            Some("ID3082") => FaultKind::UnknownAudience,
            Some("ID3035" | "ID3037") => FaultKind::BadRequest,
            _ => match self.local_code() {
                Some("FailedAuthentication" | "FailedCheck") => FaultKind::NotAuthorised,
                Some("InvalidScope") => FaultKind::UnknownAudience,
                Some("InvalidSecurity" | "MessageExpired") => FaultKind::ClockSkew,
                Some("InvalidRequest" | "BadRequest" | "MustUnderstand") => FaultKind::BadRequest,
                _ => FaultKind::Other,
            },
        }
    }

    /// Returns whether the credential itself was refused, such as a wrong password, and not what its user may do
    /// (`MSIS3126`, `MSIS7068` and the like).
    pub fn is_failed_authentication(&self) -> bool {
        match self.message_id() {
            Some("ID3242") => true,
            Some(_) => false,
            None => self.local_code() == Some("FailedAuthentication"),
        }
    }

    /// Returns whether nothing serves the address, whoever asks (WS-Addressing 1.0 SOAP Binding, 6.4).
    pub fn is_about_address(&self) -> bool {
        matches!(
            self.local_code(),
            Some("DestinationUnreachable" | "EndpointUnavailable" | "ActionNotSupported")
        )
    }

    /// Reads a fault. Parts are found by local name: SOAP 1.1's are in no namespace.
    pub(super) fn read(fault: Node<'_, '_>) -> Self {
        let passport = |local, limit| descendant_status(fault, local, limit);
        let code_of = |node| shown_text_of(node, MAX_CODE);
        let (soap_code, code, reason, detail) = match child(fault, "faultcode") {
            None if child(fault, "faultstring").is_none() => {
                let outer = child(fault, "Code");
                let value = |node| code_of(child(node, "Value")?);
                (
                    outer.and_then(value),
                    outer
                        .and_then(|code| child(code, "Subcode"))
                        .and_then(value),
                    reason(children(fault, "Reason")),
                    child(fault, "Detail"),
                )
            }
            faultcode => (
                None,
                faultcode.and_then(code_of),
                reason(children(fault, "faultstring")),
                child(fault, "detail"),
            ),
        };
        let detail = passport("text", MAX_TEXT).or_else(|| detail.and_then(whole_text));
        let aadsts = detail
            .as_deref()
            .and_then(aadsts)
            .or(reason.as_deref().and_then(aadsts));
        let service_status = passport("value", MAX_CODE).or_else(|| passport("code", MAX_CODE));
        Self {
            code,
            soap_code,
            reason,
            detail,
            service_status,
            aadsts,
        }
    }
}

impl fmt::Display for WsTrustFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code().or(self.soap_code()).unwrap_or("without a code");
        write!(f, "the federation server refused: {}", printable(code, 100))?;
        for text in [self.reason(), self.detail()].into_iter().flatten() {
            write!(f, ": {}", printable(text, 500))?;
        }
        Ok(())
    }
}

/// Returns whether an element is a SOAP fault.
///
/// One in a Body is taken for a fault whatever its namespace is: third parties misspell SOAP's.
pub(super) fn is_fault(node: Node<'_, '_>) -> bool {
    let name = node.tag_name();
    node.is_element()
        && name.name() == "Fault"
        && (name
            .namespace()
            .is_some_and(|uri| [SOAP11, SOAP12].contains(&uri))
            || node
                .parent_element()
                .is_none_or(|parent| parent.tag_name().name() == "Body"))
}

/// Returns the text of Entra's first status element of this name.
pub(super) fn descendant_status(node: Node<'_, '_>, local: &str, limit: usize) -> Option<String> {
    node.descendants()
        .filter(|node| {
            let name = node.tag_name();
            name.name() == local
                && name
                    .namespace()
                    .is_some_and(|uri| uri.starts_with(PASSPORT_PREFIX))
        })
        .find_map(|node| shown_text_of(node, limit))
}

/// Returns the text of an element, fit to be shown.
fn shown_text_of(node: Node<'_, '_>, limit: usize) -> Option<String> {
    let text = printable(&trimmed_text_of(node)?, limit);
    (!text.is_empty()).then_some(text)
}

/// Returns one of a fault's reasons, which say the same in several languages: the number that some of them have tells
/// most, and is what people search for.
fn reason<'a, 'i: 'a>(reasons: impl Iterator<Item = Node<'a, 'i>>) -> Option<String> {
    let mut texts = reasons.flat_map(texts_of).peekable();
    let first = texts.peek().cloned();
    texts.find(|text| has_number(text)).or(first)
}

/// Returns the texts of a reason: those of SOAP 1.2, or else all that is written in it.
fn texts_of(reason: Node<'_, '_>) -> Vec<String> {
    let texts: Vec<_> = children(reason, "Text").filter_map(whole_text).collect();
    if texts.is_empty() {
        return whole_text(reason).into_iter().collect();
    }
    texts
}

/// Returns whether a text has a number that people search for, of AD FS, of WCF or of Entra.
pub fn has_number(text: &str) -> bool {
    message_id(text).is_some() || aadsts(text).is_some()
}

/// Finds `ID3242` or `MSIS7068` in a text.
fn message_id(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            ["ID", "MSIS"]
                .iter()
                .any(|prefix| is_number(word.strip_prefix(prefix)))
        })
}

fn child<'a, 'i: 'a>(node: Node<'a, 'i>, local: &'a str) -> Option<Node<'a, 'i>> {
    children(node, local).next()
}

fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    local: &'a str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    elements(node).filter(move |child| child.tag_name().name() == local)
}

/// Returns all text within an element, its white space evened out. Elements part words, comments do not.
fn whole_text(node: Node<'_, '_>) -> Option<String> {
    let mut text = String::new();
    let mut before = None;
    for node in node.descendants() {
        if node.is_element() {
            before = None;
        } else if let Some(more) = node.text().filter(|_| node.is_text()) {
            if before != node.parent() {
                text.push(' ');
            }
            text.push_str(more);
            before = node.parent();
        }
    }
    let text = printable(&text, MAX_TEXT);
    (!text.is_empty()).then_some(text)
}

fn aadsts(text: &str) -> Option<u32> {
    text.match_indices("AADSTS").find_map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

fn is_number(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn fault(inside: &str) -> WsTrustFault {
        let text = format!(
            "<s:Fault xmlns:s='{SOAP12}' xmlns:p='{PASSPORT_PREFIX}SOAPFault'>{inside}</s:Fault>"
        );
        WsTrustFault::read(Document::parse(&text).unwrap().root_element())
    }

    #[test]
    fn every_part_is_optional() {
        assert_eq!(fault(""), WsTrustFault::default());
        let bare = fault("<s:Code><s:Value> s:MustUnderstand </s:Value></s:Code>");
        assert_eq!(
            (bare.code(), bare.soap_code()),
            (None, Some("s:MustUnderstand"))
        );
        let localised = fault(
            "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:FailedAuthentication</s:Value></s:Subcode></s:Code>\
             <s:Reason><s:Text xml:lang='de-DE'> ID3242: Das Sicherheitstoken … </s:Text><s:Text xml:lang='en'>ID3242: x</s:Text></s:Reason>",
        );
        assert_eq!(localised.local_code(), Some("FailedAuthentication"));
        assert_eq!(localised.reason(), Some("ID3242: Das Sicherheitstoken …"));
        assert_eq!(localised.message_id(), Some("ID3242"));
        assert_eq!(localised.kind(), FaultKind::NotAuthorised);
    }

    #[test]
    fn of_several_languages_the_text_with_a_number_wins() {
        let fault = fault(
            "<s:Reason><s:Text xml:lang='de'>Der Zugriff wurde verweigert.</s:Text>\
             <s:Text xml:lang='en'>MSIS7068: Access denied.</s:Text></s:Reason>",
        );
        assert_eq!(fault.reason(), Some("MSIS7068: Access denied."));
        assert_eq!(fault.kind(), FaultKind::NotAuthorised);
    }

    #[test]
    fn a_number_of_any_kind_wins_in_both_versions_of_soap() {
        for number in ["AADSTS50126: x", "MSIS7068: x", "ID3242: x"] {
            for texts in [
                [
                    "<s:Reason><s:Text>Fehler.</s:Text><s:Text>",
                    number,
                    "</s:Text></s:Reason>",
                ],
                [
                    "<faultstring>Fehler.</faultstring><faultstring>",
                    number,
                    "</faultstring>",
                ],
            ] {
                let fault = fault(&texts.concat());
                assert_eq!(fault.reason(), Some(number));
                let numbers = (fault.aadsts().is_some(), fault.message_id().is_some());
                assert_eq!(numbers.0, !numbers.1, "{number}");
            }
        }
    }

    #[test]
    fn a_reason_is_read_wherever_its_text_stands() {
        for inside in [
            "<s:Reason>AADSTS50126: no</s:Reason>",
            "<s:Reason><s:Text/>AADSTS50126: no</s:Reason>",
            "<s:Reason><s:Text><p>AADSTS50126:<br/>no</p></s:Text></s:Reason>",
            "<s:Reason><s:Text>AADST<!-- x -->S50126: <b>no</b></s:Text></s:Reason>",
            "<s:Reason/><s:Reason><x>AADSTS50126:</x>no</s:Reason>",
            "<faultstring><x>AADSTS50126:</x> no</faultstring>",
            "<faultcode/><faultstring/><faultstring><s:Text>x</s:Text><s:Text>AADSTS50126: no</s:Text></faultstring>",
        ] {
            let fault = fault(inside);
            assert_eq!(fault.reason(), Some("AADSTS50126: no"), "{inside}");
            assert_eq!(fault.aadsts(), Some(50126), "{inside}");
        }
    }

    #[test]
    fn a_number_counts_wherever_it_stands() {
        let fault = fault(
            "<s:Reason><s:Text>The request failed.</s:Text></s:Reason><s:Detail><x>MSIS3126: Access denied.</x></s:Detail>",
        );
        assert_eq!(fault.message_id(), Some("MSIS3126"));
        assert_eq!(fault.kind(), FaultKind::NotAuthorised);
    }

    #[test]
    fn every_part_is_fit_to_be_shown() {
        let hostile = format!("a\u{9b}2J\u{202e}b\u{85}c{}", "x".repeat(5000));
        let fault = fault(&format!(
            "<s:Code><s:Value>{hostile}</s:Value><s:Subcode><s:Value>{hostile}</s:Value></s:Subcode></s:Code>\
             <s:Reason><s:Text>{hostile}</s:Text></s:Reason><s:Detail><p:value>{hostile}</p:value><p:text>{hostile}</p:text></s:Detail>"
        ));
        for part in [
            fault.code(),
            fault.soap_code(),
            fault.reason(),
            fault.detail(),
            fault.service_status(),
        ] {
            let part = part.unwrap();
            assert!(part.starts_with("a2Jb cxxx"), "{part}");
            assert!(part.chars().count() <= MAX_TEXT + 1);
        }
    }

    #[test]
    fn soap_1_1_is_read_in_no_namespace_or_in_soaps() {
        for text in [
            format!(
                "<f:Fault xmlns:f='{SOAP11}'><faultcode>f:Client</faultcode><faultstring>ID3082: x</faultstring><detail><x>why</x></detail></f:Fault>"
            ),
            format!(
                "<Fault xmlns='{SOAP11}'><faultcode>f:Client</faultcode><faultstring>ID3082: x</faultstring><detail>why</detail></Fault>"
            ),
        ] {
            let fault = WsTrustFault::read(Document::parse(&text).unwrap().root_element());
            assert_eq!(fault.code(), Some("f:Client"));
            assert_eq!(
                (fault.reason(), fault.detail()),
                (Some("ID3082: x"), Some("why"))
            );
            assert_eq!(fault.kind(), FaultKind::UnknownAudience);
        }
    }

    #[test]
    fn entras_own_text_is_the_detail() {
        let fault = fault(
            "<s:Detail><p:error><p:value>0x80048821</p:value><p:internalerror><p:code>0x1</p:code>\
             <p:text>\r\nAADSTS50126: Error validating credentials.</p:text></p:internalerror></p:error></s:Detail>",
        );
        assert_eq!(
            fault.detail(),
            Some("AADSTS50126: Error validating credentials.")
        );
        assert_eq!(fault.aadsts(), Some(50126));
        assert_eq!(fault.service_status(), Some("0x80048821"));
    }

    #[test]
    fn a_fault_is_shown_on_one_line() {
        let fault = fault("<s:Reason><s:Text>one\n\u{9b}two</s:Text></s:Reason>");
        assert_eq!(
            fault.to_string(),
            "the federation server refused: without a code: one two"
        );
    }

    #[test]
    fn numbers_in_other_words_are_not_message_ids() {
        for (reason, id) in [
            ("MSIS7068: Access denied.", Some("MSIS7068")),
            ("Exception (MSIS3127), see ID4022", Some("MSIS3127")),
            ("UUID3 IDX10223 ID", None),
        ] {
            let fault = fault(&format!("<s:Reason><s:Text>{reason}</s:Text></s:Reason>"));
            assert_eq!(fault.message_id(), id, "{reason}");
        }
        assert_eq!(
            aadsts("AADSTS, AADSTS99999999999 and AADSTS53003"),
            Some(53003)
        );
    }
}
