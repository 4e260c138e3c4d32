//! The token endpoint.

use std::sync::atomic::Ordering;

use super::claims::Demands;
use super::error::EntraError;
use super::grants::{self, Proof};
use super::issue::{self, Scopes, TokenReply};
use super::{Entra, discovery, pages, tenant};
use crate::clock::http_date;
use crate::directory::{Application, Demand, Tenant, User, application};
use crate::http::{Reply, Request};
use crate::oauth::{Form, member, parse_form};
use crate::random::is_guid;
use crate::scenario::switches::Token;

const STAGE: &str = "token";

pub(super) const MFA_DEMANDED: &str = "Due to a configuration change made by your administrator, \
or because you moved to a new location, you must use multi-factor authentication";

/// What the `claims` of a refusal ask for; clients pass it on, and must not read it.
pub(super) const MFA_CLAIMS: &str = "{\"access_token\":{\"capolids\":{\"essential\":true,\
\"values\":[\"c2b6a7a4-5d3f-4a3b-9d46-0d8e3f7a6b51\"]}}}";

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

fn form(request: &Request) -> Result<Form, EntraError> {
    if request.media_type() != "application/x-www-form-urlencoded" {
        return Err(EntraError::invalid_request(
            900144,
            "The request body must contain the following parameter: 'grant_type'.",
        ));
    }
    Ok(parse_form(&request.body))
}

/// Returns a member that must be there and not be empty.
pub(super) fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, EntraError> {
    member(form, name).ok_or_else(|| EntraError::missing_parameter(name))
}

/// The v1 endpoint has `resource` in place of most of the scope.
pub(super) fn scope(form: &Form, v1: bool) -> String {
    let scope = form.get("scope").cloned().unwrap_or_default();
    match form.get("resource").filter(|_| v1) {
        Some(resource) => format!("{scope} {resource}/.default"),
        None => scope,
    }
}

/// Returns the client, if it may ask for tokens without a secret.
pub(super) fn client(entra: &Entra, form: &Form) -> Result<&'static Application, EntraError> {
    let application = known_client(form)?;
    if !application.public && form.contains_key("client_secret") {
        // The lab knows no secret of it, so that each is a wrong one.
        return Err(EntraError::new(
            401,
            "invalid_client",
            7000215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is \
                 the client secret value, not the client secret ID, for a secret added to app \
                 '{}'.",
                application.client_id
            ),
        ));
    }
    if !application.public || !entra.switches.public_client {
        return Err(EntraError::new(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        ));
    }
    if form.contains_key("client_secret") {
        return Err(EntraError::new(
            401,
            "invalid_client",
            700025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        ));
    }
    Ok(application)
}

/// Returns the registered application that the request names.
pub(super) fn known_client(form: &Form) -> Result<&'static Application, EntraError> {
    let client_id = required(form, "client_id")?;
    if !is_guid(client_id) {
        return Err(EntraError::invalid_request(
            900023,
            format!("Specified client identifier '{client_id:.100}' is not a valid GUID."),
        ));
    }
    application(client_id).ok_or_else(|| {
        EntraError::new(
            400,
            "unauthorized_client",
            700016,
            format!(
                "Application with identifier '{client_id}' was not found in the directory \
                 'Contoso'. This can happen if the application has not been installed by the \
                 administrator of the tenant or consented to by any user in the tenant. You may \
                 have sent your authentication request to the wrong tenant."
            ),
        )
    })
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

pub(super) fn not_in_directory(who: &str) -> EntraError {
    EntraError::invalid_grant(
        51004,
        format!(
            "The user account {who:.100} does not exist in the {} directory. To sign into this \
             application, the account must be added to the directory.",
            crate::directory::TENANT_ID
        ),
    )
}

/// Grants that prove a user do not work where no tenant is named.
pub(super) fn require_tenant(tenant: Tenant) -> Result<(), EntraError> {
    match tenant {
        Tenant::Home | Tenant::Partner | Tenant::Organizations => Ok(()),
        Tenant::Common | Tenant::Consumers => Err(EntraError::invalid_request(
            90010,
            "The grant type is not supported over the /common or /consumers endpoints. Please use \
             the /organizations or tenant-specific endpoint.",
        )),
    }
}
