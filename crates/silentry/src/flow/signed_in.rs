//! Who is signed in to the machine, as the cache remembers whose account is whose.
//!
//! A UPN would not do: alternate login ids differ from it legitimately, and two principals may lead to one UPN. So an
//! integrated sign-in records the user of the operating system and the Kerberos principal with the account that it gave,
//! and nothing else finds that account again for "the user who is signed in".

use silentry_protocol::oauth::id_token::same_account;

use super::kerberos;
use crate::application::Application;
use crate::authority::Authority;
use crate::cache::{self, SignedInUser};
use crate::identity::{SignedIn, same_name};
use crate::result::Account;

/// The user of a ticket.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct User(SignedIn);

impl User {
    /// The user of a ticket that the Kerberos library names; it knows no UPN.
    pub(super) fn of(principal: String) -> Self {
        User(SignedIn {
            principal,
            upn: None,
        })
    }

    /// Returns what the Kerberos library, or Windows, told.
    pub(super) fn signed_in(&self) -> &SignedIn {
        &self.0
    }

    pub(super) fn principal(&self) -> &str {
        &self.0.principal
    }

    /// Returns what the cache remembers this user by: the operating system's user, and the principal.
    pub(super) fn id(&self) -> String {
        let (os_user, principal) = (&os_user(), self.principal());
        SignedInUser {
            os_user,
            principal,
            also_called: None,
        }
        .id()
    }

    /// Returns whether the ticket itself has this name: as its principal, which may be an enterprise name with the UPN
    /// inside (MS-KILE: `ana\@contoso.com@CORP.CONTOSO.COM`), or as the UPN that Windows knows.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let principal = self.principal();
        let enterprise = principal
            .rsplit_once('@')
            .map(|(name, _)| name.replace('\\', ""))
            .filter(|name| name.contains('@'));
        let mut own = [
            Some(principal),
            enterprise.as_deref(),
            self.0.upn.as_deref(),
        ]
        .into_iter();
        own.any(|own| own.is_some_and(|own| same_name(own, name)))
    }
}

/// Returns whose ticket there is; `None` when nobody is signed in that could be told.
pub(super) async fn user(application: &Application) -> Option<User> {
    let signed_in = kerberos::signed_in_user(&application.negotiate).await;
    signed_in
        .inspect_err(|error| tracing::debug!(%error, "nobody is signed in"))
        .ok()
        .map(User)
}

/// Returns the account that an integrated sign-in gave to this very user, as far as the cache in memory knows.
pub(super) fn account(
    application: &Application,
    authority: &Authority,
    user: &User,
) -> Option<Account> {
    let environment = authority.environment();
    let environment = cache::environment(&environment);
    let home_account_id = application.cache.account_of(&environment, &user.id())?;
    let known = application.cache.accounts(authority).into_iter();
    let username = known
        .filter(|account| account.environment == environment)
        .filter(|account| same_account(&account.home_account_id, &home_account_id))
        .find_map(|account| account.username);
    Some(Account {
        username: username.unwrap_or_default().into(),
        home_account_id: Some(home_account_id.into()),
        environment: environment.into(),
    })
}

/// Returns the user of the operating system. On Windows the principal is the user of the logon session.
#[cfg(windows)]
pub(super) fn os_user() -> String {
    "0".to_owned()
}

#[cfg(unix)]
pub(super) fn os_user() -> String {
    rustix::process::getuid().as_raw().to_string()
}
