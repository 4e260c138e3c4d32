//! Parameters of requests that several endpoints take, and the client that they name.

use super::Entra;
use super::error::EntraError;
use crate::directory::{Application, Tenant, application};
use crate::http::Request;
use crate::oauth::{Form, member, parse_form};
use crate::random::is_guid;

/// Returns the form that is the body.
pub(super) fn form(request: &Request) -> Result<Form, EntraError> {
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
