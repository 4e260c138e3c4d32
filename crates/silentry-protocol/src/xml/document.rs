//! XML from the network: decoded, bounded, without DOCTYPE.

use roxmltree::{Document, Node, ParsingOptions};

use super::content::{self, ContentKind, Start, UnexpectedContent};
use super::encoding::{self, Text};
use super::markup::{self, Tag};
use crate::http::compression;

/// The largest document that is read, in bytes: 1 MiB.
///
/// Ten times the largest metadata document seen from a real AD FS (about 100 KB); replies are a
/// tenth of that.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// How deep elements may nest. Real documents stay below 12; WCF's own readers stop at 32.
const MAX_DEPTH: usize = 128;
/// Attributes on one element; the tree parser compares each with each.
const MAX_ATTRIBUTES: usize = 256;
/// Namespace declarations in scope of one element, and in the whole document. Real documents have
/// 17 and 72; the tree parser copies those in scope at every element that declares one.
const MAX_NAMESPACES_IN_SCOPE: usize = 128;
const MAX_NAMESPACES: usize = 4096;
/// Nodes of the tree. A real document of 100 KB has about 4,000.
const MAX_NODES: u32 = 100_000;

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// There is nothing in it.
    #[error("the document is empty")]
    Empty,
    /// It exceeds [`MAX_DOCUMENT_BYTES`].
    #[error("the document is larger than {} bytes", MAX_DOCUMENT_BYTES)]
    TooLarge,
    /// It nests too deep or declares too much to be an honest document of its size.
    #[error("the document has too many {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
    },
    /// It is compressed, which nobody asked for.
    #[error("the document is compressed ({how}), which was not asked for")]
    Compressed {
        /// How, as `Content-Encoding` names it.
        how: &'static str,
    },
    /// A byte has no meaning in the document's encoding.
    #[error("the byte at offset {offset} is not {encoding}")]
    Undecodable {
        /// The encoding that was declared or detected.
        encoding: &'static str,
        /// Where the byte is, counted from 0 after any byte order mark.
        offset: usize,
    },
    /// The document names an encoding other than UTF-8, UTF-16, ISO-8859-1 or windows-1252.
    #[error("the encoding {label} is not supported")]
    UnsupportedEncoding {
        /// The name of the encoding.
        label: String,
    },
    /// It has a DOCTYPE, which could define entities; SOAP 1.2 part 1 section 5 forbids one.
    #[error("the document has a DOCTYPE, which is refused")]
    Doctype,
    /// It is not the kind of document that was asked for.
    #[error("{0}")]
    Unexpected(UnexpectedContent),
    /// It is not well-formed XML or JSON.
    #[error("{what} at line {line}, column {column}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// The line, counted from 1.
        line: u32,
        /// The column, counted from 1.
        column: u32,
    },
}

/// Decodes a document, refusing one that is too large or empty.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    content_type: Option<&str>,
) -> Result<Text<'a>, DocumentError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLarge);
    }
    if let Some(how) = compression::of(bytes) {
        return Err(DocumentError::Compressed { how });
    }
    let text = encoding::decode(bytes, content_type)?;
    if text.trim().is_empty() {
        Err(DocumentError::Empty)
    } else {
        Ok(text)
    }
}

/// Decodes text of which an error quotes a line; `None` for what is too large, compressed, empty or no text.
pub(crate) fn decode_lossily<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Option<Text<'a>> {
    if bytes.len() > MAX_DOCUMENT_BYTES || compression::of(bytes).is_some() {
        return None;
    }
    encoding::decode_lossily(bytes, content_type).filter(|text| !text.trim().is_empty())
}

/// Parses decoded text as XML within the limits of this module.
pub(crate) fn parse_xml<'a>(
    text: &'a str,
    content_type: Option<&str>,
) -> Result<Document<'a>, DocumentError> {
    match content::start(text) {
        Start::Element => {}
        Start::Doctype => return Err(DocumentError::Doctype),
        Start::Other(kind) => return Err(content::unexpected(kind, text, content_type)),
    }
    check_limits(text)?;
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| {
        let error = malformed(&error);
        // A page written for browsers is rarely well-formed.
        let is_malformed = matches!(error, DocumentError::Malformed { .. });
        if is_malformed && content::is_page(text, content_type) {
            content::unexpected(ContentKind::Html, text, content_type)
        } else {
            error
        }
    })
}

