//! The cache as silent sign-ins look at it: by account, never by scanning.
//!
//! The document stays the truth; this is what can be found in it, and it is made anew for an account
//! whose rows have changed.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use silentry_protocol::cache::environment;
use silentry_protocol::cache::{CacheDocument, Entity, EntityKind};
use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::id_token::{IdToken, canonical_account_id, same_account};
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_response::is_token;
use silentry_protocol::secret::Secret;

use super::rows::{Owner, REQUESTED_TENANT, is_plain_bearer, same_realm};
use crate::authority::tenant::{PERSONAL_ACCOUNTS, same_client};

/// Seconds that the clocks of two machines may be apart.
const ALLOWED_SKEW: i64 = 5 * 60;

/// An access token that ends sooner is not given out any more, as in every MSAL: it must outlive the
/// call that it is for.
const MARGIN: i64 = 5 * 60;

/// An access token that would be good for longer is not taken for good: 366 days, one more than is believed of a server
/// ([`MAX_LIFETIME`](silentry_protocol::oauth::token_response::MAX_LIFETIME)). Its end was written in another unit, or is wrong.
const LONGEST: i64 = 366 * 24 * 60 * 60;

/// What is known of every account, by environment and then by home account id, each in its one spelling.
#[derive(Default)]
pub(crate) struct Index {
    accounts: HashMap<String, HashMap<String, AccountRows>>,
    /// The account of whoever is signed in to the machine, by environment and then by who that is.
    signed_in: HashMap<String, HashMap<String, String>>,
}

/// The rows of one account.
#[derive(Default)]
struct AccountRows {
    access_tokens: Vec<Arc<CachedToken>>,
    refresh_tokens: Vec<CachedRefreshToken>,
    id_tokens: Vec<CachedIdToken>,
}

/// An access token with what is said of it.
pub(crate) struct CachedToken {
    pub(crate) secret: Secret,
    pub(crate) scopes: Scopes,
    pub(crate) realm: String,
    /// Seconds since 1970, as all times here.
    pub(crate) expires_on: i64,
    pub(crate) extended_expires_on: Option<i64>,
    pub(crate) refresh_on: Option<i64>,
    cached_at: Option<i64>,
    client_id: String,
    requested_tenant: Option<String>,
    /// Decoded once, by the first who wants to know.
    identity: OnceLock<TokenIdentity>,
}

/// Who an access token is for, from the id token that came with it.
#[derive(Clone, Default)]
pub(crate) struct TokenIdentity {
    pub(crate) id_token: Option<Secret>,
    pub(crate) username: Option<Arc<str>>,
    pub(crate) tenant_id: Option<Arc<str>>,
    pub(crate) unique_id: Option<Arc<str>>,
}

struct CachedRefreshToken {
    secret: Secret,
    client_id: String,
    family_id: Option<String>,
    written: i64,
}

struct CachedIdToken {
    secret: Secret,
    client_id: String,
    realm: String,
}

/// What a silent sign-in looks for.
pub(crate) struct Wanted<'a> {
    pub(crate) server: AuthorityKind,
    pub(crate) client_id: &'a str,
    pub(crate) environment: &'a str,
    /// The name of the same environment in rows of others.
    pub(crate) other_environment: Option<&'a str>,
    pub(crate) home_account_id: &'a str,
    /// The tenant: an id, a domain, or a word.
    pub(crate) tenant: &'a str,
    pub(crate) scopes: &'a Scopes,
    pub(crate) now: i64,
}

impl Index {
    /// Looks through a whole document.
    pub(crate) fn of(document: &CacheDocument) -> Self {
        let mut index = Self::default();
        index.add(document, |_| true);
        index
    }

    /// Looks again at the rows of one account, which have changed.
    pub(crate) fn renew(&mut self, document: &CacheDocument, owner: &Owner) {
        for environment in owner.environments() {
            if let Some(accounts) = self.accounts.get_mut(environment) {
                accounts.remove(&*canonical_account_id(&owner.home_account_id));
            }
        }
        self.add(document, |row| owner.owns(row));
    }

    /// Returns the access token that lives longest of those that serve and are good for a while.
    pub(crate) fn access_token(&self, wanted: &Wanted<'_>) -> Option<&Arc<CachedToken>> {
        self.rows(wanted)
            .flat_map(|rows| &rows.access_tokens)
            .filter(|token| token.is_good(wanted.now) && token.serves(wanted))
            .max_by_key(|token| token.expires_on)
    }

