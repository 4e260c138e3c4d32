//! The ways in of the user who is signed in to the machine.

use super::super::flight::Accept;
use super::super::verdicts::Circumstances;
use super::super::{asked, cache_failed, integrated_windows, signed_in};
use super::Wanted;
use crate::client::{
    Account, AcquireTokenByIntegratedWindowsAuth, Application, AuthenticationResult,
};
use crate::error::{Error, Stage};

/// The account that an integrated sign-in gave to the very user who is signed in now; never one whose name is alike.
pub(super) async fn signed_in_account(wanted: &Wanted) -> Result<Account, Error> {
    let unknown = || {
        let message = "the token cache knows no account of the user who is signed in";
        Error::new("no_account_for_login_hint", Stage::Cache, message)
    };
    let application = &*wanted.application;
    let authority = asked::authority(application, &wanted.options)?;
    let who = signed_in::who(application).await.ok_or_else(unknown)?;
    if let Some(account) = signed_in::account(application, &authority, &who) {
        return Ok(account);
    }
    let caught_up = application.cache.catch_up(&*application.clock).await;
    caught_up.map_err(|error| cache_failed(&error))?;
    signed_in::account(application, &authority, &who).ok_or_else(unknown)
}

/// Signs in with the ticket, unless it is known that this cannot work for the user in this network.
pub(super) async fn integrated_windows_auth(
    wanted: &Wanted,
    request: AcquireTokenByIntegratedWindowsAuth,
) -> Result<AuthenticationResult, Error> {
    let Application {
        clock, verdicts, ..
    } = &*wanted.application;
    let about = circumstances(wanted).await?;
    let known = about.as_ref();
    if let Some(error) = known.and_then(|about| verdicts.find(about, clock.now())) {
        return Err(error);
    }
    // What another process brought since the cache was looked at is as good.
    let result = integrated_windows::sign_in(request, Accept::Any).await;
    if let (Err(error), Some(about)) = (&result, about) {
        verdicts.learn(about, error, clock.now());
    }
    result
}

/// `None` when nobody can tell who the user is.
async fn circumstances(wanted: &Wanted) -> Result<Option<Circumstances>, Error> {
    let application = &*wanted.application;
    let authority = asked::authority(application, &wanted.options)?.to_string();
    let signed_in = signed_in::who(application).await;
    Ok(match (&wanted.username, signed_in) {
        (None, None) => None,
        (username, signed_in) => {
            let who = [username.clone(), signed_in].map(Option::unwrap_or_default);
            Some(Circumstances::now(who.join(" "), authority))
        }
    })
}