/// Returns whether text is no well-formed XML, as pages for browsers are.
pub(crate) fn is_malformed(text: &str) -> bool {
    matches!(
        parse_xml(text, None),
        Err(DocumentError::Malformed { .. } | DocumentError::Unexpected(_))
    )
}

/// Returns the text directly inside an element, whatever comments or CDATA sections divide it.
pub(crate) fn text_of(node: Node<'_, '_>) -> String {
    node.children()
        .filter(Node::is_text)
        .filter_map(|child| child.text())
        .collect()
}

/// Returns the text directly inside an element without the white space around it, if there is any.
pub(crate) fn trimmed_text_of(node: Node<'_, '_>) -> Option<String> {
    let text = text_of(node);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns the element children.
pub(crate) fn elements<'a, 'i: 'a>(
    node: Node<'a, 'i>,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(Node::is_element)
}

/// Returns whether an element has this local name in one of these namespaces.
pub(crate) fn is_named(node: Node<'_, '_>, namespaces: &[&str], local: &str) -> bool {
    node.is_element()
        && node.tag_name().name() == local
        && node
            .tag_name()
            .namespace()
            .is_some_and(|uri| namespaces.contains(&uri))
}

/// Refuses what would cost the tree parser more than the document's size explains.
fn check_limits(text: &str) -> Result<(), DocumentError> {
    let mut in_scope = 0;
    let mut declared = 0;
    // How many namespaces each open element declared.
    let mut open = Vec::new();
    for tag in markup::tags(text) {
        let Tag::Start {
            attributes, empty, ..
        } = tag
        else {
            in_scope -= open.pop().unwrap_or(0);
            continue;
        };
        let (mut all, mut own) = (0, 0);
        for (name, _) in markup::attributes(attributes) {
            all += 1;
            // The tree parser takes "p:xmlns" for a declaration too.
            own += usize::from(name.starts_with("xmlns") || name.ends_with(":xmlns"));
        }
        declared += own;
        if all > MAX_ATTRIBUTES {
            return Err(DocumentError::TooComplex {
                what: "attributes on one element",
            });
        }
        if in_scope + own > MAX_NAMESPACES_IN_SCOPE || declared > MAX_NAMESPACES {
            return Err(DocumentError::TooComplex {
                what: "namespace declarations",
            });
        }
        if !empty {
            in_scope += own;
            open.push(own);
        }
        if open.len() > MAX_DEPTH {
            return Err(DocumentError::TooComplex {
                what: "levels of nesting",
            });
        }
    }
    Ok(())
}

