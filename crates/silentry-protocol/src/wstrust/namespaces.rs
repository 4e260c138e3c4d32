//! Namespace URIs of the documents that federation servers speak.

pub(crate) const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
pub(crate) const WSDL_SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
pub(crate) const WSDL_SOAP11: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
/// WSDL 1.1's name for SOAP over HTTP, which AD FS writes, and that of SOAP 1.2 itself.
pub(crate) const SOAP_OVER_HTTP: [&str; 2] = [
    "http://schemas.xmlsoap.org/soap/http",
    "http://www.w3.org/2003/05/soap/bindings/HTTP/",
];

/// WS-Policy 1.2 (what AD FS writes), 1.5 and its draft.
pub(crate) const WS_POLICY: [&str; 3] = [
    "http://schemas.xmlsoap.org/ws/2004/09/policy",
    "http://www.w3.org/ns/ws-policy",
    "http://www.w3.org/2006/07/ws-policy",
];
/// WS-SecurityPolicy 1.2, its draft, and its 2005 predecessor.
pub(crate) const WS_SECURITY_POLICY: [&str; 3] = [
    "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
    "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200512",
    "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
];
/// Microsoft's HTTP authentication assertions, see MS-WSPOL 2.2.
pub(crate) const HTTP_POLICY: &str = "http://schemas.microsoft.com/ws/06/2004/policy/http";

pub(crate) const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
pub(crate) const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// `xml:id` needs no declaration.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
pub(crate) const WSA: &str = "http://www.w3.org/2005/08/addressing";
/// WS-Addressing 1.0 and its 2004 submission, which a port's address may be written in.
pub(crate) const WSA_ADDRESSES: [&str; 2] =
    [WSA, "http://schemas.xmlsoap.org/ws/2004/08/addressing"];

pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";

pub(crate) const WS_TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
pub(crate) const WS_TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";

pub(crate) const SAML_1_1: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
pub(crate) const SAML_2_0: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// Entra's own status elements (`psf:pp`, `psf:error`), in the SOAPFault and PPCRL vocabularies.
pub(crate) const PASSPORT_PREFIX: &str = "http://schemas.microsoft.com/Passport/SoapServices/";
