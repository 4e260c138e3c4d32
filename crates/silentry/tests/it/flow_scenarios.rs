//! Every scenario of the lab that is not about the ticket, in the flow that it is about.

use std::sync::Arc;
use std::time::Duration;

use silentry::{AuthenticationResult, Category, Error, PublicClientApplication, Stage};
use silentry_lab::{Flow, Lab, Person, Scenario};
use tokio::task::JoinSet;

use crate::support::{PersonAtBrowser, client_with_ticket};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// A person who signs in wherever it is possible.
fn at_browser(lab: &Arc<Lab>) -> PersonAtBrowser {
    PersonAtBrowser {
        lab: Arc::clone(lab),
        person: Person::new(lab.user()),
    }
}

/// Where the sign-in is to fail, nobody comes.
async fn device_code(
    lab: &Arc<Lab>,
    app: &PublicClientApplication,
) -> Result<AuthenticationResult, Error> {
    let lab = Arc::clone(lab);
    app.acquire_token_with_device_code(SCOPES, move |code| {
        if lab.scenario().expected_code.is_some() {
            return;
        }
        at_browser(&lab).enter(code);
    })
    .await
}

async fn interactive(
    lab: &Arc<Lab>,
    app: &PublicClientApplication,
) -> Result<AuthenticationResult, Error> {
    // Where the browser brings no answer, the time is waited out; everywhere else it is never reached.
    let seconds = match lab.scenario().expected_code {
        Some("authentication_timed_out") => 3,
        Some("state_mismatch") => 15,
        _ => 300,
    };
    app.acquire_token_interactive(SCOPES)
        .with_browser(at_browser(lab))
        .with_timeout(Duration::from_secs(seconds))
        .await
}

/// A sign-in, then a refresh.
async fn silent(app: &PublicClientApplication) -> Result<AuthenticationResult, Error> {
    let signed_in = app.acquire_token_by_integrated_windows_auth(SCOPES).await?;
    app.acquire_token_silent(SCOPES, signed_in.account())
        .with_force_refresh(true)
        .await
}

async fn outcome(scenario: &Scenario) -> Result<AuthenticationResult, Error> {
    let lab = Lab::builder()
        .scenario(scenario.name)
        .start()
        .await
        .unwrap();
    let lab = Arc::new(lab);
    let app = client_with_ticket(&lab).build().unwrap();
    match scenario.flow {
        Flow::DeviceCode => device_code(&lab, &app).await,
        Flow::Interactive => interactive(&lab, &app).await,
        _ => silent(&app).await,
    }
}

/// How the command ends.
fn exit_code(error: &Error) -> u8 {
    match error.category() {
        Category::UserMustAct => 3,
        Category::NotSignedIn => 4,
        Category::IntegratedImpossible => 5,
        Category::Network => 6,
        Category::Refused => 7,
        _ => 1,
    }
}

/// They wait more than they compute, so they run side by side.
#[tokio::test(flavor = "multi_thread")]
async fn each_flow_ends_as_its_scenarios_say() {
    let of_apis = ["cae", "auth-context"];
    let scenarios = Scenario::all().iter().filter(|scenario| {
        scenario.flow != Flow::IntegratedWindows && !of_apis.contains(&scenario.name)
    });
    let outcomes: JoinSet<_> = scenarios
        .map(|scenario| async move { (scenario, outcome(scenario).await) })
        .collect();
    let mut wrong = Vec::new();
    for (scenario, outcome) in outcomes.join_all().await {
        let error = outcome.as_ref().err();
        if scenario.name == "authorize-denied" {
            // The authorization endpoint refused, not the token endpoint.
            assert_eq!(error.map(Error::stage), Some(Stage::Browser));
        }
        let seen = (
            error.map(|error| error.code().as_str()),
            error.map_or(0, exit_code),
        );
        if seen != (scenario.expected_code, scenario.expected_exit) {
            wrong.push(format!("{}: {outcome:?}", scenario.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
