//! The users who have signed in.

use super::{Account, PublicClientApplication};
use crate::cache::{self, Owner};
use crate::error::Error;
use crate::flow::cache_failed;

impl PublicClientApplication {
    /// Returns the users whom the token cache knows in the cloud of this application's authority, in the order in which
    /// they signed in first.
    ///
    /// # Errors
    ///
    /// `token_cache_failed` when the store of the cache cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let application = &*self.inner;
        application
            .cache
            .catch_up(&*application.clock)
            .await
            .map_err(|error| cache_failed(&error))?;
        let ours = cache::environment(application.authority.host());
        let accounts = application.cache.accounts().into_iter();
        Ok(accounts
            .filter(|account| account.environment == ours)
            .map(|account| Account {
                username: account.username.unwrap_or_default().into(),
                home_account_id: Some(account.home_account_id.into()),
                environment: account.environment.into(),
            })
            .collect())
    }

    /// Forgets a user: every token and everything else that the cache has of the account in its cloud. Entra is told
    /// nothing, and tokens that a program holds stay good until they expire.
    ///
    /// # Errors
    ///
    /// `token_cache_failed` when the store of the cache cannot be written.
    pub async fn remove_account(&self, account: &Account) -> Result<(), Error> {
        let Some(home_account_id) = account.home_account_id() else {
            return Ok(());
        };
        let owner = Owner {
            home_account_id: home_account_id.to_owned(),
            environment: cache::environment(&account.environment).into_owned(),
        };
        let application = &*self.inner;
        let removed = application
            .cache
            .change(&*application.clock, move |document| {
                cache::remove(document, &owner);
                Some(owner)
            });
        removed.await.map_err(|error| cache_failed(&error))
    }
}
