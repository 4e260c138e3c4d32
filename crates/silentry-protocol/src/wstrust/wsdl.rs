//! The WSDL of a federation server: ports, their bindings, and the policies of these.
//!
//! Everything is matched by namespace URI and policy, never by prefix or binding name: AD FS uses
//! the same binding names for `windowstransport` and `kerberosmixed`, and their numbers move.
//!
//! The parts may stand in any section of the document (WS-MetadataExchange 1.1, 4): contract, bindings and service in
//! definitions of their own, policies in a section of theirs. How a policy is attached is that of WS-PolicyAttachment
//! 1.2 (2, 3.3 and 4.1): it stands in the element, or is referred to by a `PolicyReference` in it or by its attribute
//! `PolicyURIs`; and the element is the port, its binding, the port type of that, or the operation that issues, in the
//! binding or the port type. Or it is attached from outside, to the address of the port or to the identifier of the
//! binding or port type.
//!
//! Each element is read once, however many others lead to it: a hostile document may have a large binding with
//! thousands of ports.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId};

use super::namespaces::{SOAP_OVER_HTTP, WSA_ADDRESSES, WSDL, WSDL_SOAP11, WSDL_SOAP12};
use super::policy::{Credentials, Facts, Policies, definitions_around};
use super::version::WsTrustVersion;
use crate::xml::document::{elements, is_named, text_of};

/// The longest namespace that names are looked up in, in bytes. Real ones stay below 100; each look-up reads the whole
/// of it, however many there are.
const MAX_NAMESPACE: usize = 1024;

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
    let bindings = Named::of(definitions(), "binding");
    let issuing = issuing_bindings(definitions, &policies);
    let ports = definitions()
        .flat_map(|definitions| named_children(definitions, "service"))
        .flat_map(|service| named_children(service, "port"))
        .filter_map(|port| {
            let binding = bindings.find(port, port.attribute("binding")?)?;
            let (version, facts) = issuing.get(&binding.id())?;
            let address = address(port);
            let facts = facts
                .with(policies.attached(port))
                .with(policies.attached_to(&address));
            let credentials = facts.credentials();
            (credentials != Credentials::default()).then_some(Port {
                credentials,
                version: *version,
                address,
            })
        })
        .collect();
    Some(ports)
}

/// Returns the bindings that issue, each with the version that it speaks and what its policies have.
fn issuing_bindings<'a, 'i: 'a, I: Iterator<Item = Node<'a, 'i>>>(
    definitions: impl Fn() -> I,
    policies: &Policies<'_>,
) -> HashMap<NodeId, (WsTrustVersion, Facts)> {
    let port_types = Named::of(definitions(), "portType");
    // What is in the policies of the operations of port types.
    let mut described = HashMap::new();
    for port_type in definitions().flat_map(|definitions| named_children(definitions, "portType")) {
        for operation in named_children(port_type, "operation") {
            let facts = policies.attached(operation);
            described
                .entry((port_type.id(), name_of(operation)))
                .or_insert(facts);
        }
    }
    let bindings = definitions().flat_map(|definitions| named_children(definitions, "binding"));
    let issuing = bindings.filter_map(|binding| {
        let (version, operation) = issuing(binding)?;
        let mut facts = attached(policies, binding).with(policies.attached(operation));
        let port_type = binding.attribute("type");
        if let Some(port_type) = port_type.and_then(|name| port_types.find(binding, name)) {
            let operation = described.get(&(port_type.id(), name_of(operation)));
            facts = facts
                .with(attached(policies, port_type))
                .with(operation.copied().unwrap_or_default());
        }
        Some((binding.id(), (version, facts)))
    });
    issuing.collect()
}

/// Returns the name of an element; empty when it has none.
fn name_of<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or_default().trim()
}

fn named_children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    local: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    elements(node).filter(move |node| is_named(*node, &[WSDL], local))
}

/// The bindings, or the port types, of all definitions, found by their names.
struct Named<'a, 'i> {
    by_section: HashMap<(NodeId, &'a str), Node<'a, 'i>>,
    by_qualified_name: HashMap<(&'a str, &'a str), Node<'a, 'i>>,
    /// `None` for a name that several have.
    by_local_name: HashMap<&'a str, Option<Node<'a, 'i>>>,
}

impl<'a, 'i: 'a> Named<'a, 'i> {
    fn of(definitions: impl Iterator<Item = Node<'a, 'i>>, local: &'static str) -> Self {
        let mut named = Self {
            by_section: HashMap::new(),
            by_qualified_name: HashMap::new(),
            by_local_name: HashMap::new(),
        };
        for definitions in definitions {
            let namespace = target_namespace(definitions);
            for node in named_children(definitions, local) {
                let name = name_of(node);
                if name.is_empty() {
                    continue;
                }
                let section = (definitions.id(), name);
                named.by_section.entry(section).or_insert(node);
                if let Some(namespace) = namespace {
                    let qualified = (namespace, name);
                    named.by_qualified_name.entry(qualified).or_insert(node);
                }
                let by_local_name = named.by_local_name.entry(name);
                by_local_name
                    .and_modify(|found| *found = None)
                    .or_insert(Some(node));
            }
        }
        named
    }

    /// Finds what `name` means where it stands in `context`.
    ///
    /// Third parties get the namespaces wrong, so what is in the definitions of `context` comes first, unless the name
    /// says that it is in others. A name that would have to be guessed among several means none of them: the ticket
    /// would go where passwords are taken.
    fn find(&self, context: Node<'a, 'i>, name: &'a str) -> Option<Node<'a, 'i>> {
        let name = name.trim();
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, name),
        };
        let namespace = context
            .lookup_namespace_uri(prefix)
            .filter(|uri| uri.len() <= MAX_NAMESPACE);
        let definitions = definitions_around(context)?;
        let own = self.by_section.get(&(definitions.id(), local));
        let qualified = namespace.and_then(|uri| self.by_qualified_name.get(&(uri, local)));
        let means_others = namespace.is_some() && namespace != target_namespace(definitions);
        let found = match means_others {
            true => qualified.or(own),
            false => own.or(qualified),
        };
        match found {
            Some(found) => Some(*found),
            None => *self.by_local_name.get(local)?,
        }
    }
}

/// Returns the namespace that the names of these definitions are in.
fn target_namespace<'a>(definitions: Node<'a, '_>) -> Option<&'a str> {
    definitions
        .attribute("targetNamespace")
        .filter(|uri| uri.len() <= MAX_NAMESPACE)
        .map(str::trim)
}

/// Returns what is in the policies of a binding or port type, which may be attached from outside to its identifier
/// (WSDL 1.1 Element Identifiers).
fn attached(policies: &Policies<'_>, node: Node<'_, '_>) -> Facts {
    let definitions = node.parent_element();
    let from_outside = definitions.and_then(target_namespace).map(|namespace| {
        let kind = node.tag_name().name();
        let name = name_of(node);
        policies.attached_to(&format!("{namespace}#wsdl11.{kind}({name})"))
    });
    let within = policies.attached(node);
    within.with(from_outside.unwrap_or_default())
}

/// Returns the first operation of a SOAP 1.2 binding over HTTP that issues, and the version that it speaks. One without a
/// SOAP action of its own issues nothing, whatever its port type says, as with ADAL.
fn issuing<'a, 'i: 'a>(binding: Node<'a, 'i>) -> Option<(WsTrustVersion, Node<'a, 'i>)> {
    let soap12 = elements(binding).find(|node| is_named(*node, &[WSDL_SOAP12], "binding"))?;
    if !SOAP_OVER_HTTP.contains(&soap12.attribute("transport")?.trim()) {
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
