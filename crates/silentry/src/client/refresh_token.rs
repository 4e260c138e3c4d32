//! What a sign-in with another library's refresh token can be told.

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

/// A sign-in with a refresh token about to be made; await it.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenByRefreshToken {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) refresh_token: Secret,
    pub(crate) options: RequestOptions,
}

impl AcquireTokenByRefreshToken {
    pub(crate) fn new(
        application: Arc<Application>,
        scopes: Vec<String>,
        refresh_token: Secret,
    ) -> Self {
        AcquireTokenByRefreshToken {
            application,
            scopes,
            refresh_token,
            options: RequestOptions::default(),
        }
    }

    common_request_methods!();
}

impl IntoFuture for AcquireTokenByRefreshToken {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(flow::refresh_token::sign_in(self))
    }
}
