//! What a sign-in on another device can be told, and what to show the user.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use super::request::common_request_methods;
use crate::application::Application;
use crate::error::{Error, InteractionRequired};
use crate::flow::device_code::{self, PendingSignIn};
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

/// What the user must do on another device, or in a browser on this one.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) message: String,
    pub(crate) expires_on: SystemTime,
}

impl DeviceCode {
    /// Returns the code that the user types in.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns where the user types it in.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// Returns the address with the code in it, for a QR code; Entra gives none.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_deref()
    }

    /// Returns the sentence that tells the user what to do, in the language that was asked for.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns until when the code is good.
    pub fn expires_on(&self) -> SystemTime {
        self.expires_on
    }
}

/// Shows the user what to do.
pub(crate) type ShowDeviceCode = Box<dyn FnOnce(&DeviceCode) + Send>;

/// A sign-in with a device code about to be made; await it.
///
/// Dropping the future cancels the sign-in.
#[must_use = "nothing happens until it is awaited"]
pub struct AcquireTokenWithDeviceCode {
    pub(crate) request: BeginDeviceCode,
    pub(crate) show: ShowDeviceCode,
}

/// The first step of a sign-in with a device code; await it to learn the code.
#[must_use = "nothing happens until it is awaited"]
pub struct BeginDeviceCode {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Vec<String>,
    pub(crate) language: Option<String>,
    pub(crate) options: RequestOptions,
}

/// A sign-in that waits for the user; await it to learn how it ended.
///
/// Dropping it cancels the sign-in.
#[must_use = "nobody learns how the sign-in ended until it is awaited"]
pub struct DeviceCodeSignIn {
    pub(crate) pending: PendingSignIn,
}

impl BeginDeviceCode {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        BeginDeviceCode {
            application,
            scopes,
            language: None,
            options: RequestOptions::default(),
        }
    }

    /// Names the user who must sign in (a UPN). When somebody else enters the code, it is `user_mismatch`, and nothing
    /// is kept.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.options.username = Some(name.into());
        self
    }

    /// Asks for the message in this language (`de-DE`); Entra's default is English.
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Goes on from an error that asked for the user: takes the claims that Entra wants, and the tenant of the
    /// request that failed.
    pub fn for_interaction(mut self, needed: &InteractionRequired) -> Self {
        self.options.go_on_from(needed);
        self
    }

    common_request_methods!();
}

impl AcquireTokenWithDeviceCode {
    /// Names the user who must sign in (a UPN). When somebody else enters the code, it is `user_mismatch`, and nothing
    /// is kept.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.request = self.request.with_username(name);
        self
    }

    /// Asks for the message in this language (`de-DE`); Entra's default is English.
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.request = self.request.with_language(language);
        self
    }

    /// Goes on from an error that asked for the user: takes the claims that Entra wants, and the tenant of the
    /// request that failed.
    pub fn for_interaction(mut self, needed: &InteractionRequired) -> Self {
        self.request = self.request.for_interaction(needed);
        self
    }

    /// Asks this tenant (an id or a domain) instead of the application's.
    pub fn with_tenant_id(mut self, tenant: impl Into<String>) -> Self {
        self.request = self.request.with_tenant_id(tenant);
        self
    }

    /// Passes on claims (JSON), for instance those of an error that asked for interaction.
    pub fn with_claims(mut self, claims: impl Into<String>) -> Self {
        self.request = self.request.with_claims(claims);
        self
    }

    /// Uses this GUID as the correlation id, so that the call can be found in other logs.
    pub fn with_correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.request = self.request.with_correlation_id(correlation_id);
        self
    }
}

impl DeviceCodeSignIn {
    /// Returns what to show the user.
    pub fn code(&self) -> &DeviceCode {
        self.pending.code()
    }
}

impl IntoFuture for AcquireTokenWithDeviceCode {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let sign_in = self.request.await?;
            (self.show)(sign_in.code());
            sign_in.await
        })
    }
}

impl IntoFuture for BeginDeviceCode {
    type Output = Result<DeviceCodeSignIn, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let pending = device_code::begin(self).await?;
            Ok(DeviceCodeSignIn { pending })
        })
    }
}

impl IntoFuture for DeviceCodeSignIn {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(device_code::wait(self.pending))
    }
}
