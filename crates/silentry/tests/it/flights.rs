//! Calls that want the same token at the same time, in one process and in several, against the lab.

use std::collections::HashSet;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use silentry::{Account, AuthenticationResult, Error, PublicClientApplication, TokenSource};
use silentry_lab::Lab;

use crate::support::client_with_ticket;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];
const OTHER_SCOPES: [&str; 1] = ["https://graph.microsoft.com/.default"];
const ALICE: &str = "alice@contoso.test";

async fn signed_in(lab: &Lab) -> (PublicClientApplication, Account) {
    let app = client_with_ticket(lab).build().unwrap();
    let signed_in = app.acquire_token_by_integrated_windows_auth(SCOPES).await;
    (app, signed_in.unwrap().account().clone())
}

fn token_requests(lab: &Lab) -> usize {
    let exchanges = lab.exchanges();
    exchanges
        .iter()
        .filter(|exchange| exchange.stage == "token")
        .count()
}

type Call = Pin<Box<dyn Future<Output = Result<AuthenticationResult, Error>> + Send>>;

/// Begins a call and lets go of it.
async fn begin(call: &mut Call) {
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// Awaits all of them at once, in tasks of their own.
async fn together<C>(calls: impl IntoIterator<Item = C>) -> Vec<AuthenticationResult>
where
    C: IntoFuture<IntoFuture = Call, Output = Result<AuthenticationResult, Error>>,
{
    let calls: Vec<_> = calls
        .into_iter()
        .map(|call| tokio::spawn(call.into_future()))
        .collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.unwrap().unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_who_wants_the_same_token_shares_one_exchange() {
    let lab = Lab::start().await.unwrap();
    let app = client_with_ticket(&lab).build().unwrap();
    let results = together((0..20).map(|_| app.acquire_token(SCOPES))).await;
    assert_eq!(token_requests(&lab), 1);
    assert_eq!(lab.exchanges().len(), 4);

    let account = results[0].account();
    let results = together((0..20).map(|_| app.acquire_token_silent(OTHER_SCOPES, account))).await;
    assert_eq!(token_requests(&lab), 2);
    let token = results[0].access_token();
    assert!(results.iter().all(|result| result.access_token() == token));
    assert!(exchanges_of(&results) <= 1);

    // Each asks for a new token, so one that is late has an exchange of its own.
    let sign_ins = (0..20).map(|_| app.acquire_token_by_integrated_windows_auth(SCOPES));
    let results = together(sign_ins).await;
    let exchanges = token_requests(&lab) - 2;
    assert_eq!(exchanges, exchanges_of(&results));
    assert!(exchanges < 20, "nobody shared one: {exchanges}");
}

/// How many exchanges the results came of, by their correlation ids; what came from the cache has none.
fn exchanges_of(results: &[AuthenticationResult]) -> usize {
    let ids = results.iter().map(AuthenticationResult::correlation_id);
    let ids: HashSet<_> = ids.filter(|id| !id.is_empty()).collect();
    ids.len()
}

#[tokio::test]
async fn what_differs_on_the_wire_is_not_shared() {
    let lab = Lab::start().await.unwrap();
    let (app, account) = signed_in(&lab).await;
    let forced = || {
        app.acquire_token_silent(SCOPES, &account)
            .with_force_refresh(true)
    };
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let own_id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let results = together([
        forced(),
        forced(),
        forced().with_claims(claims),
        forced().with_correlation_id(own_id),
        forced().with_extra_query_parameters([("dc", "test")]),
        forced().with_extra_headers([("x-test", "1")]),
        forced().with_tenant_id(silentry_lab::TENANT_ID),
        app.acquire_token_silent(OTHER_SCOPES, &account),
    ])
    .await;
    assert_eq!(token_requests(&lab), 1 + 7);
    assert_eq!(results[3].correlation_id(), own_id);
}

#[tokio::test]
async fn a_caller_who_is_dropped_leaves_the_exchange_to_the_others() {
    let lab = Lab::start().await.unwrap();
    let (app, account) = signed_in(&lab).await;
    let call = || {
        app.acquire_token_silent(OTHER_SCOPES, &account)
            .into_future()
    };
    let (mut first, mut second) = (call(), call());
    begin(&mut first).await;
    begin(&mut second).await;
    drop(first);
    assert!(second.await.is_ok());
    assert_eq!(token_requests(&lab), 2);
}

/// Far longer than anything here takes, and shorter than for ever.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_caller_who_holds_a_call_and_does_not_poll_it_stops_nobody() {
    let lab = Lab::start().await.unwrap();
    let (app, account) = signed_in(&lab).await;
    let call = || {
        let forced = app.acquire_token_silent(SCOPES, &account);
        forced.with_force_refresh(true).into_future()
    };
    // Held at different stages of the exchange.
    for pause in [0, 1, 2, 4, 8, 16, 32, 64] {
        let mut held = call();
        let held = tokio::select! {
            biased;
            done = &mut held => done,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {
                let other = tokio::time::timeout(LIMIT, call()).await;
                let other = other.expect("the other call waits for ever").unwrap();
                let held = held.await;
                assert_eq!(held.as_ref().unwrap().access_token(), other.access_token());
                held
            }
        };
        held.unwrap();
    }
}

#[test]
fn a_runtime_that_stands_still_stops_no_other() {
    let of_lab = tokio::runtime::Runtime::new().unwrap();
    let lab = of_lab.block_on(Lab::start()).unwrap();
    let (app, account) = of_lab.block_on(signed_in(&lab));
    let call = || {
        let forced = app.acquire_token_silent(SCOPES, &account);
        forced.with_force_refresh(true).into_future()
    };
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let (one, other) = (runtime(), runtime());
    let mut held = call();
    one.block_on(async {
        tokio::select! {
            biased;
            done = &mut held => drop(done.unwrap()),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    });
    for runtime in [&other, &one] {
        let token = runtime.block_on(async { tokio::time::timeout(LIMIT, call()).await });
        token.expect("the call waits for ever").unwrap();
    }
}

#[tokio::test]
async fn the_exchange_ends_with_the_last_who_waits_for_it() {
    let lab = Lab::start().await.unwrap();
    let (app, account) = signed_in(&lab).await;
    let call = || {
        app.acquire_token_silent(OTHER_SCOPES, &account)
            .into_future()
    };
    let (mut first, mut second) = (call(), call());
    begin(&mut first).await;
    begin(&mut second).await;
    drop((first, second));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let next = call().await.unwrap();
    // Whatever was sent by then, nobody took the answer.
    assert_eq!(next.token_source(), TokenSource::IdentityProvider);
}

#[tokio::test]
async fn a_failure_is_shared_and_not_kept() {
    let lab = Lab::builder().scenario("adfs-down").start().await.unwrap();
    let app = client_with_ticket(&lab).build().unwrap();
    let calls = (0..5).map(|_| {
        let call = app.acquire_token_by_integrated_windows_auth(SCOPES);
        tokio::spawn(call.into_future())
    });
    let mut ids = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.code(), "federation_unreachable");
        ids.push(error.correlation_id().unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let next = app.acquire_token_by_integrated_windows_auth(SCOPES).await;
    assert_ne!(next.unwrap_err().correlation_id(), Some(ids[0].as_str()));
}

#[tokio::test]
async fn the_user_who_has_signed_in_meanwhile_waits_for_nobody_elses_token() {
    let lab = Lab::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ccache = folder.path().join("ccache");
    std::fs::copy(lab.ccache(ALICE).unwrap(), &ccache).unwrap();
    let app = client_with_ticket(&lab)
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
        .build()
        .unwrap();
    let alices = tokio::spawn(
        app.acquire_token_by_integrated_windows_auth(SCOPES)
            .into_future(),
    );
    while lab.exchanges().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let next = folder.path().join("next");
    std::fs::copy(lab.ccache("erin@contoso.test").unwrap(), &next).unwrap();
    std::fs::rename(&next, &ccache).unwrap();
    let erins = app.acquire_token(SCOPES).await.unwrap();
    assert_eq!(erins.account().username(), "erin@contoso.test");
    alices.await.unwrap().unwrap();
    let erins = app.acquire_token(SCOPES).await.unwrap();
    assert_eq!(erins.account().username(), "erin@contoso.test");
}

#[cfg(feature = "persistent-cache")]
mod processes {
    use silentry::TokenCache;
    use silentry::cache::store::FileStore;

    use super::*;

    /// Applications that share nothing but the file, as processes do.
    fn apps(lab: &Lab, folder: &tempfile::TempDir) -> Vec<PublicClientApplication> {
        let app = |_| {
            let store = FileStore::new(folder.path().join("cache.json"));
            let builder = client_with_ticket(lab).with_token_cache(TokenCache::with_store(store));
            builder.build().unwrap()
        };
        (0..8).map(app).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn processes_that_share_a_cache_share_one_exchange() {
        let lab = Lab::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let apps = apps(&lab, &folder);
        let results = together(apps.iter().map(|app| app.acquire_token(SCOPES))).await;
        assert_eq!(token_requests(&lab), 1);
        let signed_in =
            |result: &&AuthenticationResult| result.token_source() == TokenSource::IdentityProvider;
        assert_eq!(results.iter().filter(signed_in).count(), 1);

        let account = results[0].account();
        let silent =
            |app: &PublicClientApplication| app.acquire_token_silent(OTHER_SCOPES, account);
        together(apps.iter().map(silent)).await;
        assert_eq!(token_requests(&lab), 2);

        let files = std::fs::read_dir(folder.path()).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["cache.json"], "no lock is left behind");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn who_asks_for_a_new_token_gets_a_new_one() {
        let lab = Lab::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let apps = apps(&lab, &folder);
        let old = apps[0].acquire_token(SCOPES).await.unwrap();
        for app in &apps[1..3] {
            let forced = app
                .acquire_token_silent(SCOPES, old.account())
                .with_force_refresh(true);
            assert_ne!(forced.await.unwrap().access_token(), old.access_token());
            let sign_in = app.acquire_token_by_integrated_windows_auth(SCOPES);
            let signed_in = sign_in.await.unwrap();
            assert_eq!(signed_in.token_source(), TokenSource::IdentityProvider);
        }
        assert_eq!(token_requests(&lab), 5);
    }
}
