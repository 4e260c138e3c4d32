//! One flow after the other, until one gives a token.
//!
//! It **goes on** when a flow gave no token for a reason that the next can cure: a policy that forbids it, no account in the cache, a dead refresh
//! token, no ticket, a managed or unknown user, no windowstransport, a KDC or federation server that cannot be reached,
//! Negotiate refused, an assertion rejected, interaction required. Claims that Entra asks for go on to the next flow.
//!
//! It **stops** where every other flow would fail alike: a bad request, a client or scope that Entra refuses, Entra out of
//! reach, a certificate that is not trusted.
//!
//! It **remembers** what it found out about realm and network, and nothing else ([`verdicts`](super::verdicts)).

#[cfg(feature = "integrated")]
mod integrated;

use std::sync::Arc;
use std::time::Duration;

use silentry_protocol::secret::Secret;

#[cfg(feature = "integrated")]
use self::integrated::integrated_windows_auth;
use super::who::Who;
use super::{asked, cached_user, device_code, silent, username_password};
use crate::application::Application;
#[cfg(feature = "integrated")]
use crate::client::AcquireTokenByIntegratedWindowsAuth;
use crate::client::{
    AcquireToken, AcquireTokenByUsernamePassword, AcquireTokenSilent, AskPassword, BeginDeviceCode,
    CachedUser, FlowOptions, Step,
};
use crate::error::{Attempt, Category, Code, Error, Stage};
use crate::flow_name::Flow;
use crate::own_thread;
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

/// What every flow is asked for.
struct Wanted {
    application: Arc<Application>,
    scopes: Vec<String>,
    #[cfg_attr(
        not(any(feature = "integrated", feature = "interactive")),
        allow(dead_code, reason = "the other flows have nothing to be led to")
    )]
    login_hint: Option<String>,
    /// The user whom the flow that asked for one knew.
    known_user: Option<String>,
    details: FlowOptions,
    options: RequestOptions,
    who: Who,
    /// Whether a token of the cache would have done, and was not there.
    #[cfg(feature = "integrated")]
    cache_would_do: bool,
}

pub(crate) async fn acquire(request: AcquireToken) -> Result<AuthenticationResult, Error> {
    let steps = request.steps;
    let mut wanted = Wanted {
        application: request.application,
        scopes: request.scopes,
        login_hint: request.login_hint,
        known_user: None,
        details: request.details,
        options: request.options,
        who: Who::default(),
        #[cfg(feature = "integrated")]
        cache_would_do: false,
    };
    let mut attempts = Vec::new();
    let last = steps.len().saturating_sub(1);
    let flows: Vec<_> = steps.iter().map(Step::flow).collect();
    for (at, step) in steps.into_iter().enumerate() {
        let flow = flows[at];
        let ticket_is_next = flows[at..].contains(&Flow::IntegratedWindowsAuth);
        #[cfg(feature = "integrated")]
        if let Step::Silent(_) = step {
            wanted.cache_would_do = !wanted.details.force_refresh;
        }
        let named = match &step {
            Step::Silent(CachedUser::Named(name)) => Some(name.clone()),
            _ => None,
        };
        let error = match try_step(&wanted, step, ticket_is_next).await {
            Ok(result) => {
                return Ok(AuthenticationResult {
                    flow: Some(flow),
                    ..result
                });
            }
            Err(error) => error,
        };
        if at == last || !next_may_cure(flow, &error) {
            return Err(error.after(attempts));
        }
        tracing::debug!(%flow, code = error.code().as_str(), "going on to the next flow");
        if let Error::InteractionRequired(needed) = &error {
            // What Entra asks for, the flow that prompts must ask for, and of the same user.
            wanted.options.go_on_from(needed);
            let known = needed.login_hint().map(str::to_owned);
            wanted.known_user = wanted.known_user.or(known);
        }
        wanted.options.account_names.extend(named);
        attempts.push(Attempt {
            flow,
            code: error.code().clone(),
            message: error.to_string(),
        });
    }
    Err(Error::new(
        Code::InvalidRequestOptions,
        Stage::Request,
        "no flow is left to try",
    ))
}

