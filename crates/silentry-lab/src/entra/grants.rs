//! The ways of proving a user at the token endpoint.

use std::sync::PoisonError;

use super::assertion::{self, Version};
use super::error::EntraError;
use super::token::{Form, require_tenant, required};
use super::{Entra, issue::RefreshToken};
use crate::directory::{self, Application, DomainKind, Tenant, User};
use crate::scenario::switches;

const SAML1_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml1_1-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

/// A user who was proven, and how.
pub(super) struct Proof {
    pub(super) user: &'static User,
    /// Whether this was a sign-in, as opposed to a refresh that lives off an earlier one.
    pub(super) first_factor: bool,
    pub(super) by_password: bool,
    pub(super) inside_network: bool,
}

/// Finds out who the user is.
pub(super) fn prove(
    entra: &Entra,
    grant: &str,
    form: &Form,
    tenant: Tenant,
    application: &Application,
) -> Result<Proof, EntraError> {
    match grant {
        SAML1_BEARER => assertion(entra, form, Version::Saml1),
        SAML2_BEARER => assertion(entra, form, Version::Saml2),
        "password" => password(entra, form, tenant),
        "refresh_token" => refresh_token(entra, form, application),
        other => Err(EntraError::new(
            400,
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{other:.100}'."),
        )),
    }
}

fn assertion(entra: &Entra, form: &Form, version: Version) -> Result<Proof, EntraError> {
    let presented = required(form, "assertion")?;
    let statement = assertion::verify(presented, version, &entra.keys, entra.clock.now())?;
    Ok(Proof {
        user: statement.user,
        first_factor: true,
        by_password: false,
        inside_network: statement.inside_network,
    })
}

/// Resource owner password credentials. A federated user's password is not at Entra, but for those in
/// a staged rollout.
fn password(entra: &Entra, form: &Form, tenant: Tenant) -> Result<Proof, EntraError> {
    require_tenant(tenant)?;
    let (user_name, password) = (required(form, "username")?, required(form, "password")?);
    let staged = entra.switches.realm == switches::Realm::StagedRollout;
    let user = password_user(user_name, password, staged)?;
    Ok(Proof {
        user,
        first_factor: true,
        by_password: true,
        inside_network: false,
    })
}

/// Checks a password at Entra itself, which has those of federated users only when `synchronized`.
pub(super) fn password_user(
    user_name: &str,
    password: &str,
    synchronized: bool,
) -> Result<&'static User, EntraError> {
    let user = directory::by_upn(user_name).filter(|user| user.object_id.is_some());
    let user = user.ok_or_else(|| {
        EntraError::invalid_grant(
            50034,
            format!(
                "The user account {user_name:.100} does not exist in the {} directory. To sign \
                 into this application, the account must be added to the directory.",
                directory::TENANT_ID
            ),
        )
    })?;
    let federated = directory::domain_kind(user.domain()) == Some(DomainKind::Federated);
    if federated && !synchronized || user.password != password {
        return Err(EntraError::invalid_grant(
            50126,
            "Error validating credentials due to invalid username or password.",
        ));
    }
    Ok(user)
}

fn refresh_token(
    entra: &Entra,
    form: &Form,
    application: &Application,
) -> Result<Proof, EntraError> {
    let presented = required(form, "refresh_token")?;
    let known = entra
        .refresh_tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let Some(RefreshToken {
        user,
        client_id,
        expires,
    }) = known.get(presented)
    else {
        return Err(EntraError::invalid_grant(
            9002313,
            "Invalid request. Request is malformed or invalid.",
        ));
    };
    if *client_id != application.client_id {
        return Err(EntraError::invalid_grant(
            700005,
            "Provided Authorization Code is intended to use against other tenant or application, \
             thus rejected.",
        )
        .suberror("client_mismatch"));
    }
    if *expires <= entra.clock.unix() {
        return Err(EntraError::invalid_grant(
            700082,
            "The refresh token has expired due to inactivity.",
        )
        .suberror("token_expired"));
    }
    Ok(Proof {
        user,
        first_factor: false,
        by_password: false,
        inside_network: false,
    })
}
