//! Enveloped XML signatures: exclusive canonicalization, SHA-256 digest, RSA with SHA-256.
//!
//! This is what AD FS puts into its assertions (recorded ones differ in nothing but values), and
//! the only profile that the lab's Entra accepts. Source: <https://www.w3.org/TR/xmldsig-core1/>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use roxmltree::{Document, Node};

use super::c14n::Canonical;
use super::{DSIG, child, text_of};
use crate::keys::{PublicKey, SigningKey};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("there is no signature directly below the signed element")]
    Missing,
    #[error("the signature is not of the profile AD FS uses")]
    Profile,
    #[error("the signature does not refer to the element it stands in")]
    Reference,
    #[error("the signed element was changed")]
    Digest,
    #[error("no registered key made the signature")]
    Key,
}

/// Returns the document with a signature of its root element inserted at a byte offset.
///
/// # Panics
///
/// When the document is not well formed: the caller has just written it.
pub(crate) fn sign(document: &str, id: &str, at: usize, key: &SigningKey) -> String {
    let parsed = Document::parse(document).expect("the lab writes well-formed assertions");
    let canonical = Canonical::default().of(parsed.root_element());
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));

    // Written in canonical form but for the empty elements and the namespace it inherits.
    let signed_info = format!(
        "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let holder = format!("<ds:Signature xmlns:ds=\"{DSIG}\">{signed_info}</ds:Signature>");
    let parsed = Document::parse(&holder).expect("the lab writes well-formed signatures");
    let octets = parsed
        .root_element()
        .first_element_child()
        .map(|info| Canonical::default().of(info));
    let value = STANDARD.encode(key.sign(octets.unwrap_or_default().as_bytes()));
    let certificate = STANDARD.encode(key.certificate());

    let (before, after) = document.split_at(at);
    format!(
        "{before}<ds:Signature xmlns:ds=\"{DSIG}\">{signed_info}\
         <ds:SignatureValue>{value}</ds:SignatureValue><KeyInfo xmlns=\"{DSIG}\"><X509Data>\
         <X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></ds:Signature>{after}"
    )
}

/// Verifies that one of the keys signed the root element, which the attribute `id_attribute`
/// names. What stands in `KeyInfo` is not trusted, nor looked at.
pub(crate) fn verify(
    document: &Document<'_>,
    id_attribute: &str,
    keys: &[PublicKey],
) -> Result<(), SignatureError> {
    let root = document.root_element();
    let signature = child(root, DSIG, "Signature").ok_or(SignatureError::Missing)?;
    let info = child(signature, DSIG, "SignedInfo").ok_or(SignatureError::Profile)?;

    let canonicalization = algorithm(info, "CanonicalizationMethod", EXCLUSIVE)?;
    algorithm(info, "SignatureMethod", RSA_SHA256)?;
    let mut references = info
        .children()
        .filter(|node| node.has_tag_name((DSIG, "Reference")));
    let (Some(reference), None) = (references.next(), references.next()) else {
        return Err(SignatureError::Profile);
    };
    algorithm(reference, "DigestMethod", SHA256)?;

    // The signed element is the root itself: no other element can be smuggled in its place.
    let id = root.attribute(id_attribute).filter(|id| !id.is_empty());
    let target = reference
        .attribute("URI")
        .and_then(|uri| uri.strip_prefix('#'));
    if id.is_none() || id != target {
        return Err(SignatureError::Reference);
    }

    let inclusive = transforms(reference)?;
    let canonical = Canonical {
        without: Some(signature),
        inclusive: &inclusive,
    }
    .of(root);
    let stated = value_of(reference, "DigestValue")?;
    if digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref() != stated.as_slice() {
        return Err(SignatureError::Digest);
    }

    let inclusive = prefix_list(canonicalization);
    let octets = Canonical {
        without: None,
        inclusive: &inclusive,
    }
    .of(info);
    let value = value_of(signature, "SignatureValue")?;
    if keys
        .iter()
        .any(|key| key.verifies(octets.as_bytes(), &value))
    {
        Ok(())
    } else {
        Err(SignatureError::Key)
    }
}

fn algorithm<'d, 'i>(
    parent: Node<'d, 'i>,
    name: &str,
    expected: &str,
) -> Result<Node<'d, 'i>, SignatureError> {
    child(parent, DSIG, name)
        .filter(|method| method.attribute("Algorithm") == Some(expected))
        .ok_or(SignatureError::Profile)
}

