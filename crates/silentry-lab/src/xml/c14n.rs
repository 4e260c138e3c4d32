//! Exclusive XML Canonicalization 1.0 without comments, of one element of a parsed document.
//!
//! Source: <https://www.w3.org/TR/xml-exc-c14n/>, section 3, over Canonical XML 1.0 section 2.3.

use std::collections::BTreeMap;

use roxmltree::{Attribute, Node};

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// How the octets are made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Canonical<'c, 'd, 'i> {
    /// An element to leave out with everything below it: the enveloped signature.
    pub(crate) without: Option<Node<'d, 'i>>,
    /// Prefixes of the `InclusiveNamespaces PrefixList`; `#default` for the default namespace.
    pub(crate) inclusive: &'c [&'c str],
}

impl Canonical<'_, '_, '_> {
    /// Returns the canonical form of an element.
    pub(crate) fn of(&self, element: Node<'_, '_>) -> String {
        let mut out = String::new();
        self.node(element, &BTreeMap::new(), &mut out);
        out
    }

    fn node(&self, node: Node<'_, '_>, in_scope: &Scope, out: &mut String) {
        if node.is_element() {
            if self.without.is_some_and(|left_out| left_out == node) {
                return;
            }
            self.element(node, in_scope, out);
        } else if node.is_text() {
            escape_text(node.text().unwrap_or_default(), out);
        } else if let Some(instruction) = node.pi() {
            out.push_str("<?");
            out.push_str(instruction.target);
            if let Some(value) = instruction.value {
                out.push(' ');
                out.push_str(value);
            }
            out.push_str("?>");
        }
    }

    fn element(&self, element: Node<'_, '_>, in_scope: &Scope, out: &mut String) {
        let name = qualified_name(element);
        let mut scope = in_scope.clone();
        out.push('<');
        out.push_str(name);

        for (prefix, uri) in self.visible_namespaces(element, name) {
            if scope.get(prefix).map_or("", String::as_str) == uri {
                continue;
            }
            out.push_str(if prefix.is_empty() {
                " xmlns"
            } else {
                " xmlns:"
            });
            out.push_str(prefix);
            out.push_str("=\"");
            escape_attribute(uri, out);
            out.push('"');
            scope.insert(prefix.to_owned(), uri.to_owned());
        }

        let mut attributes: Vec<_> = element.attributes().collect();
        attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or(""), attribute.name()));
        for attribute in attributes {
            out.push(' ');
            out.push_str(attribute_name(element, attribute));
            out.push_str("=\"");
            escape_attribute(attribute.value(), out);
            out.push('"');
        }
        out.push('>');
        for child in element.children() {
            self.node(child, &scope, out);
        }
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }

    /// Returns the namespaces that the element's own name and attributes use, and those of the
    /// prefix list, sorted by prefix. An unbound default namespace counts as bound to nothing.
    fn visible_namespaces<'n>(
        &self,
        element: Node<'n, '_>,
        name: &'n str,
    ) -> BTreeMap<&'n str, &'n str> {
        let mut visible = BTreeMap::new();
        let own = prefix_of(name);
        if own != "xml" {
            visible.insert(own, element.tag_name().namespace().unwrap_or(""));
        }
        for attribute in element.attributes() {
            let Some(uri) = attribute.namespace().filter(|uri| *uri != XML) else {
                continue;
            };
            visible.insert(prefix_of(attribute_name(element, attribute)), uri);
        }
        for namespace in element.namespaces() {
            let prefix = namespace.name().unwrap_or("");
            let listed = if prefix.is_empty() {
                "#default"
            } else {
                prefix
            };
            if prefix != "xml" && self.inclusive.contains(&listed) {
                visible.insert(prefix, namespace.uri());
            }
        }
        visible
    }
}

/// What the output has declared so far on the way down: prefix to URI.
type Scope = BTreeMap<String, String>;

/// Returns the element's name as written; the parser keeps the URI but not the prefix.
fn qualified_name<'n>(element: Node<'n, '_>) -> &'n str {
    let source = &element.document().input_text()[element.range()];
    let name = source.get(1..).unwrap_or_default();
    let end = name
        .find(|character: char| character.is_ascii_whitespace() || matches!(character, '>' | '/'))
        .unwrap_or(name.len());
    &name[..end]
}

fn attribute_name<'n>(element: Node<'n, '_>, attribute: Attribute<'n, '_>) -> &'n str {
    &element.document().input_text()[attribute.range_qname()]
}

fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn escape_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

fn escape_attribute(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_of(xml: &str, name: &str, inclusive: &[&str]) -> String {
        let document = roxmltree::Document::parse(xml).unwrap();
        let element = document
            .descendants()
            .find(|node| node.tag_name().name() == name)
            .unwrap();
        Canonical {
            without: None,
            inclusive,
        }
        .of(element)
    }

    /// The examples of section 2.2 of the recommendation.
    #[test]
    fn only_visibly_used_namespaces_are_rendered() {
        let xml = "<n0:local xmlns:n0='foo:bar' xmlns:n3='ftp://example.org'>\
                   <n1:elem2 xmlns:n1='http://example.net' xml:lang='en'>\
                   <n3:stuff xmlns:n3='ftp://example.org'/></n1:elem2></n0:local>";
        let expected = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\">\
                        <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
        assert_eq!(canonical_of(xml, "elem2", &[]), expected);
        assert!(canonical_of(xml, "elem2", &["n0"]).starts_with(
            "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" xml:lang=\"en\">"
        ));
    }

    #[test]
    fn default_namespace_is_undeclared_where_it_ends() {
        let xml = "<a xmlns='urn:a'><b xmlns=''><c/></b><d/></a>";
        assert_eq!(
            canonical_of(xml, "a", &[]),
            "<a xmlns=\"urn:a\"><b xmlns=\"\"><c></c></b><d></d></a>"
        );
        assert_eq!(canonical_of(xml, "b", &[]), "<b><c></c></b>");
    }

    #[test]
    fn prefixes_are_kept_when_two_name_one_namespace() {
        let xml = "<r xmlns:x='urn:1' xmlns:y='urn:1'><y:e x:b='2' a='1' y:a='3'/></r>";
        assert_eq!(
            canonical_of(xml, "e", &[]),
            "<y:e xmlns:x=\"urn:1\" xmlns:y=\"urn:1\" a=\"1\" y:a=\"3\" x:b=\"2\"></y:e>"
        );
    }

    #[test]
    fn characters_are_escaped_by_where_they_stand() {
        let xml =
            "<r a='&#10;&lt;&quot;&apos;&gt;'>&#13;&gt;<![CDATA[<&]]><!-- gone --><?p  d?></r>";
        assert_eq!(
            canonical_of(xml, "r", &[]),
            "<r a=\"&#xA;&lt;&quot;'>\">&#xD;&gt;&lt;&amp;<?p d?></r>"
        );
    }
}
