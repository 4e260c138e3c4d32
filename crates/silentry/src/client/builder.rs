//! How an application is configured.

#[cfg(feature = "integrated")]
mod integrated;

use std::sync::Arc;

use super::PublicClientApplication;
use crate::application::Application;
use crate::authority::{Authority, Tenant};
use crate::cache::TokenCache;
#[cfg(feature = "integrated")]
use crate::directory::DirectorySettings;
use crate::error::{Code, Error, Stage};
use crate::federation_hosts::FederationHosts;
#[cfg(feature = "integrated")]
use crate::flow::ProxyTicket;
#[cfg(feature = "integrated")]
use crate::kerberos_settings::NegotiateSettings;
#[cfg(feature = "integrated")]
use crate::memory::{DirectoryMemory, Verdicts};
use crate::memory::{EarlyRenewals, EndpointMemory, FederationMemory, Flights, Throttle};
use crate::policy::{self, Policy};
use crate::random;
use crate::transport::{Connections, HyperTransport, HyperTransportBuilder, TokioClock, Transport};

/// By how many seconds processes may differ in when they renew a token (MSAL.NET).
const REFRESH_JITTER: u16 = 300;

/// Builds a [`PublicClientApplication`].
///
/// # Defaults
///
/// - authority: `https://login.microsoftonline.com/organizations`
/// - transport: [`HyperTransport`] with the platform's trust and the system's proxy
/// - Kerberos: the login's credentials, the system's library, mutual authentication required, channel binding sent,
///   NTLM refused, 15 s for each call of the library
/// - directory: a domain controller of the user's realm, asked when the UPN cannot be guessed
#[must_use]
pub struct PublicClientApplicationBuilder {
    client_id: String,
    authority: NamedAuthority,
    instance_discovery: bool,
    known_authorities: Vec<String>,
    tenant: Option<String>,
    multi_cloud: bool,
    client_capabilities: Vec<String>,
    federation_hosts: Vec<String>,
    seamless_sso: bool,
    extra_query_parameters: Vec<(String, String)>,
    client_sku: String,
    cache: TokenCache,
    refresh_tokens: bool,
    family_tokens: bool,
    #[cfg(feature = "integrated")]
    negotiate: NegotiateSettings,
    #[cfg(feature = "integrated")]
    directory: DirectorySettings,
    http: HyperTransportBuilder,
    transport: Option<Arc<dyn Transport>>,
}

/// The authority, as the program names it.
enum NamedAuthority {
    Default,
    Url(String),
    Issuer(String),
}

impl PublicClientApplicationBuilder {
    pub(crate) fn new(client_id: String) -> Self {
        PublicClientApplicationBuilder {
            client_id,
            authority: NamedAuthority::Default,
            instance_discovery: true,
            known_authorities: Vec::new(),
            tenant: None,
            multi_cloud: false,
            client_capabilities: Vec::new(),
            federation_hosts: Vec::new(),
            seamless_sso: true,
            extra_query_parameters: Vec::new(),
            client_sku: "Silentry".to_owned(),
            cache: TokenCache::in_memory(),
            refresh_tokens: true,
            family_tokens: false,
            #[cfg(feature = "integrated")]
            negotiate: NegotiateSettings::default(),
            #[cfg(feature = "integrated")]
            directory: DirectorySettings::default(),
            http: HyperTransport::builder(),
            transport: None,
        }
    }

    /// Uses this authority: a tenant of Microsoft Entra, `https://{host}/{tenant}`, or an AD FS (2016 or later) that
    /// issues tokens of its own, `https://{host}/adfs`.
    ///
    /// Before anything else, Entra is asked about a host that is not one of Microsoft's known ones
    /// ([`with_instance_discovery`](Self::with_instance_discovery)). Nobody is asked about an AD FS: its certificate
    /// shows that it is the host that the program names, and the question that MSAL.NET asks (webfinger) is answered by
    /// that very host.
    pub fn with_authority(mut self, authority: impl Into<String>) -> Self {
        self.authority = NamedAuthority::Url(authority.into());
        self
    }

