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

/// How a password may be asked for: signed, so that it is bound to the request.
const SUPPORTING_TOKENS: [&str; 2] = ["SignedSupportingTokens", "SignedEncryptedSupportingTokens"];

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

/// What stands in a policy, wherever: its alternatives may be nested, Negotiate beside NTLM.
#[derive(Default)]
struct Policy {
    negotiate: bool,
    ntlm: bool,
    transport: bool,
    username_token: bool,
}

impl Policy {
    fn credentials(&self) -> Credentials {
        Credentials {
            negotiate: self.negotiate,
            ntlm: self.ntlm,
            // Without TransportBinding it is message security, over plain http.
            username: self.username_token && self.transport,
        }
    }
}

/// Returns what each policy with a `wsu:Id` asks for.
///
/// Goes from the assertions outwards: looking into each policy would take nested ones many times.
fn policies<'a>(definitions: Node<'a, '_>) -> HashMap<&'a str, Policy> {
    let mut policies: HashMap<&str, Policy> = HashMap::new();
    for node in definitions.descendants().filter(Node::is_element) {
        let negotiate = is_named(node, &[HTTP_POLICY], "NegotiateAuthentication");
        let ntlm = is_named(node, &[HTTP_POLICY], "NtlmAuthentication");
        let transport = is_named(node, &WS_SECURITY_POLICY, "TransportBinding");
        let token = is_named(node, &WS_SECURITY_POLICY, "WssUsernameToken10");
        if !(negotiate || ntlm || transport || token) {
            continue;
        }
        let mut supporting = false;
        for outer in node.ancestors() {
            supporting |= SUPPORTING_TOKENS
                .iter()
                .any(|tokens| is_named(outer, &WS_SECURITY_POLICY, tokens));
            let id = outer.attribute((WSU, "Id"));
            let Some(id) = id.filter(|_| is_named(outer, &WS_POLICY, "Policy")) else {
                continue;
            };
            let policy = policies.entry(id.trim()).or_default();
            policy.negotiate |= negotiate;
            policy.ntlm |= ntlm;
            policy.transport |= transport;
            policy.username_token |= token && supporting;
        }
    }
    policies
}

/// Returns the bindings that issue tokens by SOAP 1.2 over HTTP for credentials of interest.
fn bindings<'a>(
    definitions: Node<'a, '_>,
    policies: &HashMap<&str, Policy>,
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
            let policy = policy.credentials();
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
