//! The flows that a program wants tried, one after the other.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "interactive")]
use std::time::Duration;

#[cfg(feature = "interactive")]
use silentry_protocol::oauth::authorization::Prompt;
use silentry_protocol::secret::Secret;

use super::DeviceCode;
use super::device_code::ShowDeviceCode;
use super::request::common_request_methods;
use crate::application::Application;
#[cfg(feature = "interactive")]
use crate::browser::Browser;
use crate::error::Error;
use crate::flow;
use crate::flow_name::Flow;
use crate::request::RequestOptions;
use crate::result::{Account, AuthenticationResult};

/// Several flows, about to be tried one after the other; await it.
///
/// It goes on to the next flow when one gave no token for a reason that the next can cure: no account, a dead refresh token,
/// no ticket, a user or network for whom integrated sign-in cannot work, an assertion that was rejected, interaction
/// required. It stops at what every flow would fail at: a bad request, a client or scope that Entra refuses, Entra out of
/// reach, a certificate that is not trusted.
///
/// That integrated sign-in cannot work is remembered by user, authority and network: five minutes what the realm says (a
/// managed user, an unknown one), two minutes what the network says (no windowstransport, federation server or KDC
/// unreachable); the next ladder then goes on at once, and its [attempt](crate::Attempt) says so. Whether Entra asks for
/// MFA, consent or anything else is never remembered, as nobody can know when it does.
///
/// Dropping the future cancels the one that is under way.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireToken {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) details: FlowOptions,
    pub(crate) options: RequestOptions,
}

/// What only some of the flows understand.
#[derive(Clone, Default)]
pub(crate) struct FlowOptions {
    pub(crate) force_refresh: bool,
    pub(crate) federation_metadata: Option<String>,
    pub(crate) language: Option<String>,
    #[cfg(feature = "interactive")]
    pub(crate) prompt: Option<Prompt>,
    #[cfg(feature = "interactive")]
    pub(crate) domain_hint: Option<String>,
    #[cfg(feature = "interactive")]
    pub(crate) port: Option<u16>,
    #[cfg(feature = "interactive")]
    pub(crate) browser: Option<Arc<dyn Browser>>,
    #[cfg(feature = "interactive")]
    pub(crate) browser_timeout: Option<Duration>,
}

/// Asks a person for a password; the text says why there is none.
pub(crate) type AskPassword = Box<dyn FnOnce() -> Result<Secret, String> + Send>;

/// One flow.
pub(crate) enum Step {
    Silent(CachedUser),
    #[cfg(feature = "integrated")]
    IntegratedWindowsAuth,
    DeviceCode(ShowDeviceCode),
    #[cfg(feature = "interactive")]
    Interactive,
    UsernamePassword {
        username: String,
        ask: AskPassword,
    },
}

/// Whose token a look into the cache is for.
pub(crate) enum CachedUser {
    /// That of the user who is signed in to the machine.
    SignedIn,
    /// The same, else that of the account which is alone there.
    SignedInOrSole,
    /// That of the account with this user name or home account id.
    Named(String),
    Account(Account),
}

impl Step {
    pub(crate) fn flow(&self) -> Flow {
        match self {
            Step::Silent(_) => Flow::Silent,
            #[cfg(feature = "integrated")]
            Step::IntegratedWindowsAuth => Flow::IntegratedWindowsAuth,
            Step::DeviceCode(_) => Flow::DeviceCode,
            #[cfg(feature = "interactive")]
            Step::Interactive => Flow::Interactive,
            Step::UsernamePassword { .. } => Flow::UsernamePassword,
        }
    }
}

