//! Which endpoints an authority has: known, or asked for once.
//!
//! About the clouds of Microsoft and about AD FS nothing is asked. Another host with a tenant is asked about at
//! `login.microsoftonline.com`, and an OpenID Connect server for its document; both are remembered for [`LIFETIME`] by
//! the application and its clones. Who wants to know at the same time in one runtime shares the question; no lock is held
//! while a server is asked.

use std::sync::Arc;
use std::time::Duration;

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::discovery::instance::{self, CloudMetadata};
use silentry_protocol::discovery::openid::OpenIdConfiguration;
use silentry_protocol::oauth::error_response::ErrorResponse;
use url::Url;

use super::call::Call;
use crate::application::Application;
use crate::authority::endpoints::Endpoints;
use crate::authority::{Authority, Tenant};
use crate::error::{Code, Error, Stage};
use crate::memory::EndpointAnswer as Answer;
use crate::request::RequestOptions;
use crate::text::printable;
use crate::transport::within;

/// How long answers are remembered: as long as Entra's own may be kept (`Cache-Control: max-age=86400`).
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the failure of instance discovery is: asking in vain costs [`PATIENCE`] where the internet is not there.
const FAILURE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// What instance discovery may take (MSAL.NET has the same limit), as the sign-in goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Finds the endpoints of an authority.
pub(super) async fn of(call: &Call<'_>, authority: &Authority) -> Result<Endpoints, Error> {
    let fixed = Endpoints::fixed(authority);
    match fixed {
        Some(fixed) if needs_no_question(call.application, authority) => Ok(fixed),
        Some(fixed) => Ok(match cloud(call, authority).await? {
            Some(cloud) => Endpoints::of_cloud(authority, &cloud),
            None => fixed,
        }),
        None => {
            let server = configuration(call, authority).await?;
            check_issuer(authority, &server)?;
            Ok(Endpoints::of_server(authority, server))
        }
    }
}

/// Returns every host under which the cache may know the accounts of the application's authority.
pub(crate) async fn environments(application: &Arc<Application>) -> Vec<String> {
    let authority = &application.authority;
    let own = authority.environment();
    if needs_no_question(application, authority) || authority.kind() != AuthorityKind::Entra {
        return vec![own];
    }
    let Ok(call) = Call::new(application, &RequestOptions::default()) else {
        return vec![own];
    };
    match cloud(&call, authority).await {
        Ok(Some(cloud)) => cloud.aliases,
        Ok(None) | Err(_) => vec![own],
    }
}

/// Reads what an AD FS or an OpenID Connect server says about itself.
pub(super) async fn configuration(
    call: &Call<'_>,
    authority: &Authority,
) -> Result<OpenIdConfiguration, Error> {
    match answer(call, authority).await? {
        Answer::Server(server) => Ok(*server),
        Answer::Cloud(_) | Answer::Nothing => {
            let message = format!("{authority} is one of Microsoft Entra");
            Err(Error::new(
                Code::TenantDiscoveryFailed,
                Stage::Discovery,
                message,
            ))
        }
    }
}

/// Whether the host is Microsoft's by the table, or by the word of the program.
fn needs_no_question(application: &Application, authority: &Authority) -> bool {
    let known = &application.known_authorities;
    authority.kind() == AuthorityKind::AdFs
        || authority.is_known_cloud()
        || !application.instance_discovery
        || known
            .iter()
            .any(|host| *host == authority.host() || *host == authority.host_and_port())
}

/// Asks which cloud the host of an authority belongs to; `None` when that could not be learnt.
async fn cloud(call: &Call<'_>, authority: &Authority) -> Result<Option<CloudMetadata>, Error> {
    Ok(match answer(call, authority).await? {
        Answer::Cloud(cloud) => Some(cloud),
        Answer::Nothing | Answer::Server(_) => None,
    })
}

