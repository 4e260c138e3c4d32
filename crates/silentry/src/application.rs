//! The application that asks for tokens: how it is configured, and what it remembers.

use crate::authority::Authority;
use crate::cache::TokenCache;
#[cfg(feature = "integrated")]
use crate::directory::DirectorySettings;
use crate::federation_hosts::FederationHosts;
#[cfg(feature = "integrated")]
use crate::kerberos_settings::NegotiateSettings;
#[cfg(feature = "integrated")]
use crate::memory::{DirectoryMemory, Verdicts};
use crate::memory::{EarlyRenewals, EndpointMemory, FederationMemory, Flights, Throttle};
use crate::policy::Policy;
use crate::transport::{Clock, Connections};

/// An application; its handles ([`PublicClientApplication`](crate::PublicClientApplication)) share it.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) authority: Authority,
    /// Whether Entra is asked about a host that is in no table.
    pub(crate) instance_discovery: bool,
    /// Hosts that the program vouches for.
    pub(crate) known_authorities: Vec<String>,
    /// Whether accounts of all clouds are listed.
    pub(crate) multi_cloud: bool,
    pub(crate) client_capabilities: Vec<String>,
    pub(crate) federation_hosts: FederationHosts,
    /// What the administrator of the machine allows.
    pub(crate) policy: Policy,
    pub(crate) extra_query_parameters: Vec<(String, String)>,
    pub(crate) client_sku: String,
    #[cfg(feature = "integrated")]
    pub(crate) negotiate: NegotiateSettings,
    #[cfg(feature = "integrated")]
    pub(crate) directory: DirectorySettings,
    pub(crate) connections: Connections,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) cache: TokenCache,
    /// Whether refresh tokens are asked for.
    pub(crate) refresh_tokens: bool,
    /// Whether refresh tokens of the client's family are used.
    pub(crate) family_tokens: bool,
    /// How much later than Entra would like tokens are renewed, in seconds; processes differ in it (MSAL.NET), so that
    /// not all of them ask at once.
    pub(crate) refresh_jitter: i64,
    /// The exchanges under way that several callers may wait for.
    pub(crate) flights: Flights,
    /// When tokens that are still good were last tried to be renewed.
    pub(crate) early_renewals: EarlyRenewals,
    /// The requests that servers have just refused.
    pub(crate) throttle: Throttle,
    /// What ladders found out about integrated sign-in.
    #[cfg(feature = "integrated")]
    pub(crate) verdicts: Verdicts,
    pub(crate) endpoint_memory: EndpointMemory,
    pub(crate) federation_memory: FederationMemory,
    #[cfg(feature = "integrated")]
    pub(crate) directory_memory: DirectoryMemory,
}
