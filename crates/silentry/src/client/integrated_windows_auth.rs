//! What an integrated sign-in can be told.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::request::common_request_methods;
use crate::application::Application;
use crate::error::Error;
use crate::flow::{self, Accept, Who};
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

/// An integrated sign-in about to be made; await it.
///
/// Dropping the future cancels the sign-in.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenByIntegratedWindowsAuth {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) federation_metadata: Option<String>,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenByIntegratedWindowsAuth {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        AcquireTokenByIntegratedWindowsAuth {
            application,
            scopes,
            login_hint: None,
            federation_metadata: None,
            options: RequestOptions::default(),
        }
    }

    /// Names the user whom the token must be for. The name leads to the federation server, so that the UPN need not be
    /// found out; the Kerberos ticket decides whom the token is for, and a token for somebody else is `user_mismatch`, of
    /// which nothing is kept.
    ///
    /// Any name of the user will do, in any case: a name that the token has (`upn`, `preferred_username`,
    /// `unique_name`; an e-mail address proves nothing), the principal of the ticket, and where the
    /// [directory](crate::PublicClientApplicationBuilder::with_directory) is asked (Linux and macOS) the UPN and the
    /// alternate login id that the user has there, and the account as `DOMAIN\user`.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.options.username = Some(name.into());
        self
    }

    /// Names a UPN, or an account as `DOMAIN\user`, that only leads to the federation server: whom the token is for is
    /// decided by the Kerberos ticket. It goes before the name of [`with_username`](Self::with_username).
    pub fn with_login_hint(mut self, upn: impl Into<String>) -> Self {
        self.login_hint = Some(upn.into());
        self
    }

    /// Uses this metadata document (the XML itself, not its address) instead of fetching it.
    ///
    /// Who gives the document vouches for the hosts that it names; see
    /// [`with_federation_hosts`](crate::PublicClientApplicationBuilder::with_federation_hosts) for those that are
    /// refused all the same.
    pub fn with_federation_metadata(mut self, document: impl Into<String>) -> Self {
        self.federation_metadata = Some(document.into());
        self
    }

    common_request_methods!();
}

impl IntoFuture for AcquireTokenByIntegratedWindowsAuth {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let who = Who::default();
            flow::integrated_windows::sign_in(self, Accept::Newer, &who).await
        })
    }
}
