//! A SAML assertion: exact bytes and version.

use std::fmt;

use roxmltree::Node;
use zeroize::Zeroizing;

use crate::xml::markup::{self, Tag};

/// The version of SAML that an assertion is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SamlVersion {
    /// SAML 1.1, which AD FS issues when it is not asked for anything else.
    V1_1,
    /// SAML 2.0.
    V2_0,
}

impl SamlVersion {
    /// Returns the version as people write it: `1.1` or `2.0`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V2_0 => "2.0",
        }
    }

    /// Returns the grant by which Entra takes such an assertion. With the wrong one it answers
    /// AADSTS7500514.
    pub fn grant_type(self) -> &'static str {
        match self {
            Self::V1_1 => "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
            Self::V2_0 => "urn:ietf:params:oauth:grant-type:saml2-bearer",
        }
    }
}

/// A signed SAML assertion, byte for byte as the federation server wrote it.
///
/// The signature covers a canonical form of these bytes, so nothing is ever serialised again. Only
/// a namespace that the assertion uses but that was declared on an element around it is declared
/// on its start tag; exclusive canonicalisation, which SAML signatures use, does not see that.
/// A prefix that occurs in *content* alone, such as `xs` in `xsi:type="xs:string"`, is not known
/// to be one and is not carried over.
///
/// Bytes of a document in another encoding than UTF-8 are those of its UTF-8 form. They wipe
/// themselves; `Debug` shows their number only.
pub struct SamlAssertion {
    version: SamlVersion,
    token_type: Option<String>,
    bytes: Zeroizing<Vec<u8>>,
}

impl SamlAssertion {
    /// Takes the element out of the text that its document was parsed from.
    pub(super) fn extract(
        text: &str,
        element: Node<'_, '_>,
        version: SamlVersion,
        token_type: Option<String>,
    ) -> Self {
        Self {
            version,
            token_type,
            bytes: extract(text, element),
        }
    }

    /// Returns the assertion as it goes to Entra, before base64.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the version of SAML it is written in.
    pub fn version(&self) -> SamlVersion {
        self.version
    }

    /// Returns the grant by which Entra takes it.
    pub fn grant_type(&self) -> &'static str {
        self.version.grant_type()
    }

    /// Returns the TokenType that the reply named, which need not be true.
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }
}

impl fmt::Debug for SamlAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamlAssertion")
            .field("version", &self.version)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .finish_non_exhaustive()
    }
}

