//! Which federation server takes the user's ticket: realm discovery, then metadata exchange.
//!
//! What leads to a server is remembered for [`LIFETIME`]. What leads nowhere is not: a user who connects to the
//! corporate network a moment later is not told yesterday's news.

use std::time::Duration;

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::{FederationEndpoint, FederationMetadata};
use silentry_protocol::wstrust::realm::{AccountType, UserRealm};
use url::Url;

use super::call::Call;
use super::endpoints;
use crate::authority::Authority;
use crate::error::{Category, Code, Error, Explain, Stage};
use crate::federation_hosts::{NamedBy, Refusal};
use crate::identity::UserPrincipalName;

/// How long realm and metadata are remembered.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The federation server of a user.
#[derive(Clone, Debug)]
pub(super) struct Federation {
    /// Where the ticket or the password may go, best first; never empty.
    pub(super) endpoints: Vec<FederationEndpoint>,
    /// What the assertion is to be made out to.
    pub(super) audience: String,
    /// Where the realm answer said that this is read, to forget it when it leads nowhere.
    #[cfg_attr(
        not(feature = "integrated"),
        allow(dead_code, reason = "only who holds a ticket tries another endpoint")
    )]
    metadata_address: Option<HttpsUrl>,
}

/// Finds the federation server that takes the ticket of `upn`. `own_metadata` is a document that the caller vouches
/// for.
#[cfg(feature = "integrated")]
pub(super) async fn discover(
    call: &Call<'_>,
    authority: &Authority,
    upn: &UserPrincipalName,
    own_metadata: Option<&str>,
) -> Result<Federation, Error> {
    let realm = user_realm(call, authority, upn).await?;
    of_realm(call, upn, &realm, own_metadata, Credential::Ticket).await
}

/// Finds the federation server that takes the password of `upn`; `None` when Entra itself does.
pub(super) async fn discover_for_password(
    call: &Call<'_>,
    authority: &Authority,
    upn: &UserPrincipalName,
    own_metadata: Option<&str>,
) -> Result<Option<Federation>, Error> {
    let realm = user_realm(call, authority, upn).await?;
    if realm.account_type() == AccountType::Managed {
        return Ok(None);
    }
    let federation = of_realm(call, upn, &realm, own_metadata, Credential::Password).await?;
    Ok(Some(federation))
}

/// What the federation server is to take.
#[derive(Clone, Copy)]
pub(super) enum Credential {
    #[cfg(feature = "integrated")]
    Ticket,
    Password,
}

impl Credential {
    /// Returns the category of a refusal of the credential itself: a wrong password is the user's to cure, as where Entra
    /// takes it itself.
    pub(super) fn when_refused(self) -> Category {
        match self {
            #[cfg(feature = "integrated")]
            Self::Ticket => Category::Refused,
            Self::Password => Category::UserMustAct,
        }
    }
}

async fn of_realm(
    call: &Call<'_>,
    upn: &UserPrincipalName,
    realm: &UserRealm,
    own_metadata: Option<&str>,
    credential: Credential,
) -> Result<Federation, Error> {
    let audience = realm.cloud_audience_urn().to_owned();
    let address = realm.integrated_sign_in().map_err(|refusal| {
        Error::new(refusal.code(), Stage::Realm, format!("{upn}: {refusal}"))
            .with_mitigation(refusal.mitigation())
    })?;
    if let Some(document) = own_metadata {
        // Its relative addresses lead nowhere: the caller vouches for none of the realm answer's hosts.
        let metadata = parse_own_metadata(document)?;
        let endpoints = endpoints(&metadata, &address, credential)?;
        return Ok(Federation {
            endpoints: permitted(call, endpoints, NamedBy::Caller, credential)?,
            audience,
            metadata_address: None,
        });
    }
    check_metadata_address(call, &address, Stage::Realm)?;
    let memory = &call.application.federation_memory.metadata;
    let now = call.application.clock.now();
    let known = memory.get(&address, now);
    let is_known = known.is_some();
    let (metadata, given_by) = match known {
        Some(known) => known,
        None => fetch_metadata(call, &address).await?,
    };
    // A redirect may have led elsewhere.
    check_metadata_address(call, &given_by, Stage::Mex)?;
    let endpoints = endpoints(&metadata, &given_by, credential)?;
    let endpoints = permitted(call, endpoints, NamedBy::Metadata(&given_by), credential)?;
    if !is_known {
        memory.put(address.clone(), (metadata, given_by), LIFETIME, now);
    }
    Ok(Federation {
        endpoints,
        audience,
        metadata_address: Some(address),
    })
}

/// Forgets what led to a server that cannot be reached: the network may be another one.
#[cfg(feature = "integrated")]
pub(super) fn forget(call: &Call<'_>, federation: &Federation) {
    if let Some(address) = &federation.metadata_address {
        call.application.federation_memory.metadata.forget(address);
    }
}

