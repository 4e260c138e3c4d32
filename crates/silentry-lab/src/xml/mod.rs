//! XML of the lab's AD FS and Entra: reading with bounds, escaping, canonical form, signatures.
//!
//! Nothing here is shared with the `silentry` library: the two would agree on the same mistake.

pub(crate) mod c14n;
pub(crate) mod signature;

use roxmltree::{Document, Node, ParsingOptions};

pub(crate) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const SAML1: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
pub(crate) const SAML2: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const WSP: &str = "http://schemas.xmlsoap.org/ws/2004/09/policy";
pub(crate) const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub(crate) const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// Deeper documents are refused before they are parsed: parser and canonicalizer recurse.
const MAX_DEPTH: usize = 100;
const MAX_NODES: u32 = 20_000;
/// The parser compares each attribute of an element with all others.
const MAX_ATTRIBUTES: usize = 256;

/// Parses a document, refusing DOCTYPE, depth and number of nodes that no honest client sends.
pub(crate) fn parse(text: &str) -> Option<Document<'_>> {
    let shape = Shape::of(text);
    if shape.depth > MAX_DEPTH || shape.attributes > MAX_ATTRIBUTES {
        return None;
    }
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).ok()
}

/// Returns the first element child with this name.
pub(crate) fn child<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &str,
    name: &str,
) -> Option<Node<'a, 'i>> {
    node.children()
        .find(|child| child.has_tag_name((namespace, name)))
}

/// Returns all text below a node, without white space around it.
pub(crate) fn text_of(node: Node<'_, '_>) -> String {
    let text: String = node
        .descendants()
        .filter(Node::is_text)
        .filter_map(|text| text.text())
        .collect();
    text.trim().to_owned()
}

/// Escapes text for element content and for attributes in either quotation mark.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\r' => escaped.push_str("&#xD;"),
            // Control characters cannot stand in XML 1.0 at all.
            control if control < ' ' && !matches!(control, '\t' | '\n') => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// What a document would cost a parser, found by one scan without recursion. For malformed input
/// the numbers are meaningless, but never smaller than what a parser would reach.
#[derive(Debug, Default, Eq, PartialEq)]
struct Shape {
    /// The greatest nesting of elements.
    depth: usize,
    /// At least as many as any one element has.
    attributes: usize,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut rest) = (0_usize, text);
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = after(comment, "-->");
            } else if let Some(section) = rest.strip_prefix("![CDATA[") {
                rest = after(section, "]]>");
            } else if let Some(instruction) = rest.strip_prefix('?') {
                rest = after(instruction, "?>");
            } else if rest.starts_with('/') {
                depth = depth.saturating_sub(1);
            } else {
                let (tag, following) = split_tag(rest);
                shape.depth = shape.depth.max(depth + 1);
                let equals = tag.bytes().filter(|byte| *byte == b'=').count();
                shape.attributes = shape.attributes.max(equals);
                if !tag.ends_with('/') {
                    depth += 1;
                }
                rest = following;
            }
        }
        shape
    }
}

fn after<'t>(text: &'t str, mark: &str) -> &'t str {
    text.find(mark).map_or("", |at| &text[at + mark.len()..])
}

/// Splits behind the `>` that ends a start tag; one inside a quoted value does not.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), close) if open == close => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(text: &str) -> usize {
        Shape::of(text).depth
    }

    #[test]
    fn depth_is_not_deceived_by_quotes_comments_and_sections() {
        assert_eq!(
            depth("<a><b x='/>'><c/></b><!-- <d><e><f><g> --><b/></a>"),
            3
        );
        assert_eq!(depth("<a><![CDATA[<b><c><d>]]></a>"), 1);
        assert_eq!(depth("<?xml version='1.0'?><a/>"), 1);
    }

    #[test]
    fn costly_and_declared_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
        assert!(parse(&deep).is_none());
        assert!(parse(&format!("<r>{}</r>", "<a/>".repeat(30_000))).is_none());
        let attributes: String = (0..100_000).map(|index| format!(" a{index}=''")).collect();
        assert!(parse(&format!("<r{attributes}/>")).is_none());
        assert!(parse("<!DOCTYPE r [<!ENTITY x 'y'>]><r>&x;</r>").is_none());
        assert!(parse("\u{feff}<r/>").is_some());
    }

    proptest::proptest! {
        /// Whatever the parser takes, the scan saw at least its depth and attributes.
        #[test]
        fn the_scan_is_never_deceived(text in "(<[ab/!?>-]|[ab]='|[\"'<>/=&;a-]|<a>|</a>|<a/>|<!--|-->|<!\\[CDATA\\[|\\]\\]>){0,40}") {
            let text = format!("<r>{text}</r>");
            if let Ok(document) = Document::parse(&text) {
                let shape = Shape::of(&text);
                for node in document.descendants().filter(Node::is_element) {
                    let depth = node.ancestors().filter(Node::is_element).count();
                    proptest::prop_assert!(depth <= shape.depth);
                    proptest::prop_assert!(node.attributes().len() <= shape.attributes);
                }
                let canonical = c14n::Canonical::default().of(document.root_element());
                proptest::prop_assert!(Document::parse(&canonical).is_ok());
            }
        }
    }

    #[test]
    fn escaped_text_comes_back() {
        let text = "p&<J\u{fc}dy>\"w'd";
        let xml = format!("<r a=\"{0}\" b='{0}'>{0}</r>", escape(text));
        let document = parse(&xml).unwrap();
        assert_eq!(document.root_element().attribute("b"), Some(text));
        assert_eq!(text_of(document.root_element()), text);
    }
}
