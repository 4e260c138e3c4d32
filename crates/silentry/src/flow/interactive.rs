//! A sign-in in the user's browser: authorization code with PKCE, brought back to a loopback address (RFC 8252).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::authorization::{AuthorizationRequest, Outcome, Prompt};
use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::token_request::TokenGrant;
use silentry_protocol::secret::Secret;

use super::asked::Asked;
use super::call::Call;
use super::endpoints;
use super::flight;
use super::redeem::Redemption;
use crate::application::Application;
use crate::authority::endpoints::Endpoints;
use crate::browser::{Browser, LoopbackListener, SystemBrowser};
use crate::client::AcquireTokenInteractive;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::own_thread::{self, OwnThreadError};
use crate::random;
use crate::result::AuthenticationResult;

/// How long the user may take unless the program says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn sign_in(
    request: AcquireTokenInteractive,
) -> Result<AuthenticationResult, Error> {
    let application = &request.application;
    let asked = Asked::new(
        Flow::Interactive,
        application,
        &request.scopes,
        request.options,
    )?;
    let scopes = asked.scopes_and(&request.extra_scopes_to_consent)?;
    let call = Call::new(application, &asked.options)?;
    let redemption = asked.redemption("authorization_code");
    let named = asked.options.username.as_ref();
    let login_hint = request.login_hint.as_ref().or(named).map(String::as_str);

    let result = async {
        let endpoints = endpoints::of(&call, &asked.authority).await?;
        let listener = LoopbackListener::bind(request.port)
            .await
            .map_err(|error| {
                Error::new(
                    Code::LoopbackNotAvailable,
                    Stage::Browser,
                    error.to_string(),
                )
            })?;
        let redirect_uri = listener.redirect_uri();
        let (state, nonce) = (random::token()?, random::token()?);
        let code_verifier = Secret::from(random::token()?);
        let authorization = AuthorizationRequest {
            server: endpoints.authority.kind(),
            form_post: endpoints.form_post,
            client_id: &application.client_id,
            scopes: &scopes,
            offline_access: application.refresh_tokens,
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            code_challenge: &code_challenge(&code_verifier),
            prompt: request
                .prompt
                .or_else(|| consent_to_offline_access(application, &endpoints)),
            login_hint,
            domain_hint: request.domain_hint.as_deref(),
            claims: asked.claims.as_ref(),
            correlation_id: &call.correlation_id,
            extra_query_parameters: &asked.options.extra_query_parameters,
        };
        let url = authorization.url(&endpoints.authorization);
        let browser = request.browser.unwrap_or_else(|| Arc::new(SystemBrowser));
        let response = tokio::select! {
            response = listener.receive(&state) => response,
            error = failure_to_open(Arc::clone(&browser), url.into(), application, request.patience) => return Err(error),
            () = application.clock.sleep(request.patience) => {
                return Err(nobody_came(request.patience, listener.another_came()));
            }
        };
        check_issuer(&endpoints, response.issuer.as_deref())?;
        let code = match response.outcome {
            Outcome::Code(code) => code,
            Outcome::Cancelled => {
                let message = "the user cancelled the sign-in";
                return Err(Error::new(
                    Code::AuthenticationCanceled,
                    Stage::Browser,
                    message,
                ));
            }
            Outcome::Refused(error) => {
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
    let who = login_hint.unwrap_or_default();
    let asking = application
        .throttle
        .asking(flight::name(application, who, &asked));
    let throttle = &application.throttle;
    let unless_refused = throttle.around(&*application.clock, &asking, result);
    call.run(Flow::Interactive, unless_refused).await
}

/// Opens the browser, and ends only when that fails. The answer is waited for meanwhile: some openers end with the
/// browser, and some browsers come back before they do.
async fn failure_to_open(
    browser: Arc<dyn Browser>,
    url: String,
    application: &Application,
    patience: Duration,
) -> Error {
    let runtime = tokio::runtime::Handle::current();
    let open = move || {
        let _context = runtime.enter();
        // Launchers tend to tell their command line, with the state and the user's name in it.
        let told = browser.open(&url).map_err(|error| error.to_string());
        told.map_err(|text| text.replace(&url, "the address"))
    };
    match own_thread::run("silentry-browser", &*application.clock, patience, open).await {
        Ok(Ok(())) | Err(OwnThreadError::TimedOut) => std::future::pending().await,
        Ok(Err(why)) => Error::new(Code::NoBrowser, Stage::Browser, why),
        Err(OwnThreadError::NoThread(error)) => {
            Error::new(Code::NoBrowser, Stage::Browser, error.to_string())
        }
        Err(OwnThreadError::Died) => {
            let message = "the thread that opens the browser panicked";
            Error::new(Code::NoBrowser, Stage::Browser, message)
        }
    }
}

fn nobody_came(patience: Duration, another_came: bool) -> Error {
    let seconds = patience.as_secs();
    if another_came {
        let message = format!(
            "the browser only came back with the answer to another sign-in, within {seconds} s"
        );
        return Error::new(Code::StateMismatch, Stage::Browser, message);
    }
    let message = format!("nobody signed in within {seconds} s");
    Error::new(Code::AuthenticationTimedOut, Stage::Browser, message)
}

/// A refresh token is given for `offline_access` with this prompt alone (OpenID Connect Core 11); Entra and AD FS do
/// without.
fn consent_to_offline_access(application: &Application, endpoints: &Endpoints) -> Option<Prompt> {
    let by_the_book = endpoints.authority.kind() == AuthorityKind::OpenIdConnect;
    (by_the_book && application.refresh_tokens).then_some(Prompt::Consent)
}

/// Or the code of one server would be brought to another (RFC 9207 section 2.4).
fn check_issuer(endpoints: &Endpoints, named: Option<&str>) -> Result<(), Error> {
    let checked = match named {
        Some(issuer) => endpoints
            .issuer
            .check_name(issuer)
            .map_err(|error| format!("the browser came back from another server: {error}")),
        None if endpoints.names_issuer => {
            Err("the browser did not bring the issuer that the server promises to name".to_owned())
        }
        None => Ok(()),
    };
    checked.map_err(|message| Error::new(Code::IssuerMismatch, Stage::Browser, message))
}

/// RFC 7636 section 4.2.
fn code_challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}
