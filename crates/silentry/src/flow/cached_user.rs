//! Which account of the cache is meant.
//!
//! "The user who is signed in" is found by what an integrated sign-in recorded, never by a name that is alike. Nobody
//! else's account is ever guessed: one that an integrated sign-in gave to somebody belongs to whoever held the ticket,
//! even when it is the only one in the cache.

use crate::authority::Authority;
use crate::cache;
use crate::cache::schema::CachedAccount;
use crate::client::{Account, Application, CachedUser};
use crate::error::{Error, Stage};
use crate::text::printable;

/// Returns the account that is meant.
pub(super) async fn account(
    application: &Application,
    authority: &Authority,
    user: CachedUser,
) -> Result<Account, Error> {
    if let CachedUser::Account(account) = user {
        return Ok(account);
    }
    // Memory first: who is signed in does not change with what other processes write.
    if matches!(user, CachedUser::SignedIn)
        && let Some(account) = signed_in(application, authority).await
    {
        return Ok(account);
    }
    let caught_up = application
        .cache
        .catch_up_to_sign_in(&*application.clock)
        .await;
    caught_up.map_err(|error| super::cache_failed(&error))?;
    let environment = authority.environment();
    let accounts = Accounts {
        application,
        authority,
        environment: &cache::environment(&environment),
    };
    let account = match user {
        CachedUser::Named(name) => accounts.named(&name)?,
        CachedUser::SignedInOrSole => match signed_in(application, authority).await {
            Some(account) => return Ok(account),
            None => accounts.sole()?,
        },
        CachedUser::SignedIn | CachedUser::Account(_) => {
            let account = signed_in(application, authority).await;
            return account.ok_or_else(|| {
                none("the token cache knows no account of the user who is signed in".to_owned())
            });
        }
    };
    Ok(Account {
        username: account.username.unwrap_or_default().into(),
        home_account_id: Some(account.home_account_id.into()),
        environment: account.environment.into(),
    })
}

/// The account that an integrated sign-in gave to the very user who is signed in now.
#[cfg(feature = "integrated")]
async fn signed_in(application: &Application, authority: &Authority) -> Option<Account> {
    let environment = authority.environment();
    // The Kerberos library is asked only where its answer can lead to an account.
    let may_know = application
        .cache
        .has_bindings(&cache::environment(&environment));
    if !may_know {
        return None;
    }
    let who = super::signed_in::who(application).await?;
    super::signed_in::account(application, authority, &who)
}

/// Nobody can tell who is signed in.
#[cfg(not(feature = "integrated"))]
async fn signed_in(_: &Application, _: &Authority) -> Option<Account> {
    None
}

/// The accounts of one cloud.
struct Accounts<'a> {
    application: &'a Application,
    authority: &'a Authority,
    environment: &'a str,
}

impl Accounts<'_> {
    fn sole(&self) -> Result<CachedAccount, Error> {
        let account = only(self.all(), || "the token cache knows no account".to_owned())?;
        let cache = &self.application.cache;
        if cache.is_bound(self.environment, &account.home_account_id) {
            let message = "the only account of the token cache belongs to a ticket of somebody who is not signed in now";
            return Err(none(message.to_owned()));
        }
        Ok(account)
    }

    fn named(&self, name: &str) -> Result<CachedAccount, Error> {
        let cache = &self.application.cache;
        let named = cache.accounts_named(self.authority, name, |account| self.has(account));
        only(named.into_iter(), || {
            let name = printable(name, 100);
            format!("the token cache knows no account `{name}`")
        })
    }

    fn all(&self) -> impl Iterator<Item = CachedAccount> {
        let accounts = self.application.cache.accounts(self.authority);
        accounts.into_iter().filter(|account| self.has(account))
    }

    fn has(&self, account: &CachedAccount) -> bool {
        account.environment == self.environment
    }
}

fn only(
    mut accounts: impl Iterator<Item = CachedAccount>,
    if_none: impl FnOnce() -> String,
) -> Result<CachedAccount, Error> {
    let account = accounts.next().ok_or_else(|| none(if_none()))?;
    match accounts.next() {
        None => Ok(account),
        Some(_) => Err(Error::new(
            "multiple_accounts_for_login_hint",
            Stage::Cache,
            "the token cache knows several accounts that could be meant",
        )),
    }
}

fn none(message: String) -> Error {
    Error::new("no_account_for_login_hint", Stage::Cache, message)
}