/// Requires the two transforms of an enveloped signature, and returns the prefix list.
fn transforms<'d>(reference: Node<'d, '_>) -> Result<Vec<&'d str>, SignatureError> {
    let transforms = child(reference, DSIG, "Transforms").ok_or(SignatureError::Profile)?;
    let mut transforms = transforms.children().filter(Node::is_element);
    let (Some(first), Some(second), None) =
        (transforms.next(), transforms.next(), transforms.next())
    else {
        return Err(SignatureError::Profile);
    };
    if first.attribute("Algorithm") != Some(ENVELOPED)
        || second.attribute("Algorithm") != Some(EXCLUSIVE)
    {
        return Err(SignatureError::Profile);
    }
    Ok(prefix_list(second))
}

fn prefix_list<'d>(method: Node<'d, '_>) -> Vec<&'d str> {
    child(method, EXCLUSIVE, "InclusiveNamespaces")
        .and_then(|list| list.attribute("PrefixList"))
        .map(|list| list.split_ascii_whitespace().collect())
        .unwrap_or_default()
}

fn value_of(parent: Node<'_, '_>, name: &str) -> Result<Vec<u8>, SignatureError> {
    let text = child(parent, DSIG, name)
        .map(text_of)
        .ok_or(SignatureError::Profile)?;
    let text: String = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    STANDARD.decode(text).map_err(|_| SignatureError::Profile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;

    const ASSERTION: &str =
        "<s:Assertion xmlns:s=\"urn:s\" AssertionID=\"_1\"><s:A>x</s:A></s:Assertion>";

    fn signed(key: &SigningKey) -> String {
        sign(
            ASSERTION,
            "_1",
            ASSERTION.find("</s:Assertion>").unwrap(),
            key,
        )
    }

    fn check(xml: &str, key: &SigningKey) -> Result<(), SignatureError> {
        verify(
            &Document::parse(xml).unwrap(),
            "AssertionID",
            &[key.public()],
        )
    }

    #[test]
    fn a_signature_holds_until_something_changes() {
        let keys = Keys::load();
        let xml = signed(&keys.adfs);
        assert_eq!(check(&xml, &keys.adfs), Ok(()));
        assert_eq!(
            check(&xml.replace(">x<", ">y<"), &keys.adfs),
            Err(SignatureError::Digest)
        );
        assert_eq!(check(&xml, &keys.unregistered), Err(SignatureError::Key));
        assert_eq!(
            check(&xml.replace("URI=\"#_1\"", "URI=\"#_2\""), &keys.adfs),
            Err(SignatureError::Reference)
        );
        assert_eq!(check(ASSERTION, &keys.adfs), Err(SignatureError::Missing));
    }

    /// The user's name was taken out of the recording, so that the digest is wrong; what was signed
    /// is the canonical form of `SignedInfo`, which is whole.
    #[test]
    fn the_signature_of_a_real_adfs_is_understood() {
        let Some(folder) = crate::testdata::testdata() else {
            return;
        };
        let recording = folder.join(
            "Azure+kubelogin/pkg/internal/pop/testdata/AcquirePoPTokenByUsernamePasswordVCR/03-response.xml",
        );
        let text = std::fs::read_to_string(recording).unwrap();
        let from = text.find("<saml:Assertion ").unwrap();
        let end = "</saml:Assertion>";
        let to = text.find(end).unwrap() + end.len();
        let document = Document::parse(&text[from..to]).unwrap();
        let named = |name| {
            document
                .descendants()
                .find(|node| node.has_tag_name((DSIG, name)))
        };
        let certificate = STANDARD
            .decode(text_of(named("X509Certificate").unwrap()))
            .unwrap();
        let value = STANDARD
            .decode(text_of(named("SignatureValue").unwrap()))
            .unwrap();
        let octets = Canonical::default().of(named("SignedInfo").unwrap());
        assert!(PublicKey::of_certificate(&certificate).verifies(octets.as_bytes(), &value));

        let error = verify(&document, "AssertionID", &[Keys::load().adfs.public()]).unwrap_err();
        assert_eq!(error, SignatureError::Digest);
    }

    #[test]
    fn an_inherited_namespace_declaration_does_not_break_it() {
        let keys = Keys::load();
        let xml = signed(&keys.adfs).replacen(
            "<s:Assertion ",
            "<s:Assertion xmlns:unused=\"urn:unused\" ",
            1,
        );
        assert_eq!(check(&xml, &keys.adfs), Ok(()));
    }
}
