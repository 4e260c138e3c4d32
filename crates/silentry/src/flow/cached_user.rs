//! Which account of the cache is meant.
//!
//! A user who is named is found by the name. "The user who is signed in" is found by what an integrated sign-in recorded,
//! never by a name that is alike. Nobody else's account is ever guessed: one that an integrated sign-in gave to somebody
//! belongs to whoever held the ticket, even when it is the only one in the cache, and who has signed in by ticket before
//! is never taken for the one user who signed in by hand.

use silentry_protocol::cache::CachedAccount;

use super::who::Who;
use crate::application::Application;
use crate::authority::Authority;
use crate::cache;
#[cfg(feature = "integrated")]
use crate::cache::Owner;
use crate::client::CachedUser;
use crate::error::{Code, Error, Stage};
use crate::identity::same_name;
use crate::result::Account;
use crate::text::printable;

const RENEW_OR_NAME: &str =
    "Renew the ticket (kinit), or name the user who is meant by {username} or {account}.";

/// Whose token is looked for.
pub(super) struct Sought<'a> {
    pub(super) user: CachedUser,
    /// The name that the user must have.
    pub(super) name: Option<&'a str>,
    /// The names that earlier flows of the ladder require; the account must match each.
    pub(super) required_names: &'a [String],
    /// Whether the ticket is asked next for what the cache does not have.
    pub(super) ticket_is_next: bool,
}

/// Returns the account that is meant.
pub(super) async fn account(
    application: &Application,
    authority: &Authority,
    sought: Sought<'_>,
    who: &Who,
) -> Result<Account, Error> {
    let environment = authority.environment();
    let accounts = Accounts {
        application,
        authority,
        who,
        environment: &cache::environment(&environment),
    };
    let required_names = match sought.user {
        // The program says itself which it is.
        CachedUser::Account(_) => &[],
        _ => sought.required_names,
    };
    let account = accounts.account_for(sought).await?;
    required_names
        .iter()
        .try_fold(account, |account, name| accounts.if_called(account, name))
}

/// Returns whether the cache knows an account by this name or home account id.
pub(super) fn is_called(
    application: &Application,
    authority: &Authority,
    account: &Account,
    name: &str,
) -> bool {
    let environment = cache::environment(&account.environment);
    let os_user = os_user();
    let is_it = |cached: &CachedAccount| {
        cached.environment == environment && account.has_home_account_id(&cached.home_account_id)
    };
    let cache = &application.cache;
    let named = cache.accounts_named(authority, name, os_user.as_deref(), is_it);
    !named.is_empty()
}

/// The accounts of one cloud.
struct Accounts<'a> {
    application: &'a Application,
    authority: &'a Authority,
    #[cfg_attr(
        not(feature = "integrated"),
        allow(dead_code, reason = "nobody can tell who is signed in")
    )]
    who: &'a Who,
    environment: &'a str,
}

impl Accounts<'_> {
    /// Returns the account that the one flow means.
    async fn account_for(&self, sought: Sought<'_>) -> Result<Account, Error> {
        let Sought { user, name, .. } = &sought;
        match (user, name) {
            (CachedUser::Account(account), None) => return Ok(account.clone()),
            // Memory first: who is signed in does not change with what other processes write.
            (CachedUser::SignedIn | CachedUser::SignedInOrSole, None) => {
                if let Some(account) = self.signed_in().await {
                    return Ok(account);
                }
            }
            _ => {}
        }
        let application = self.application;
        let caught_up = application
            .cache
            .catch_up_to_sign_in(&*application.clock)
            .await;
        caught_up.map_err(|error| super::cache_failed(&error))?;
        match (sought.user, sought.name) {
            (CachedUser::Account(account), None) => Ok(account),
            (CachedUser::Account(account), Some(name)) => self.if_called(account, name),
            (CachedUser::Named(id), Some(name)) if !same_name(&id, name) => {
                let account = self.named(&id).await?;
                self.if_called(account, name)
            }
            (CachedUser::Named(name), _) => self.named(&name).await,
            (_, Some(name)) => self.named(name).await,
            (CachedUser::SignedIn, None) => self.signed_in().await.ok_or_else(|| {
                none("the token cache knows no account of the user who is signed in".to_owned())
            }),
            (CachedUser::SignedInOrSole, None) => match self.signed_in().await {
                Some(account) => Ok(account),
                None => self.sole(sought.ticket_is_next).await,
            },
        }
    }

    async fn sole(&self, ticket_is_next: bool) -> Result<Account, Error> {
        let all = self.application.cache.accounts(self.authority).into_iter();
        let of_cloud = all.filter(|account| self.has(account));
        let account = only(of_cloud, || "the token cache knows no account".to_owned())?;
        let cache = &self.application.cache;
        if cache.is_bound(self.environment, &account.home_account_id) {
            let message = "the only account of the token cache belongs to a ticket of somebody who is not signed in now";
            return Err(none(message.to_owned()));
        }
        // A service whose ticket has ended would else become the administrator who once signed in by hand.
        if self.is_ticket_user() {
            let message = "the only account of the token cache signed in by hand, and this user of the system signs in by ticket";
            return Err(none(message.to_owned()).with_mitigation(RENEW_OR_NAME));
        }
        if ticket_is_next && self.has_ticket().await {
            let message = "the token cache knows no account of the user who is signed in";
            return Err(none(message.to_owned()));
        }
        Ok(Account::of_cache(account))
    }

    /// Returns the account of this name or home account id.
    async fn named(&self, name: &str) -> Result<Account, Error> {
        let os_user = os_user();
        let cache = &self.application.cache;
        let mut named = cache.accounts_named(self.authority, name, os_user.as_deref(), |account| {
            self.has(account)
        });
        if named.is_empty()
            && let Some(account) = self.signed_in_by_other_name(name).await
        {
            return Ok(account);
        }
        only(named.drain(..), || {
            let name = printable(name, 100);
            format!("the token cache knows no account `{name}`")
        })
        .map(Account::of_cache)
    }

    fn has(&self, account: &CachedAccount) -> bool {
        account.environment == self.environment
    }

    /// Returns the account, when this is a name of it too.
    fn if_called(&self, account: Account, name: &str) -> Result<Account, Error> {
        if is_called(self.application, self.authority, &account, name) {
            return Ok(account);
        }
        let message = format!(
            "the account is the one of {}, not of {name}",
            account.username()
        );
        Err(Error::new(Code::UserMismatch, Stage::Cache, message))
    }
}

