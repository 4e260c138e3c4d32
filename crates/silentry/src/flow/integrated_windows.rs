//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use super::call::Call;
use super::federation::{self, Federation};
use super::{kerberos, redeem, windows_transport};
use crate::authority::{Authority, Tenant};
use crate::client::{AcquireTokenByIntegratedWindowsAuth, Application, AuthenticationResult};
use crate::error::{Error, Stage};
use crate::identity::{UserPrincipalName, upn_candidates};
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
        let upns = upns_of(application, &authority, request.username.as_deref()).await?;
        let (upn, federation) = federation_of(&call, &authority, &upns, &request).await?;
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

/// Who the signed-in user may be to Entra, best guess first.
async fn upns_of(
    application: &Application,
    authority: &Authority,
    username: Option<&str>,
) -> Result<Vec<UserPrincipalName>, Error> {
    if let Some(username) = username {
        return Ok(vec![UserPrincipalName::parse(username)?]);
    }
    let signed_in = kerberos::signed_in_user(&application.negotiate).await?;
    tracing::debug!(
        principal = signed_in.principal,
        upn = signed_in.upn,
        "signed in"
    );
    upn_candidates(&signed_in, authority.tenant())
}

/// The federation server of the first UPN that has one.
async fn federation_of(
    call: &Call<'_>,
    authority: &Authority,
    upns: &[UserPrincipalName],
    request: &AcquireTokenByIntegratedWindowsAuth,
) -> Result<(UserPrincipalName, Federation), Error> {
    let mut refusal = None;
    for upn in upns {
        match federation::discover(call, authority, upn, request.federation_metadata.as_deref())
            .await
        {
            Ok(federation) => return Ok((upn.clone(), federation)),
            // A guess with the wrong domain; another may have the right one.
            Err(error) if upns.len() > 1 && is_about_the_domain(&error) => {
                tracing::debug!(%upn, code = error.code(), "not this domain");
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let tried: Vec<_> = upns.iter().map(ToString::to_string).collect();
    match refusal {
        Some(refusal) if refusal.code() != "unknown_user_type" => Err(refusal),
        _ => Err(Error::new(
            "unknown_user",
            Stage::User,
            format!(
                "the signed-in user's UPN is not known; Entra knows none of {}",
                tried.join(", ")
            ),
        )),
    }
}

fn is_about_the_domain(error: &Error) -> bool {
    matches!(
        error.code(),
        "unknown_user_type" | "integrated_windows_auth_not_supported_managed_user"
    )
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !given.eq_ignore_ascii_case(asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
