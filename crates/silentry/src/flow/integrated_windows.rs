//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use super::call::Call;
use super::{redeem, upn, windows_transport};
use crate::authority::{Authority, Tenant};
use crate::client::{AcquireTokenByIntegratedWindowsAuth, Application, AuthenticationResult};
use crate::error::{Error, Stage};
use crate::identity::UserPrincipalName;
use crate::oauth::claims::{ClaimsError, ClaimsRequest};
use crate::oauth::scopes::Scopes;

pub(crate) async fn sign_in(
    request: AcquireTokenByIntegratedWindowsAuth,
) -> Result<AuthenticationResult, Error> {
    let application = &*request.application;
    let scopes = Scopes::new(&request.scopes)
        .map_err(|error| Error::new("invalid_scopes", Stage::Request, error.to_string()))?;
    let authority = authority_of(application, request.options.tenant.as_deref())?;
    let claims = claims_of(application, request.options.claims.as_deref())?;
    let call = Call::new(application, &request.options)?;

    let result = async {
        let own_metadata = request.federation_metadata.as_deref();
        let username = request.username.as_deref();
        let (upn, federation) = upn::find(&call, &authority, username, own_metadata).await?;
        let assertion = windows_transport::request_assertion(&call, &federation).await?;
        let result = redeem::assertion(
            &call,
            &authority,
            &scopes,
            claims.as_ref(),
            &request.options,
            &assertion,
        )
        .await?;
        warn_of_another_user(&upn, &result);
        Ok(result)
    }
    .await;
    result.map_err(|error: Error| error.with_correlation_id(&call.correlation_id))
}

/// The authority to ask, refused before any network when this flow cannot work on it.
fn authority_of(application: &Application, tenant: Option<&str>) -> Result<Authority, Error> {
    let authority = match tenant {
        Some(tenant) => application.authority.with_tenant(Tenant::parse(tenant)?),
        None => application.authority.clone(),
    };
    authority.require_organization()?;
    Ok(authority)
}

/// The claims to ask for: those of the request, and what this client can do.
fn claims_of(
    application: &Application,
    claims: Option<&str>,
) -> Result<Option<ClaimsRequest>, Error> {
    let invalid = |error: ClaimsError| Error::new(error.code(), Stage::Request, error.to_string());
    let asked = claims
        .map(ClaimsRequest::parse)
        .transpose()
        .map_err(invalid)?;
    let capabilities = ClaimsRequest::from_capabilities(&application.client_capabilities);
    match (asked, capabilities) {
        (Some(asked), Some(capabilities)) => asked.merge(&capabilities).map(Some).map_err(invalid),
        (asked, capabilities) => Ok(asked.or(capabilities)),
    }
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !given.eq_ignore_ascii_case(asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