/// Says what is wrong in our own words: the parser's would quote names from the document.
fn malformed(error: &roxmltree::Error) -> DocumentError {
    use roxmltree::Error as E;
    let what = match error {
        E::DtdDetected => return DocumentError::Doctype,
        E::NodesLimitReached => return DocumentError::TooComplex { what: "nodes" },
        E::AttributesLimitReached => return DocumentError::TooComplex { what: "attributes" },
        E::NamespacesLimitReached => {
            return DocumentError::TooComplex {
                what: "namespace declarations",
            };
        }
        E::UnclosedRootNode | E::UnexpectedEndOfStream => "the XML ends too early (truncated)",
        E::UnexpectedCloseTag(..) => "an end tag does not match its start tag",
        E::UnknownNamespace(..) => "a namespace prefix is not declared",
        E::DuplicatedAttribute(..) | E::DuplicatedNamespace(..) => "an attribute appears twice",
        E::UnknownEntityReference(..) | E::MalformedEntityReference(..) => {
            "an entity reference is unknown or malformed"
        }
        E::NonXmlChar(..) => "a character is not allowed in XML",
        E::UnexpectedDeclaration(..) => "the XML declaration is not at the start",
        E::NoRootNode => "there is no root element",
        _ => "the XML is not well-formed",
    };
    let position = error.pos();
    DocumentError::Malformed {
        what,
        line: position.row,
        column: position.col,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str, content_type: Option<&str>) -> DocumentError {
        let decoded = match decode(text.as_bytes(), content_type) {
            Ok(decoded) => decoded,
            Err(error) => return error,
        };
        match parse_xml(&decoded, content_type) {
            Ok(_) => panic!("accepted: {}", &text[..text.len().min(200)]),
            Err(error) => error,
        }
    }

    #[test]
    fn a_doctype_is_refused_wherever_the_prolog_has_it() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<!doctype a><a/>",
        ] {
            assert_eq!(error_of(text, None), DocumentError::Doctype, "{text}");
        }
    }

    #[test]
    fn what_is_compressed_is_called_that() {
        for (bytes, how) in [
            (&b"\x1f\x8b\x08\0\0\0\0\0"[..], "gzip"),
            (b"\x28\xb5\x2f\xfd\x04\0", "zstd"),
        ] {
            assert_eq!(
                decode(bytes, Some("text/xml")).err(),
                Some(DocumentError::Compressed { how })
            );
        }
    }

    #[test]
    fn empty_and_oversized_documents_are_refused() {
        assert_eq!(error_of("", None), DocumentError::Empty);
        assert_eq!(error_of("\u{FEFF} \r\n", None), DocumentError::Empty);
        let fits = format!("<a>{}</a>", "x".repeat(MAX_DOCUMENT_BYTES - 7));
        assert!(parse_xml(&fits, None).is_ok());
        assert_eq!(error_of(&format!("{fits} "), None), DocumentError::TooLarge);
    }

    #[test]
    fn nesting_and_declarations_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse_xml(&nested(MAX_DEPTH), None).is_ok());
        let deep = DocumentError::TooComplex {
            what: "levels of nesting",
        };
        assert_eq!(error_of(&nested(MAX_DEPTH + 1), None), deep);
        assert_eq!(error_of(&"<a>".repeat(MAX_DOCUMENT_BYTES / 3), None), deep);

        let attributes: String = (0..=MAX_ATTRIBUTES).map(|n| format!(" a{n}=''")).collect();
        let wide = error_of(&format!("<a{attributes}/>"), None);
        assert_eq!(
            wide,
            DocumentError::TooComplex {
                what: "attributes on one element"
            }
        );

        let too_many = DocumentError::TooComplex {
            what: "namespace declarations",
        };
        let scoped: String = (0..=MAX_NAMESPACES_IN_SCOPE)
            .map(|n| format!(" xmlns:p{n}='u'"))
            .collect();
        assert_eq!(error_of(&format!("<a{scoped}/>"), None), too_many);
        let spread = "<b xmlns='u'/>".repeat(MAX_NAMESPACES + 1);
        assert_eq!(error_of(&format!("<a>{spread}</a>"), None), too_many);

        // What is closed is out of scope: elements side by side do not add up.
        let beside = "<b xmlns:p='u'><c xmlns='u'/></b>".repeat(MAX_NAMESPACES_IN_SCOPE * 2);
        assert!(parse_xml(&format!("<a>{beside}</a>"), None).is_ok());

        let nodes = "<b/>".repeat(MAX_NODES as usize);
        assert_eq!(
            error_of(&format!("<a>{nodes}</a>"), None),
            DocumentError::TooComplex { what: "nodes" }
        );
    }

    #[test]
    fn malformed_documents_say_where_but_quote_nothing() {
        for (text, said) in [
            ("<secret><a></secret>", "end tag"),
            ("<secret><a>", "truncated"),
            ("<secret:a/>", "prefix"),
            ("<a>&secret;</a>", "entity"),
            ("<a/><secret/>", "not well-formed"),
            ("\n<?xml version='1.0'?><secret/>", "declaration"),
        ] {
            let error = error_of(text, None).to_string();
            assert!(
                error.contains(said) && error.contains("line 1") || said == "declaration",
                "{text}: {error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn text_divided_by_comments_is_whole() {
        let parsed = Document::parse("<a>x<!-- y -->z<![CDATA[&]]></a>");
        assert_eq!(
            parsed
                .map(|document| text_of(document.root_element()))
                .as_deref(),
            Ok("xz&")
        );
    }
}
