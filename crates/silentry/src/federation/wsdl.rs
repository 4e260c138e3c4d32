//! The WSDL of a federation server: ports, their bindings, and the policies of these.
//!
//! Everything is matched by namespace URI and policy, never by prefix or binding name: AD FS uses
//! the same binding names for `windowstransport` and `kerberosmixed`, and their numbers move.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::document::{elements, is_named, text_of};
use super::namespaces::{
    HTTP_POLICY, SOAP_OVER_HTTP, WS_POLICY, WS_SECURITY_POLICY, WSA, WSDL, WSDL_SOAP12, WSU,
};
use super::rst::WsTrustVersion;

/// What a policy lets a client prove itself with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) negotiate: bool,
    pub(super) ntlm: bool,
    pub(super) username: bool,
}

/// A port whose binding issues tokens for credentials that we have.
pub(super) struct Port {
    pub(super) credentials: Credentials,
    pub(super) version: WsTrustVersion,
    /// As written, without the white space around it; empty when there is none.
    pub(super) address: String,
}

/// Returns the ports of the first `wsdl:definitions`, in document order; `None` without one.
///
/// It need not be the root: third parties wrap it in a `wsx:Metadata` or a SOAP envelope.
pub(super) fn ports(document: &Document<'_>) -> Option<Vec<Port>> {
    let definitions = document
        .descendants()
        .find(|node| is_named(*node, &[WSDL], "definitions"))?;
    let policies = policies(definitions);
    let bindings = bindings(definitions, &policies);
    let ports = elements(definitions)
        .filter(|node| is_named(*node, &[WSDL], "service"))
        .flat_map(elements)
        .filter(|node| is_named(*node, &[WSDL], "port"))
        .filter_map(|port| {
            let (version, credentials) = *bindings.get(local_part(port.attribute("binding")?))?;
            Some(Port {
                credentials,
                version,
                address: address(port),
            })
        })
        .collect();
    Some(ports)
}

/// Returns what each policy with a `wsu:Id` asks for.
fn policies<'a>(definitions: Node<'a, '_>) -> HashMap<&'a str, Credentials> {
    let mut policies: HashMap<&str, Credentials> = HashMap::new();
    for policy in definitions
        .descendants()
        .filter(|node| is_named(*node, &WS_POLICY, "Policy"))
    {
        let Some(id) = policy.attribute((WSU, "Id")) else {
            continue;
        };
        let found = credentials(policy);
        let known = policies.entry(id.trim()).or_default();
        known.negotiate |= found.negotiate;
        known.ntlm |= found.ntlm;
        known.username |= found.username;
    }
    policies
}

/// Reads a policy. Its alternatives may be nested: Negotiate beside NTLM and Basic is found too.
fn credentials(policy: Node<'_, '_>) -> Credentials {
    let has = |namespaces: &[&str], local: &str| {
        policy
            .descendants()
            .any(|node| is_named(node, namespaces, local))
    };
    let username_token = policy.descendants().any(|node| {
        ["SignedSupportingTokens", "SignedEncryptedSupportingTokens"]
            .iter()
            .any(|tokens| is_named(node, &WS_SECURITY_POLICY, tokens))
            && node
                .descendants()
                .any(|token| is_named(token, &WS_SECURITY_POLICY, "WssUsernameToken10"))
    });
    Credentials {
        negotiate: has(&[HTTP_POLICY], "NegotiateAuthentication"),
        ntlm: has(&[HTTP_POLICY], "NtlmAuthentication"),
        // Without TransportBinding it is message security, over plain http.
        username: username_token && has(&WS_SECURITY_POLICY, "TransportBinding"),
    }
}

/// Returns the bindings that issue tokens by SOAP 1.2 over HTTP for credentials of interest.
fn bindings<'a>(
    definitions: Node<'a, '_>,
    policies: &HashMap<&str, Credentials>,
) -> HashMap<&'a str, (WsTrustVersion, Credentials)> {
    let mut bindings = HashMap::new();
    for binding in elements(definitions).filter(|node| is_named(*node, &[WSDL], "binding")) {
        let Some(name) = binding
            .attribute("name")
            .map(str::trim)
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        let Some(version) = version(binding) else {
            continue;
        };
        let mut credentials = Credentials::default();
        for policy in policy_references(binding).filter_map(|id| policies.get(id)) {
            credentials.negotiate |= policy.negotiate;
            credentials.ntlm |= policy.ntlm;
            credentials.username |= policy.username;
        }
        if credentials != Credentials::default() {
            bindings.entry(name).or_insert((version, credentials));
        }
    }
    bindings
}

fn policy_references<'a>(binding: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    elements(binding)
        .filter(|node| is_named(*node, &WS_POLICY, "PolicyReference"))
        .filter_map(|reference| reference.attribute("URI")?.trim().strip_prefix('#'))
}

/// Returns the version of a SOAP 1.2 binding over HTTP: that of its first operation that issues.
fn version(binding: Node<'_, '_>) -> Option<WsTrustVersion> {
    let soap12 = elements(binding).find(|node| is_named(*node, &[WSDL_SOAP12], "binding"))?;
    if soap12.attribute("transport").map(str::trim) != Some(SOAP_OVER_HTTP) {
        return None;
    }
    elements(binding)
        .filter(|node| is_named(*node, &[WSDL], "operation"))
        .flat_map(elements)
        .filter(|node| is_named(*node, &[WSDL_SOAP12], "operation"))
        .filter_map(|operation| operation.attribute("soapAction"))
        .find_map(|action| WsTrustVersion::from_issue_action(action.trim()))
}

/// Returns the address of a port: WS-Addressing's, else SOAP's.
fn address(port: Node<'_, '_>) -> String {
    let addressing = elements(port)
        .filter(|node| is_named(*node, &[WSA], "EndpointReference"))
        .flat_map(elements)
        .filter(|node| is_named(*node, &[WSA], "Address"))
        .map(text_of);
    let soap = elements(port)
        .filter(|node| is_named(*node, &[WSDL_SOAP12], "address"))
        .filter_map(|node| node.attribute("location"))
        .map(str::to_owned);
    addressing
        .chain(soap)
        .map(|address| address.trim().to_owned())
        .find(|address| !address.is_empty())
        .unwrap_or_default()
}

fn local_part(name: &str) -> &str {
    let name = name.trim();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
