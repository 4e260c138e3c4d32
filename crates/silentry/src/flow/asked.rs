//! What a request asks for, read the same way by every flow.

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::claims::{ClaimsError, ClaimsRequest};
use silentry_protocol::oauth::scopes::Scopes;

use super::redeem::Redemption;
use super::whose::Proof;
use crate::application::Application;
use crate::authority::{Authority, Tenant};
use crate::cache;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::request::RequestOptions;

/// A request, understood. Nothing has been sent yet.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) scopes: Scopes,
    /// The application's, for the tenant of the request.
    pub(super) authority: Authority,
    /// Those of the request, and what this client can do.
    pub(super) claims: Option<ClaimsRequest>,
    pub(super) options: RequestOptions,
}

impl Asked {
    /// `flow` is the flow, which the policy of the machine may forbid.
    pub(super) fn new(
        flow: Flow,
        application: &Application,
        scopes: &[String],
        options: RequestOptions,
    ) -> Result<Self, Error> {
        let mut options = options;
        let of_application = application.extra_query_parameters.iter().cloned();
        options.extra_query_parameters.splice(..0, of_application);
        options.check_username()?;
        let authority = authority(application, &options)?;
        let policy = &application.policy;
        policy.check_request(flow, &application.client_id, &authority)?;
        Ok(Self {
            scopes: read_scopes(scopes.iter().map(String::as_str))?,
            authority,
            claims: claims(application, &options)?,
            options,
        })
    }

    /// The scopes, and some for which no token is wanted yet.
    #[cfg(feature = "interactive")]
    pub(super) fn scopes_and(&self, more: &[String]) -> Result<Scopes, Error> {
        read_scopes(self.scopes.iter().chain(more.iter().map(String::as_str)))
    }

    /// How the token endpoint is asked for it; `source` is how the user signed in, as the cache tells other programs
    /// (`account_source`).
    pub(super) fn redemption(&self, source: &'static str) -> Redemption<'_> {
        Redemption {
            asked: self,
            source,
            proof: Proof::Unnamed,
            nonce: None,
            account: None,
        }
    }
}

fn read_scopes<'a>(scopes: impl Iterator<Item = &'a str>) -> Result<Scopes, Error> {
    Scopes::new(scopes)
        .map_err(|error| Error::new(Code::InvalidScopes, Stage::Request, error.to_string()))
}

/// Returns the application's authority for the tenant of the request, if it may know the account of the request.
pub(super) fn authority(
    application: &Application,
    options: &RequestOptions,
) -> Result<Authority, Error> {
    let authority = match &options.tenant {
        Some(tenant) => application.authority.with_tenant(Tenant::parse(tenant)?)?,
        None => application.authority.clone(),
    };
    check_account(&authority, options)?;
    Ok(authority)
}

/// Refuses an account of another server before anybody is asked for anything: an id there may be another user's here.
fn check_account(authority: &Authority, options: &RequestOptions) -> Result<(), Error> {
    match options
        .account_environment
        .as_deref()
        .map(cache::environment)
    {
        Some(other) if !authority.may_know_accounts_of(&other) => {
            let message = format!("the account is one of {other}, not of {authority}");
            Err(Error::new(Code::UserMismatch, Stage::Request, message))
        }
        _ => Ok(()),
    }
}

fn claims(
    application: &Application,
    options: &RequestOptions,
) -> Result<Option<ClaimsRequest>, Error> {
    let invalid = |error: ClaimsError| Error::of(Stage::Request, &error);
    let asked = options.claims.as_deref().map(ClaimsRequest::parse);
    let asked = asked.transpose().map_err(invalid)?;
    let capabilities = match application.authority.kind() {
        AuthorityKind::Entra => ClaimsRequest::from_capabilities(&application.client_capabilities),
        // They are Entra's words for what Entra may demand.
        AuthorityKind::AdFs | AuthorityKind::OpenIdConnect => None,
    };
    match (asked, capabilities) {
        (Some(asked), Some(capabilities)) => asked.merge(&capabilities).map(Some).map_err(invalid),
        (asked, capabilities) => Ok(asked.or(capabilities)),
    }
}
