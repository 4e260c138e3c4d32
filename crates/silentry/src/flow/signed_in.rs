//! Who is signed in to the machine, as the cache remembers whose account is whose.
//!
//! A UPN would not do: alternate login ids differ from it legitimately, and two principals may lead to one UPN. So an
//! integrated sign-in records the user of the operating system and the Kerberos principal with the account that it gave,
//! and nothing else finds that account again for "the user who is signed in".

use super::kerberos;
use crate::authority::Authority;
use crate::cache;
use crate::client::{Account, Application};

/// Returns the operating system's user and the principal; `None` when nobody is signed in that could be told.
pub(super) async fn who(application: &Application) -> Option<String> {
    let signed_in = kerberos::signed_in_user(&application.negotiate).await;
    let user = signed_in
        .inspect_err(|error| tracing::debug!(%error, "nobody is signed in"))
        .ok()?;
    Some(named(&user.principal))
}

/// Returns the operating system's user with this principal.
pub(super) fn named(principal: &str) -> String {
    format!("{}:{principal}", os_user())
}

/// Returns the account that an integrated sign-in gave to this very user, as far as the cache in memory knows.
pub(super) fn account(
    application: &Application,
    authority: &Authority,
    who: &str,
) -> Option<Account> {
    let environment = authority.environment();
    let environment = cache::environment(&environment);
    let home_account_id = application.cache.account_of(&environment, who)?;
    let known = application.cache.accounts(authority).into_iter();
    let username = known
        .filter(|account| account.home_account_id == home_account_id)
        .find_map(|account| account.username);
    Some(Account {
        username: username.unwrap_or_default().into(),
        home_account_id: Some(home_account_id.into()),
        environment: environment.into(),
    })
}

/// On Windows the principal is the user of the logon session.
#[cfg(windows)]
fn os_user() -> u32 {
    0
}

#[cfg(unix)]
fn os_user() -> u32 {
    rustix::process::getuid().as_raw()
}
