//! Scopes: what a token is asked for, and what it was given for.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::cloud::AuthorityKind;
use crate::guid::is_guid;

/// The scopes of OpenID Connect that every MSAL adds by itself and leaves out of comparisons.
pub const RESERVED: [&str; 3] = ["openid", "profile", "offline_access"];

/// The others of OpenID Connect Core 5.4, which ask for claims of the id token and for no API either.
const CLAIMS: [&str; 3] = ["email", "address", "phone"];

/// Microsoft Graph in every cloud, as scopes name it.
const GRAPH: [&str; 6] = [
    "https://graph.microsoft.com/",
    "https://graph.microsoft.us/",
    "https://dod-graph.microsoft.us/",
    "https://microsoftgraph.chinacloudapi.cn/",
    "https://graph.microsoft.de/",
    "00000003-0000-0000-c000-000000000000/",
];

/// A set of scopes, never empty, compared without regard to case.
///
/// The first spelling of each scope is kept; the order is alphabetical without regard to case, as
/// MSAL.NET and MSAL Python sort them for the request and for the cache's `target`. Clones share the
/// list.
///
/// ```
/// use silentry_protocol::oauth::scopes::Scopes;
///
/// let scopes = Scopes::new(["User.Read", "Mail.Read", "user.read"])?;
/// assert_eq!(scopes.to_string(), "Mail.Read User.Read");
/// assert!(scopes.contains("MAIL.READ"));
/// # Ok::<(), silentry_protocol::oauth::scopes::ScopesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scopes(Arc<[String]>);

/// Why a list of scopes cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScopesError {
    /// There is no scope at all.
    #[error("no scope was given")]
    Empty,
    /// A scope is empty or has a character that RFC 6749 section 3.3 does not allow, such as a blank.
    #[error("a scope is empty or has a character that is not allowed in one: {0:?}")]
    Malformed(String),
}

impl Scopes {
    /// Makes a set of scopes.
    ///
    /// # Errors
    /// [`ScopesError::Empty`] without any scope; [`ScopesError::Malformed`] for a scope that is empty
    /// or has a character outside RFC 6749 section 3.3, above all a blank: several scopes in one
    /// string are most likely a mistake of the caller.
    pub fn new<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, ScopesError> {
        let mut list = Vec::new();
        for scope in scopes {
            let scope = scope.as_ref();
            if scope.is_empty() || !scope.bytes().all(is_scope_byte) {
                return Err(ScopesError::Malformed(scope.chars().take(200).collect()));
            }
            list.push(scope.to_owned());
        }
        Self::from_list(list).ok_or(ScopesError::Empty)
    }

    /// Reads the space-separated `scope` of a token response or the `target` of a cached token.
    ///
    /// `None` when it names no scope, which in a response means "what was asked for" (RFC 6749
    /// section 5.1; MSAL.NET and MSAL Java treat an empty text alike).
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::from_list(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Returns these scopes with the reserved ones, as every MSAL sends them: `offline_access`
    /// (a refresh token) can be left out.
    #[must_use]
    pub fn with_reserved(&self, offline_access: bool) -> Self {
        let mut list = self.0.to_vec();
        let wanted = RESERVED
            .iter()
            .filter(|scope| offline_access || **scope != "offline_access");
        list.extend(wanted.map(|scope| (*scope).to_owned()));
        sort_and_deduplicate(&mut list);
        Self(list.into())
    }

    /// Returns whether the set has this scope.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.binary_search_by(|own| compare(own, scope)).is_ok()
    }

    /// Returns whether a token of Entra for these scopes serves a request for `wanted`.
    ///
    /// The reserved scopes are not compared: a token never names `offline_access`, and MSAL.NET
    /// leaves all three out (`ScopeHelper.ScopeContains`). A request for nothing but scopes of OpenID Connect names no
    /// API; Entra answers it with a token for Microsoft Graph, so one for another API does not serve it.
    #[must_use]
    pub fn serves(&self, wanted: &Scopes) -> bool {
        self.serves_at(AuthorityKind::Entra, wanted)
    }

