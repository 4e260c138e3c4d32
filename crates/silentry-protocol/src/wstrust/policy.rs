//! What the policies of a document let a client prove itself with (WS-Policy 1.5, WS-SecurityPolicy 1.2, MS-WSPOL).
//!
//! A policy is known by what is anywhere in it: its alternatives (`ExactlyOne`, `All`) may be nested, Negotiate beside
//! NTLM, and it may include others by `PolicyReference`.
//!
//! A hostile document may have many policies in each other, many references to one, or many elements that share them.
//! So each element is looked at a fixed number of times, and what is found is kept for whoever asks.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId};
use url::{Url, form_urlencoded};

use super::namespaces::{
    HTTP_POLICY, WS_POLICY, WS_SECURITY_POLICY, WSA_ADDRESSES, WSDL, WSU, XML,
};
use crate::xml::document::{elements, is_named, text_of};

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
pub(super) struct Facts {
    negotiate: bool,
    ntlm: bool,
    transport: bool,
    /// A user name token, asked for in a way that makes it part of another policy's supporting tokens only.
    token: bool,
    /// A user name token among supporting tokens.
    username_token: bool,
}

impl Facts {
    pub(super) fn with(self, other: Facts) -> Facts {
        Facts {
            negotiate: self.negotiate || other.negotiate,
            ntlm: self.ntlm || other.ntlm,
            transport: self.transport || other.transport,
            token: self.token || other.token,
            username_token: self.username_token || other.username_token,
        }
    }

    /// Returns what these are in a policy that has them in it, perhaps among its supporting tokens.
    fn included(self, supporting: bool) -> Facts {
        Facts {
            username_token: self.username_token || (self.token && supporting),
            ..self
        }
    }

    pub(super) fn credentials(self) -> Credentials {
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
    /// What is in the policies of an element, for those that have any.
    attached: HashMap<NodeId, Facts>,
    /// What is attached from outside, by the address or the identifier of what it applies to.
    from_outside: HashMap<String, Facts>,
}

impl<'a> Policies<'a> {
    pub(super) fn of(document: &'a Document<'_>) -> Self {
        let mut policies = Policies {
            facts: Vec::new(),
            places: HashMap::new(),
            by_section: HashMap::new(),
            by_id: HashMap::new(),
            attached: HashMap::new(),
            from_outside: HashMap::new(),
        };
        let all = || document.descendants().filter(Node::is_element);
        all().filter(is_policy).for_each(|node| policies.list(node));
        // What includes a policy, and whether among supporting tokens. One that stands in another is included by it,
        // and only the next one outwards is noted: with all of them, nested policies would multiply.
        let mut includers: Vec<Vec<(usize, bool)>> = vec![Vec::new(); policies.facts.len()];
        for node in all() {
            policies.note(node);
            if let Some(place) = policies.place_of(node) {
                includers[place].extend(policies.around(node));
            }
        }
        policies.include(&includers);
        all().for_each(|node| policies.attach(node));
        all()
            .filter(|node| is_named(*node, &WS_POLICY, "PolicyAttachment"))
            .for_each(|node| policies.attach_from_outside(node));
        policies
    }

    /// Returns what is in the policies that are attached to an element.
    pub(super) fn attached(&self, subject: Node<'_, '_>) -> Facts {
        self.attached
            .get(&subject.id())
            .copied()
            .unwrap_or_default()
    }

    /// Returns what is in the policies that are attached from outside to what has this address or identifier.
    pub(super) fn attached_to(&self, uri: &str) -> Facts {
        let facts = self.from_outside.get(&normalized(uri));
        facts.copied().unwrap_or_default()
    }

    /// Notes the policies that an element attaches: to the one around it when it is a policy or a reference, and to
    /// itself by its attribute.
    fn attach(&mut self, node: Node<'_, '_>) {
        if let (Some(place), Some(outer)) = (self.place_of(node), node.parent_element()) {
            self.add(outer, place);
        }
        for namespace in WS_POLICY {
            let Some(uris) = node.attribute((namespace, "PolicyURIs")) else {
                continue;
            };
            let section = section(node);
            for uri in uris.split_whitespace() {
                if let Some(place) = self.referred(section, uri) {
                    self.add(node, place);
                }
            }
        }
    }

    fn add(&mut self, node: Node<'_, '_>, place: usize) {
        let facts = self.attached.entry(subject(node).id()).or_default();
        *facts = facts.with(self.facts[place]);
    }

