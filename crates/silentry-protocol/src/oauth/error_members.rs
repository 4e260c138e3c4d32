//! The members of an error body, whatever kind their values are of.

use std::borrow::Cow;

use serde_json::{Map, Value};
use silentry_text::printable;
use url::form_urlencoded;

use crate::guid::is_guid;

/// Characters of a short member that are kept.
const MAX_MEMBER: usize = 256;
/// AADSTS codes of one answer that are kept; Entra names two at most.
const MAX_CODES: usize = 16;

/// Reads `error=...&error_description=...`, alone or behind the `?` or `#` of a redirect.
pub(super) fn form_members(text: &str) -> Option<Map<String, Value>> {
    let start = text.find(['?', '#']).map_or(0, |position| position + 1);
    let query = text.get(start..)?;
    if query.contains(['<', '>', '{', '"', '\'']) || query.contains(char::is_whitespace) {
        return None;
    }
    let members: Map<String, Value> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    members.contains_key("error").then_some(members)
}

/// The text of a member that should be text; numbers and truth values are taken as they print.
pub(super) fn scalar<'a>(members: &'a Map<String, Value>, name: &str) -> Option<Cow<'a, str>> {
    match members.get(name)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text of a short member, on one line.
pub(super) fn short(members: &Map<String, Value>, name: &str) -> Option<String> {
    sanitise(&scalar(members, name)?, MAX_MEMBER)
}

/// Makes the text fit to be shown. `None` when nothing is left.
pub(super) fn sanitise(text: &str, limit: usize) -> Option<String> {
    let clean = printable(text, limit);
    (!clean.is_empty()).then_some(clean)
}

/// A claims challenge is JSON in a string; a server that sends the object itself is understood too.
pub(super) fn claims(members: &Map<String, Value>) -> Option<String> {
    match members.get("claims")? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        value @ Value::Object(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A GUID from its member, else from behind its label in the description.
pub(super) fn guid_member(
    members: &Map<String, Value>,
    name: &str,
    description: &str,
    label: &str,
) -> Option<String> {
    let member = scalar(members, name).map(Cow::into_owned);
    let labelled = || {
        let after = description.split_once(label)?.1.trim_start();
        after.get(..36).map(str::to_owned)
    };
    member
        .filter(|id| is_guid(id))
        .or_else(|| labelled().filter(|id| is_guid(id)))
}

/// `[50076]`, and the spellings that were seen or may follow: `"[500011]"`, `["50076"]`, `50076`.
pub(super) fn codes_in_value(value: &Value) -> Vec<u32> {
    let mut codes = Vec::new();
    let text = match value {
        Value::Array(list) => {
            for entry in list.iter().take(MAX_CODES) {
                if !entry.is_array() {
                    codes_in_value(entry)
                        .into_iter()
                        .for_each(|code| push_code(&mut codes, code));
                }
            }
            return codes;
        }
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Object(_) => return codes,
    };
    for digits in text.split(|c: char| !c.is_ascii_digit()) {
        if let Ok(code) = digits.parse() {
            push_code(&mut codes, code);
        }
    }
    codes
}

/// Every `AADSTSnnnnn` of a text, in order.
pub(super) fn codes_in_text(text: &str) -> Vec<u32> {
    let mut codes = Vec::new();
    for after in text.split("AADSTS").skip(1) {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Ok(code) = after[..digits].parse() {
            push_code(&mut codes, code);
        }
    }
    codes
}

fn push_code(codes: &mut Vec<u32>, code: u32) {
    if codes.len() < MAX_CODES && code != 0 && !codes.contains(&code) {
        codes.push(code);
    }
}

/// Leaves 70002 ("error validating credentials") out where another code says what is wrong.
pub(super) fn without_70002(mut codes: Vec<u32>) -> Vec<u32> {
    if codes.iter().any(|code| *code != 70002) {
        codes.retain(|code| *code != 70002);
    }
    codes
}
