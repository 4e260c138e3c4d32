//! What a document looks like when it is not the one that was asked for.

use std::fmt;

use silentry_text::{is_invisible, printable};

use super::document::{self, DocumentError};
use super::markup::is_space;
use super::page;

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
    pub fn of_page(bytes: &[u8], content_type: Option<&str>) -> Option<Self> {
        let text = document::decode_lossily(bytes, content_type)?;
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

    /// Returns its first line of text, shortened, without anything that could be a secret; of JSON the title and detail
    /// of a problem (RFC 9457), else nothing.
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

/// Returns what a page is that came with an error's status; `None` for XML.
fn page(text: &str, content_type: Option<&str>) -> Option<UnexpectedContent> {
    let kind = match start(text) {
        Start::Other(ContentKind::Text) if is_labelled_html(content_type) => ContentKind::Html,
        Start::Other(kind) => kind,
        Start::Element | Start::Doctype if is_page(text, content_type) => ContentKind::Html,
        Start::Element if !may_be_soap(text) && document::is_malformed(text) => ContentKind::Html,
        Start::Element | Start::Doctype => return None,
    };
    Some(described(kind, text, content_type))
}

/// Returns whether markup was written for browsers, by its first element or by its label.
pub(crate) fn is_page(text: &str, content_type: Option<&str>) -> bool {
    page::begins_with_html(after_prolog(text))
        || is_labelled_html(content_type) && !may_be_soap(text)
}

fn is_labelled_html(content_type: Option<&str>) -> bool {
    content_type
        .is_some_and(|label| ["text/html", "application/xhtml+xml"].contains(&&*media_type(label)))
}

/// Returns whether a text may have SOAP or SAML in it, damaged or with a wrong label: nothing of that is quoted, as it may
/// be an assertion. It declares namespaces, or has a tag with a prefix.
fn may_be_soap(text: &str) -> bool {
    let is_prefixed = |tag: &str| {
        let name = tag.trim_start_matches('/');
        let end = name.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)));
        end.is_some_and(|end| end > 0 && name[end..].starts_with(':'))
    };
    text.contains("xmlns") || text.split('<').skip(1).any(is_prefixed)
}

/// Returns the error for a document of the wrong kind.
pub(crate) fn unexpected(
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
            ContentKind::Json if is_problem(content_type) => problem(text),
            // Other JSON that comes where XML was asked for may well be a token response.
            ContentKind::Json => String::new(),
            ContentKind::Html => excerpt(&page::first_text(text, MAX_EXCERPT + 1)),
            ContentKind::Xml | ContentKind::Text if may_be_soap(text) => String::new(),
            ContentKind::Xml | ContentKind::Text => excerpt(text),
        },
    }
}

fn is_problem(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|label| media_type(label) == "application/problem+json")
}

/// Returns what a gateway's "problem details" say (RFC 9457), whose title and detail are written for people.
fn problem(text: &str) -> String {
    let members: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let texts = ["title", "detail"].map(|name| members.get(name).and_then(|value| value.as_str()));
    let texts = texts.into_iter().flatten().map(excerpt);
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(": ")
}

/// Returns what a document that is not the expected JSON looks like.
pub(crate) fn kind_of(text: &str) -> ContentKind {
    match start(text) {
        Start::Element if page::begins_with_html(after_prolog(text)) => ContentKind::Html,
        Start::Element | Start::Doctype => ContentKind::Xml,
        Start::Other(kind) => kind,
    }
}

pub(crate) enum Start {
    Element,
    Doctype,
    Other(ContentKind),
}

/// Looks at what follows declaration, comments and white space.
pub(crate) fn start(text: &str) -> Start {
    let rest = after_prolog(text);
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

fn after_prolog(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) || c == '\u{FEFF}');
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else {
            return rest;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after,
            None => return rest,
        }
    }
}

pub(crate) fn ends_name(rest: &str) -> bool {
    rest.starts_with(|c| is_space(c) || matches!(c, '>' | '/'))
}

