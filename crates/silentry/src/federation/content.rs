//! What a document looks like when it is not the one that was asked for.

use std::fmt;

use super::document::DocumentError;
use super::markup::is_space;

use crate::text::{is_invisible, printable};

/// How many characters of a page's first line an error looks at.
const MAX_EXCERPT: usize = 200;

/// A document of another kind than the one asked for, typically a sign-in or error page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedContent {
    kind: ContentKind,
    content_type: Option<String>,
    first_line: String,
}

/// What an unexpected document looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentKind {
    /// An HTML page: a firewall, a proxy or a sign-in page answered instead of the server.
    Html,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Other text.
    Text,
}

impl UnexpectedContent {
    /// Returns what the document looks like.
    pub fn kind(&self) -> ContentKind {
        self.kind
    }

    /// Returns the Content-Type it came with.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns its first line, shortened, without anything that could be a secret; empty for JSON.
    pub fn first_line(&self) -> &str {
        &self.first_line
    }
}

impl fmt::Display for UnexpectedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ContentKind::Html => "an HTML page came instead of the document",
            ContentKind::Json => "JSON came instead of XML",
            ContentKind::Xml => "XML came instead of JSON",
            ContentKind::Text => "the document is plain text",
        })?;
        match &self.content_type {
            Some(content_type) => write!(f, " (Content-Type {content_type})")?,
            None => f.write_str(" (no Content-Type)")?,
        }
        if self.first_line.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.first_line)
        }
    }
}

/// Returns the error for a document of the wrong kind.
pub(super) fn unexpected(
    kind: ContentKind,
    text: &str,
    content_type: Option<&str>,
) -> DocumentError {
    DocumentError::Unexpected(UnexpectedContent {
        kind,
        content_type: content_type.map(|label| printable(label, 100)),
        // JSON that comes where XML was asked for may well be a token response.
        first_line: if kind == ContentKind::Json {
            String::new()
        } else {
            excerpt(text)
        },
    })
}

/// Returns what a document that is not the expected JSON looks like.
pub(super) fn kind_of(text: &str) -> ContentKind {
    match start(text) {
        Start::Element | Start::Doctype => ContentKind::Xml,
        Start::Other(kind) => kind,
    }
}

pub(super) enum Start {
    Element,
    Doctype,
    Other(ContentKind),
}

/// Looks at what follows declaration, comments and white space.
pub(super) fn start(text: &str) -> Start {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) || c == '\u{FEFF}');
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else {
            break;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after,
            None => return Start::Element,
        }
    }
    if let Some(doctype) = strip_prefix_ignoring_case(rest, "<!doctype") {
        return match strip_prefix_ignoring_case(doctype.trim_start(), "html") {
            Some(_) => Start::Other(ContentKind::Html),
            None => Start::Doctype,
        };
    }
    if strip_prefix_ignoring_case(rest, "<html").is_some_and(ends_name) {
        return Start::Other(ContentKind::Html);
    }
    match rest.chars().next() {
        Some('<') | None => Start::Element,
        Some('{' | '[') => Start::Other(ContentKind::Json),
        Some(_) => Start::Other(ContentKind::Text),
    }
}

fn ends_name(rest: &str) -> bool {
    rest.starts_with(|c| is_space(c) || matches!(c, '>' | '/'))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Quotes the first line of a page: bounded, without attributes and long opaque words, which is
/// where pages carry tokens.
fn excerpt(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("");
    let (mut shown, mut word) = (String::new(), String::new());
    let mut in_attributes = false;
    for c in line.chars().take(MAX_EXCERPT) {
        let in_word = c.is_alphanumeric() || "+/_-.%".contains(c);
        if in_word && !in_attributes {
            word.push(c);
            continue;
        }
        push_word(&mut shown, &word);
        // Within a tag only its name is told.
        in_attributes = match c {
            '>' => false,
            ' ' => in_attributes || shown.rfind('<') > shown.rfind('>'),
            _ => in_attributes,
        };
        word.clear();
        if !in_attributes {
            shown.push(if is_invisible(c) { ' ' } else { c });
        }
    }
    if line.chars().nth(MAX_EXCERPT).is_some() {
        // The last word is cut off, and so cannot be judged.
        shown.push('…');
    } else {
        push_word(&mut shown, &word);
    }
    shown
}

fn push_word(shown: &mut String, word: &str) {
    // Words of the language are shorter; identifiers, tokens and keys are not.
    if word.chars().count() > 24 {
        shown.push_str("[…]");
    } else {
        shown.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{decode, parse_xml};
    use super::*;

    fn error_of(text: &str, content_type: Option<&str>) -> DocumentError {
        let decoded = decode(text.as_bytes(), content_type).unwrap();
        parse_xml(&decoded, content_type).unwrap_err()
    }

    #[test]
    fn a_page_is_recognised_and_quoted_without_its_secrets() {
        let page = "\n<!DOCTYPE html><html><head><title>Sign in</title></head><body><input \
                    name=pin value='1234' key='eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2ln'></body></html>";
        let error = error_of(page, Some("text/html; charset=utf-8")).to_string();
        assert!(
            error.contains("HTML page") && error.contains("text/html"),
            "{error}"
        );
        assert!(error.contains("<title>Sign in</title>"), "{error}");
        assert!(
            !error.contains("eyJ0") && !error.contains("1234"),
            "{error}"
        );

        let ill_formed = "<head><meta charset=utf-8></head>";
        for (text, label) in [
            ("<HTML><body></HTML>", None),
            (
                "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
                None,
            ),
            (ill_formed, Some("text/html")),
        ] {
            let DocumentError::Unexpected(content) = error_of(text, label) else {
                panic!("{text}");
            };
            assert_eq!(content.kind(), ContentKind::Html, "{text}");
        }
        assert!(matches!(
            error_of(ill_formed, None),
            DocumentError::Malformed { .. }
        ));
    }

    #[test]
    fn json_and_plain_text_are_named() {
        let json = error_of("{\"access_token\":\"secret\"}", Some("application/json"));
        assert_eq!(
            json.to_string(),
            "JSON came instead of XML (Content-Type application/json)"
        );
        let text = error_of("Service Unavailable", None);
        assert!(
            text.to_string()
                .ends_with("(no Content-Type): Service Unavailable"),
            "{text}"
        );
        let token = "0123456789abcdefghijklmnopqrstuvwxyz";
        let quoted = error_of(&format!("token {token}"), None).to_string();
        assert!(quoted.ends_with(": token […]"), "{quoted}");
        let cut = error_of(&format!("{}{token}", "x ".repeat(95)), None).to_string();
        assert!(cut.ends_with("x …"), "{cut}");
    }
}