    /// Returns whether a token of this kind of server serves a request for `wanted`; see [`serves`](Self::serves).
    pub fn serves_at(&self, server: AuthorityKind, wanted: &Scopes) -> bool {
        let mut compared = wanted.iter().filter(|scope| !is_reserved(scope));
        let names_api = wanted.iter().any(|scope| !is_of_openid(scope));
        let is_for_no_other_api = || self.iter().all(|scope| is_of_no_other_api(server, scope));
        compared.all(|scope| self.contains(scope)) && (names_api || is_for_no_other_api())
    }

    /// Returns whether the two sets share a scope of an API: then a new token replaces an older one in the cache.
    ///
    /// Tokens for any API may name those of OpenID Connect.
    #[must_use]
    pub fn intersects(&self, other: &Scopes) -> bool {
        self.iter()
            .filter(|scope| !is_of_openid(scope))
            .any(|scope| other.contains(scope))
    }

    /// Returns these scopes with the resources that `asked` names them by.
    ///
    /// AD FS answers `https://api.contoso.com/read` with `read`; without the resource nobody could tell tokens for two
    /// APIs apart.
    #[must_use]
    pub fn with_resources_of(&self, asked: &Scopes) -> Self {
        let mut list = Vec::new();
        for given in self.iter() {
            let before = list.len();
            let full = asked.iter().filter(|asked| {
                let name = asked.rsplit_once('/').map_or(*asked, |(_, name)| name);
                name.eq_ignore_ascii_case(given)
            });
            list.extend(full.map(str::to_owned));
            if list.len() == before {
                list.push(given.to_owned());
            }
        }
        sort_and_deduplicate(&mut list);
        Self(list.into())
    }

    /// Returns a scope that names a resource and no permission of it, with the scope that asks for all that the
    /// application has there.
    pub fn without_permission(&self) -> Option<(&str, String)> {
        self.iter().find_map(|scope| {
            let resource = match scope.split_once("://") {
                Some((scheme, rest)) => {
                    let host = rest.trim_end_matches('/');
                    let is_resource = !host.is_empty() && !host.contains('/');
                    is_resource.then(|| format!("{scheme}://{host}"))
                }
                // An application may be named by its id alone.
                None => is_guid(scope).then(|| scope.to_owned()),
            };
            Some((scope, format!("{}/.default", resource?)))
        })
    }

    /// Returns what AD FS gave a token for: these scopes of its answer, and those that were `asked` for where it names
    /// none of them. Most versions answer `openid` whatever was asked, and refuse what they do not give.
    #[must_use]
    pub fn as_ad_fs_means(&self, asked: &Scopes) -> Self {
        let given = self.with_resources_of(asked);
        if given.intersects(asked) {
            return given;
        }
        let mut list = given.0.to_vec();
        list.extend(asked.iter().map(str::to_owned));
        sort_and_deduplicate(&mut list);
        Self(list.into())
    }

    /// Returns the scopes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns the scopes in their order.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    fn from_list(mut list: Vec<String>) -> Option<Self> {
        sort_and_deduplicate(&mut list);
        (!list.is_empty()).then(|| Self(list.into()))
    }
}

impl PartialEq for Scopes {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|scope| other.contains(scope))
    }
}

impl Eq for Scopes {}

impl fmt::Display for Scopes {
    /// Writes the scopes with single blanks between them, as in requests and in the cache.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Returns whether MSALs add the scope by themselves.
fn is_reserved(scope: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(scope))
}

/// Returns whether the scope asks for no API.
fn is_of_openid(scope: &str) -> bool {
    let is_claim = CLAIMS.iter().any(|claim| claim.eq_ignore_ascii_case(scope));
    is_claim || is_reserved(scope)
}

