//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use std::sync::Arc;

use super::asked::Asked;
use super::call::Call;
use super::flight::{self, Accept, Cleared};
use super::redeem::Redemption;
use super::who::Who;
use super::whose::Proof;
use super::{cached_user, signed_in, silent, upn, windows_transport};
use crate::application::Application;
use crate::client::AcquireTokenByIntegratedWindowsAuth;
use crate::error::Error;
use crate::flow_name::Flow;
use crate::identity::{UserPrincipalName, same_name};
use crate::memory::FlightKey;
use crate::result::AuthenticationResult;

/// Signs in, or takes part in the sign-in that is under way for the same token and the same user of this machine;
/// `accept` says which token of another process will do instead.
pub(crate) async fn sign_in(
    request: AcquireTokenByIntegratedWindowsAuth,
    accept: Accept,
    who: &Who,
) -> Result<AuthenticationResult, Error> {
    let application = request.application;
    let asked = Asked::new(
        Flow::IntegratedWindowsAuth,
        &application,
        &request.scopes,
        request.options,
    )?;
    // Refused before any network.
    asked.authority.require_organization()?;

    let accept = match asked.options.claims {
        Some(_) => Accept::None,
        None => accept,
    };
    let sign_in = SignIn {
        user: who.user(&application).await.cloned(),
        application: Arc::clone(&application),
        asked,
        login_hint: request.login_hint,
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
    /// Leads to the federation server, where the name that the token must have does not.
    login_hint: Option<String>,
    federation_metadata: Option<String>,
    /// Who was signed in to the machine when the sign-in was asked for.
    user: Option<signed_in::User>,
}

impl SignIn {
    /// Shared by the same user alone; where nobody can tell who that is, not at all.
    fn key(&self) -> Option<FlightKey> {
        let told = vec![self.login_hint.clone(), self.federation_metadata.clone()];
        flight::key(
            Flow::IntegratedWindowsAuth,
            &self.user.as_ref()?.id(),
            told,
            &self.asked,
        )
    }

    async fn exchange(self, accept: Accept) -> Result<AuthenticationResult, Error> {
        let Some(user) = &self.user else {
            return self.redeem_ticket().await;
        };
        let application = &*self.application;
        let name = flight::name(application, &user.id(), &self.asked);
        let find = || self.find(user);
        match flight::clear_other_processes(application, &name, accept, find).await {
            Cleared::Found(result) => Ok(result),
            Cleared::Go(_lock) => self.redeem_ticket().await,
        }
    }

    /// The token of the cache for the very user who is signed in.
    fn find(&self, user: &signed_in::User) -> Option<AuthenticationResult> {
        let application = &*self.application;
        let Asked {
            authority,
            scopes,
            options,
            ..
        } = &self.asked;
        let account = signed_in::account(application, authority, user)?;
        let mut names = options.names();
        if !names.all(|name| cached_user::is_called(application, authority, &account, name)) {
            // A new token may show that the user has this name too.
            return None;
        }
        let now = silent::now(application);
        let found = silent::find(application, &account, &authority.realm(), scopes, now)?;
        Some(silent::give(found, &account, options))
    }

    fn leading_name(&self) -> Option<&str> {
        let named = self.asked.options.username.as_ref();
        self.login_hint.as_ref().or(named).map(String::as_str)
    }

    async fn redeem_ticket(&self) -> Result<AuthenticationResult, Error> {
        let application = &self.application;
        let call = Call::new(application, &self.asked.options)?;
        let result = async {
            let own_metadata = self.federation_metadata.as_deref();
            let authority = &self.asked.authority;
            let leads = self.leading_name();
            let user = self.user.as_ref();
            let (upn, federation) = upn::find(&call, authority, leads, user, own_metadata).await?;
            let asserted = windows_transport::request_assertion(&call, &federation).await?;
            let whose = match asserted.principal {
                Some(principal) => Some(signed_in::User::of(principal)),
                // A switch of users meanwhile leaves open whose ticket it was.
                None => {
                    let after = signed_in::user(application).await;
                    after.filter(|after| user == Some(after))
                }
            };
            let redemption = Redemption {
                proof: whose.as_ref().map_or(Proof::Unnamed, Proof::Ticket),
                ..self.asked.redemption("iwa")
            };
            let result = redemption.assertion(&call, &asserted.assertion).await;
            let result = result.map_err(|error| {
                let tenant = self.asked.options.tenant.as_deref();
                error.about(Some(upn.as_str()), tenant)
            })?;
            if self.asked.options.username.is_none() {
                warn_of_another_user(&upn, &result);
            }
            Ok(result)
        };
        let who = self.user.as_ref().map(signed_in::User::id);
        let who = who.as_deref().or(self.leading_name());
        let name = flight::name(application, who.unwrap_or_default(), &self.asked);
        let asking = application.throttle.asking(name);
        let throttle = &application.throttle;
        let unless_refused = throttle.around(&*application.clock, &asking, result);
        call.run(Flow::IntegratedWindowsAuth, unless_refused).await
    }
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !same_name(given, asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
