//! What a sign-in in the browser can be told.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use silentry_protocol::oauth::authorization::Prompt;

use super::request::common_request_methods;
use crate::application::Application;
use crate::browser::Browser;
use crate::error::{Error, InteractionRequired};
use crate::flow::interactive;
use crate::request::RequestOptions;
use crate::result::{Account, AuthenticationResult};

/// A sign-in in the user's browser about to be made; await it.
///
/// Dropping the future cancels the sign-in.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenInteractive {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) extra_scopes_to_consent: Vec<String>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) browser: Option<Arc<dyn Browser>>,
    pub(crate) port: Option<u16>,
    pub(crate) patience: Duration,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenInteractive {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        AcquireTokenInteractive {
            application,
            scopes,
            extra_scopes_to_consent: Vec::new(),
            prompt: None,
            login_hint: None,
            domain_hint: None,
            browser: None,
            port: None,
            patience: interactive::PATIENCE,
            options: RequestOptions::default(),
        }
    }

    /// Sets what the user is asked. By default Entra takes a user who is signed in to the browser already.
    pub fn with_prompt(mut self, prompt: Prompt) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// Names the user who must sign in (a UPN). The page offers the name, unless
    /// [`with_login_hint`](Self::with_login_hint) gives another one; when somebody else signs in, it is `user_mismatch`,
    /// and nothing is kept.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.options.username = Some(name.into());
        self
    }

    /// Names the user who is expected to sign in (a UPN). Whoever does sign in gets the token:
    /// [`with_username`](Self::with_username) is for where that matters.
    pub fn with_login_hint(mut self, upn: impl Into<String>) -> Self {
        self.login_hint = Some(upn.into());
        self
    }

    /// Names the user who must sign in by an account of before. When somebody else signs in, it is `user_mismatch`, and
    /// nothing is kept.
    pub fn with_account(mut self, account: &Account) -> Self {
        self.options.bind_to(account);
        self.with_login_hint(account.username())
    }

    /// Asks the user to consent to these scopes as well, of other APIs too, so that a silent sign-in gets tokens for them
    /// later. The token of this sign-in is not for them.
    pub fn with_extra_scopes_to_consent<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.extra_scopes_to_consent = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Names the user's domain, which leads to its federation server at once.
    pub fn with_domain_hint(mut self, domain: impl Into<String>) -> Self {
        self.domain_hint = Some(domain.into());
        self
    }

    /// Shows the address by other means than in the system's browser.
    pub fn with_browser(mut self, browser: impl Browser) -> Self {
        self.browser = Some(Arc::new(browser));
        self
    }

    /// Listens on this port of the loopback address instead of a free one, where the registration names one.
    pub fn with_redirect_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Gives the user this long. 5 minutes by default.
    pub fn with_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Goes on from an error that asked for the user: takes the claims that Entra wants, and the tenant and user of the
    /// request that failed.
    pub fn for_interaction(mut self, needed: &InteractionRequired) -> Self {
        self.options.go_on_from(needed);
        if self.login_hint.is_none() {
            self.login_hint = needed.login_hint().map(str::to_owned);
        }
        self
    }

    common_request_methods!();
}

impl IntoFuture for AcquireTokenInteractive {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(interactive::sign_in(self))
    }
}