    /// Returns who an access token is for.
    pub(crate) fn identity<'a>(
        &self,
        wanted: &Wanted<'_>,
        token: &'a CachedToken,
    ) -> &'a TokenIdentity {
        token.identity.get_or_init(|| {
            let mut id_tokens = self.rows(wanted).flat_map(|rows| &rows.id_tokens);
            let id_token = id_tokens.find(|id| {
                same_client(&id.client_id, wanted.client_id) && same_realm(&id.realm, &token.realm)
            });
            id_token.map(CachedIdToken::identity).unwrap_or_default()
        })
    }

    /// Returns the refresh tokens to try, best first: the client's own, then those of a family when
    /// the program wants family tokens.
    pub(crate) fn refresh_tokens(&self, wanted: &Wanted<'_>, family: bool) -> Vec<Secret> {
        let is_own = |token: &CachedRefreshToken| same_client(&token.client_id, wanted.client_id);
        let mut tokens: Vec<&CachedRefreshToken> = self
            .rows(wanted)
            .flat_map(|rows| &rows.refresh_tokens)
            .filter(|token| is_own(token) || (family && token.family_id.is_some()))
            .collect();
        tokens.sort_by_key(|token| (!is_own(token), Reverse(token.written)));
        tokens
            .into_iter()
            .map(|token| token.secret.clone())
            .collect()
    }

    /// Returns the account that an integrated sign-in gave to whoever is signed in to the machine.
    #[cfg(feature = "integrated")]
    pub(crate) fn account_of(&self, environment: &str, signed_in: &str) -> Option<&str> {
        let account = self.signed_in.get(environment)?.get(signed_in)?;
        Some(account)
    }

    /// Returns whether integrated sign-ins have left any account there.
    #[cfg(feature = "integrated")]
    pub(crate) fn has_bindings(&self, environment: &str) -> bool {
        self.signed_in.contains_key(environment)
    }

    /// Returns whether an integrated sign-in gave the account to somebody.
    pub(crate) fn is_bound(&self, environment: &str, home_account_id: &str) -> bool {
        let mut users = self.signed_in.get(environment).into_iter().flatten();
        users.any(|(_, account)| same_account(account, home_account_id))
    }

    /// The rows of the account that is wanted, under each name of its environment.
    fn rows(&self, wanted: &Wanted<'_>) -> impl Iterator<Item = &AccountRows> {
        let home = canonical_account_id(wanted.home_account_id);
        [Some(wanted.environment), wanted.other_environment]
            .into_iter()
            .flatten()
            .filter_map(move |environment| self.accounts.get(environment)?.get(&*home))
    }

    fn add(&mut self, document: &CacheDocument, is_wanted: impl Fn(&Entity) -> bool) {
        let wanted = |kind| {
            document
                .entities(kind)
                .map(|(_, row)| row)
                .filter(|row| is_wanted(row))
        };
        for row in wanted(EntityKind::AccessToken) {
            if let (Some(rows), Some(token)) = (self.rows_mut(row), CachedToken::of(row)) {
                rows.access_tokens.push(Arc::new(token));
            }
        }
        for row in wanted(EntityKind::RefreshToken) {
            if let (Some(rows), Some(token)) = (self.rows_mut(row), CachedRefreshToken::of(row)) {
                rows.refresh_tokens.push(token);
            }
        }
        for row in wanted(EntityKind::IdToken) {
            if let (Some(rows), Some(token)) = (self.rows_mut(row), CachedIdToken::of(row)) {
                rows.id_tokens.push(token);
            }
        }
        self.signed_in.clear();
        for (_, row) in document.entities(EntityKind::SignedInUser) {
            if let (Some(host), Some(who), Some(home)) = (
                row.text("environment"),
                row.text("signed_in"),
                row.text("home_account_id"),
            ) {
                let environment = environment::canonical(host).into_owned();
                let users = self.signed_in.entry(environment).or_default();
                users.insert(who.to_owned(), home.to_owned());
            }
        }
    }

    /// The place of a row's account.
    fn rows_mut(&mut self, row: &Entity) -> Option<&mut AccountRows> {
        let environment = environment::canonical(row.text("environment")?);
        let home = canonical_account_id(row.text("home_account_id")?);
        if !self.accounts.contains_key(&*environment) {
            self.accounts
                .insert(environment.clone().into_owned(), HashMap::new());
        }
        let accounts = self.accounts.get_mut(&*environment)?;
        if !accounts.contains_key(&*home) {
            accounts.insert(home.clone().into_owned(), AccountRows::default());
        }
        accounts.get_mut(&*home)
    }
}

