//! The token endpoint.

use std::sync::atomic::Ordering;

use super::claims::Demands;
use super::error::{EntraError, MFA_CLAIMS, MFA_DEMANDED, not_in_directory};
use super::grants;
use super::issue::{self, Scopes, TokenReply};
use super::parameters::{client, form, required, scope};
use super::proof::Proof;
use super::{Entra, discovery, pages, tenant};
use crate::clock::http_date;
use crate::directory::{Application, Demand, Tenant, User};
use crate::http::{Reply, Request};
use crate::scenario::switches::Token;

const STAGE: &str = "token";

/// `POST /{tenant}/oauth2/v2.0/token` and `POST /{tenant}/oauth2/token`.
pub(super) fn answer(entra: &Entra, request: &Request, word: &str) -> Reply {
    match entra.switches.token {
        Token::FailsOnce if !entra.failed_once.swap(true, Ordering::SeqCst) => {
            let reply = Reply::html(STAGE, 503, "<html><body>Service Unavailable</body></html>");
            return entra.dressed(reply, request);
        }
        Token::Html => {
            return entra.dressed(Reply::html(STAGE, 200, pages::captive_portal()), request);
        }
        Token::ThrottlesOnce if entra.failed_once.swap(true, Ordering::SeqCst) => {}
        Token::Throttles | Token::ThrottlesOnce | Token::ThrottlesUntil => {
            let error = EntraError::new(
                429,
                "temporarily_unavailable",
                90055,
                "The server has terminated the request because there are too many of them. Please \
                 wait and try again.",
            );
            let until = entra.clock.now() + time::Duration::seconds(60);
            let retry_after = match entra.switches.token {
                Token::ThrottlesUntil => http_date(until),
                Token::ThrottlesOnce => "1".to_owned(),
                _ => "60".to_owned(),
            };
            return entra
                .refuse(STAGE, request, error)
                .header("retry-after", retry_after);
        }
        Token::Answers | Token::FailsOnce => {}
    }
    match tokens(entra, request, word) {
        Ok(reply) => entra
            .json(STAGE, 200, request, &reply)
            .header("cache-control", "no-store, no-cache")
            .header("pragma", "no-cache")
            .header("expires", "-1")
            .header("x-ms-clitelem", "1,0,0,,"),
        Err(error) => entra.refuse(STAGE, request, error),
    }
}

fn tokens(entra: &Entra, request: &Request, word: &str) -> Result<TokenReply, EntraError> {
    let tenant = tenant(word)?;
    let form = form(request)?;
    let grant = required(&form, "grant_type")?;
    let application = client(entra, &form)?;
    let v1 = !request.path.to_ascii_lowercase().contains("/v2.0/");
    let scopes = match scope(&form, v1) {
        stated if stated.trim().is_empty() && grants::remembers_scope(grant) => None,
        stated => Some(Scopes::parse(&stated)?),
    };
    let proof = grants::prove(entra, grant, &form, tenant, application, v1)?;
    let scopes = match scopes {
        Some(scopes) => scopes,
        None => Scopes::parse(proof.scope.as_deref().unwrap_or_default())?,
    };
    let claims = form.get("claims").or(proof.claims.as_ref());
    let demands = Demands::parse(claims.map(String::as_str).unwrap_or_default());
    let object_id = permit(entra, &proof, &scopes, &demands, application)?;
    let object_id = of_tenant(proof.user, object_id, tenant)?;
    let asked = issue::Request {
        tenant,
        host: discovery::issuing_host(request.host),
        wants_client_info: form.get("client_info").is_some_and(|wanted| wanted == "1"),
        nonce: proof.nonce.or_else(|| form.get("nonce").cloned()),
        v1,
        mfa: proof.mfa,
        demands,
    };
    Ok(issue::tokens(
        entra,
        proof.user,
        object_id,
        application,
        &scopes,
        &asked,
    ))
}

/// Returns the object id of a user who may have a token now.
fn permit(
    entra: &Entra,
    proof: &Proof,
    scopes: &Scopes,
    demands: &Demands,
    application: &Application,
) -> Result<&'static str, EntraError> {
    let User {
        upn,
        enabled,
        object_id,
        demand,
        ..
    } = *proof.user;
    let Some(object_id) = object_id else {
        return Err(not_in_directory(upn));
    };
    if !enabled {
        return Err(EntraError::invalid_grant(
            50057,
            "The user account is disabled.",
        ));
    }
    if entra.switches.password_expired && proof.first_factor {
        return Err(EntraError::invalid_grant(
            50144,
            "The user's Active Directory password has expired.",
        )
        .suberror("user_password_expired"));
    }
    let mfa = |code, text| {
        // A password is answered with invalid_grant (recorded 2025), an assertion with
        // interaction_required (documented for other grants without a user).
        let error = if proof.by_password || !proof.first_factor {
            "invalid_grant"
        } else {
            "interaction_required"
        };
        let resource = scopes.identifier();
        EntraError::new(400, error, code, format!("{text} to access '{resource}'."))
            .suberror("basic_action")
            .claims(MFA_CLAIMS)
    };
    if demands.context.is_some() && !proof.mfa {
        return Err(mfa(50076, MFA_DEMANDED).claims(demands.context_claims()));
    }
    match demand {
        Demand::Mfa if proof.first_factor => Err(mfa(50076, MFA_DEMANDED)),
        Demand::MfaOutside if proof.first_factor && !proof.inside_network => Err(mfa(
            50079,
            "Due to a configuration change made by your administrator, or because you moved to a \
             new location, you must enroll in multi-factor authentication",
        )),
        Demand::Consent if !entra.has_consented(proof.user, application.client_id) => {
            Err(EntraError::invalid_grant(
                65001,
                "The user or administrator has not consented to use the application. Send an \
             interactive authorization request for this user and resource.",
            )
            .suberror("consent_required"))
        }
        Demand::Nothing | Demand::Mfa | Demand::MfaOutside | Demand::Consent => Ok(object_id),
    }
}

/// Returns the object id that the user has in this tenant.
fn of_tenant(
    user: &User,
    object_id: &'static str,
    tenant: Tenant,
) -> Result<&'static str, EntraError> {
    if tenant != Tenant::Partner {
        return Ok(object_id);
    }
    user.guest_object_id.ok_or_else(|| {
        EntraError::invalid_grant(
            50020,
            format!(
                "User account '{}' from identity provider 'https://sts.windows.net/{}/' does not \
                 exist in tenant 'Fabrikam' and cannot access the application in that tenant. The \
                 account needs to be added as an external user in the tenant first.",
                user.upn,
                crate::directory::TENANT_ID
            ),
        )
    })
}
