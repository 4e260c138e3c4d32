//! What the policies of a document let a client prove itself with (WS-Policy 1.5, WS-SecurityPolicy 1.2, MS-WSPOL).
//!
//! A policy is known by what is anywhere in it: its alternatives (`ExactlyOne`, `All`) may be nested, Negotiate beside
//! NTLM, and it may include others by `PolicyReference`.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId};

use super::document::{elements, is_named};
use super::namespaces::{HTTP_POLICY, WS_POLICY, WS_SECURITY_POLICY, WSDL, WSU, XML};

/// How a password may be asked for: signed, so that it is bound to the request.
const SUPPORTING_TOKENS: [&str; 2] = ["SignedSupportingTokens", "SignedEncryptedSupportingTokens"];

/// What a policy lets a client prove itself with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) negotiate: bool,
    pub(super) ntlm: bool,
    pub(super) username: bool,
}

/// What stands in a policy, wherever.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Facts {
    negotiate: bool,
    ntlm: bool,
    transport: bool,
    /// A user name token, asked for in a way that makes it part of another policy's supporting tokens only.
    token: bool,
    /// A user name token among supporting tokens.
    username_token: bool,
}

impl Facts {
    fn with(self, other: Facts) -> Facts {
        Facts {
            negotiate: self.negotiate || other.negotiate,
            ntlm: self.ntlm || other.ntlm,
            transport: self.transport || other.transport,
            token: self.token || other.token,
            username_token: self.username_token || other.username_token,
        }
    }

    fn credentials(self) -> Credentials {
        Credentials {
            negotiate: self.negotiate,
            ntlm: self.ntlm,
            // Without TransportBinding it is message security, over plain http.
            username: self.username_token && self.transport,
        }
    }
}

/// What a policy is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Means<'a> {
    /// Its id in the document, which `#id` refers to.
    Id(&'a str),
    /// Its name, a URI of its own.
    Name(&'a str),
}

impl Means<'_> {
    fn trimmed(self) -> Self {
        match self {
            Means::Id(id) => Means::Id(id.trim()),
            Means::Name(name) => Means::Name(name.trim()),
        }
    }
}

/// The policies of a document.
pub(super) struct Policies<'a> {
    facts: Vec<Facts>,
    places: HashMap<NodeId, usize>,
    /// An id means the policy of the same section first: sections come from documents of their own.
    by_section: HashMap<(NodeId, Means<'a>), usize>,
    by_id: HashMap<Means<'a>, usize>,
}

impl<'a> Policies<'a> {
    pub(super) fn of(document: &'a Document<'_>) -> Self {
        let mut policies = Policies {
            facts: Vec::new(),
            places: HashMap::new(),
            by_section: HashMap::new(),
            by_id: HashMap::new(),
        };
        for node in document.descendants() {
            if is_named(node, &WS_POLICY, "Policy") {
                policies.list(node);
            }
        }
        // What includes a policy, and whether among supporting tokens.
        let mut includers: Vec<Vec<(usize, bool)>> = vec![Vec::new(); policies.facts.len()];
        for node in document.descendants().filter(Node::is_element) {
            policies.note(node);
            if is_named(node, &WS_POLICY, "PolicyReference")
                && let Some(included) = policies.referred(node, node.attribute("URI"))
            {
                let supporting = is_supporting(node);
                let outer = policies.around(node);
                includers[included].extend(outer.map(|outer| (outer, supporting)));
            }
        }
        policies.include(&includers);
        policies
    }

