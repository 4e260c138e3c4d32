//! The ways of proving a user at the token endpoint.

use super::assertion::{self, Version};
use super::error::{EntraError, MFA_CLAIMS, MFA_DEMANDED};
use super::parameters::{require_tenant, required};
use super::proof::Proof;
use super::{Entra, device};
use crate::directory::{self, Application, DomainKind, Tenant, User};
use crate::oauth::{Form, member};
use crate::scenario::switches::{self, Refresh};

const SAML1_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml1_1-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Returns whether the scope of an earlier request counts when this one has none.
pub(super) fn remembers_scope(grant: &str) -> bool {
    matches!(grant, "authorization_code" | "device_code" | DEVICE_CODE)
}

/// Finds out who the user is.
pub(super) fn prove(
    entra: &Entra,
    grant: &str,
    form: &Form,
    tenant: Tenant,
    application: &'static Application,
    v1: bool,
) -> Result<Proof, EntraError> {
    match grant {
        SAML1_BEARER => assertion(entra, form, Version::Saml1),
        SAML2_BEARER => assertion(entra, form, Version::Saml2),
        "password" => password(entra, form, tenant),
        "refresh_token" => refresh_token(entra, form, application),
        "authorization_code" => authorization_code(entra, form, application),
        // MSAL Python and Java use the name of RFC 8628; MSAL.NET, Go and Node the older one.
        DEVICE_CODE | "device_code" => device::poll(entra, form, application, v1),
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
        first_factor: true,
        inside_network: statement.inside_network,
        ..Proof::of(statement.user)
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
        first_factor: true,
        by_password: true,
        ..Proof::of(user)
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
    let Some(known) = entra.refresh_tokens.get(presented) else {
        return Err(EntraError::invalid_grant(
            9002313,
            "Invalid request. Request is malformed or invalid.",
        ));
    };
    // Applications of the family redeem each other's refresh tokens.
    let family = known.application.family && application.family;
    let same = known.application.client_id == application.client_id;
    let other_client = entra.switches.refresh == Refresh::OtherClient;
    if other_client || !(same || family) {
        return Err(EntraError::invalid_grant(
            700005,
            "Provided Authorization Code is intended to use against other tenant or application, \
             thus rejected.",
        )
        .suberror("client_mismatch"));
    }
    let expired = known.expires <= entra.clock.unix();
    if let Some(refusal) = refresh_refused(entra.switches.refresh, expired) {
        return Err(refusal);
    }
    Ok(Proof {
        mfa: known.mfa,
        ..Proof::of(known.user)
    })
}

fn refresh_refused(refresh: Refresh, expired: bool) -> Option<EntraError> {
    match refresh {
        Refresh::Revoked => Some(
            EntraError::invalid_grant(
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is \
                 needed. The user might have changed or reset their password.",
            )
            .suberror("bad_token"),
        ),
        Refresh::Expired => Some(EntraError::invalid_grant(
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send \
             a new interactive authorization request for this user and resource.",
        )),
        Refresh::NeedsMfa => Some(
            EntraError::invalid_grant(50076, format!("{MFA_DEMANDED} to access the resource."))
                .suberror("basic_action")
                .claims(MFA_CLAIMS),
        ),
        Refresh::Inactive => Some(inactive()),
        Refresh::Works | Refresh::OtherClient => expired.then(inactive),
    }
}

fn inactive() -> EntraError {
    EntraError::invalid_grant(700082, "The refresh token has expired due to inactivity.")
        .suberror("token_expired")
}

/// Redeems an authorization code: once, by the client that asked for it, for the same redirect
/// URI, with the verifier of its challenge.
fn authorization_code(
    entra: &Entra,
    form: &Form,
    application: &Application,
) -> Result<Proof, EntraError> {
    let presented = required(form, "code")?;
    let redirect_uri = required(form, "redirect_uri")?;
    let known = entra.codes.update(presented, |code| {
        let before = code.clone();
        code.redeemed = true;
        before
    });
    let Some(code) = known else {
        return Err(EntraError::invalid_grant(
            9002313,
            "Invalid request. Request is malformed or invalid.",
        ));
    };
    if code.asked.application.client_id != application.client_id {
        return Err(EntraError::invalid_grant(
            700005,
            "Provided Authorization Code is intended to use against other tenant or application, \
             thus rejected.",
        ));
    }
    if code.redeemed {
        return Err(EntraError::invalid_grant(
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or \
             use an existing refresh token.",
        ));
    }
    if code.expires <= entra.clock.unix() {
        return Err(EntraError::invalid_grant(
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send \
             a new interactive authorization request for this user and resource.",
        ));
    }
    if code.asked.callback.redirect_uri != redirect_uri {
        return Err(EntraError::invalid_grant(
            500112,
            format!(
                "The reply address '{redirect_uri:.200}' does not match the reply address \
                 provided when requesting Authorization code."
            ),
        ));
    }
    let verifier = member(form, "code_verifier");
    match (&code.asked.challenge, verifier) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
        (Some(_), _) => {
            return Err(EntraError::invalid_grant(
                501481,
                "The Code_Verifier does not match the code_challenge supplied in the \
                 authorization request.",
            ));
        }
        (None, Some(_)) => {
            return Err(EntraError::invalid_grant(
                50148,
                "The code_verifier does not match the code_challenge supplied in the \
                 authorization request for PKCE.",
            ));
        }
    }
    Ok(Proof {
        mfa: code.mfa,
        scope: Some(code.asked.scope),
        nonce: code.asked.nonce,
        claims: code.asked.claims,
        ..Proof::of(code.user)
    })
}
