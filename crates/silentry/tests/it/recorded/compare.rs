//! How our requests differ from recorded ones, in words that the table of differences has.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use roxmltree::{Document, Node};
use url::Url;

use crate::recorded::recording::Kind;

/// What the recorder put in place of secrets and names.
const BLANKED: [&str; 3] = ["[REDACTED]", "USERNAME", "user@example.com"];

/// Elements whose text is another in each request: ids, times, who asks.
const OWN_TEXT: [&str; 5] = ["MessageID", "Created", "Expires", "Username", "Password"];

/// Paths are compared as Entra does, without case; the last word of a realm request is the user.
pub(crate) fn paths(kind: Kind, recorded: &Url, ours: &Url) -> Vec<String> {
    let cut = |url: &Url| match kind {
        Kind::Realm => url.path().rsplit_once('/').unwrap().0.to_owned(),
        _ => url.path().to_owned(),
    };
    let (theirs, ours) = (cut(recorded), cut(ours));
    assert!(
        theirs.eq_ignore_ascii_case(&ours),
        "{ours} in place of {theirs}"
    );
    if theirs == ours {
        return Vec::new();
    }
    vec![format!("the path is {ours}")]
}

/// Header by header; the values of ids and of who the client is are its own.
pub(crate) fn headers(theirs: &[(String, String)], ours: &[(String, String)]) -> Vec<String> {
    let value = |headers: &[(String, String)], name: &str| {
        let mut found = headers.iter().filter(|(present, _)| present == name);
        found.next().map(|(_, value)| value.clone())
    };
    let own = |name: &str| name == "client-request-id" || name.starts_with("x-client-");
    let mut differences = Vec::new();
    for (name, recorded) in theirs {
        match value(ours, name) {
            None => differences.push(format!("{} is not sent", family(name))),
            Some(ours) if ours != *recorded && !own(name) => {
                differences.push(format!("{name} is {ours}"));
            }
            Some(_) => {}
        }
    }
    let new = ours
        .iter()
        .filter(|(name, _)| value(theirs, name).is_none());
    differences.extend(new.map(|(name, _)| format!("{} is sent", family(name))));
    differences
}

/// The headers that say who asks go together.
fn family(name: &str) -> &str {
    match name.starts_with("x-client-") {
        true => "x-client-*",
        false => name,
    }
}

/// Element by element, with attributes and text.
pub(crate) fn envelopes(recorded: &str, ours: &str) -> Vec<String> {
    let (theirs, ours) = (
        Document::parse(recorded).unwrap(),
        Document::parse(ours).unwrap(),
    );
    let mut differences = Vec::new();
    elements(theirs.root_element(), ours.root_element(), &mut differences);
    differences
}

fn elements(theirs: Node<'_, '_>, ours: Node<'_, '_>, differences: &mut Vec<String>) {
    let (their_name, our_name) = (theirs.tag_name(), ours.tag_name());
    if their_name != our_name {
        differences.push(format!(
            "{} in place of {}",
            our_name.name(),
            their_name.name()
        ));
    }
    let name = our_name.name();
    if attributes(theirs) != attributes(ours) {
        differences.push(format!("{name} has other attributes"));
    }
    let text = |node: Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
    if text(theirs) != text(ours) && !OWN_TEXT.contains(&name) {
        differences.push(format!("{name} is {}", text(ours)));
    }
    let their_children: Vec<_> = theirs.children().filter(Node::is_element).collect();
    let our_children: Vec<_> = ours.children().filter(Node::is_element).collect();
    if their_children.len() != our_children.len() {
        let names = |nodes: &[Node<'_, '_>]| -> Vec<String> {
            nodes
                .iter()
                .map(|node| node.tag_name().name().to_owned())
                .collect()
        };
        let (theirs, ours) = (names(&their_children), names(&our_children));
        differences.push(format!("{name} has {ours:?} in place of {theirs:?}"));
        return;
    }
    for (theirs, ours) in their_children.into_iter().zip(our_children) {
        elements(theirs, ours, differences);
    }
}

/// Attributes with their values; that of an `Id` is whatever the sender likes.
fn attributes(node: Node<'_, '_>) -> BTreeMap<(String, String), String> {
    node.attributes()
        .map(|attribute| {
            let name = attribute.name().to_owned();
            let value = if name == "Id" { "" } else { attribute.value() };
            let namespace = attribute.namespace().unwrap_or_default().to_owned();
            ((namespace, name), value.to_owned())
        })
        .collect()
}

/// Parameter by parameter; scopes are a set, and an assertion is its bytes.
pub(crate) fn forms(recorded: &str, ours: &str) -> Vec<String> {
    let parameters = |form: &str| -> BTreeMap<String, String> {
        url::form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect()
    };
    let (theirs, ours) = (parameters(recorded), parameters(ours));
    let mut differences = Vec::new();
    for (name, recorded) in &theirs {
        match (ours.get(name), name.as_str()) {
            (None, _) => differences.push(format!("{name} is not sent")),
            (Some(sent), _) if sent == recorded || BLANKED.contains(&recorded.as_str()) => {}
            (Some(sent), "scope") => {
                let set = |text: &str| -> Vec<String> {
                    let mut scopes: Vec<_> = text.split(' ').map(str::to_owned).collect();
                    scopes.sort();
                    scopes
                };
                assert_eq!(set(sent), set(recorded), "scope");
            }
            (Some(sent), "assertion") => {
                assert!(bytes(sent) == bytes(recorded), "another assertion is sent");
                differences.push("assertion is in the standard alphabet of Base64".to_owned());
            }
            (Some(sent), _) => differences.push(format!("{name} is {sent}")),
        }
    }
    let new = ours.keys().filter(|name| !theirs.contains_key(*name));
    differences.extend(new.map(|name| format!("{name} is sent")));
    differences
}

/// The bytes of Base64 in either alphabet.
fn bytes(text: &str) -> Vec<u8> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = text.replace('-', "+").replace('_', "/");
    GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(standard)
        .unwrap()
}
