//! The unified JSON schema that all MSALs share.
//!
//! An object of `AccessToken`, `RefreshToken`, `IdToken`, `Account` and `AppMetadata`, each an object
//! of key to entity. The keys differ between libraries and even between versions of one, so an
//! entity is known by its members alone. Everything that is not understood, down to the spelling of
//! a number, is kept for the next rewrite, as the MSALs keep ours.

mod edit;
pub mod environment;
mod json;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde_json::value::RawValue;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::oauth::id_token::canonical_account_id;
use crate::secret::Secret;

/// The largest cache that is read: some 30,000 accounts.
pub const MAX_CACHE_BYTES: usize = 128 * 1024 * 1024;

/// A token cache as it stands in a file.
#[derive(Clone, Default)]
pub struct CacheDocument {
    members: Vec<(String, Root)>,
}

/// What the entities of the schema are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An id token.
    IdToken,
    /// An account in one tenant.
    Account,
    /// What is known of a client: the family of applications it belongs to.
    AppMetadata,
    /// Which account the user who is signed in to the machine got by an integrated sign-in. Ours alone; the MSALs keep
    /// it as they keep everything that they do not know.
    SignedInUser,
}

impl EntityKind {
    /// Returns the member of the document that holds these entities.
    #[must_use]
    pub fn root(self) -> &'static str {
        match self {
            Self::AccessToken => "AccessToken",
            Self::RefreshToken => "RefreshToken",
            Self::IdToken => "IdToken",
            Self::Account => "Account",
            Self::AppMetadata => "AppMetadata",
            Self::SignedInUser => "SilentrySignedInUser",
        }
    }

    fn of_root(root: &str) -> Option<Self> {
        let all = [
            Self::AccessToken,
            Self::RefreshToken,
            Self::IdToken,
            Self::Account,
            Self::AppMetadata,
            Self::SignedInUser,
        ];
        all.into_iter().find(|kind| kind.root() == root)
    }
}

/// One entity: its members in their order, as they were written.
#[derive(Clone, Default)]
pub struct Entity {
    members: Vec<(String, Member)>,
}

/// An account as `accounts()` lists it: one per user and cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAccount {
    /// The name that the user is known by, when the cache tells it.
    pub username: Option<String>,
    /// Who the user is, in all tenants.
    pub home_account_id: String,
    /// The host of the user's cloud: the one to call for a known cloud, else the host as written, in lower case. Of an
    /// OpenID Connect server the path of its issuer follows.
    pub environment: String,
}

/// Why a document is not a token cache.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CacheError {
    /// It is not JSON.
    #[error("the token cache is not JSON: line {line}, column {column}")]
    NotJson {
        /// The line of the error, from 1.
        line: usize,
        /// The column of the error, from 1.
        column: usize,
    },
    /// It is JSON, but not an object.
    #[error("the token cache is not a JSON object")]
    NotAnObject,
    /// It is larger than [`MAX_CACHE_BYTES`].
    #[error("the token cache is larger than 128 MiB")]
    TooLarge,
}