/// Returns what is remembered of the host, else asks.
async fn answer(call: &Call<'_>, authority: &Authority) -> Result<Answer, Error> {
    let memory = &call.application.endpoint_memory;
    if let Some(answer) = memory.answer.get(&(), call.application.clock.now()) {
        return Ok(answer);
    }
    let question = {
        let application = Arc::clone(call.application);
        let authority = authority.clone();
        let options = RequestOptions {
            correlation_id: Some(call.correlation_id.clone()),
            ..RequestOptions::default()
        };
        async move {
            let call = Call::new(&application, &options)?;
            let (answer, lifetime) = ask(&call, &authority).await?;
            let now = application.clock.now();
            let memory = &application.endpoint_memory.answer;
            memory.put((), answer.clone(), lifetime, now);
            Ok(answer)
        }
    };
    memory.question.join((), question).work.await
}

/// Asks about the host of an authority; returns with the answer how long it is to be remembered.
async fn ask(call: &Call<'_>, authority: &Authority) -> Result<(Answer, Duration), Error> {
    if authority.kind() != AuthorityKind::Entra {
        let server = ask_server(call, authority).await?;
        return Ok((Answer::Server(Box::new(server)), LIFETIME));
    }
    let limit = call.application.clock.sleep(PATIENCE);
    let asked = within(limit, ask_about_host(call, authority)).await;
    Ok(match asked.unwrap_or(Ok(None))? {
        Some(cloud) => (Answer::Cloud(cloud), LIFETIME),
        None => (Answer::Nothing, FAILURE_LIFETIME),
    })
}

/// Instance discovery. Whatever fails but the very answer that the host is not Microsoft's stops nobody.
async fn ask_about_host(
    call: &Call<'_>,
    authority: &Authority,
) -> Result<Option<CloudMetadata>, Error> {
    let question = |tenant: &Tenant| instance::question(authority.host(), tenant.as_str());
    let Some(url) = authority.tenant().and_then(question) else {
        return Ok(None);
    };
    let asked = call.exchange.get(Stage::Discovery, &url, |url| {
        call.get(AuthorityKind::Entra, url)
    });
    let response = match asked.await {
        Ok((response, _)) => response,
        Err(error) => {
            tracing::debug!(%error, "instance discovery failed");
            return Ok(None);
        }
    };
    if !(200..300).contains(&response.status()) {
        let refused = ErrorResponse::parse(response.status(), response.body());
        if refused.error() == "invalid_instance" {
            let message = format!(
                "{} is not a host of Microsoft Entra: {}",
                authority.host(),
                refused.description().unwrap_or("invalid_instance")
            );
            let codes = refused.codes().iter().copied();
            let error = Error::new(Code::InvalidInstance, Stage::Discovery, message);
            return Err(error.with_status(response.status()).with_aadsts(codes));
        }
        tracing::debug!(
            status = response.status(),
            error = refused.error(),
            "instance discovery failed"
        );
        return Ok(None);
    }
    Ok(CloudMetadata::find(response.body(), authority.host()))
}

async fn ask_server(call: &Call<'_>, authority: &Authority) -> Result<OpenIdConfiguration, Error> {
    let failed = |why: String| Error::new(Code::TenantDiscoveryFailed, Stage::Discovery, why);
    // OpenID Connect Discovery 4: a final slash of the issuer does not double.
    let base = authority.to_string();
    let address = format!(
        "{}/.well-known/openid-configuration",
        base.trim_end_matches('/')
    );
    let url = Url::parse(&address).map_err(|error| failed(format!("`{address}`: {error}")))?;
    let request = |url: &Url| call.get(authority.kind(), url);
    let (response, _) = call.exchange.get(Stage::Discovery, &url, request).await?;
    if response.status() != 200 {
        return Err(Error::from_unexpected_status(
            Stage::Discovery,
            authority.host(),
            &response,
        ));
    }
    OpenIdConfiguration::parse(response.body()).map_err(|error| {
        failed(format!(
            "the discovery document of {base} cannot be used: {error}"
        ))
        .unless_compressed(&response)
    })
}

/// Or one server could speak for another (OpenID Connect Discovery 4.3).
fn check_issuer(authority: &Authority, server: &OpenIdConfiguration) -> Result<(), Error> {
    if authority.issuer() == Some(server.issuer.as_str()) {
        return Ok(());
    }
    let named = printable(&server.issuer, 200);
    let message = format!("{authority} calls itself `{named}`");
    Err(Error::new(
        Code::AuthorityValidationFailed,
        Stage::Discovery,
        message,
    ))
}
