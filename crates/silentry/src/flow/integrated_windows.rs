//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use std::sync::Arc;

use super::asked::Asked;
use super::call::Call;
use super::flight::{self, Accept, Cleared, FlightKey};
use super::redeem::Redemption;
use super::{signed_in, silent, upn, windows_transport};
use crate::client::{AcquireTokenByIntegratedWindowsAuth, Application, AuthenticationResult};
use crate::error::Error;
use crate::identity::UserPrincipalName;

/// Signs in, or takes part in the sign-in that is under way for the same token and the same user of this machine;
/// `accept` says which token of another process will do instead.
pub(crate) async fn sign_in(
    request: AcquireTokenByIntegratedWindowsAuth,
    accept: Accept,
) -> Result<AuthenticationResult, Error> {
    let application = request.application;
    let asked = Asked::new("iwa", &application, &request.scopes, request.options)?;
    // Refused before any network.
    asked.authority.require_organization()?;

    let accept = match asked.options.claims {
        Some(_) => Accept::None,
        None => accept,
    };
    let sign_in = SignIn {
        who: signed_in::who(&application).await,
        application: Arc::clone(&application),
        asked,
        username: request.username,
        federation_metadata: request.federation_metadata,
    };
    let key = sign_in.key();
    application
        .flights
        .share(key, sign_in.exchange(accept))
        .await
}

/// An integrated sign-in, its request understood.
struct SignIn {
    application: Arc<Application>,
    asked: Asked,
    username: Option<String>,
    federation_metadata: Option<String>,
    /// Who was signed in to the machine when the sign-in was asked for.
    who: Option<String>,
}

impl SignIn {
    /// Shared by the same user alone; where nobody can tell who that is, not at all.
    fn key(&self) -> Option<FlightKey> {
        let told = vec![self.username.clone(), self.federation_metadata.clone()];
        FlightKey::new("iwa", self.who.as_deref()?, told, &self.asked)
    }

    async fn exchange(self, accept: Accept) -> Result<AuthenticationResult, Error> {
        let Some(who) = &self.who else {
            return self.redeem_ticket().await;
        };
        let application = &*self.application;
        let name = flight::name(application, who, &self.asked);
        let find = || self.find(who);
        match flight::clear_other_processes(application, &name, accept, find).await {
            Cleared::Found(result) => Ok(result),
            Cleared::Go(_lock) => self.redeem_ticket().await,
        }
    }

    /// The token of the cache for the very user who is signed in.
    fn find(&self, who: &str) -> Option<AuthenticationResult> {
        let application = &*self.application;
        let Asked {
            authority,
            scopes,
            options,
            ..
        } = &self.asked;
        let account = signed_in::account(application, authority, who)?;
        let now = silent::now(application);
        let found = silent::find(application, &account, &authority.realm(), scopes, now)?;
        Some(silent::give(found, &account, options))
    }

    async fn redeem_ticket(&self) -> Result<AuthenticationResult, Error> {
        let application = &self.application;
        let call = Call::new(application, &self.asked.options)?;
        let result = async {
            let own_metadata = self.federation_metadata.as_deref();
            let username = self.username.as_deref();
            let authority = &self.asked.authority;
            let (upn, federation) = upn::find(&call, authority, username, own_metadata).await?;
            let asserted = windows_transport::request_assertion(&call, &federation).await?;
            let whose = match asserted.principal {
                Some(principal) => Some(signed_in::named(&principal)),
                // A switch of users meanwhile leaves open whose ticket it was.
                None => {
                    let after = signed_in::who(application).await;
                    after.filter(|after| self.who.as_ref() == Some(after))
                }
            };
            let redemption = Redemption {
                signed_in: whose.as_deref(),
                ..self.asked.redemption("iwa")
            };
            let result = redemption.assertion(&call, &asserted.assertion).await;
            let result = result.map_err(|error| {
                let tenant = self.asked.options.tenant.as_deref();
                error.about(Some(upn.as_str()), tenant)
            })?;
            warn_of_another_user(&upn, &result);
            Ok(result)
        };
        let who = self.who.as_ref().or(self.username.as_ref());
        let name = flight::name(application, who.map_or("", String::as_str), &self.asked);
        let asking = application.throttle.asking(name);
        let throttle = &application.throttle;
        let unless_refused = throttle.around(&*application.clock, &asking, result);
        call.run("iwa", unless_refused).await
    }
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !given.eq_ignore_ascii_case(asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