impl CachedToken {
    /// Reads a row; a token that was asked for in another way than ours, or whose end is not known, is none of ours.
    fn of(row: &Entity) -> Option<Self> {
        is_plain_bearer(row).then_some(())?;
        let expires_on = row.seconds("expires_on")?;
        Some(Self {
            // Other programs write the file too, and the token goes into headers.
            secret: Secret::from(row.text("secret").filter(|token| is_token(token))?),
            scopes: Scopes::from_wire(row.text("target")?)?,
            realm: row.text("realm").unwrap_or_default().to_owned(),
            expires_on,
            extended_expires_on: row
                .seconds("extended_expires_on")
                .or_else(|| row.seconds("ext_expires_on"))
                .filter(|time| (0..=LONGEST).contains(&time.saturating_sub(expires_on))),
            refresh_on: row
                .seconds("refresh_on")
                .filter(|time| *time > 0 && *time <= expires_on),
            cached_at: row.seconds("cached_at"),
            client_id: row.text("client_id")?.to_owned(),
            requested_tenant: row.text(REQUESTED_TENANT).map(str::to_owned),
            identity: OnceLock::new(),
        })
    }

    /// Times are whatever somebody wrote into a file.
    fn is_good(&self, now: i64) -> bool {
        let left = self.expires_on.saturating_sub(now);
        left > MARGIN && left <= LONGEST && !self.is_of_the_future(now)
    }

    /// Returns whether the token was kept later than now: the clock was set back, and tells nothing of when the token ends
    /// (MSAL Node's `wasClockTurnedBack`). Machines that share a cache may differ as much as Kerberos allows.
    fn is_of_the_future(&self, now: i64) -> bool {
        self.cached_at
            .is_some_and(|cached_at| cached_at > now.saturating_add(ALLOWED_SKEW))
    }

    fn serves(&self, wanted: &Wanted<'_>) -> bool {
        same_client(&self.client_id, wanted.client_id)
            && self.is_of_tenant(wanted)
            && self.scopes.serves_at(wanted.server, wanted.scopes)
    }

    /// A realm is the tenant's id or, from MSAL Python and Go, the word of the authority. Where the
    /// word leaves the choice to the account, it means the account's home.
    fn is_of_tenant(&self, wanted: &Wanted<'_>) -> bool {
        if same_realm(&self.realm, wanted.tenant) {
            return true;
        }
        match wanted.tenant {
            "organizations" | "common" => wanted
                .home_account_id
                .rsplit_once('.')
                .is_some_and(|(_, home)| self.realm.eq_ignore_ascii_case(home)),
            "consumers" => same_realm(&self.realm, PERSONAL_ACCOUNTS),
            tenant => self
                .requested_tenant
                .as_ref()
                .is_some_and(|requested| requested.eq_ignore_ascii_case(tenant)),
        }
    }
}

impl CachedRefreshToken {
    fn of(row: &Entity) -> Option<Self> {
        Some(Self {
            secret: Secret::from(row.text("secret")?),
            client_id: row.text("client_id")?.to_owned(),
            family_id: row.text("family_id").map(str::to_owned),
            written: row.seconds("last_modification_time").unwrap_or_default(),
        })
    }
}

impl CachedIdToken {
    fn of(row: &Entity) -> Option<Self> {
        Some(Self {
            secret: Secret::from(row.text("secret")?),
            client_id: row.text("client_id")?.to_owned(),
            realm: row.text("realm").unwrap_or_default().to_owned(),
        })
    }

    fn identity(&self) -> TokenIdentity {
        let claims = IdToken::decode(self.secret.expose()).ok();
        let claims = claims.as_ref();
        TokenIdentity {
            id_token: Some(self.secret.clone()),
            username: claims.and_then(IdToken::username).map(Into::into),
            tenant_id: claims
                .and_then(|claims| claims.tid.as_deref())
                .map(Into::into),
            unique_id: claims.and_then(IdToken::local_account_id).map(Into::into),
        }
    }
}
