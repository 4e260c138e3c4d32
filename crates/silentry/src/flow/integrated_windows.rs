//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use super::call::Call;
use super::federation::{self, Federation};
use super::redeem::Redemption;
use super::{asked, kerberos, windows_transport};
use crate::authority::Authority;
use crate::client::{AcquireTokenByIntegratedWindowsAuth, Application, AuthenticationResult};
use crate::error::{Error, Stage};
use crate::identity::{Candidates, UserPrincipalName, upn_candidates};

pub(crate) async fn sign_in(
    request: AcquireTokenByIntegratedWindowsAuth,
) -> Result<AuthenticationResult, Error> {
    let application = &*request.application;
    let scopes = asked::scopes(&request.scopes)?;
    let authority = asked::authority(application, &request.options)?;
    // Refused before any network.
    authority.require_organization()?;
    let claims = asked::claims(application, &request.options)?;
    let call = Call::new(application, &request.options)?;

    let result = async {
        let candidates = upns_of(application, &authority, request.username.as_deref()).await?;
        let own_metadata = request.federation_metadata.as_deref();
        let (upn, federation) = federation_of(&call, &authority, candidates, own_metadata).await?;
        let assertion = windows_transport::request_assertion(&call, &federation).await?;
        let redemption = Redemption {
            authority: &authority,
            scopes: &scopes,
            claims: claims.as_ref(),
            options: &request.options,
            source: "iwa",
            nonce: None,
        };
        let result = redemption.assertion(&call, &assertion).await?;
        warn_of_another_user(&upn, &result);
        Ok(result)
    }
    .await;
    result.map_err(|error: Error| error.with_correlation_id(&call.correlation_id))
}

/// Who the signed-in user may be to Entra, best guess first.
async fn upns_of(
    application: &Application,
    authority: &Authority,
    username: Option<&str>,
) -> Result<Candidates, Error> {
    if let Some(username) = username {
        return Ok(Candidates::Known(UserPrincipalName::parse(username)?));
    }
    let signed_in = kerberos::signed_in_user(&application.negotiate).await?;
    tracing::debug!(
        principal = signed_in.principal,
        upn = signed_in.upn,
        "signed in"
    );
    upn_candidates(&signed_in, authority.tenant())
}

/// The federation server of the user, with the UPN that led to it.
async fn federation_of(
    call: &Call<'_>,
    authority: &Authority,
    candidates: Candidates,
    own_metadata: Option<&str>,
) -> Result<(UserPrincipalName, Federation), Error> {
    let guesses = match candidates {
        Candidates::Known(upn) => {
            let federation = federation::discover(call, authority, &upn, own_metadata).await?;
            return Ok((upn, federation));
        }
        Candidates::Guessed(guesses) => guesses,
    };
    let tried: Vec<_> = guesses.iter().map(ToString::to_string).collect();
    let mut managed = None;
    for upn in guesses {
        match federation::discover(call, authority, &upn, own_metadata).await {
            Ok(federation) => return Ok((upn, federation)),
            Err(error) if error.code() == "unknown_user_type" => {
                tracing::debug!(%upn, "Entra does not know this domain");
            }
            Err(error) if error.code() == "integrated_windows_auth_not_supported_managed_user" => {
                managed.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(managed.unwrap_or_else(|| {
        let message = format!(
            "your UPN is not known: Entra knows none of {}",
            tried.join(", ")
        );
        Error::new("unknown_user", Stage::User, message)
    }))
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !given.eq_ignore_ascii_case(asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
