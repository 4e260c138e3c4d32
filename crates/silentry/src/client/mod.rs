//! The application that asks for tokens.

mod accounts;
mod builder;
mod claims_challenge;
mod device_code;
#[cfg(feature = "integrated")]
mod integrated_windows_auth;
#[cfg(feature = "interactive")]
mod interactive;
mod ladder;
mod refresh_token;
mod request;
mod silent;
mod username_password;

use std::sync::Arc;

use silentry_protocol::secret::Secret;

pub use builder::PublicClientApplicationBuilder;
pub use claims_challenge::ClaimsChallenge;
pub use device_code::{AcquireTokenWithDeviceCode, BeginDeviceCode, DeviceCode, DeviceCodeSignIn};
#[cfg(feature = "integrated")]
pub use integrated_windows_auth::AcquireTokenByIntegratedWindowsAuth;
#[cfg(feature = "interactive")]
pub use interactive::AcquireTokenInteractive;
pub use ladder::AcquireToken;
pub(crate) use ladder::{AskPassword, CachedUser, FlowOptions, Step};
pub use refresh_token::AcquireTokenByRefreshToken;
pub use silent::AcquireTokenSilent;
pub use username_password::AcquireTokenByUsernamePassword;

use crate::application::Application;
use crate::authority::Authority;
use crate::result::Account;

/// A public client application: a program without a secret of its own that signs users in.
///
/// It is a cheap handle; clones share connections and what has been learnt about realms and federation servers.
#[derive(Clone)]
pub struct PublicClientApplication {
    inner: Arc<Application>,
}

impl PublicClientApplication {
    /// Starts building an application with the client id (application id) of its registration at Entra.
    pub fn builder(client_id: impl Into<String>) -> PublicClientApplicationBuilder {
        PublicClientApplicationBuilder::new(client_id.into())
    }

    /// Returns a token for `scopes`, by the first flow that gives one: from the cache for the user who is signed in to
    /// the machine, then by integrated sign-in. It never prompts, unless
    /// [`or_device_code`](AcquireToken::or_device_code) or another flow that does is added.
    ///
    /// The error of the last flow is returned, with the [`attempts`](crate::Error::attempts) before it.
    pub fn acquire_token<I>(&self, scopes: I) -> AcquireToken
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireToken::new(Arc::clone(&self.inner), scopes)
    }

    /// Signs in the user who is already signed in to the machine, with the Kerberos ticket of that sign-in
    /// (integrated Windows authentication), and returns a token for `scopes`.
    ///
    /// It never prompts. It works for users of a domain that is federated with AD FS; AD FS must be reachable and
    /// Entra must not ask for more than the ticket.
    #[cfg(feature = "integrated")]
    pub fn acquire_token_by_integrated_windows_auth<I>(
        &self,
        scopes: I,
    ) -> AcquireTokenByIntegratedWindowsAuth
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireTokenByIntegratedWindowsAuth::new(Arc::clone(&self.inner), scopes)
    }

    /// Signs a user in with the system's browser, which comes back to a loopback address.
    ///
    /// The registration needs the redirect URI `http://localhost` of the platform *Mobile and desktop applications*.
    #[cfg(feature = "interactive")]
    pub fn acquire_token_interactive<I>(&self, scopes: I) -> AcquireTokenInteractive
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireTokenInteractive::new(Arc::clone(&self.inner), scopes)
    }

    /// Signs a user in on another device: `show` tells the user what to do there, and the sign-in waits until it is done
    /// or the code expires.
    pub fn acquire_token_with_device_code<I>(
        &self,
        scopes: I,
        show: impl FnOnce(&DeviceCode) + Send + 'static,
    ) -> AcquireTokenWithDeviceCode
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        AcquireTokenWithDeviceCode {
            request: self.begin_device_code(scopes),
            show: Box::new(show),
        }
    }

    /// Begins a sign-in on another device, in two steps: await this to learn the code, show it, and await the
    /// [`DeviceCodeSignIn`].
    pub fn begin_device_code<I>(&self, scopes: I) -> BeginDeviceCode
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        BeginDeviceCode::new(Arc::clone(&self.inner), scopes)
    }

    /// Signs in with a user name and a password: at the federation server of a federated domain, else at Entra.
    ///
    /// Prefer any other flow. The program sees the password, MFA and most policies cannot be satisfied, and Microsoft
    /// advises against it; it serves accounts that tests and old services have. It never prompts and never sends the
    /// password twice.
    pub fn acquire_token_by_username_password<I>(
        &self,
        scopes: I,
        username: impl Into<String>,
        password: Secret,
    ) -> AcquireTokenByUsernamePassword
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireTokenByUsernamePassword::new(
            Arc::clone(&self.inner),
            scopes,
            username.into(),
            password,
        )
    }

    /// Returns a token for `scopes` without any sign-in: from the token cache, or by the refresh token of an account
    /// that signed in before.
    ///
    /// A token of the cache is given out when it is good for five minutes more, and for 366 days at most: whatever says
    /// that it is good for longer was written by mistake, in milliseconds for instance, and counts as none.
    ///
    /// # Errors
    ///
    /// `no_tokens_found` when the cache has none that could serve, and what Entra says when the refresh token no longer
    /// works: both are [`Error::InteractionRequired`](crate::Error::InteractionRequired), and cured by a sign-in.
    pub fn acquire_token_silent<I>(&self, scopes: I, account: &Account) -> AcquireTokenSilent
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireTokenSilent::new(Arc::clone(&self.inner), scopes, account.clone())
    }

    /// Signs in with a refresh token that another library kept, and keeps what it gives in the token cache: the way here
    /// from a program that had a cache of its own.
    ///
    /// Use it once for each account, then [`acquire_token_silent`](Self::acquire_token_silent).
    pub fn acquire_token_by_refresh_token<I>(
        &self,
        scopes: I,
        refresh_token: Secret,
    ) -> AcquireTokenByRefreshToken
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        AcquireTokenByRefreshToken::new(Arc::clone(&self.inner), scopes, refresh_token)
    }

    /// Returns the client id.
    pub fn client_id(&self) -> &str {
        &self.inner.client_id
    }

    /// Returns the authority.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }
}

impl std::fmt::Debug for PublicClientApplication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicClientApplication")
            .field("client_id", &self.inner.client_id)
            .field("authority", &self.inner.authority)
            .finish_non_exhaustive()
    }
}