    /// Notes what a `PolicyAttachment` attaches to addresses and identifiers.
    fn attach_from_outside(&mut self, attachment: Node<'_, '_>) {
        let facts = self.attached(attachment);
        let applies_to = elements(attachment)
            .filter(|node| is_named(*node, &WS_POLICY, "AppliesTo"))
            .flat_map(elements);
        for subject in applies_to {
            let uri = match is_named(subject, &WS_POLICY, "URI") {
                true => Some(text_of(subject)),
                false => elements(subject)
                    .find(|node| is_named(*node, &WSA_ADDRESSES, "Address"))
                    .map(text_of),
            };
            if let Some(uri) = uri {
                let known = self.from_outside.entry(normalized(&uri)).or_default();
                *known = known.with(facts);
            }
        }
    }

    /// Returns the policy that an element is or refers to.
    fn place_of(&self, node: Node<'_, '_>) -> Option<usize> {
        if is_named(node, &WS_POLICY, "PolicyReference") {
            self.referred(section(node), node.attribute("URI")?)
        } else {
            self.places.get(&node.id()).copied()
        }
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
        let is_inner = policy.ancestors().skip(1).any(|outer| is_policy(&outer));
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

    /// Notes an assertion in the policy around it.
    fn note(&mut self, node: Node<'_, '_>) {
        let facts = Facts {
            negotiate: is_named(node, &[HTTP_POLICY], "NegotiateAuthentication"),
            ntlm: is_named(node, &[HTTP_POLICY], "NtlmAuthentication"),
            transport: is_named(node, &WS_SECURITY_POLICY, "TransportBinding"),
            token: is_named(node, &WS_SECURITY_POLICY, "WssUsernameToken10"),
            username_token: false,
        };
        if facts == Facts::default() {
            return;
        }
        if let Some((place, supporting)) = self.around(node) {
            let noted = facts.included(supporting);
            self.facts[place] = self.facts[place].with(noted);
        }
    }

    /// Returns the innermost policy around an element, and whether the element is among its supporting tokens.
    fn around(&self, node: Node<'_, '_>) -> Option<(usize, bool)> {
        let mut supporting = false;
        node.ancestors().skip(1).find_map(|outer| {
            supporting |= is_supporting_tokens(outer);
            let place = self.places.get(&outer.id())?;
            Some((*place, supporting))
        })
    }

    /// Finds the policy that `uri` means in this section: its name, or `#id` with or without the address of the
    /// document.
    fn referred(&self, section: NodeId, uri: &str) -> Option<usize> {
        let find = |means: Means<'_>| {
            let near = self.by_section.get(&(section, means));
            near.or_else(|| self.by_id.get(&means)).copied()
        };
        let uri = uri.trim();
        let named = find(Means::Name(uri));
        named.or_else(|| {
            let (_, id) = uri.rsplit_once('#')?;
            find(Means::Id(id)).or_else(|| {
                // Ids have none of the other characters that mean something in a form.
                let (decoded, _) = form_urlencoded::parse(id.as_bytes()).next()?;
                find(Means::Id(&decoded))
            })
        })
    }

    /// Carries what is in a policy on to those that include it. A place is visited again only when it learnt something,
    /// five times at most, so that circles end.
    fn include(&mut self, includers: &[Vec<(usize, bool)>]) {
        let mut changed: Vec<usize> = (0..self.facts.len()).collect();
        while let Some(included) = changed.pop() {
            let facts = self.facts[included];
            for (outer, supporting) in &includers[included] {
                let known = self.facts[*outer].with(facts.included(*supporting));
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
    definitions_around(node)
        .unwrap_or_else(|| node.document().root())
        .id()
}

/// Returns the definitions that an element belongs to.
pub(super) fn definitions_around<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    node.ancestors()
        .find(|outer| is_named(*outer, &[WSDL], "definitions"))
}

/// Returns what the policies in an element are about: those of a message are about its operation, and those of an
/// endpoint reference about its port (WS-Policy 1.5 Attachment, 4.1).
fn subject<'a, 'i>(node: Node<'a, 'i>) -> Node<'a, 'i> {
    let is_part = |node: &Node<'_, '_>| {
        is_named(*node, &[WSDL], "input")
            || is_named(*node, &WSA_ADDRESSES, "EndpointReference")
            || is_named(*node, &WSA_ADDRESSES, "Metadata")
    };
    let whole = node.ancestors().find(|outer| !is_part(outer));
    whole.unwrap_or(node)
}

/// Returns a URI as all spellings of it are written: the case of its host and a port that goes without saying differ.
fn normalized(uri: &str) -> String {
    let uri = uri.trim();
    Url::parse(uri).map_or_else(|_| uri.to_owned(), String::from)
}

fn is_policy(node: &Node<'_, '_>) -> bool {
    is_named(*node, &WS_POLICY, "Policy")
}

fn is_supporting_tokens(node: Node<'_, '_>) -> bool {
    SUPPORTING_TOKENS
        .iter()
        .any(|tokens| is_named(node, &WS_SECURITY_POLICY, tokens))
}