fn media_type(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

pub(crate) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Quotes the first line of a text: bounded, without attributes and long opaque words, which is where pages carry
/// tokens.
fn excerpt(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = page::without_attributes(line.unwrap_or_default(), MAX_EXCERPT + 1);
    let (mut shown, mut word) = (String::new(), String::new());
    for c in line.chars().take(MAX_EXCERPT) {
        if c.is_alphanumeric() || "+/_-.%".contains(c) {
            word.push(c);
            continue;
        }
        push_word(&mut shown, &word);
        word.clear();
        let is_blank = c.is_whitespace() || is_invisible(c);
        shown.push(if is_blank { ' ' } else { c });
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
            (ill_formed, None),
        ] {
            let DocumentError::Unexpected(content) = error_of(text, label) else {
                panic!("{text}");
            };
            assert_eq!(content.kind(), ContentKind::Html, "{text}");
        }
        assert_eq!(kind_of(ill_formed), ContentKind::Html);
    }

    #[test]
    fn the_first_line_of_an_error_page_is_told_whatever_its_label() {
        let line = |bytes: &[u8], label| {
            UnexpectedContent::of_page(bytes, label).map(|page| page.first_line().to_owned())
        };
        let german = b"<html><title>Zugriff f\xFCr Sie gesperrt</title></html>";
        for label in [
            None,
            Some("text/html"),
            Some("text/html; charset=x-user-defined"),
        ] {
            let told = line(german, label);
            assert_eq!(
                told.as_deref(),
                Some("Zugriff für Sie gesperrt"),
                "{label:?}"
            );
        }
        for (page, label, told) in [
            ("<title>Blocked</title><p>x", None, "Blocked"),
            ("<title>Blocked</title>", None, "Blocked"),
            ("<h1>Blocked</h1>", Some("text/plain"), "Blocked"),
            (
                "<!-- x --><head><title>Blocked</title></head>",
                Some("application/xhtml+xml"),
                "Blocked",
            ),
            ("<app-root><p>Blocked</p>", Some("text/html"), "Blocked"),
            ("<error>Blocked & gone", Some("text/xml"), "Blocked & gone"),
            (
                "Blocked by <a href=\"x>pin=1234\">us</a>",
                Some("text/plain"),
                "Blocked by <a>us</a>",
            ),
            (
                "{\"type\":\"about:blank\",\"title\":\"Blocked\",\"detail\":\"Ask us.\\n2\",\"token\":\"pin\"}",
                Some("application/problem+json; charset=utf-8"),
                "Blocked: Ask us.",
            ),
            ("{\"title\":1}", Some("application/problem+json"), ""),
            ("{\"title\":\"pin\"}", Some("text/html"), ""),
            ("{\"title\":\"pin\"}", Some("application/json"), ""),
        ] {
            assert_eq!(
                line(page.as_bytes(), label).as_deref(),
                Some(told),
                "{page}"
            );
        }
    }

    #[test]
    fn nothing_is_told_of_what_may_be_an_assertion_or_is_no_text() {
        let damaged = "<s:Envelope xmlns:s='u'><t:Token>pin</t:Token>";
        let whole = "<saml:Assertion xmlns:saml='u'>pin</saml:Assertion>";
        for label in [None, Some("text/html"), Some("text/xml")] {
            for text in [damaged, whole] {
                let page = UnexpectedContent::of_page(text.as_bytes(), label);
                assert_eq!(page, None, "{text}");
            }
            let error = error_of(damaged, label);
            assert!(matches!(error, DocumentError::Malformed { .. }), "{error}");
        }
        for text in ["<token>pin</token>", "<t:BinarySecret>pin</t:BinarySecret>"] {
            assert_eq!(UnexpectedContent::of_page(text.as_bytes(), None), None);
        }
        for before in [&b"\x80"[..], b"\xc3\xaf\xc2\xbb\xc2\xbf", b"Reply: "] {
            for text in [damaged, "<saml:Assertion><saml:NameID>pin</saml:NameID>"] {
                let bytes = [before, text.as_bytes()].concat();
                let page = UnexpectedContent::of_page(&bytes, None).unwrap();
                assert_eq!(page.first_line(), "", "{text}");
            }
        }
        // The first characters of an opaque word are not shown as a word of the language.
        let padded = format!(
            "<p>{}{}{}",
            "&nbsp;".repeat(20),
            "x ".repeat(80),
            "pin".repeat(30)
        );
        let page = UnexpectedContent::of_page(padded.as_bytes(), None).unwrap();
        assert!(!page.first_line().contains("pin"), "{page}");
        for bytes in [
            &b"\xFF\xD8\xFF\xE0\0\x10JFIF"[..],
            b"\x1f\x8b\x08\0",
            b" \r\n",
        ] {
            assert_eq!(UnexpectedContent::of_page(bytes, Some("text/html")), None);
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
