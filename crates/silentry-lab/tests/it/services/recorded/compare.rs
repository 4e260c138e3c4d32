//! How a reply of the lab differs from a recorded one, in the words of the table.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use serde_json::Value;

use super::Exchange;
use super::adapt::names;
use crate::services::client::Response;

/// Headers that differ from reply to reply: only their shape is compared.
const SHAPED: [&str; 3] = ["date", "client-request-id", "x-ms-ests-server"];
/// Members that say who, when and what: only their type is compared.
const OWN_MEMBERS: [&str; 13] = [
    "access_token",
    "client_info",
    "correlation_id",
    "device_code",
    "domain_name",
    "expires_in",
    "ext_expires_in",
    "id_token",
    "refresh_token",
    "scope",
    "tenant_region_scope",
    "timestamp",
    "trace_id",
];
/// Elements whose text is another in each assertion.
const OWN_TEXT: [&str; 8] = [
    "AttributeValue",
    "Created",
    "DigestValue",
    "Expires",
    "KeyIdentifier",
    "NameIdentifier",
    "SignatureValue",
    "X509Certificate",
];
/// Attributes whose value is.
const OWN_VALUES: [&str; 7] = [
    "AssertionID",
    "AuthenticationInstant",
    "IssueInstant",
    "Issuer",
    "NotBefore",
    "NotOnOrAfter",
    "URI",
];

pub(super) fn replies(recorded: &Exchange, ours: &Response) -> Vec<String> {
    if recorded.status != ours.status {
        let (recorded, ours) = (recorded.status, ours.status);
        return vec![format!("status {ours} in place of {recorded}")];
    }
    if let (Some(theirs), Some(ours)) = (code(&recorded.reply), code(ours.text()))
        && theirs != ours
    {
        return vec![format!("AADSTS{ours} in place of AADSTS{theirs}")];
    }
    let mut differences = headers(&recorded.headers, ours);
    let theirs = names(&recorded.reply);
    if theirs.starts_with('{') {
        let read = |text: &str| {
            let reply: Value = serde_json::from_str(text).unwrap();
            match reply["user_code"].as_str() {
                // The message tells it, too.
                Some(code) => serde_json::from_str(&text.replace(code, "USERCODE")).unwrap(),
                None => reply,
            }
        };
        members("", &read(&theirs), &read(ours.text()), &mut differences);
        let (theirs, ours) = (order(&theirs), order(ours.text()));
        let both = |names: &[String], others: &[String]| -> Vec<String> {
            names
                .iter()
                .filter(|name| others.contains(name))
                .cloned()
                .collect()
        };
        if both(&theirs, &ours) != both(&ours, &theirs) {
            differences.push("the members have another order".to_owned());
        }
    } else {
        let (theirs, ours) = (
            Document::parse(&theirs).unwrap(),
            Document::parse(ours.text()).unwrap(),
        );
        elements(theirs.root_element(), ours.root_element(), &mut differences);
    }
    differences
}

/// Returns the number of an error of Entra.
fn code(body: &str) -> Option<u64> {
    serde_json::from_str::<Value>(body).ok()?["error_codes"][0].as_u64()
}

fn headers(recorded: &[(String, String)], ours: &Response) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, theirs) in recorded {
        let sent = ours.all(name);
        let same = match SHAPED.contains(&name.as_str()) {
            true => sent.iter().map(|value| shape(value)).eq([shape(theirs)]),
            false => sent == [theirs],
        };
        if sent.is_empty() {
            differences.push(format!("header {name} is missing"));
        } else if !same {
            differences.push(format!("header {name} is {}", sent.join(", ")));
        }
    }
    let length = ours.header("content-length");
    assert_eq!(length, ours.body.len().to_string());
    for name in ours.headers.keys().map(hyper::header::HeaderName::as_str) {
        let known = recorded.iter().any(|(recorded, _)| recorded == name);
        if !known && name != "content-length" {
            differences.push(format!("header {name} is added"));
        }
    }
    differences
}

/// Each word as a `w`: `Wed, 21 Feb 2024` is `w, w w w`.
fn shape(value: &str) -> String {
    let mut shape = String::new();
    for character in value.chars() {
        match character.is_ascii_alphanumeric() {
            true if shape.ends_with('w') => {}
            true => shape.push('w'),
            false => shape.push(character),
        }
    }
    shape
}

