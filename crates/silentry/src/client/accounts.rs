//! The users who have signed in.

use silentry_protocol::cache::CachedAccount;

use super::PublicClientApplication;
use crate::application::Application;
use crate::cache::{self, Owner};
use crate::error::{Code, Error, Stage};
use crate::flow::{cache_failed, environments};
use crate::result::Account;

impl PublicClientApplication {
    /// Returns the users whom the token cache knows in the cloud of this application's authority (or in all, with
    /// [`with_multi_cloud_support`](crate::PublicClientApplicationBuilder::with_multi_cloud_support)), in the order in which
    /// they signed in first.
    ///
    /// # Errors
    ///
    /// `token_cache_failed` when the store of the cache cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let is_ours = self.caught_up().await?;
        let application = &self.inner;
        let accounts = application.cache.accounts(&application.authority);
        let ours = accounts.into_iter().filter(is_ours);
        Ok(ours.map(Account::of_cache).collect())
    }

    /// Reads the cache, and returns which of its accounts are those of this application's cloud.
    async fn caught_up(&self) -> Result<impl Fn(&CachedAccount) -> bool, Error> {
        let application = &self.inner;
        let caught_up = application.cache.catch_up(&*application.clock).await;
        caught_up.map_err(|error| cache_failed(&error))?;
        let hosts: Option<Vec<String>> = match application.multi_cloud {
            true => None,
            false => Some(environments(application).await),
        };
        Ok(move |account: &CachedAccount| {
            let is = |host: &String| cache::environment(host) == account.environment;
            hosts.as_ref().is_none_or(|hosts| hosts.iter().any(is))
        })
    }

    /// Returns the account of this [`home_account_id`](Account::home_account_id), when the token cache knows it.
    ///
    /// # Errors
    ///
    /// `token_cache_failed` when the store of the cache cannot be read.
    pub async fn account(&self, home_account_id: &str) -> Result<Option<Account>, Error> {
        let accounts = self.accounts().await?;
        Ok(accounts
            .into_iter()
            .find(|account| account.has_home_account_id(home_account_id)))
    }

    /// Returns the account of the user with this name (a UPN, in any case, or the name that a guest has in some tenant), as
    /// an id token tells it; an e-mail address is no name. Of several, the one that is at home in the tenant of the
    /// authority is meant.
    ///
    /// # Errors
    ///
    /// `no_account_for_login_hint`, `multiple_accounts_for_login_hint`, and `token_cache_failed` when the store of the
    /// cache cannot be read.
    pub async fn account_for_login_hint(&self, upn: &str) -> Result<Account, Error> {
        let is_ours = self.caught_up().await?;
        let Application {
            cache, authority, ..
        } = &*self.inner;
        let mut named = cache.accounts_named(authority, upn, None, is_ours);
        let known = named.len();
        match (named.pop(), known) {
            (Some(account), 1) => Ok(Account::of_cache(account)),
            (None, _) => Err(Error::new(
                Code::NoAccountForLoginHint,
                Stage::Cache,
                format!("the token cache knows no account named {upn}"),
            )),
            (Some(_), _) => Err(Error::new(
                Code::MultipleAccountsForLoginHint,
                Stage::Cache,
                format!("the token cache knows {known} accounts named {upn}"),
            )),
        }
    }

    /// Forgets a user: every token and everything else that the cache has of the account in its cloud. Entra is told
    /// nothing, and tokens that a program holds stay good until they expire.
    ///
    /// # Errors
    ///
    /// `token_cache_failed` when the store of the cache cannot be written, or has a damaged cache, which stays as it is.
    pub async fn remove_account(&self, account: &Account) -> Result<(), Error> {
        let Some(home_account_id) = account.home_account_id() else {
            return Ok(());
        };
        let environment = cache::environment(&account.environment).into_owned();
        let other_environment = self.inner.authority.other_environment(&environment);
        let owner = Owner {
            home_account_id: home_account_id.to_owned(),
            environment,
            other_environment,
        };
        let application = &*self.inner;
        let removed = application
            .cache
            .remove(&*application.clock, move |document| {
                cache::remove(document, &owner);
                Some(owner)
            });
        removed.await.map_err(|error| cache_failed(&error))
    }
}
