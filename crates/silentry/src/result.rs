//! What a sign-in gives.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use silentry_protocol::cache::CachedAccount;
use silentry_protocol::oauth::id_token::same_account;
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::secret::Secret;

use crate::flow_name::Flow;
use crate::identity::same_name;

/// A token and what is known about it, named as in MSAL. Clones share what it consists of.
#[derive(Clone)]
pub struct AuthenticationResult {
    pub(crate) access_token: Secret,
    pub(crate) id_token: Option<Secret>,
    pub(crate) expires_on: SystemTime,
    pub(crate) extended_expires_on: Option<SystemTime>,
    pub(crate) refresh_on: Option<SystemTime>,
    pub(crate) scopes: Scopes,
    pub(crate) tenant_id: Option<Arc<str>>,
    pub(crate) unique_id: Option<Arc<str>>,
    pub(crate) account: Account,
    pub(crate) correlation_id: String,
    pub(crate) token_source: TokenSource,
    pub(crate) flow: Option<Flow>,
    /// Behind one pointer, as almost no result has it.
    pub(crate) not_kept: Option<Arc<String>>,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// The token cache: nothing was sent.
    Cache,
    /// The authority, just now.
    IdentityProvider,
}

impl AuthenticationResult {
    /// Returns the access token. Treat it as a password.
    pub fn access_token(&self) -> &str {
        self.access_token.expose()
    }

    /// Returns the value of the `Authorization` header: `Bearer` and the access token.
    pub fn authorization_header(&self) -> String {
        format!("Bearer {}", self.access_token())
    }

    /// Returns when the access token ends.
    pub fn expires_on(&self) -> SystemTime {
        self.expires_on
    }

    /// Returns until when the access token may be used while Entra is down.
    pub fn extended_expires_on(&self) -> Option<SystemTime> {
        self.extended_expires_on
    }

    /// Returns when Entra would like the token to be renewed.
    pub fn refresh_on(&self) -> Option<SystemTime> {
        self.refresh_on
    }

    /// Returns the scopes that were granted; they may differ from those asked for.
    pub fn scopes(&self) -> &[String] {
        self.scopes.as_slice()
    }

    /// Returns the tenant that issued the token.
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_deref()
    }

    /// Returns the user's object id in that tenant, else the subject.
    pub fn unique_id(&self) -> Option<&str> {
        self.unique_id.as_deref()
    }

    /// Returns the account that the token is for.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the id token as it was received.
    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(Secret::expose)
    }

    /// Returns the correlation id of the call; it is empty when the token came from the cache and the program gave
    /// none, since then no server has ever seen one.
    pub fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// Returns where the token came from.
    pub fn token_source(&self) -> TokenSource {
        self.token_source
    }

    /// Returns why the token is not in the token cache: its store could not be written, or the server did not tell whose
    /// the token is. `None` when it is there, so that the next silent call finds it.
    ///
    /// A token that could not be kept is as good as any other; only a program whose purpose is to keep it must look.
    pub fn not_kept(&self) -> Option<&str> {
        self.not_kept.as_deref().map(String::as_str)
    }

    /// Returns which of several flows gave the token; `None` when there was only one.
    pub fn flow(&self) -> Option<Flow> {
        self.flow
    }
}

impl fmt::Debug for AuthenticationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticationResult")
            .field("account", &self.account)
            .field("scopes", &self.scopes())
            .field("expires_on", &self.expires_on)
            .field("tenant_id", &self.tenant_id)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

/// A user as applications know them: whom a token is for, and whom to ask one for silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub(crate) username: Arc<str>,
    pub(crate) home_account_id: Option<Arc<str>>,
    pub(crate) environment: Arc<str>,
}

impl Account {
    /// Returns the account that the rows of a cache tell of.
    pub(crate) fn of_cache(account: CachedAccount) -> Self {
        Account {
            username: account.username.unwrap_or_default().into(),
            home_account_id: Some(account.home_account_id.into()),
            environment: account.environment.into(),
        }
    }

    /// Returns the UPN that the token names.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns the identity across tenants: `{object id}.{home tenant id}`; `None` when Entra did not tell.
    pub fn home_account_id(&self) -> Option<&str> {
        self.home_account_id.as_deref()
    }

    /// Returns whether the account is known by this user name, in any case. An account without a name has none.
    pub fn has_username(&self, name: &str) -> bool {
        !name.trim().is_empty() && same_name(&self.username, name)
    }

    /// Returns whether this is the account's home account id: one of Entra in any case, that of another server as it is.
    pub fn has_home_account_id(&self, id: &str) -> bool {
        let own = self.home_account_id.as_deref();
        own.is_some_and(|own| same_account(own, id))
    }

    /// Returns what a token for this account can be told by: the id, else the name.
    pub(crate) fn binding_name(&self) -> &str {
        self.home_account_id().unwrap_or(&self.username)
    }

    /// Returns the host of the cloud that knows the account; of an OpenID Connect server, its issuer without `https://`.
    pub fn environment(&self) -> &str {
        &self.environment
    }
}
