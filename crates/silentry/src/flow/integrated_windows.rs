//! Integrated Windows authentication: the Kerberos ticket of the signed-in user becomes a token.
//!
//! Four HTTP exchanges on a known cloud: realm, MEX, RST, token. The next sign-in within the lifetime of what was
//! learnt about realm and MEX needs two.

use super::asked::Asked;
use super::call::Call;
use super::redeem::Redemption;
use super::{signed_in, upn, windows_transport};
use crate::client::{AcquireTokenByIntegratedWindowsAuth, AuthenticationResult};
use crate::error::Error;
use crate::identity::UserPrincipalName;

pub(crate) async fn sign_in(
    request: AcquireTokenByIntegratedWindowsAuth,
) -> Result<AuthenticationResult, Error> {
    let application = &*request.application;
    let asked = Asked::new(application, &request.scopes, request.options)?;
    // Refused before any network.
    asked.authority.require_organization()?;
    let call = Call::new(application, &asked.options)?;

    let result = async {
        let before = signed_in::who(application).await;
        let own_metadata = request.federation_metadata.as_deref();
        let username = request.username.as_deref();
        let (upn, federation) = upn::find(&call, &asked.authority, username, own_metadata).await?;
        let asserted = windows_transport::request_assertion(&call, &federation).await?;
        let whose = match asserted.principal {
            Some(principal) => Some(signed_in::named(&principal)),
            // A switch of users meanwhile leaves open whose ticket it was.
            None => {
                let after = signed_in::who(application).await;
                after.filter(|after| before.as_ref() == Some(after))
            }
        };
        let redemption = Redemption {
            signed_in: whose.as_deref(),
            ..asked.redemption("iwa")
        };
        let result = redemption.assertion(&call, &asserted.assertion).await?;
        warn_of_another_user(&upn, &result);
        Ok(result)
    };
    result
        .await
        .map_err(|error: Error| error.with_correlation_id(&call.correlation_id))
}

/// Alternate login ids differ from the UPN legitimately, so this is no error; but a person should know.
fn warn_of_another_user(asked: &UserPrincipalName, result: &AuthenticationResult) {
    let given = result.account().username();
    if !given.is_empty() && !given.eq_ignore_ascii_case(asked.as_str()) {
        tracing::warn!(%asked, given, "the token is for the user of the Kerberos ticket");
    }
}
