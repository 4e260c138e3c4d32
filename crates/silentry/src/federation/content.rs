//! What a document looks like when it is not the one that was asked for.

use std::fmt;

use super::document::{self, DocumentError};
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
    /// Returns what a page is that came with an error's status; `None` for XML, and for what is no text.
    pub(crate) fn of_page(bytes: &[u8], content_type: Option<&str>) -> Option<Self> {
        let text = document::decode(bytes, content_type).ok()?;
        page(&text, content_type)
    }

    /// Returns what the document looks like.
    pub fn kind(&self) -> ContentKind {
        self.kind
    }

    /// Returns the Content-Type it came with.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns its first line of text, shortened, without anything that could be a secret; empty for JSON.
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

/// Returns what a page is that came with an error's status; `None` for XML and for nothing.
fn page(text: &str, content_type: Option<&str>) -> Option<UnexpectedContent> {
    let is_html = content_type.is_some_and(|label| media_type(label) == "text/html");
    let kind = match start(text) {
        _ if text.trim().is_empty() => return None,
        _ if is_html => ContentKind::Html,
        Start::Element | Start::Doctype => return None,
        Start::Other(kind) => kind,
    };
    Some(described(kind, text, content_type))
}

/// Returns the error for a document of the wrong kind.
pub(super) fn unexpected(
    kind: ContentKind,
    text: &str,
    content_type: Option<&str>,
) -> DocumentError {
    DocumentError::Unexpected(described(kind, text, content_type))
}

fn described(kind: ContentKind, text: &str, content_type: Option<&str>) -> UnexpectedContent {
    UnexpectedContent {
        kind,
        content_type: content_type.map(|label| printable(label, 100)),
        first_line: match kind {
            // JSON that comes where XML was asked for may well be a token response.
            ContentKind::Json => String::new(),
            ContentKind::Html => excerpt(first_text(text)),
            ContentKind::Xml | ContentKind::Text => excerpt(text),
        },
    }
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

pub(super) fn media_type(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Returns the first line that a page shows, which is its title where it has one; empty when it shows none.
fn first_text(page: &str) -> &str {
    let mut rest = page;
    loop {
        let (text, markup) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) {
            return line;
        }
        rest = match markup.strip_prefix("<!--") {
            Some(comment) => comment.split_once("-->").map_or("", |(_, after)| after),
            None => after_tag(markup),
        };
        if rest.is_empty() {
            return "";
        }
    }
}

/// Returns what follows a tag, and with it the script or style that the tag begins.
fn after_tag(markup: &str) -> &str {
    let after = markup.split_once('>').map_or("", |(_, after)| after);
    for name in ["script", "style"] {
        let tag = markup.strip_prefix('<').unwrap_or_default();
        if strip_prefix_ignoring_case(tag, name).is_some_and(ends_name) {
            let end = format!("</{name}");
            let start = (0..after.len()).find(|at| {
                after
                    .get(*at..)
                    .is_some_and(|rest| strip_prefix_ignoring_case(rest, &end).is_some())
            });
            return start.map_or("", |at| &after[at..]);
        }
    }
    after
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
        assert!(error.ends_with(": Sign in"), "{error}");
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
    fn the_first_line_of_text_is_what_the_page_shows() {
        for (page, shown) in [
            (
                "<!DOCTYPE html>\n<html><head>\n<TITLE> 503 Service Unavailable\n</TITLE></head>",
                "503 Service Unavailable",
            ),
            (
                "<html><title></title><style>p { x: 1 }</style><script>f('<b>')</script><p>Blocked.</p>",
                "Blocked.",
            ),
            (
                "<html><!-- generated --><body><h1 class='a'>Access denied</h1>",
                "Access denied",
            ),
            ("<html><script>var a = 1;", ""),
            ("<html", ""),
        ] {
            assert_eq!(first_text(page), shown, "{page}");
        }
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