impl CacheDocument {
    /// Reads a cache.
    ///
    /// An empty file is an empty cache (MSAL Java and Python write one). A byte order mark and
    /// trailing commas are tolerated, as MSAL.NET's reader does. Roots and entities of the wrong kind
    /// are kept and passed over.
    ///
    /// # Errors
    /// [`CacheError`] when the bytes are no JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, CacheError> {
        json::parse(bytes)
    }

    /// Writes the cache, with everything that was read.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        json::write(self)
    }

    /// Returns whether the document has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns whether there is a member that holds entities of a known kind, or could, or one that is an entity as
    /// MSAL JS keeps it: without a root.
    pub fn has_root_or_entity(&self) -> bool {
        let is_of_entity = |name: &str| matches!(name, "credentialType" | "homeAccountId");
        self.members.iter().any(|(name, root)| match root {
            Root::Entities(_) => true,
            Root::Other(_) if EntityKind::of_root(name).is_some() => true,
            Root::Other(member) => {
                let members = serde_json::from_str::<HashMap<String, &RawValue>>(member.get());
                members.is_ok_and(|members| members.keys().any(|name| is_of_entity(name)))
            }
        })
    }

    /// Returns the entities of one kind with their keys, in the order of the document.
    pub fn entities(&self, kind: EntityKind) -> impl Iterator<Item = (&str, &Entity)> {
        let roots = self
            .members
            .iter()
            .filter(move |(name, _)| name == kind.root());
        let rows = roots.flat_map(|(_, root)| match root {
            Root::Entities(rows) => rows.as_slice(),
            Root::Other(_) => &[],
        });
        rows.filter_map(|(key, row)| match row {
            Row::Entity(entity) => Some((key.as_str(), entity)),
            Row::Other(_) => None,
        })
    }

    /// Returns the accounts of all clouds, in the order of the document.
    ///
    /// A user has a row per tenant and, when several libraries wrote, per host name of the cloud; all
    /// of them are one account. Its name is the one in its home tenant (as in MSAL Java).
    #[must_use]
    pub fn accounts(&self) -> Vec<CachedAccount> {
        self.accounts_in(|environment| environment)
    }

    /// Returns the accounts, with another name for some environments.
    pub fn accounts_in(&self, rename: impl Fn(String) -> String) -> Vec<CachedAccount> {
        let mut accounts: Vec<(CachedAccount, bool)> = Vec::new();
        let mut places: HashMap<(String, String), usize> = HashMap::new();
        for (_, row) in self.entities(EntityKind::Account) {
            let Some(mut account) = row.account() else {
                continue;
            };
            account.environment = rename(account.environment);
            let at_home = row.is_in_home_tenant();
            let home = canonical_account_id(&account.home_account_id).into_owned();
            let who = (home, account.environment.clone());
            match places.entry(who) {
                Entry::Vacant(place) => {
                    place.insert(accounts.len());
                    accounts.push((account, at_home));
                }
                Entry::Occupied(place) => {
                    let (known, known_at_home) = &mut accounts[*place.get()];
                    let better = at_home && !*known_at_home;
                    if account.username.is_some() && (known.username.is_none() || better) {
                        known.username = account.username;
                        *known_at_home = at_home;
                    }
                }
            }
        }
        accounts.into_iter().map(|(account, _)| account).collect()
    }
}

impl fmt::Debug for CacheDocument {
    /// Counts what there is; a cache is nothing but secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, root) in &self.members {
            match root {
                Root::Entities(rows) => map.entry(name, &rows.len()),
                Root::Other(_) => map.entry(name, &"kept"),
            };
        }
        map.finish()
    }
}