/// Tries one flow; `ticket_is_next` says that the user's ticket will be asked after the cache.
async fn try_step(
    wanted: &Wanted,
    step: Step,
    ticket_is_next: bool,
) -> Result<AuthenticationResult, Error> {
    let application = Arc::clone(&wanted.application);
    // Before a person is asked for anything.
    let authority = asked::authority(&application, &wanted.options)?;
    let policy = &application.policy;
    policy.check_request(step.flow(), &application.client_id, &authority)?;
    let scopes = wanted.scopes.clone();
    let options = wanted.options.clone();
    let FlowOptions {
        force_refresh,
        federation_metadata,
        language,
        ..
    } = wanted.details.clone();
    match step {
        Step::Silent(user) => {
            let sought = cached_user::Sought {
                user,
                name: options.username.as_deref(),
                required_names: &options.account_names,
                ticket_is_next,
            };
            let account =
                cached_user::account(&application, &authority, sought, &wanted.who).await?;
            // The account is the one that is named, whatever the names are that its next token has.
            let options = RequestOptions {
                username: None,
                account_names: Vec::new(),
                account_environment: None,
                ..options
            };
            silent::acquire(AcquireTokenSilent {
                force_refresh,
                options,
                ..AcquireTokenSilent::new(application, scopes, account)
            })
            .await
        }
        #[cfg(feature = "integrated")]
        Step::IntegratedWindowsAuth => {
            let integrated = AcquireTokenByIntegratedWindowsAuth::new(application, scopes);
            let integrated = AcquireTokenByIntegratedWindowsAuth {
                login_hint: wanted.login_hint.clone(),
                federation_metadata,
                options,
                ..integrated
            };
            integrated_windows_auth(wanted, integrated).await
        }
        Step::DeviceCode(show) => {
            let begin = BeginDeviceCode::new(application, scopes);
            let pending = device_code::begin(BeginDeviceCode {
                language,
                options,
                ..begin
            })
            .await?;
            show(pending.code());
            device_code::wait(pending).await
        }
        #[cfg(feature = "interactive")]
        Step::Interactive => {
            let interactive = crate::client::AcquireTokenInteractive::new(application, scopes);
            let details = wanted.details.clone();
            let said = wanted.login_hint.as_ref().or(options.username.as_ref());
            let login_hint = said.or(wanted.known_user.as_ref()).cloned();
            super::interactive::sign_in(crate::client::AcquireTokenInteractive {
                login_hint,
                prompt: details.prompt,
                domain_hint: details.domain_hint,
                port: details.port,
                browser: details.browser,
                patience: details.browser_timeout.unwrap_or(interactive.patience),
                options,
                ..interactive
            })
            .await
        }
        Step::UsernamePassword { username, ask } => {
            let password = asked_password(&application, ask).await?;
            let sign_in =
                AcquireTokenByUsernamePassword::new(application, scopes, username, password);
            username_password::sign_in(AcquireTokenByUsernamePassword {
                federation_metadata,
                options,
                ..sign_in
            })
            .await
        }
    }
}

/// A person types it, and may take the day over it.
async fn asked_password(application: &Application, ask: AskPassword) -> Result<Secret, Error> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let asked = own_thread::run("silentry-password", &*application.clock, DAY, ask).await;
    let missing = |why: String| Error::new(Code::PasswordRequired, Stage::Request, why);
    asked
        .map_err(|_| missing("nobody could be asked for the password".to_owned()))?
        .map_err(missing)
}

fn next_may_cure(flow: Flow, error: &Error) -> bool {
    // The user was asked, and said no.
    if matches!(
        error.code(),
        Code::AccessDenied | Code::AuthenticationCanceled | Code::AuthorizationDeclined
    ) {
        return false;
    }
    if *error.code() == Code::PolicyForbidsFlow {
        return true;
    }
    // Somebody was asked, and is not the one who is named.
    if *error.code() == Code::UserMismatch
        && !matches!(flow, Flow::Silent | Flow::IntegratedWindowsAuth)
    {
        return false;
    }
    match error.category() {
        Category::UserMustAct | Category::NotSignedIn | Category::IntegratedImpossible => true,
        // The federation server or the KDC; the other flows need Entra alone.
        Category::Network => matches!(
            error.stage(),
            Stage::User | Stage::Mex | Stage::Negotiate | Stage::WsTrust
        ),
        // The ticket, or the assertion that came of it.
        Category::Refused => {
            matches!(
                error.stage(),
                Stage::Mex | Stage::Negotiate | Stage::WsTrust
            ) || (error.stage() == Stage::Token && *error.code() == Code::InvalidGrant)
        }
        Category::Usage | Category::Other => {
            matches!(error.stage(), Stage::User | Stage::Negotiate | Stage::Cache)
        }
    }
}
