//! The application that asks for tokens.

mod builder;
mod integrated_windows_auth;
mod request;
mod result;

use std::sync::{Arc, Mutex};

pub use builder::{MutualAuthentication, PublicClientApplicationBuilder};
pub use integrated_windows_auth::AcquireTokenByIntegratedWindowsAuth;
pub use result::{Account, AuthenticationResult};

pub(crate) use builder::NegotiateSettings;
pub(crate) use request::RequestOptions;

use crate::authority::Authority;
use crate::directory::{DirectoryMemory, DirectorySettings};
use crate::flow::FederationMemory;
use crate::transport::{Clock, Connections};

/// A public client application: a program without a secret of its own that signs users in.
///
/// It is a cheap handle; clones share connections and what has been learnt about realms and federation servers.
#[derive(Clone)]
pub struct PublicClientApplication {
    inner: Arc<Application>,
}

/// What the handles share.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) authority: Authority,
    pub(crate) client_capabilities: Vec<String>,
    pub(crate) trusted_federation_hosts: Vec<String>,
    pub(crate) client_sku: String,
    pub(crate) negotiate: NegotiateSettings,
    pub(crate) directory: DirectorySettings,
    pub(crate) connections: Connections,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) federation_memory: Mutex<FederationMemory>,
    pub(crate) directory_memory: Mutex<DirectoryMemory>,
}

impl PublicClientApplication {
    /// Starts building an application with the client id (application id) of its registration at Entra.
    pub fn builder(client_id: impl Into<String>) -> PublicClientApplicationBuilder {
        PublicClientApplicationBuilder::new(client_id.into())
    }

    /// Signs in the user who is already signed in to the machine, with the Kerberos ticket of that sign-in
    /// (integrated Windows authentication), and returns a token for `scopes`.
    ///
    /// It never prompts. It works for users of a domain that is federated with AD FS; AD FS must be reachable and
    /// Entra must not ask for more than the ticket.
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