/// Asks Entra who authenticates the domain of `upn`.
async fn user_realm(
    call: &Call<'_>,
    authority: &Authority,
    upn: &UserPrincipalName,
) -> Result<UserRealm, Error> {
    let authority = &endpoints::of(call, authority).await?.authority;
    let key = format!("{} {}", authority.origin(), upn.as_str().to_lowercase());
    let now = call.application.clock.now();
    let memory = &call.application.federation_memory.realms;
    if let Some(realm) = memory.get(&key, now) {
        return Ok(realm);
    }
    let url = realm_url(authority, upn);
    let (response, _) = call
        .exchange
        .get(Stage::Realm, &url, |url| {
            call.get(AuthorityKind::Entra, url)
        })
        .await?;
    if response.status() != 200 {
        return Err(Error::from_unexpected_status(
            Stage::Realm,
            authority.host(),
            &response,
        ));
    }
    let realm = UserRealm::parse(response.body(), response.header("content-type"))
        .map_err(|error| Error::of(Stage::Realm, &error).unless_compressed(&response))?;
    if realm.integrated_sign_in().is_ok() {
        memory.put(key, realm.clone(), LIFETIME, now);
    }
    Ok(realm)
}

/// `GET /common/userrealm/{upn}`, whatever the tenant. MSAL.NET and Python do not encode the UPN, so that guests
/// (`ana_contoso.com#EXT#@fabrikam.com`) lose everything from `#`.
fn realm_url(authority: &Authority, upn: &UserPrincipalName) -> Url {
    let mut url = authority.origin().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["common", "userrealm", upn.as_str()]);
    }
    url.set_query(Some("api-version=1.0"));
    url
}

/// Returns the metadata and the address that gave it in the end.
async fn fetch_metadata(
    call: &Call<'_>,
    address: &HttpsUrl,
) -> Result<(FederationMetadata, HttpsUrl), Error> {
    let request = |url: &Url| call.metadata_get(url);
    let (response, url) = call
        .exchange
        .get(Stage::Mex, address.as_url(), request)
        .await?;
    let address = HttpsUrl::parse(url.as_str()).unwrap_or_else(|_| address.clone());
    if !(200..300).contains(&response.status()) {
        return Err(Error::from_unexpected_status(
            Stage::Mex,
            address.host(),
            &response,
        ));
    }
    let metadata = parse_metadata(response.body(), response.header("content-type"), &address)
        .map_err(|error| error.unless_compressed(&response))?;
    Ok((metadata, address))
}

/// Reads the document of the caller's, who may have named another file by mistake: nothing of it is repeated.
fn parse_own_metadata(document: &str) -> Result<FederationMetadata, Error> {
    let invalid = |why: &str| {
        let message =
            format!("the federation metadata that was given is not such a document ({why})");
        Error::new(Code::InvalidFederationMetadata, Stage::Request, message)
    };
    let metadata = FederationMetadata::parse(document.as_bytes(), None, None)
        .map_err(|error| invalid(error.code().as_str()))?;
    match metadata.has_wsdl() {
        true => Ok(metadata),
        false => Err(invalid("there is no WSDL in it")),
    }
}

fn parse_metadata(
    document: &[u8],
    content_type: Option<&str>,
    address: &HttpsUrl,
) -> Result<FederationMetadata, Error> {
    FederationMetadata::parse(document, content_type, Some(address))
        .map_err(|error| Error::of(Stage::Mex, &error))
}

fn endpoints(
    metadata: &FederationMetadata,
    address: &HttpsUrl,
    credential: Credential,
) -> Result<Vec<FederationEndpoint>, Error> {
    let found = match credential {
        #[cfg(feature = "integrated")]
        Credential::Ticket => metadata.integrated_windows(),
        Credential::Password => metadata.username_password(),
    };
    found.map(<[_]>::to_vec).map_err(|error| {
        let message = format!("{}: {error}", address.host());
        Error::new(error.code(), Stage::Mex, message).with_mitigation(error.mitigation())
    })
}

/// Refuses an address that could only lead to a host which may be sent nothing, before it is asked.
fn check_metadata_address(call: &Call<'_>, address: &HttpsUrl, stage: Stage) -> Result<(), Error> {
    let verdict = call.application.federation_hosts.may_tell(address);
    verdict.map_err(|refusal| not_trusted(stage, &refusal, address))
}

/// Keeps the endpoints that may receive the ticket or the password, by the rule ([`FederationHosts`]) and by the policy
/// of the machine; every way to either leads through here.
///
/// [`FederationHosts`]: crate::federation_hosts::FederationHosts
fn permitted(
    call: &Call<'_>,
    endpoints: Vec<FederationEndpoint>,
    named_by: NamedBy<'_>,
    credential: Credential,
) -> Result<Vec<FederationEndpoint>, Error> {
    let hosts = &call.application.federation_hosts;
    let principal = match credential {
        #[cfg(feature = "integrated")]
        Credential::Ticket => call.application.negotiate.service_principal_name.as_deref(),
        Credential::Password => None,
    };
    let policy = &call.application.policy;
    let mut permitted = Vec::new();
    let mut first_refusal = None;
    for endpoint in endpoints {
        let url = endpoint.url();
        let verdict = hosts
            .may_receive(url, named_by, principal)
            .map_err(|refusal| not_trusted(Stage::Mex, &refusal, url))
            .and_then(|()| policy.check_federation_host(url));
        match verdict {
            Ok(()) => permitted.push(endpoint),
            Err(error) => {
                first_refusal.get_or_insert(error);
            }
        }
    }
    match first_refusal {
        Some(error) if permitted.is_empty() => Err(error),
        _ => Ok(permitted),
    }
}

fn not_trusted(stage: Stage, refusal: &Refusal, url: &HttpsUrl) -> Error {
    Error::new(Code::FederationHostNotTrusted, stage, refusal.about(url))
}
