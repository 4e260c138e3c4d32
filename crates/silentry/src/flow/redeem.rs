//! The assertion becomes tokens.

use std::time::{Duration, UNIX_EPOCH};

use url::Url;
use zeroize::Zeroizing;

use super::call::Call;
use crate::authority::Authority;
use crate::client::{Account, AuthenticationResult, RequestOptions};
use crate::error::{Error, Stage};
use crate::federation::assertion::{SamlAssertion, SamlVersion};
use crate::oauth::claims::ClaimsRequest;
use crate::oauth::classification::Grant;
use crate::oauth::consent::ConsentRequest;
use crate::oauth::error_response::ErrorResponse;
use crate::oauth::id_token::{ClientInfo, IdToken, home_account_id};
use crate::oauth::scopes::Scopes;
use crate::oauth::token_request::{TokenGrant, TokenRequest};
use crate::oauth::token_response::{TokenResponse, TokenResponseError};
use crate::transport::{HttpResponse, retry_after};

/// Exchanges the assertion at the authority's token endpoint.
pub(super) async fn assertion(
    call: &Call<'_>,
    authority: &Authority,
    scopes: &Scopes,
    claims: Option<&ClaimsRequest>,
    options: &RequestOptions,
    assertion: &SamlAssertion,
) -> Result<AuthenticationResult, Error> {
    let grant = match assertion.version() {
        SamlVersion::V1_1 => TokenGrant::Saml11Bearer(assertion.as_bytes()),
        SamlVersion::V2_0 => TokenGrant::Saml2Bearer(assertion.as_bytes()),
    };
    let mut request = TokenRequest::new(&call.application.client_id, scopes, grant);
    if let Some(claims) = claims {
        request = request.with_claims(claims);
    }
    let url = token_url(authority, &options.extra_query_parameters)?;
    let form = Zeroizing::new(request.form().expose().as_bytes().to_vec());
    let request = call
        .entra_post(&url, form)
        .with_extra_headers(&options.extra_headers);
    let response = call.exchange.send(Stage::Token, &url, &request).await?;
    if !(200..300).contains(&response.status()) {
        return Err(refusal(call, authority, scopes, &response));
    }
    match TokenResponse::parse(response.body()) {
        Ok(token) => Ok(result(call, authority, scopes, &token)),
        Err(TokenResponseError::ErrorReply) => Err(refusal(call, authority, scopes, &response)),
        Err(error) => Err(Error::new(error.code(), Stage::Token, error.to_string())),
    }
}

fn token_url(authority: &Authority, extra: &[(String, String)]) -> Result<Url, Error> {
    let mut url = Url::parse(&authority.token_endpoint()).map_err(|error| {
        Error::new(
            "invalid_authority",
            Stage::Request,
            format!("`{authority}`: {error}"),
        )
    })?;
    if !extra.is_empty() {
        url.query_pairs_mut().extend_pairs(extra);
    }
    Ok(url)
}

fn refusal(
    call: &Call<'_>,
    authority: &Authority,
    scopes: &Scopes,
    response: &HttpResponse,
) -> Error {
    let error = ErrorResponse::parse(response.status(), response.body());
    let tenant = authority.tenant().to_string();
    let consent = ConsentRequest {
        authority_host: authority.host(),
        tenant: &tenant,
        client_id: &call.application.client_id,
        scopes,
        redirect_uri: None,
    };
    let clocks = call.clock_difference(response);
    Error::from_token_endpoint(
        &error,
        Grant::SamlAssertion,
        &consent,
        retry_after(response),
        clocks.as_deref(),
    )
}

fn result(
    call: &Call<'_>,
    authority: &Authority,
    asked: &Scopes,
    token: &TokenResponse,
) -> AuthenticationResult {
    // Straight from the token endpoint over TLS, so its signature need not be checked (OpenID Connect Core 3.1.3.7).
    let id_token = token
        .id_token
        .as_ref()
        .and_then(|token| IdToken::decode(token.expose()).ok());
    let client_info = token.client_info.as_deref().and_then(ClientInfo::decode);
    let now = call.application.clock.now();
    let now_seconds = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let after = |seconds: u64| now.checked_add(Duration::from_secs(seconds)).unwrap_or(now);
    let id = id_token.as_ref();
    AuthenticationResult {
        access_token: token.access_token.clone(),
        id_token: token.id_token.clone(),
        expires_on: after(token.lifetime(now_seconds)),
        extended_expires_on: token.ext_expires_in.map(after),
        refresh_on: token.refresh_in.map(after),
        scopes: token
            .scope
            .as_ref()
            .unwrap_or(asked)
            .iter()
            .map(str::to_owned)
            .collect(),
        tenant_id: id.and_then(|id| id.tid.clone()),
        unique_id: id.and_then(|id| id.local_account_id()).map(str::to_owned),
        account: Account {
            username: id
                .and_then(IdToken::username)
                .unwrap_or_default()
                .to_owned(),
            home_account_id: home_account_id(client_info.as_ref(), id),
            environment: authority.host().to_owned(),
        },
        correlation_id: call.correlation_id.clone(),
    }
}