fn members(name: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                match ours.get(name) {
                    Some(ours) => members(name, value, ours, differences),
                    None => differences.push(format!("{name} is missing")),
                }
            }
            let added = ours.keys().filter(|name| !theirs.contains_key(*name));
            differences.extend(added.map(|name| format!("{name} is added")));
        }
        _ if std::mem::discriminant(theirs) != std::mem::discriminant(ours) => {
            differences.push(format!("{name} is of another type"));
        }
        _ if OWN_MEMBERS.contains(&name) => {}
        (Value::String(theirs), Value::String(ours)) if name == "error_description" => {
            if description(theirs) != description(ours) {
                differences.push(format!("{name} is {}", description(ours)));
            }
            let tail = |text: &str| text.contains("\r\nTrace ID: ");
            if tail(theirs) != tail(ours) {
                differences.push(format!("{name} has blanks for line ends"));
            }
        }
        _ if theirs != ours => differences.push(format!("{name} is {ours}")),
        _ => {}
    }
}

/// The text of an error before its ids, without the id of the resource or application it is about.
/// The recorder doubled the quotes of one.
fn description(text: &str) -> String {
    let text = text.replace("''", "'");
    let text = text.split("Trace ID: ").next().unwrap_or_default().trim();
    let unquoted: Vec<_> = text.split('\'').step_by(2).collect();
    unquoted.join("'...'")
}

/// The member names of a JSON object in their order, which `serde_json` would not keep.
fn order(json: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut rest) = (0_i32, json);
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        let mark = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match mark {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                let mut end = 0;
                while rest.as_bytes()[end] != b'"' {
                    end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
                }
                let text = &rest[..end];
                rest = &rest[end + 1..];
                if depth == 1 && rest.starts_with(':') {
                    names.push(text.to_owned());
                }
            }
        }
    }
    names
}

/// Compares attributes, text and children, which must have the same order.
fn elements(theirs: Node<'_, '_>, ours: Node<'_, '_>, differences: &mut Vec<String>) {
    let name = label(ours);
    if theirs.tag_name() != ours.tag_name() {
        differences.push(format!("{name} in place of {}", label(theirs)));
        return;
    }
    if attributes(theirs) != attributes(ours) {
        differences.push(format!("{name} has other attributes"));
    }
    let text = |node: Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
    if text(theirs) != text(ours) && !OWN_TEXT.contains(&ours.tag_name().name()) {
        differences.push(format!("{name} is {}", text(ours)));
    }
    let children = |node: Node<'_, '_>| -> Vec<String> {
        node.children()
            .filter(Node::is_element)
            .map(label)
            .collect()
    };
    if !same_order(&children(theirs), &children(ours)) {
        differences.push(format!("{name} has its children in another order"));
    }
    let mut left: Vec<_> = ours.children().filter(Node::is_element).collect();
    for child in theirs.children().filter(Node::is_element) {
        match left.iter().position(|ours| label(*ours) == label(child)) {
            Some(at) => elements(child, left.remove(at), differences),
            None => differences.push(format!("{} is missing", label(child))),
        }
    }
    differences.extend(left.iter().map(|node| format!("{} is added", label(*node))));
}

/// Whether the names that both have stand in the same order.
fn same_order(theirs: &[String], ours: &[String]) -> bool {
    let in_ours = theirs.iter().filter(|name| ours.contains(name));
    let in_theirs = ours.iter().filter(|name| theirs.contains(name));
    in_ours.eq(in_theirs)
}

/// What an element is called in the table: its name, and its own if it has one.
fn label(node: Node<'_, '_>) -> String {
    let own = node.attributes().find(|attribute| {
        let is_id = attribute.name() == "Id" && node.tag_name().name() == "Policy";
        is_id || ["name", "AttributeName"].contains(&attribute.name())
    });
    match own {
        Some(own) => format!("{} {}", node.tag_name().name(), own.value()),
        None => node.tag_name().name().to_owned(),
    }
}

fn attributes(node: Node<'_, '_>) -> BTreeMap<(String, String), String> {
    node.attributes()
        .map(|attribute| {
            let name = attribute.name().to_owned();
            let is_link = name == "URI" && node.tag_name().name() != "Reference";
            let own = OWN_VALUES.contains(&attribute.name()) && !is_link;
            let value = if own { "" } else { attribute.value() };
            let namespace = attribute.namespace().unwrap_or_default().to_owned();
            ((namespace, name), value.to_owned())
        })
        .collect()
}