impl Entity {
    /// Returns a member that is a text. `null`, numbers and empty texts count as missing, as MSAL.NET
    /// writes `""` and older versions of it `null`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members
            .iter()
            .rev()
            .find_map(|(own, member)| match member {
                Member::Text(text) if own == name && !text.is_empty() => Some(text.as_str()),
                _ => None,
            })
    }

    /// Returns a member that is a time in seconds since 1970: a text in all MSALs, a number in caches
    /// that others wrote.
    ///
    /// MSAL.NET writes year 1 (a negative number) for "none".
    #[must_use]
    pub fn seconds(&self, name: &str) -> Option<i64> {
        let (_, member) = self.members.iter().rev().find(|(own, _)| own == name)?;
        let text = match member {
            Member::Text(text) => text.as_str(),
            Member::Other(raw) => raw.get(),
        };
        let whole = text
            .trim()
            .split_once('.')
            .map_or(text.trim(), |(whole, _)| whole);
        whole.parse().ok()
    }

    /// Returns the names of all members, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// The account of an `Account` row. Without an id or a cloud it could never be found again.
    fn account(&self) -> Option<CachedAccount> {
        let environment = environment::canonical(self.text("environment")?).into_owned();
        Some(CachedAccount {
            username: self.text("username").map(str::to_owned),
            home_account_id: self.text("home_account_id")?.to_owned(),
            environment,
        })
    }

    fn is_in_home_tenant(&self) -> bool {
        let home = self
            .text("home_account_id")
            .and_then(|id| id.rsplit_once('.'));
        let realm = self.text("realm").unwrap_or_default();
        home.is_some_and(|(_, tenant)| tenant.eq_ignore_ascii_case(realm))
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A member of the document.
#[derive(Clone)]
enum Root {
    Entities(Vec<(String, Row)>),
    /// An unknown root, or a known one that is no object.
    Other(Box<RawValue>),
}

/// A member of a root.
#[derive(Clone)]
enum Row {
    Entity(Entity),
    Other(Box<RawValue>),
}

/// A member of an entity. Texts wipe themselves, since the secrets are among them.
#[derive(Clone)]
enum Member {
    Text(Zeroizing<String>),
    Other(Box<RawValue>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CacheDocument {
        CacheDocument::parse(text.as_bytes()).unwrap()
    }

    fn accounts(rows: &[(&str, &str, &str, &str)]) -> Vec<(Option<String>, String, String)> {
        let rows: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(key, (home, environment, realm, username))| {
                format!(r#""{key}":{{"home_account_id":{home},"environment":{environment},"realm":{realm},"username":{username}}}"#)
            })
            .collect();
        let document = parse(&format!(r#"{{"Account":{{{}}}}}"#, rows.join(",")));
        let list = document.accounts().into_iter();
        list.map(|account| {
            (
                account.username,
                account.home_account_id,
                account.environment,
            )
        })
        .collect()
    }

    #[test]
    fn an_account_is_one_per_user_and_cloud() {
        let found = accounts(&[
            (
                r#""u.t""#,
                r#""sts.windows.net""#,
                r#""other""#,
                r#""guest name""#,
            ),
            (
                r#""u.t""#,
                r#""Login.Windows.net""#,
                r#""t""#,
                r#""ana@contoso.com""#,
            ),
            (
                r#""u.t""#,
                r#""login.microsoft.com""#,
                r#""third""#,
                r#""another""#,
            ),
            (
                r#""u.t""#,
                r#""login.microsoftonline.us""#,
                r#""t""#,
                r#""ana@contoso.us""#,
            ),
            (
                r#""sub+/=""#,
                r#""fs.contoso.com""#,
                "null",
                r#""ana@contoso.com""#,
            ),
        ]);
        let row = |username: &str, home: &str, environment: &str| {
            (
                Some(username.to_owned()),
                home.to_owned(),
                environment.to_owned(),
            )
        };
        assert_eq!(
            found,
            [
                row("ana@contoso.com", "u.t", "login.microsoftonline.com"),
                row("ana@contoso.us", "u.t", "login.microsoftonline.us"),
                row("ana@contoso.com", "sub+/=", "fs.contoso.com"),
            ]
        );
    }

    #[test]
    fn a_name_may_be_missing_but_not_who_and_where() {
        let found = accounts(&[
            (r#""u.t""#, r#""login.windows.net""#, r#""t""#, "null"),
            (
                r#""u.t""#,
                r#""login.windows.net""#,
                r#""x""#,
                r#""from elsewhere""#,
            ),
            (r#""v.t""#, r#""login.windows.net""#, r#""t""#, "7"),
            ("null", r#""login.windows.net""#, r#""t""#, r#""a""#),
            (r#""w.t""#, "null", r#""t""#, r#""a""#),
        ]);
        let names: Vec<Option<&str>> = found.iter().map(|(name, _, _)| name.as_deref()).collect();
        assert_eq!(names, [Some("from elsewhere"), None]);
    }

    #[test]
    fn entities_are_known_by_their_members() {
        let document = parse(
            r#"{"AccessToken":{"an-entry":{"foo":"bar"},"K":{"secret":"AT","expires_on":4600,"cached_at":"1000","extended_expires_on":"-62135596800","n":1e3,"expires_on_float":"12.5"},"n":null,"s":"x"},
                "RefreshToken":[],"IdToken":null,"Foo":{"a":{"secret":"x"}}}"#,
        );
        let tokens: Vec<(&str, &Entity)> = document.entities(EntityKind::AccessToken).collect();
        assert_eq!(
            tokens.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            ["an-entry", "K"]
        );
        let token = tokens[1].1;
        assert_eq!(token.text("secret"), Some("AT"));
        assert_eq!(
            (token.seconds("expires_on"), token.text("expires_on")),
            (Some(4600), None)
        );
        assert_eq!(token.seconds("cached_at"), Some(1000));
        assert_eq!(token.seconds("extended_expires_on"), Some(-62_135_596_800));
        assert_eq!(token.seconds("expires_on_float"), Some(12));
        assert_eq!(
            (
                token.seconds("secret"),
                token.seconds("n"),
                token.seconds("none")
            ),
            (None, None, None)
        );
        for kind in [
            EntityKind::RefreshToken,
            EntityKind::IdToken,
            EntityKind::Account,
        ] {
            assert_eq!(document.entities(kind).count(), 0, "{kind:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let document = parse(r#"{"AccessToken":{"k":{"secret":"hunter2"}},"Foo":"hunter3"}"#);
        let entity = document.entities(EntityKind::AccessToken).next().unwrap().1;
        assert!(!format!("{document:?}{entity:?}").contains("hunter"));
    }
}
