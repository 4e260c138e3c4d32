//! The WSDL of a federation server: ports, their bindings, and the policies of these.
//!
//! Everything is matched by namespace URI and policy, never by prefix or binding name: AD FS uses
//! the same binding names for `windowstransport` and `kerberosmixed`, and their numbers move.
//!
//! The parts may stand in any section of the document (WS-MetadataExchange 1.1, 4): contract, bindings and service in
//! definitions of their own, policies in a section of theirs. How a policy is attached is that of WS-PolicyAttachment
//! 1.2 (2, 3.3 and 4.1): it stands in the element, or is referred to by a `PolicyReference` in it or by its attribute
//! `PolicyURIs`; and the element is the port, its binding, the port type of that, or the operation that issues. Or it is
//! attached from outside, to the address of the port.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::document::{elements, is_named, text_of};
use super::namespaces::{SOAP_OVER_HTTP, WS_POLICY, WSA_ADDRESSES, WSDL, WSDL_SOAP11, WSDL_SOAP12};
use super::policy::{Credentials, Policies};
use super::rst::WsTrustVersion;

/// A port whose binding issues tokens for credentials that we have.
pub(super) struct Port {
    pub(super) credentials: Credentials,
    pub(super) version: WsTrustVersion,
    /// As written, without the white space around it; empty when there is none.
    pub(super) address: String,
}

/// Returns the ports of all definitions, in document order; `None` without any definitions.
///
/// They need not be the root: third parties wrap them in a `wsx:Metadata` or a SOAP envelope.
pub(super) fn ports(document: &Document<'_>) -> Option<Vec<Port>> {
    let definitions = || {
        document
            .descendants()
            .filter(|node| is_named(*node, &[WSDL], "definitions"))
    };
    definitions().next()?;
    let policies = Policies::of(document);
    let port_types = Named::of(definitions(), "portType");
    let bindings = Named::of(definitions(), "binding");
    let attachments = attachments(document);
    let ports = definitions()
        .flat_map(|definitions| named_children(definitions, "service"))
        .flat_map(|service| named_children(service, "port"))
        .filter_map(|port| {
            let binding = bindings.find(port, port.attribute("binding")?)?;
            let port_type = binding
                .attribute("type")
                .and_then(|name| port_types.find(binding, name));
            let (version, operation) = issuing(binding)?;
            let address = address(port);
            let subject = [Some(port), Some(binding), port_type, Some(operation)];
            let messages = named_children(operation, "input");
            let from_outside = attachments.get(&address).into_iter().flatten().copied();
            let subject = subject.into_iter().flatten().chain(messages);
            let credentials = policies.of_all(subject.chain(from_outside));
            (credentials != Credentials::default()).then_some(Port {
                credentials,
                version,
                address,
            })
        })
        .collect();
    Some(ports)
}

fn named_children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    local: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    elements(node).filter(move |node| is_named(*node, &[WSDL], local))
}

/// The bindings, or the port types, of all definitions, found by their qualified names.
struct Named<'a, 'i> {
    by_qualified_name: HashMap<(&'a str, &'a str), Node<'a, 'i>>,
    /// Of several the first; third parties get the namespaces wrong.
    by_local_name: HashMap<&'a str, Node<'a, 'i>>,
}

impl<'a, 'i: 'a> Named<'a, 'i> {
    fn of(definitions: impl Iterator<Item = Node<'a, 'i>>, local: &'static str) -> Self {
        let mut named = Self {
            by_qualified_name: HashMap::new(),
            by_local_name: HashMap::new(),
        };
        for definitions in definitions {
            let namespace = definitions.attribute("targetNamespace").map(str::trim);
            for node in named_children(definitions, local) {
                let name = node.attribute("name").unwrap_or_default().trim();
                if name.is_empty() {
                    continue;
                }
                let qualified = (namespace.unwrap_or_default(), name);
                named.by_qualified_name.entry(qualified).or_insert(node);
                named.by_local_name.entry(name).or_insert(node);
            }
        }
        named
    }

    /// Finds what `name` means where it stands in `context`.
    fn find(&self, context: Node<'a, 'i>, name: &'a str) -> Option<Node<'a, 'i>> {
        let name = name.trim();
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, name),
        };
        let namespace = context.lookup_namespace_uri(prefix).unwrap_or_default();
        let exact = self.by_qualified_name.get(&(namespace, local));
        exact.or_else(|| self.by_local_name.get(local)).copied()
    }
}

/// Returns the policies that are attached from outside, by the addresses that they apply to.
fn attachments<'a, 'i: 'a>(document: &'a Document<'i>) -> HashMap<String, Vec<Node<'a, 'i>>> {
    let mut attachments: HashMap<_, Vec<_>> = HashMap::new();
    for attachment in document
        .descendants()
        .filter(|node| is_named(*node, &WS_POLICY, "PolicyAttachment"))
    {
        let applies_to = elements(attachment)
            .filter(|node| is_named(*node, &WS_POLICY, "AppliesTo"))
            .flat_map(elements);
        for subject in applies_to {
            let address = match is_named(subject, &WS_POLICY, "URI") {
                true => Some(text_of(subject)),
                false => elements(subject)
                    .find(|node| is_named(*node, &WSA_ADDRESSES, "Address"))
                    .map(text_of),
            };
            if let Some(address) = address {
                let address = address.trim().to_owned();
                attachments.entry(address).or_default().push(attachment);
            }
        }
    }
    attachments
}

/// Returns the first operation of a SOAP 1.2 binding over HTTP that issues, and the version that it speaks.
fn issuing<'a, 'i: 'a>(binding: Node<'a, 'i>) -> Option<(WsTrustVersion, Node<'a, 'i>)> {
    let soap12 = elements(binding).find(|node| is_named(*node, &[WSDL_SOAP12], "binding"))?;
    if soap12.attribute("transport").map(str::trim) != Some(SOAP_OVER_HTTP) {
        return None;
    }
    named_children(binding, "operation").find_map(|operation| {
        let version = elements(operation)
            .filter(|node| is_named(*node, &[WSDL_SOAP12], "operation"))
            .filter_map(|node| node.attribute("soapAction"))
            .find_map(|action| WsTrustVersion::from_issue_action(action.trim()));
        Some((version?, operation))
    })
}

/// Returns the address of a port: WS-Addressing's, else SOAP's.
fn address(port: Node<'_, '_>) -> String {
    let addressing = elements(port)
        .filter(|node| is_named(*node, &WSA_ADDRESSES, "EndpointReference"))
        .flat_map(elements)
        .filter(|node| is_named(*node, &WSA_ADDRESSES, "Address"))
        .map(text_of);
    let soap = elements(port)
        .filter(|node| is_named(*node, &[WSDL_SOAP12, WSDL_SOAP11], "address"))
        .filter_map(|node| node.attribute("location"))
        .map(str::to_owned);
    addressing
        .chain(soap)
        .map(|address| address.trim().to_owned())
        .find(|address| !address.is_empty())
        .unwrap_or_default()
}
