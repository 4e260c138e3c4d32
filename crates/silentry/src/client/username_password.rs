//! What a sign-in with a password can be told.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use silentry_protocol::secret::Secret;

use super::request::common_request_methods;
use crate::application::Application;
use crate::error::Error;
use crate::flow;
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

/// A sign-in with a password about to be made; await it.
///
/// Dropping the future cancels the sign-in.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenByUsernamePassword {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) federation_metadata: Option<String>,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenByUsernamePassword {
    pub(crate) fn new(
        application: Arc<Application>,
        scopes: Vec<String>,
        username: String,
        password: Secret,
    ) -> Self {
        AcquireTokenByUsernamePassword {
            application,
            scopes,
            username,
            password,
            federation_metadata: None,
            options: RequestOptions::default(),
        }
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

impl IntoFuture for AcquireTokenByUsernamePassword {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(flow::username_password::sign_in(self))
    }
}
