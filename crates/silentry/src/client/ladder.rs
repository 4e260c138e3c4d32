//! The ways in that a program wants tried, one after the other.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::device_code::ShowDeviceCode;
use super::request::common_request_methods;
use super::{Account, Application, AuthenticationResult, DeviceCode, RequestOptions};
use crate::error::Error;
use crate::flow;
use crate::secret::Secret;

/// Several ways in, about to be tried one after the other; await it.
///
/// It goes on to the next way when one gave no token for a reason that the next can cure: no account, a dead refresh token,
/// no ticket, a user or network for whom integrated sign-in cannot work, an assertion that was rejected, interaction
/// required. It stops at what every way would fail at: a bad request, a client or scope that Entra refuses, Entra out of
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
    pub(crate) username: Option<String>,
    pub(crate) rungs: Vec<Rung>,
    pub(crate) options: RequestOptions,
}

/// One way in.
pub(crate) enum Rung {
    /// From the cache, for the user who is signed in to the machine.
    SignedInUser,
    /// From the cache, for this account.
    Account(Account),
    #[cfg(feature = "integrated")]
    IntegratedWindowsAuth,
    DeviceCode(ShowDeviceCode),
    #[cfg(feature = "interactive")]
    Interactive,
    UsernamePassword {
        username: String,
        password: Secret,
    },
}

impl Rung {
    pub(crate) fn way(&self) -> &'static str {
        match self {
            Rung::SignedInUser | Rung::Account(_) => "silent",
            #[cfg(feature = "integrated")]
            Rung::IntegratedWindowsAuth => "iwa",
            Rung::DeviceCode(_) => "devicecode",
            #[cfg(feature = "interactive")]
            Rung::Interactive => "web",
            Rung::UsernamePassword { .. } => "password",
        }
    }
}

impl AcquireToken {
    pub(crate) fn new(application: Arc<Application>, scopes: Vec<String>) -> Self {
        AcquireToken {
            application,
            scopes,
            username: None,
            rungs: Vec::from([
                Rung::SignedInUser,
                #[cfg(feature = "integrated")]
                Rung::IntegratedWindowsAuth,
            ]),
            options: RequestOptions::default(),
        }
    }

    /// Names the user's UPN, for the integrated sign-in and as a hint in the browser.
    pub fn with_username(mut self, upn: impl Into<String>) -> Self {
        self.username = Some(upn.into());
        self
    }

    /// Looks in the cache for this account instead of the user who is signed in to the machine, and leaves the
    /// integrated sign-in out, which could only give that user's token.
    pub fn with_account(mut self, account: &Account) -> Self {
        self.rungs
            .retain(|rung| !matches!(rung.way(), "silent" | "iwa"));
        self.rungs.insert(0, Rung::Account(account.clone()));
        self
    }

    /// Goes on with a device code, which `show` tells the user.
    pub fn or_device_code(mut self, show: impl FnOnce(&DeviceCode) + Send + 'static) -> Self {
        self.rungs.push(Rung::DeviceCode(Box::new(show)));
        self
    }

    /// Goes on with the system's browser.
    #[cfg(feature = "interactive")]
    pub fn or_interactive(mut self) -> Self {
        self.rungs.push(Rung::Interactive);
        self
    }

    /// Goes on with a user name and a password; see
    /// [`acquire_token_by_username_password`](super::PublicClientApplication::acquire_token_by_username_password) for
    /// what speaks against it.
    pub fn or_username_password(mut self, upn: impl Into<String>, password: Secret) -> Self {
        self.rungs.push(Rung::UsernamePassword {
            username: upn.into(),
            password,
        });
        self
    }

    common_request_methods!();
}

impl IntoFuture for AcquireToken {
    type Output = Result<AuthenticationResult, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(flow::ladder::climb(self))
    }
}