/// Returns whether the scope is one of OpenID Connect or of Microsoft Graph. A word without a resource is Graph's at
/// Entra if it has the form of its permissions; at other servers it may be added to any answer, and names no API.
fn is_of_no_other_api(server: AuthorityKind, scope: &str) -> bool {
    is_of_openid(scope)
        || GRAPH.iter().any(|graph| has_prefix(scope, graph))
        || match server {
            AuthorityKind::Entra => is_graph_permission(scope),
            AuthorityKind::AdFs | AuthorityKind::OpenIdConnect => !scope.contains(['/', ':']),
        }
}

/// Returns whether a scope has the form of Graph's permissions: `User.Read`, `Mail.Read.Shared`, `User-Mail.ReadWrite.All`.
/// An API of somebody else may be named by a GUID or a word.
fn is_graph_permission(scope: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    scope.contains('.') && scope.split('.').all(is_word)
}

fn has_prefix(scope: &str, prefix: &str) -> bool {
    let start = scope.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn sort_and_deduplicate(list: &mut Vec<String>) {
    list.sort_by(|a, b| compare(a, b));
    list.dedup_by(|later, first| later.eq_ignore_ascii_case(first));
}

fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    let (a, b) = (a.bytes(), b.bytes());
    a.map(|byte| byte.to_ascii_lowercase())
        .cmp(b.map(|byte| byte.to_ascii_lowercase()))
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`, RFC 6749 section 3.3.
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(list: &[&str]) -> Scopes {
        Scopes::new(list).unwrap()
    }

    #[test]
    fn a_resource_without_a_permission_is_told_from_a_scope() {
        let wanted = |scope: &str| {
            let scopes = scopes(&["openid", scope]);
            scopes.without_permission().map(|(_, wanted)| wanted)
        };
        for (scope, all) in [
            (
                "https://graph.microsoft.com",
                "https://graph.microsoft.com/.default",
            ),
            (
                "https://graph.microsoft.com/",
                "https://graph.microsoft.com/.default",
            ),
            ("api://orders", "api://orders/.default"),
            (
                "11111111-2222-3333-4444-555555555555",
                "11111111-2222-3333-4444-555555555555/.default",
            ),
        ] {
            assert_eq!(wanted(scope).as_deref(), Some(all));
        }
        for scope in [
            "User.Read",
            "https://graph.microsoft.com/User.Read",
            "api://orders/.default",
            "11111111-2222-3333-4444-555555555555/.default",
        ] {
            assert_eq!(wanted(scope), None, "{scope}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_asked_for() {
        assert_eq!(Scopes::new([""; 0]), Err(ScopesError::Empty));
        for bad in [
            "",
            " ",
            "User.Read Mail.Read",
            "a\tb",
            "quote\"",
            "back\\slash",
            "größe",
        ] {
            assert_eq!(
                Scopes::new([bad]),
                Err(ScopesError::Malformed(bad.to_owned())),
                "{bad:?}"
            );
        }
        assert!(Scopes::new(["https://app.contoso.com//user_impersonation"]).is_ok());
    }

    #[test]
    fn is_a_set_without_case() {
        assert_eq!(scopes(&["B", "a", "b"]).to_string(), "a B");
        assert_eq!(scopes(&["User.Read", "x"]), scopes(&["X", "user.read"]));
        assert_ne!(scopes(&["User.Read"]), scopes(&["user.read", "x"]));
    }

    #[test]
    fn adds_the_reserved_scopes_once() {
        let asked = scopes(&["User.Read", "OpenID"]);
        assert_eq!(
            asked.with_reserved(true).to_string(),
            "offline_access OpenID profile User.Read"
        );
        assert_eq!(
            asked.with_reserved(false).to_string(),
            "OpenID profile User.Read"
        );
    }

    #[test]
    fn reserved_scopes_neither_hinder_nor_link() {
        let given = Scopes::from_wire("profile openid email https://graph.microsoft.com/User.Read")
            .unwrap();
        assert!(given.serves(&scopes(&[
            "https://graph.microsoft.com/user.read",
            "offline_access"
        ])));
        assert!(!given.serves(&scopes(&["https://graph.microsoft.com/Mail.Read"])));
        assert!(!given.intersects(&scopes(&["openid", "Mail.Read"])));
        assert!(!given.intersects(&scopes(&["EMAIL"])));
        assert!(given.intersects(&scopes(&["https://graph.microsoft.com/user.read"])));
    }

    #[test]
    fn resources_are_put_back_where_ad_fs_left_them_out() {
        let asked = scopes(&["https://a.test/read", "https://b.test//Read", "profile"]);
        let given = Scopes::from_wire("read openid profile https://c.test/write").unwrap();
        assert_eq!(
            given.with_resources_of(&asked).to_string(),
            "https://a.test/read https://b.test//Read https://c.test/write openid profile"
        );
    }

    #[test]
    fn a_request_that_names_no_api_is_served_by_a_token_for_none_or_for_graph() {
        let wanted = [
            &["openid"][..],
            &["Profile", "offline_access"],
            &["openid", "email"],
        ];
        for (target, expected) in [
            ("openid profile email", true),
            ("email openid profile User.Read", true),
            ("email openid https://Graph.microsoft.com/User.Read", true),
            ("email 00000003-0000-0000-c000-000000000000/.default", true),
            (
                "email https://microsoftgraph.chinacloudapi.cn/.default",
                true,
            ),
            ("email openid https://api.contoso.test/read", false),
            ("email openid api://x/read", false),
            ("email Mail.Read.Shared User-Mail.ReadWrite.All", true),
            (
                "email 11111111-2222-3333-4444-555555555555 openid profile",
                false,
            ),
            ("email aaaaaaaa-2222-3333-4444-555555555555", false),
            ("email urn-less-api openid profile", false),
            ("email User.Read .default", false),
            ("email 2.Read", false),
            (
                "email openid https://graph.microsoft.com.evil.test/read",
                false,
            ),
            (
                "email User.Read https://outlook.office.com/Mail.Read",
                false,
            ),
            ("email urn:contoso:read", false),
            ("email 11111111-2222-3333-4444-555555555555/.default", false),
        ] {
            for wanted in wanted {
                let token = Scopes::from_wire(target).unwrap();
                assert_eq!(
                    token.serves(&scopes(wanted)),
                    expected,
                    "{target} {wanted:?}"
                );
            }
        }
        // A server with scopes of its own adds what it likes.
        for (target, expected) in [("openid orders", true), ("openid https://x.test/y", false)] {
            let token = Scopes::from_wire(target).unwrap();
            let served = token.serves_at(AuthorityKind::OpenIdConnect, &scopes(&["openid"]));
            assert_eq!(served, expected, "{target}");
        }
        let without = Scopes::from_wire("openid profile").unwrap();
        assert!(!without.serves(&scopes(&["openid", "email"])));
        let api = Scopes::from_wire("openid email api://x/read").unwrap();
        assert!(api.serves(&scopes(&["openid", "email", "api://x/read"])));
    }

    #[test]
    fn an_answer_of_ad_fs_that_names_nothing_means_what_was_asked() {
        for (given, asked, expected) in [
            (
                "openid",
                "https://a.test/read profile",
                "https://a.test/read openid profile",
            ),
            ("openid", "openid", "openid"),
            (
                "openid read",
                "https://a.test/read https://a.test/write",
                "https://a.test/read openid",
            ),
            ("openid", "https://a.test/openid", "https://a.test/openid"),
        ] {
            let given = Scopes::from_wire(given).unwrap();
            let asked = Scopes::from_wire(asked).unwrap();
            assert_eq!(given.as_ad_fs_means(&asked).to_string(), expected);
        }
    }

    #[test]
    fn an_empty_reply_names_no_scope() {
        assert_eq!(Scopes::from_wire(" \t "), None);
        assert_eq!(
            Scopes::from_wire("b  a")
                .unwrap()
                .iter()
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
