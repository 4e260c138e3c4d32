//! What an integrated sign-in can be told.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::request::common_request_methods;
use super::{Application, AuthenticationResult, RequestOptions};
use crate::error::Error;
use crate::flow::{self, Accept};

/// An integrated sign-in about to be made; await it.
///
/// Dropping the future cancels the sign-in.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenByIntegratedWindowsAuth {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) username: Option<String>,
    pub(crate) federation_metadata: Option<String>,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenByIntegratedWindowsAuth {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        AcquireTokenByIntegratedWindowsAuth {
            application,
            scopes,
            username: None,
            federation_metadata: None,
            options: RequestOptions::default(),
        }
    }

    /// Names the signed-in user's UPN instead of finding it out, or the account as `DOMAIN\user`, of which the
    /// [directory](crate::PublicClientApplicationBuilder::with_directory) tells the UPN on Linux and macOS.
    ///
    /// It only leads to the right federation server: whom the token is for is decided by the Kerberos ticket.
    pub fn with_username(mut self, upn: impl Into<String>) -> Self {
        self.username = Some(upn.into());
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
        Box::pin(flow::integrated_windows::sign_in(self, Accept::Newer))
    }
}