#[cfg(feature = "integrated")]
impl Accounts<'_> {
    /// The account that an integrated sign-in gave to the very user who is signed in now.
    async fn signed_in(&self) -> Option<Account> {
        // The Kerberos library is asked only where its answer can lead to an account.
        if !self.application.cache.has_bindings(self.environment) {
            return None;
        }
        let user = self.who.user(self.application).await?;
        super::signed_in::account(self.application, self.authority, user)
    }

    /// The same, when the directory says that the user of the ticket has this name: it is asked about what no token tells,
    /// `DOMAIN\user`, and where the configuration names it.
    async fn signed_in_by_other_name(&self, name: &str) -> Option<Account> {
        let application = self.application;
        let directory = &application.directory;
        let worth_asking = directory.is_on() && (name.contains('\\') || directory.is_first());
        if !worth_asking || !application.cache.has_bindings(self.environment) {
            return None;
        }
        let user = self.who.user(application).await?;
        let account = super::signed_in::account(application, self.authority, user)?;
        let owner = Owner {
            home_account_id: account.home_account_id()?.to_owned(),
            environment: self.environment.to_owned(),
            other_environment: self.authority.other_environment(self.environment),
        };
        let names = application.cache.names_of(&owner);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let is_called = super::upn::is_called(application, user, name, &names).await;
        is_called.then_some(account)
    }

    fn is_ticket_user(&self) -> bool {
        let application = self.application;
        let os_user = super::signed_in::os_user();
        application
            .cache
            .is_ticket_user(&application.client_id, &os_user)
    }

    async fn has_ticket(&self) -> bool {
        self.who.user(self.application).await.is_some()
    }
}

/// Nobody can tell who is signed in.
#[cfg(not(feature = "integrated"))]
#[allow(clippy::unused_async, clippy::unused_self)] // as where there are tickets
impl Accounts<'_> {
    async fn signed_in(&self) -> Option<Account> {
        None
    }

    async fn signed_in_by_other_name(&self, _: &str) -> Option<Account> {
        None
    }

    fn is_ticket_user(&self) -> bool {
        false
    }

    async fn has_ticket(&self) -> bool {
        false
    }
}

#[cfg(feature = "integrated")]
fn os_user() -> Option<String> {
    Some(super::signed_in::os_user())
}

#[cfg(not(feature = "integrated"))]
fn os_user() -> Option<String> {
    None
}

fn only(
    mut accounts: impl Iterator<Item = CachedAccount>,
    if_none: impl FnOnce() -> String,
) -> Result<CachedAccount, Error> {
    let account = accounts.next().ok_or_else(|| none(if_none()))?;
    match accounts.next() {
        None => Ok(account),
        Some(_) => Err(Error::new(
            Code::MultipleAccountsForLoginHint,
            Stage::Cache,
            "the token cache knows several accounts that could be meant",
        )),
    }
}

fn none(message: String) -> Error {
    Error::new(Code::NoAccountForLoginHint, Stage::Cache, message)
}