    /// Uses any other OpenID Connect server, given by its issuer exactly as its discovery document spells it, such as
    /// `https://id.contoso.com/realms/staff`.
    ///
    /// The document names the endpoints; its issuer, and that of every id token, must be this one. It is remembered for
    /// a day. Nothing that only Microsoft's servers understand is sent, and integrated sign-in is refused.
    ///
    /// A refresh token is requested with the scope `offline_access`. For servers that do not know that scope, such as
    /// Google's, use [`with_refresh_token(false)`](Self::with_refresh_token).
    pub fn with_oidc_authority(mut self, issuer: impl Into<String>) -> Self {
        self.authority = NamedAuthority::Issuer(issuer.into());
        self
    }

    /// Sets whether Entra is asked about the authority's host when it is not one of the known ones. `true` by default.
    ///
    /// The answer lists the other hosts of the cloud, or says that the host is not Microsoft's (`invalid_instance`).
    /// With `false`, for networks that do not reach `login.microsoftonline.com`, the program vouches for its authority.
    pub fn with_instance_discovery(mut self, ask: bool) -> Self {
        self.instance_discovery = ask;
        self
    }

    /// Vouches for these hosts (`host`, or `host:port`): Entra is not asked about them.
    pub fn with_known_authorities<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.known_authorities = hosts
            .into_iter()
            .map(|host| host.into().trim().to_ascii_lowercase())
            .collect();
        self
    }

    /// Uses this tenant (an id or a domain) of the authority's cloud. Only Entra has tenants.
    pub fn with_tenant_id(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets whether [`accounts`](PublicClientApplication::accounts) lists the users of every cloud that the token cache
    /// knows, not only those of the authority's. `false` by default. A silent sign-in asks the cloud of its account
    /// either way; a first sign-in goes to the authority.
    pub fn with_multi_cloud_support(mut self, support: bool) -> Self {
        self.multi_cloud = support;
        self
    }

    /// Declares what this client can do, such as `cp1`: it handles claims challenges of continuous access evaluation.
    pub fn with_client_capabilities<I>(mut self, capabilities: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.client_capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// Allows only these federation servers, `host` or `host:port`, to receive the ticket (and the password of a
    /// federated user).
    ///
    /// Without this list, a server that Entra and the metadata name receives the ticket only if its host is that of the
    /// metadata itself, a full name on port 443: no IP address, no name without a dot, not this machine. A listed
    /// server may be any of these; entries are compared exactly, without wildcards. Identity providers with a separate
    /// host for Kerberos need the list. An empty list counts as no list.
    pub fn with_federation_hosts<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.federation_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether Entra's own servers for Seamless SSO (`autologon.microsoftazuread-sso.com` and `.us`) may receive
    /// the ticket. `true` by default, whatever [`with_federation_hosts`](Self::with_federation_hosts) lists.
    ///
    /// Their ticket is bound to no TLS connection, and they do not prove themselves as AD FS must.
    pub fn with_seamless_sso(mut self, allowed: bool) -> Self {
        self.seamless_sso = allowed;
        self
    }

    /// Keeps tokens in this cache. By default they are kept in memory, for this application and its clones.
    pub fn with_token_cache(mut self, cache: TokenCache) -> Self {
        self.cache = cache;
        self
    }

    /// Sets whether refresh tokens are requested (`offline_access`). `true` by default; with `false` the Kerberos
    /// ticket stays the only credential that outlives an access token.
    pub fn with_refresh_token(mut self, ask: bool) -> Self {
        self.refresh_tokens = ask;
        self
    }

    /// Sets whether refresh tokens of the family of applications that the client belongs to are used. `false` by
    /// default, because they were issued to other programs.
    pub fn with_family_refresh_tokens(mut self, use_them: bool) -> Self {
        self.family_tokens = use_them;
        self
    }

    /// Adds query parameters to every authorization and token request, and to no other request.
    pub fn with_extra_query_parameters<I, N, V>(mut self, parameters: I) -> Self
    where
        I: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        self.extra_query_parameters
            .extend(super::request::owned(parameters));
        self
    }

    /// Sends Entra another client name (`x-client-SKU`) than `Silentry`.
    pub fn with_client_sku(mut self, sku: impl Into<String>) -> Self {
        self.client_sku = sku.into();
        self
    }

    /// Trusts the certificate authorities of a PEM bundle in addition to the platform's.
    pub fn with_ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http = self.http.with_ca_bundle(pem);
        self
    }

    /// Uses this HTTP proxy (`http://host:port`) for every host, instead of the system's.
    ///
    /// If the proxy requires it, the user's ticket for `HTTP/host` signs in to it, or the `user:password@` of the URL,
    /// which is sent as Basic.
    pub fn with_proxy(mut self, url: impl Into<String>) -> Self {
        self.http = self.http.with_proxy(url);
        self
    }

    /// Connects directly, whatever proxy the environment or the system names.
    pub fn without_proxy(mut self) -> Self {
        self.http = self.http.without_proxy();
        self
    }

    /// Uses your own HTTP stack, which then has to take care of certificate authorities and proxies itself:
    /// [`with_ca_bundle`](Self::with_ca_bundle) and the proxy settings have no effect.
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Builds the application, and reads the policy of the machine. Nothing is sent anywhere.
    ///
    /// # Errors
    ///
    /// `no_client_id`, `invalid_authority`, `tenant_override_non_aad`, `invalid_ca_bundle`, `invalid_directory`,
    /// `invalid_federation_host`, `invalid_proxy`; `policy_not_readable`, `policy_forbids`, `policy_forbids_cache`.
    pub fn build(self) -> Result<PublicClientApplication, Error> {
        let client_id = self.client_id.trim().to_owned();
        if client_id.is_empty() {
            return Err(Error::new(
                Code::NoClientId,
                Stage::Request,
                "no client id is given",
            ));
        }
        let mut authority = match &self.authority {
            NamedAuthority::Url(text) => Authority::parse(text)?,
            NamedAuthority::Issuer(issuer) => Authority::open_id_connect(issuer)?,
            NamedAuthority::Default => Authority::default(),
        };
        if let Some(tenant) = &self.tenant {
            authority = authority.with_tenant(Tenant::parse(tenant)?)?;
        }
        let federation_hosts = FederationHosts::parse(&self.federation_hosts).map_err(|entry| {
            let message = format!("`{entry}` is not a federation host");
            Error::new(Code::InvalidFederationHost, Stage::Request, message)
        })?;
        let federation_hosts = federation_hosts.with_seamless_sso(self.seamless_sso);
        #[cfg(feature = "integrated")]
        self.directory.check()?;
        let policy = Policy::of_this_machine()?;
        policy.check_settings(&policy::Settings {
            #[cfg(feature = "integrated")]
            ntlm: self.negotiate.ntlm,
            #[cfg(feature = "integrated")]
            channel_binding: self.negotiate.channel_binding,
            #[cfg(not(feature = "integrated"))]
            ntlm: false,
            #[cfg(not(feature = "integrated"))]
            channel_binding: true,
            cache: self.cache.kind(),
        })?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => {
                #[cfg(feature = "integrated")]
                let http = {
                    let ticket = ProxyTicket::new(self.negotiate.clone());
                    self.http.with_proxy_authenticator(Arc::new(ticket))
                };
                #[cfg(not(feature = "integrated"))]
                let http = self.http;
                Arc::new(http.build()?)
            }
        };
        Ok(PublicClientApplication {
            inner: Arc::new(Application {
                client_id,
                authority,
                instance_discovery: self.instance_discovery,
                known_authorities: self.known_authorities,
                multi_cloud: self.multi_cloud,
                client_capabilities: self.client_capabilities,
                federation_hosts,
                policy,
                extra_query_parameters: self.extra_query_parameters,
                client_sku: self.client_sku,
                cache: self.cache,
                refresh_tokens: self.refresh_tokens,
                family_tokens: self.family_tokens,
                refresh_jitter: random::around_zero(REFRESH_JITTER),
                #[cfg(feature = "integrated")]
                negotiate: self.negotiate,
                #[cfg(feature = "integrated")]
                directory: self.directory,
                connections: Connections::new(transport),
                clock: Box::new(TokioClock),
                flights: Flights::default(),
                early_renewals: EarlyRenewals::default(),
                throttle: Throttle::default(),
                #[cfg(feature = "integrated")]
                verdicts: Verdicts::default(),
                endpoint_memory: EndpointMemory::default(),
                federation_memory: FederationMemory::default(),
                #[cfg(feature = "integrated")]
                directory_memory: DirectoryMemory::default(),
            }),
        })
    }
}
