//! The flow of the user who is signed in to the machine, unless it is known to lead nowhere.

use super::super::flight::Accept;
use super::super::signed_in::User;
use super::super::{asked, integrated_windows};
use super::Wanted;
use crate::application::Application;
use crate::client::AcquireTokenByIntegratedWindowsAuth;
use crate::error::Error;
use crate::memory::Circumstances;
use crate::result::AuthenticationResult;

/// Signs in with the ticket, unless it is known that this cannot work for the user in this network.
pub(super) async fn integrated_windows_auth(
    wanted: &Wanted,
    request: AcquireTokenByIntegratedWindowsAuth,
) -> Result<AuthenticationResult, Error> {
    let Application {
        clock, verdicts, ..
    } = &*wanted.application;
    // Metadata of the program's own may lead where the domain's does not.
    let about = match request.federation_metadata {
        Some(_) => None,
        None => circumstances(wanted).await?,
    };
    let known = about.as_ref();
    if let Some(error) = known.and_then(|about| verdicts.find(about, clock.now())) {
        return Err(error);
    }
    let accept = match wanted.cache_would_do {
        // What another process brought since the cache was looked at is as good.
        true => Accept::Any,
        false => Accept::Newer,
    };
    let result = integrated_windows::sign_in(request, accept, &wanted.who).await;
    if let (Err(error), Some(about)) = (&result, about) {
        verdicts.learn(about, error, clock.now());
    }
    result
}

/// `None` when nobody can tell who the user is.
async fn circumstances(wanted: &Wanted) -> Result<Option<Circumstances>, Error> {
    let application = &*wanted.application;
    let authority = asked::authority(application, &wanted.options)?.to_string();
    let signed_in = wanted.who.user(application).await.map(User::id);
    let leads = wanted
        .login_hint
        .as_ref()
        .or(wanted.options.username.as_ref());
    Ok(match (leads, signed_in) {
        (None, None) => None,
        (leads, signed_in) => {
            let who = [leads.cloned(), signed_in].map(Option::unwrap_or_default);
            Some(Circumstances::now(who.join(" "), authority))
        }
    })
}
