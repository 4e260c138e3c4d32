//! What a request asks for, read the same way by every flow.

use crate::authority::{Authority, Tenant};
use crate::client::{Application, RequestOptions};
use crate::error::{Error, Stage};
use crate::oauth::claims::{ClaimsError, ClaimsRequest};
use crate::oauth::scopes::Scopes;

pub(super) fn scopes(scopes: &[String]) -> Result<Scopes, Error> {
    Scopes::new(scopes)
        .map_err(|error| Error::new("invalid_scopes", Stage::Request, error.to_string()))
}

/// The authority to ask: the application's, for the tenant of the request.
pub(super) fn authority(
    application: &Application,
    options: &RequestOptions,
) -> Result<Authority, Error> {
    Ok(match &options.tenant {
        Some(tenant) => application.authority.with_tenant(Tenant::parse(tenant)?),
        None => application.authority.clone(),
    })
}

/// The claims to ask for: those of the request, and what this client can do.
pub(super) fn claims(
    application: &Application,
    options: &RequestOptions,
) -> Result<Option<ClaimsRequest>, Error> {
    let invalid = |error: ClaimsError| Error::new(error.code(), Stage::Request, error.to_string());
    let asked = options.claims.as_deref().map(ClaimsRequest::parse);
    let asked = asked.transpose().map_err(invalid)?;
    let capabilities = ClaimsRequest::from_capabilities(&application.client_capabilities);
    match (asked, capabilities) {
        (Some(asked), Some(capabilities)) => asked.merge(&capabilities).map(Some).map_err(invalid),
        (asked, capabilities) => Ok(asked.or(capabilities)),
    }
}