impl AcquireToken {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        AcquireToken {
            application,
            scopes,
            login_hint: None,
            steps: Vec::from([
                Step::Silent(CachedUser::SignedIn),
                #[cfg(feature = "integrated")]
                Step::IntegratedWindowsAuth,
            ]),
            details: FlowOptions::default(),
            options: RequestOptions::default(),
        }
    }

    /// Leaves out the two flows that it begins with: only those added after this are tried, in the order in which they
    /// are added.
    ///
    /// ```
    /// # fn example(app: &silentry::PublicClientApplication) -> silentry::AcquireToken {
    /// app.acquire_token(["https://graph.microsoft.com/User.Read"])
    ///     .from_nothing()
    ///     .or_integrated_windows_auth()
    ///     .or_device_code(|code| eprintln!("{}", code.message()))
    /// # }
    /// ```
    pub fn from_nothing(mut self) -> Self {
        self.steps.clear();
        self
    }

    /// Names the user whom the token must be for, in every flow. The cache is searched for that user instead of the
    /// one who is signed in to the machine; the integrated sign-in is led to the federation server by the name, and the
    /// browser offers it. A token for somebody else is `user_mismatch`, and nothing is kept.
    ///
    /// Any name of the user will do:
    /// [`AcquireTokenByIntegratedWindowsAuth::with_username`](super::AcquireTokenByIntegratedWindowsAuth::with_username)
    /// lists them.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.options.username = Some(name.into());
        self
    }

    /// Names a UPN that only leads: the integrated sign-in to the federation server, the user in the browser. Whose token
    /// it is, it does not say.
    pub fn with_login_hint(mut self, upn: impl Into<String>) -> Self {
        self.login_hint = Some(upn.into());
        self
    }

    /// Looks in the cache for this account instead of the user who is signed in to the machine, and leaves the
    /// integrated sign-in out, which could only give that user's token. A token that another flow gives must be for this
    /// account, else it is `user_mismatch`.
    pub fn with_account(mut self, account: &Account) -> Self {
        self.options.bind_to(account);
        self.steps
            .retain(|step| !matches!(step.flow(), Flow::Silent | Flow::IntegratedWindowsAuth));
        self.steps
            .insert(0, Step::Silent(CachedUser::Account(account.clone())));
        self
    }

    /// Goes on in the cache, for the user whom [`with_username`](Self::with_username) names, else for the one who is
    /// signed in to the machine: with the account that an integrated sign-in of that very user gave.
    pub fn or_silent(mut self) -> Self {
        self.steps.push(Step::Silent(CachedUser::SignedIn));
        self
    }

    /// Goes on in the cache as [`or_silent`](Self::or_silent) does, and when the user who is signed in to the machine
    /// has no account there, with the account that is alone in it.
    ///
    /// It serves programs whose users sign in by hand. An account that an integrated sign-in gave to somebody is never
    /// taken for another user's; who has ever signed in to this application by ticket is never taken for somebody who
    /// signed in by hand, or a service whose ticket has ended would become the administrator who once did; and where
    /// the integrated sign-in comes later and there is a ticket, that user comes first.
    pub fn or_silent_for_sole_account(mut self) -> Self {
        self.steps.push(Step::Silent(CachedUser::SignedInOrSole));
        self
    }

    /// Goes on in the cache, for the account with this user name or home account id. The flows after this one must give a
    /// token for the same user, else it is `user_mismatch`.
    pub fn or_silent_for(mut self, username_or_id: impl Into<String>) -> Self {
        self.steps
            .push(Step::Silent(CachedUser::Named(username_or_id.into())));
        self
    }

    /// Goes on with the Kerberos ticket of the user who is signed in to the machine.
    #[cfg(feature = "integrated")]
    pub fn or_integrated_windows_auth(mut self) -> Self {
        self.steps.push(Step::IntegratedWindowsAuth);
        self
    }

    /// Goes on with a device code, which `show` tells the user.
    pub fn or_device_code(mut self, show: impl FnOnce(&DeviceCode) + Send + 'static) -> Self {
        self.steps.push(Step::DeviceCode(Box::new(show)));
        self
    }

    /// Goes on with the system's browser.
    #[cfg(feature = "interactive")]
    pub fn or_interactive(mut self) -> Self {
        self.steps.push(Step::Interactive);
        self
    }

    /// Goes on with a user name and a password; see
    /// [`acquire_token_by_username_password`](super::PublicClientApplication::acquire_token_by_username_password) for
    /// what speaks against it.
    pub fn or_username_password(self, upn: impl Into<String>, password: Secret) -> Self {
        self.or_username_and_asked_password(upn, move || Ok(password))
    }

    /// Goes on with a user name and a password that `ask` gets from the user, only when it comes to that. It may block,
    /// and says in a sentence why there is no password.
    pub fn or_username_and_asked_password(
        mut self,
        upn: impl Into<String>,
        ask: impl FnOnce() -> Result<Secret, String> + Send + 'static,
    ) -> Self {
        self.steps.push(Step::UsernamePassword {
            username: upn.into(),
            ask: Box::new(ask),
        });
        self
    }

    /// Sets whether a new access token is asked for although the cache has a good one. `false` by default.
    pub fn with_force_refresh(mut self, force: bool) -> Self {
        self.details.force_refresh = force;
        self
    }

    /// Uses this metadata document (the XML itself, not its address) instead of fetching it, for the integrated sign-in
    /// and for a password of a federated user.
    ///
    /// Who gives the document vouches for the hosts that it names; see
    /// [`with_federation_hosts`](crate::PublicClientApplicationBuilder::with_federation_hosts) for those that are
    /// refused all the same.
    pub fn with_federation_metadata(mut self, document: impl Into<String>) -> Self {
        self.details.federation_metadata = Some(document.into());
        self
    }

    /// Asks for the message of the device code in this language (`de-DE`); Entra's default is English.
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.details.language = Some(language.into());
        self
    }

    /// Sets what the user is asked in the browser.
    #[cfg(feature = "interactive")]
    pub fn with_prompt(mut self, prompt: Prompt) -> Self {
        self.details.prompt = Some(prompt);
        self
    }

    /// Names the user's domain, which leads the browser to its federation server at once.
    #[cfg(feature = "interactive")]
    pub fn with_domain_hint(mut self, domain: impl Into<String>) -> Self {
        self.details.domain_hint = Some(domain.into());
        self
    }

    /// Listens for the browser on this port of the loopback address instead of a free one.
    #[cfg(feature = "interactive")]
    pub fn with_redirect_port(mut self, port: u16) -> Self {
        self.details.port = Some(port);
        self
    }

    /// Shows the address of the sign-in by other means than in the system's browser.
    #[cfg(feature = "interactive")]
    pub fn with_browser(mut self, browser: impl Browser) -> Self {
        self.details.browser = Some(Arc::new(browser));
        self
    }

    /// Gives the user this long in the browser. 5 minutes by default.
    #[cfg(feature = "interactive")]
    pub fn with_browser_timeout(mut self, patience: Duration) -> Self {
        self.details.browser_timeout = Some(patience);
        self
    }

    common_request_methods!();
}

impl IntoFuture for AcquireToken {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(flow::ladder::acquire(self))
    }
}