    /// Returns what the policies that are attached to any of these elements let a client prove itself with.
    pub(super) fn of_all<'n, 'i: 'n>(
        &self,
        subjects: impl Iterator<Item = Node<'n, 'i>>,
    ) -> Credentials {
        let facts = subjects.map(|node| self.attached(node));
        facts.fold(Facts::default(), Facts::with).credentials()
    }

    fn attached(&self, subject: Node<'_, '_>) -> Facts {
        let mut facts = Facts::default();
        let mut add = |place: Option<usize>| {
            if let Some(place) = place {
                facts = facts.with(self.facts[place]);
            }
        };
        for child in elements(subject) {
            if is_named(child, &WS_POLICY, "Policy") {
                add(self.places.get(&child.id()).copied());
            } else if is_named(child, &WS_POLICY, "PolicyReference") {
                add(self.referred(child, child.attribute("URI")));
            }
        }
        for namespace in WS_POLICY {
            let uris = subject.attribute((namespace, "PolicyURIs"));
            for uri in uris.unwrap_or_default().split_whitespace() {
                add(self.referred(subject, Some(uri)));
            }
        }
        facts
    }

    /// Lists a policy that something can be attached by, with its ids.
    fn list(&mut self, policy: Node<'a, '_>) {
        let ids = [
            policy.attribute((WSU, "Id")).map(Means::Id),
            policy.attribute((XML, "id")).map(Means::Id),
            policy.attribute("Id").map(Means::Id),
            policy.attribute("Name").map(Means::Name),
        ];
        let mut ids = ids.into_iter().flatten().map(Means::trimmed).peekable();
        let is_inner = policy.parent_element().is_some_and(|outer| {
            outer
                .ancestors()
                .any(|node| is_named(node, &WS_POLICY, "Policy"))
        });
        if is_inner && ids.peek().is_none() {
            return;
        }
        let place = self.facts.len();
        self.facts.push(Facts::default());
        self.places.insert(policy.id(), place);
        let section = section(policy);
        for id in ids {
            self.by_section.entry((section, id)).or_insert(place);
            self.by_id.entry(id).or_insert(place);
        }
    }

    /// Notes an assertion in every policy around it.
    ///
    /// Goes from the assertions outwards: looking into each policy would take nested ones many times.
    fn note(&mut self, node: Node<'_, '_>) {
        let token = is_named(node, &WS_SECURITY_POLICY, "WssUsernameToken10");
        let facts = Facts {
            negotiate: is_named(node, &[HTTP_POLICY], "NegotiateAuthentication"),
            ntlm: is_named(node, &[HTTP_POLICY], "NtlmAuthentication"),
            transport: is_named(node, &WS_SECURITY_POLICY, "TransportBinding"),
            token,
            username_token: false,
        };
        if facts == Facts::default() {
            return;
        }
        let mut supporting = false;
        for outer in node.ancestors() {
            supporting |= is_supporting_tokens(outer);
            if let Some(place) = self.places.get(&outer.id()) {
                let noted = Facts {
                    username_token: token && supporting,
                    ..facts
                };
                self.facts[*place] = self.facts[*place].with(noted);
            }
        }
    }

    fn around(&self, node: Node<'_, '_>) -> impl Iterator<Item = usize> {
        node.ancestors()
            .filter_map(|outer| self.places.get(&outer.id()).copied())
    }

    /// Finds the policy that `uri` means where it stands: `#id`, with or without the address of the document, or a name.
    fn referred(&self, place: Node<'_, '_>, uri: Option<&str>) -> Option<usize> {
        let uri = uri?;
        let id = match uri.rsplit_once('#') {
            Some((_, id)) => Means::Id(id),
            None => Means::Name(uri),
        };
        let id = id.trimmed();
        let near = self.by_section.get(&(section(place), id));
        near.or_else(|| self.by_id.get(&id)).copied()
    }

    /// Carries what is in a policy on to those that include it. A place is visited again only when it learnt something,
    /// five times at most, so that circles end.
    fn include(&mut self, includers: &[Vec<(usize, bool)>]) {
        let mut changed: Vec<usize> = (0..self.facts.len()).collect();
        while let Some(included) = changed.pop() {
            let facts = self.facts[included];
            for (outer, supporting) in &includers[included] {
                let username_token = facts.username_token || (facts.token && *supporting);
                let known = self.facts[*outer].with(Facts {
                    username_token,
                    ..facts
                });
                if known != self.facts[*outer] {
                    self.facts[*outer] = known;
                    changed.push(*outer);
                }
            }
        }
    }
}

/// What a reference is resolved in first: the definitions, else whatever else stands in the root.
fn section(node: Node<'_, '_>) -> NodeId {
    let definitions = node
        .ancestors()
        .find(|outer| is_named(*outer, &[WSDL], "definitions"));
    definitions.unwrap_or_else(|| node.document().root()).id()
}

fn is_supporting(node: Node<'_, '_>) -> bool {
    node.ancestors().any(is_supporting_tokens)
}

fn is_supporting_tokens(node: Node<'_, '_>) -> bool {
    SUPPORTING_TOKENS
        .iter()
        .any(|tokens| is_named(node, &WS_SECURITY_POLICY, tokens))
}
