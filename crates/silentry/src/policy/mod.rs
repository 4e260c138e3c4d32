//! What the administrator of this machine allows: a policy that only narrows what users and programs set.
//!
//! It guides honest programs and stops no hostile one: whoever has the user's ticket can use another library. It is
//! read when an application is built, and each request is held against it. A policy that is there and cannot be read
//! refuses everything, as nobody knows what it would have forbidden.

mod rules;
mod source;

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::wstrust::address::HttpsUrl;

use self::rules::Rules;
use crate::authority::tenant::same_client;
use crate::authority::{Authority, Tenant};
use crate::cache::store::StoreKind;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;

/// The policy of this machine, or none.
#[derive(Debug, Default)]
pub(crate) struct Policy(Option<Box<Rules>>);

/// What an application is set to, as far as a policy may forbid it.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ntlm: bool,
    pub(crate) channel_binding: bool,
    /// `None` for a cache in memory.
    pub(crate) cache: Option<StoreKind>,
}

impl Policy {
    /// Reads the policy of this machine.
    ///
    /// # Errors
    ///
    /// `policy_not_readable`.
    pub(crate) fn of_this_machine() -> Result<Self, Error> {
        let unusable = |why: String| {
            let place = source::PLACE;
            let message = format!("the policy {place} cannot be used: {why}");
            Error::new(Code::PolicyNotReadable, Stage::Request, message)
        };
        let Some(written) = source::read().map_err(unusable)? else {
            return Ok(Policy::default());
        };
        let rules = Rules::new(source::PLACE, written).map_err(unusable)?;
        tracing::debug!(place = source::PLACE, "a policy is in force");
        Ok(Policy(Some(Box::new(rules))))
    }

    /// Holds the settings of an application against the policy.
    ///
    /// # Errors
    ///
    /// `policy_forbids`, `policy_forbids_cache`.
    pub(crate) fn check_settings(&self, settings: &Settings) -> Result<(), Error> {
        let Some(rules) = &self.0 else {
            return Ok(());
        };
        if settings.ntlm && !rules.allow_ntlm {
            return Err(rules.forbids(Code::PolicyForbids, "NTLM", "leave NTLM off"));
        }
        if !settings.channel_binding && rules.require_channel_binding {
            let advice = "leave the channel binding on";
            return Err(rules.forbids(Code::PolicyForbids, UNBOUND, advice));
        }
        if let (Some(places), Some(cache)) = (&rules.cache_places, &settings.cache)
            && !places.iter().any(|place| place.has(cache))
        {
            let what = match cache {
                StoreKind::System => "a token cache in the system's store".to_owned(),
                StoreKind::File(path) => format!("a token cache in {}", path.display()),
                StoreKind::Program => "a token cache of the program's own".to_owned(),
            };
            let advice = rules.allows("cache places", places);
            return Err(rules.forbids(Code::PolicyForbidsCache, &what, &advice));
        }
        Ok(())
    }

    /// Holds a request by this flow against the policy.
    ///
    /// # Errors
    ///
    /// `policy_forbids_flow`, `policy_forbids`, `policy_forbids_host`.
    pub(crate) fn check_request(
        &self,
        flow: Flow,
        client_id: &str,
        authority: &Authority,
    ) -> Result<(), Error> {
        let Some(rules) = &self.0 else {
            return Ok(());
        };
        if let Some(ids) = &rules.client_ids
            && !ids.iter().any(|id| same_client(id, client_id))
        {
            let what = format!("the client id {client_id}");
            let advice = rules.allows("client ids", ids);
            return Err(rules.forbids(Code::PolicyForbids, &what, &advice));
        }
        rules.check_authority(authority)?;
        if let Some(flows) = &rules.flows
            && !flows.contains(&flow)
        {
            let what = format!("the flow `{flow}`");
            let advice = rules.allows("flows", flows);
            return Err(rules.forbids(Code::PolicyForbidsFlow, &what, &advice));
        }
        Ok(())
    }

    /// Decides whether a ticket or a password may go to a federation server.
    ///
    /// # Errors
    ///
    /// `policy_forbids_host`.
    pub(crate) fn check_federation_host(&self, url: &HttpsUrl) -> Result<(), Error> {
        match &self.0 {
            Some(rules) => rules.check_host(url, &url.authority()),
            None => Ok(()),
        }
    }

    /// Decides whether a ticket may go to `host` that is bound to no TLS connection.
    ///
    /// # Errors
    ///
    /// `policy_forbids_host`.
    #[cfg(feature = "integrated")]
    pub(crate) fn check_unbound_ticket(&self, host: &str) -> Result<(), Error> {
        let Some(rules) = self
            .0
            .as_ref()
            .filter(|rules| rules.require_channel_binding)
        else {
            return Ok(());
        };
        let what = format!("{UNBOUND}, which {host} cannot be");
        let advice = "sign in another way: Seamless SSO, macOS's own Kerberos library and certificates whose signature \
                      has no hash of its own (Ed25519) allow no channel binding";
        Err(rules.forbids(Code::PolicyForbidsHost, &what, advice))
    }
}

/// What `require-channel-binding` forbids.
const UNBOUND: &str = "a ticket that is not bound to the TLS connection";

impl Rules {
    /// A tenant is compared as it is named, as only Entra knows which id has which domain.
    fn check_authority(&self, authority: &Authority) -> Result<(), Error> {
        let named = match authority.kind() {
            AuthorityKind::Entra => authority.tenant().map(Tenant::as_str),
            // Its passwords are those of the domain.
            AuthorityKind::AdFs => {
                let host = authority.host_and_port();
                let url = HttpsUrl::parse(authority.origin().as_str());
                if let Ok(url) = url.as_ref() {
                    self.check_host(url, &host)?;
                }
                // Listed by its host, which says more than a tenant.
                if self.federation_hosts.is_some() {
                    return Ok(());
                }
                None
            }
            AuthorityKind::OpenIdConnect => None,
        };
        let Some(tenants) = &self.tenants else {
            return Ok(());
        };
        let is_named = |tenant: &String| named.is_some_and(|named| tenant == named);
        if tenants.iter().any(is_named) {
            return Ok(());
        }
        let what = match named {
            Some(tenant) => format!("the tenant {tenant}"),
            None => format!("the authority {}, which has no tenant", authority.host()),
        };
        let advice = self.allows("tenants", tenants);
        Err(self.forbids(Code::PolicyForbids, &what, &advice))
    }

    fn check_host(&self, url: &HttpsUrl, shown: &str) -> Result<(), Error> {
        match &self.federation_hosts {
            Some(hosts) if !hosts.lists(url) => {
                let what = format!("the federation server {shown}");
                let advice = format!("use the federation hosts that it allows ({hosts})");
                Err(self.forbids(Code::PolicyForbidsHost, &what, &advice))
            }
            _ => Ok(()),
        }
    }
}
