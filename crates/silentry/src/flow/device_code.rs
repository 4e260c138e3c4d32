//! A sign-in on another device: show a code, then ask until the user has signed in (RFC 8628).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::device_code::{DeviceCodeResponse, DeviceCodeResponseError};
use silentry_protocol::oauth::token_request::{TokenGrant, device_code_form};
use silentry_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::asked::Asked;
use super::call::Call;
use super::endpoints;
use crate::application::Application;
use crate::client::{BeginDeviceCode, DeviceCode};
use crate::error::{Category, Code, Error, Stage};
use crate::flow_name::Flow;
use crate::result::AuthenticationResult;

/// What the cache says of how the user signed in, in MSAL Python's word.
const SOURCE: &str = "device_code";
/// How much longer to wait after `slow_down`, and after a network that failed (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// A sign-in that waits for its user.
pub(crate) struct PendingSignIn {
    application: Arc<Application>,
    /// With the correlation id of the beginning: Entra logs the whole sign-in under it.
    asked: Asked,
    code: DeviceCode,
    device_code: Secret,
    interval: Duration,
}

impl PendingSignIn {
    pub(crate) fn code(&self) -> &DeviceCode {
        &self.code
    }
}

/// Asks for a code.
pub(crate) async fn begin(request: BeginDeviceCode) -> Result<PendingSignIn, Error> {
    let application = Arc::clone(&request.application);
    let mut asked = Asked::new(
        Flow::DeviceCode,
        &application,
        &request.scopes,
        request.options,
    )?;
    let call = Call::new(&application, &asked.options)?;
    let ask = ask_for_code(&call, &asked, request.language.as_deref());
    let response = call.run(Flow::DeviceCode, ask).await?;
    asked.options.correlation_id = Some(call.correlation_id);

    let message = response.message.unwrap_or_else(|| {
        format!(
            "To sign in, open {} in a web browser and enter the code {}.",
            response.verification_uri, response.user_code
        )
    });
    let lifetime = Duration::from_secs(response.expires_in);
    let expires_on = application.clock.now() + lifetime;
    Ok(PendingSignIn {
        asked,
        code: DeviceCode {
            user_code: response.user_code,
            verification_uri: response.verification_uri,
            verification_uri_complete: response.verification_uri_complete,
            message,
            expires_on,
        },
        device_code: response.device_code,
        interval: Duration::from_secs(response.interval),
        application: Arc::clone(&application),
    })
}

/// Asks for the token until the user has signed in, has declined, or the code has expired.
pub(crate) async fn wait(mut pending: PendingSignIn) -> Result<AuthenticationResult, Error> {
    let application = Arc::clone(&pending.application);
    let options = pending.asked.options.clone();
    let call = Call::new(&application, &options)?;
    call.run(Flow::DeviceCode, pending.poll(&call)).await
}

impl PendingSignIn {
    async fn poll(&mut self, call: &Call<'_>) -> Result<AuthenticationResult, Error> {
        let clock = &call.application.clock;
        let mut pause = self.interval;
        loop {
            clock.sleep(pause).await;
            pause = self.interval;
            let expired = clock.now() >= self.code.expires_on;
            match self.ask(call).await {
                Ok(result) => return Ok(result),
                Err(error) if expired && may_ask_again(&error) => return Err(self.expired()),
                // RFC 8628's word, and that of the v1 endpoints; MSAL's is the latter.
                Err(error) if matches!(error.code(), Code::ExpiredToken | Code::CodeExpired) => {
                    return Err(self.expired().with_answer_of(&error));
                }
                Err(error) if *error.code() == Code::AuthorizationPending => {}
                Err(error) if may_ask_again(&error) => {
                    self.interval += SLOWER;
                    pause = self.pause_after(&error, clock.now());
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, call: &Call<'_>) -> Result<AuthenticationResult, Error> {
        let grant = TokenGrant::DeviceCode(&self.device_code);
        let redemption = self.asked.redemption(SOURCE);
        redemption.grant(call, grant, Grant::Other).await
    }

    /// How long a server that says so is left alone, but no longer than the code is good.
    fn pause_after(&self, error: &Error, now: SystemTime) -> Duration {
        let left = self.code.expires_on.duration_since(now).unwrap_or_default();
        let asked = error.retry_after().unwrap_or_default();
        self.interval.max(asked.min(left))
    }

    fn expired(&self) -> Error {
        let message = format!("nobody entered the code {} in time", self.code.user_code);
        Error::new(Code::CodeExpired, Stage::Token, message)
    }
}

/// Whether the user may still sign in: not yet, not so fast, or the network or the server failed just now.
fn may_ask_again(error: &Error) -> bool {
    matches!(error.code(), Code::AuthorizationPending | Code::SlowDown)
        || error.category() == Category::Network
        || error.is_retryable()
}

async fn ask_for_code(
    call: &Call<'_>,
    asked: &Asked,
    language: Option<&str>,
) -> Result<DeviceCodeResponse, Error> {
    let endpoints = endpoints::of(call, &asked.authority).await?;
    let server = endpoints.authority.kind();
    let mut url = endpoints.device_authorization.ok_or_else(|| {
        let message = format!("{} has no `device_authorization_endpoint`", asked.authority);
        Error::new(Code::TenantDiscoveryFailed, Stage::Discovery, message).with_mitigation(
            "This server takes no device codes: sign in with the browser, by {web}.",
        )
    })?;
    // Entra's word alone.
    if let Some(language) = language.filter(|_| server == AuthorityKind::Entra) {
        url.query_pairs_mut().append_pair("mkt", language);
    }
    let form = device_code_form(
        &call.application.client_id,
        &asked.scopes,
        call.application.refresh_tokens,
        asked.claims.as_ref(),
    );
    let form = Zeroizing::new(form.expose().as_bytes().to_vec());
    let request = call
        .post(server, &url, form)
        .with_extra_headers(&asked.options.extra_headers);
    let response = call
        .exchange
        .send(Stage::DeviceCode, &url, &request)
        .await?;
    let refused = || {
        asked
            .redemption(SOURCE)
            .refused_by(call, Stage::DeviceCode, Grant::Other, &response)
    };
    if !(200..300).contains(&response.status()) {
        return Err(refused());
    }
    DeviceCodeResponse::parse(response.body()).map_err(|error| match error {
        DeviceCodeResponseError::ErrorReply => refused(),
        error => Error::of(Stage::DeviceCode, &error).unless_compressed(&response),
    })
}