fn extract(text: &str, element: Node<'_, '_>) -> Zeroizing<Vec<u8>> {
    let exact = &text[element.range()];
    let inherited: String = inherited_prefixes(exact)
        .into_iter()
        .filter_map(|prefix| declaration(prefix, element))
        .collect();
    let name_end = exact
        .find(|c| markup::is_space(c) || matches!(c, '/' | '>'))
        .expect("an element has a start tag");
    let (start, rest) = exact.split_at(name_end);
    // The final size from the start: a reallocation would leave an unwiped copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(exact.len() + inherited.len()));
    for part in [start, &inherited, rest] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Returns the prefixes that an element and its content use but do not declare, in order of
/// appearance; the empty one stands for the default namespace.
fn inherited_prefixes(element: &str) -> Vec<&str> {
    let mut inherited = Vec::new();
    // The prefixes in scope, and how many there were before each open element.
    let (mut declared, mut open) = (vec!["xml"], Vec::new());
    for tag in markup::tags(element) {
        let Tag::Start {
            name,
            attributes,
            empty,
        } = tag
        else {
            declared.truncate(open.pop().unwrap_or(declared.len()));
            continue;
        };
        let before = declared.len();
        declared.extend(names(attributes).filter_map(markup::declared_prefix));
        // An attribute without a prefix is in no namespace (Namespaces in XML 1.0 section 6.2).
        let used = names(attributes)
            .filter(|name| markup::declared_prefix(name).is_none())
            .map(markup::prefix)
            .filter(|prefix| !prefix.is_empty());
        for prefix in std::iter::once(markup::prefix(name)).chain(used) {
            if !declared.contains(&prefix) && !inherited.contains(&prefix) {
                inherited.push(prefix);
            }
        }
        if empty {
            declared.truncate(before);
        } else {
            open.push(before);
        }
    }
    inherited
}

fn names(attributes: &str) -> impl Iterator<Item = &str> {
    markup::attributes(attributes).map(|(name, _)| name)
}

/// Returns the declaration of a namespace that is in scope of the element.
fn declaration(prefix: &str, element: Node<'_, '_>) -> Option<String> {
    let key = (!prefix.is_empty()).then_some(prefix);
    let uri = element
        .lookup_namespace_uri(key)
        .filter(|uri| !uri.is_empty())?;
    let uri = uri
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\t', "&#9;")
        .replace('\n', "&#10;")
        .replace('\r', "&#13;");
    Some(match key {
        Some(prefix) => format!(" xmlns:{prefix}=\"{uri}\""),
        None => format!(" xmlns=\"{uri}\""),
    })
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn extracted(text: &str) -> String {
        let document = Document::parse(text).unwrap();
        let element = document
            .descendants()
            .find(|node| node.has_attribute("take"))
            .unwrap();
        let bytes = extract(text, element);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_assertion_that_stands_alone_is_untouched() {
        let exact = "<s:A take='' xmlns:s = 'urn:s'\r\n ><!-- ü --><s:b x=\"1>2\"/>\t&#13;<![CDATA[<]]></s:A >";
        let text =
            format!("<o xmlns='urn:o' xmlns:s='urn:s' xmlns:unused='urn:u'>\n {exact}\n</o>");
        assert_eq!(extracted(&text), exact);
    }

    #[test]
    fn namespaces_from_outside_are_declared_once_on_the_start_tag() {
        let text = "<o xmlns='urn:o' xmlns:s='urn:s' xmlns:x='urn:&amp;\"x' xmlns:n='urn:n'>\
                    <s:A take=''><s:B x:c='' xml:lang='de'/><D><n:E xmlns:n='urn:own'/></D></s:A></o>";
        let whole = "<s:A xmlns:s=\"urn:s\" xmlns:x=\"urn:&amp;&quot;x\" xmlns=\"urn:o\" take=''>\
                     <s:B x:c='' xml:lang='de'/><D><n:E xmlns:n='urn:own'/></D></s:A>";
        assert_eq!(extracted(text), whole);
    }

    #[test]
    fn a_declaration_ends_with_the_element_that_made_it() {
        let text = "<o xmlns:n='urn:n'><A take=''><B xmlns:n='urn:1'/><n:C/></A></o>";
        assert_eq!(
            extracted(text),
            "<A xmlns:n=\"urn:n\" take=''><B xmlns:n='urn:1'/><n:C/></A>"
        );
        let text = "<o xmlns:n='urn:n'><A take=''><B xmlns:n='urn:1'><n:b/></B><n:C/></A></o>";
        assert!(extracted(text).starts_with("<A xmlns:n=\"urn:n\" take=''>"));
    }

    #[test]
    fn no_default_namespace_means_none_is_declared() {
        for text in [
            "<o><A take=''/></o>",
            "<o xmlns='urn:o'><p xmlns=''><A take=''/></p></o>",
        ] {
            assert_eq!(extracted(text), "<A take=''/>");
        }
        let text = "<o xmlns='urn:o'><A take=''/></o>";
        assert_eq!(extracted(text), "<A xmlns=\"urn:o\" take=''/>");
    }

    #[test]
    fn a_default_namespace_declared_inside_is_not_overridden() {
        let text =
            "<o xmlns='urn:o'><s:A xmlns:s='urn:s' take=''><K xmlns='urn:k'><X/></K></s:A></o>";
        let exact = "<s:A xmlns:s='urn:s' take=''><K xmlns='urn:k'><X/></K></s:A>";
        assert_eq!(extracted(text), exact);
    }

    #[test]
    fn debug_shows_a_number_only() {
        let text = "<A take='secret'/>";
        let document = Document::parse(text).unwrap();
        let assertion =
            SamlAssertion::extract(text, document.root_element(), SamlVersion::V1_1, None);
        let shown = format!("{assertion:?}");
        assert!(
            shown.contains("[18 bytes]") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
