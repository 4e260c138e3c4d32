//! What a silent sign-in can be told.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::request::common_request_methods;
use crate::application::Application;
use crate::error::Error;
use crate::flow;
use crate::request::RequestOptions;
use crate::result::{Account, AuthenticationResult};

/// A silent sign-in about to be made; await it.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenSilent {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) account: Account,
    pub(crate) force_refresh: bool,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenSilent {
    pub(crate) fn new(
        application: Arc<Application>,
        scopes: Vec<String>,
        account: Account,
    ) -> Self {
        AcquireTokenSilent {
            application,
            scopes,
            account,
            force_refresh: false,
            options: RequestOptions::default(),
        }
    }

    /// Sets whether a new access token is asked for although the cache has a good one. `false` by default.
    pub fn with_force_refresh(mut self, force: bool) -> Self {
        self.force_refresh = force;
        self
    }

    common_request_methods!();
}

impl IntoFuture for AcquireTokenSilent {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(flow::silent::acquire(self))
    }
}
