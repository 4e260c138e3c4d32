//! A sign-in in the user's browser: authorization code with PKCE, brought back to a loopback address (RFC 8252).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;

use super::asked::Asked;
use super::call::Call;
use super::flight;
use super::redeem::Redemption;
use crate::browser::{Browser, LoopbackListener, SystemBrowser};
use crate::client::{AcquireTokenInteractive, AuthenticationResult};
use crate::error::{Error, Stage};
use crate::oauth::authorization::{AuthorizationRequest, AuthorizationResponse};
use crate::oauth::classification::Grant;
use crate::oauth::token_request::TokenGrant;
use crate::random;
use crate::secret::Secret;

/// How long the user may take unless the program says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn sign_in(
    request: AcquireTokenInteractive,
) -> Result<AuthenticationResult, Error> {
    let application = &*request.application;
    let asked = Asked::new(application, &request.scopes, request.options)?;
    let call = Call::new(application, &asked.options)?;
    let redemption = asked.redemption("authorization_code");

    let result = async {
        let listener = LoopbackListener::bind(request.port)
            .await
            .map_err(|error| {
                Error::new("loopback_not_available", Stage::Browser, error.to_string())
            })?;
        let redirect_uri = listener.redirect_uri();
        let (state, nonce) = (random::token()?, random::token()?);
        let code_verifier = Secret::from(random::token()?);
        let authorization = AuthorizationRequest {
            client_id: &application.client_id,
            scopes: &asked.scopes,
            offline_access: application.refresh_tokens,
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &code_challenge(&code_verifier),
            prompt: request.prompt,
            login_hint: request.login_hint.as_deref(),
            domain_hint: request.domain_hint.as_deref(),
            claims: asked.claims.as_ref(),
            correlation_id: &call.correlation_id,
            extra_query_parameters: &asked.options.extra_query_parameters,
        };
        let url = authorization.url(&endpoint(&asked.authority.authorization_endpoint())?);
        let browser: &dyn Browser = request.browser.as_deref().unwrap_or(&SystemBrowser);
        browser
            .open(url.as_str())
            .map_err(|error| Error::new("no_browser", Stage::Browser, error.to_string()))?;
        let response = tokio::select! {
            brought = listener.receive(&state) => brought.map_err(|error| {
                Error::new("loopback_not_available", Stage::Browser, error.to_string())
            })?,
            () = application.clock.sleep(request.patience) => return Err(nobody_came(request.patience)),
        };
        if response.state() != state {
            let message = "the browser came back with the answer to another sign-in";
            return Err(Error::new("state_mismatch", Stage::Browser, message));
        }
        let code = match response {
            AuthorizationResponse::Code { code, .. } => code,
            AuthorizationResponse::Refused { error, .. } => {
                return Err(redemption.refused(&call, Grant::Other, &error));
            }
        };
        let grant = TokenGrant::AuthorizationCode {
            code: &code,
            redirect_uri: &redirect_uri,
            code_verifier: &code_verifier,
        };
        Redemption {
            nonce: Some(&nonce),
            ..redemption
        }
        .grant(&call, grant, Grant::Other)
        .await
    };
    let who = request.login_hint.as_deref().unwrap_or_default();
    let asking = application
        .throttle
        .asking(flight::name(application, who, &asked));
    application
        .throttle
        .around(&*application.clock, &asking, result)
        .await
        .map_err(|error: Error| error.with_correlation_id(&call.correlation_id))
}

fn nobody_came(patience: Duration) -> Error {
    let message = format!("nobody signed in within {} s", patience.as_secs());
    Error::new("authentication_timed_out", Stage::Browser, message)
}

fn endpoint(text: &str) -> Result<Url, Error> {
    Url::parse(text)
        .map_err(|error| Error::new("invalid_authority", Stage::Request, error.to_string()))
}

/// RFC 7636 section 4.2.
fn code_challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}
