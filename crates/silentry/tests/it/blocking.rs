//! Every flow without async: on plain threads, inside Tokio, and on many threads at once.

use std::future::{Future, IntoFuture, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use silentry::Secret;
use silentry::blocking::Wait;
use silentry::transport::{
    BoxFuture, Connection, HyperTransport, Origin, Transport, TransportError,
};
use silentry::{PublicClientApplication, TokenSource};
use silentry_lab::{CLIENT_ID, Lab, Person, SOVEREIGN_ALIAS, user};
use tokio::runtime::Runtime;

use crate::support::{client_with_ticket, in_lab, person};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// The labs run on threads of their own, as those of the tests are blocked.
static ELSEWHERE: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn elsewhere<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    ELSEWHERE.spawn(async move { sender.send(work.await) });
    receiver.recv().unwrap()
}

fn lab(scenario: &'static str) -> Arc<Lab> {
    let lab = elsewhere(async move { Lab::builder().scenario(scenario).start().await });
    Arc::new(lab.unwrap())
}

fn app(lab: &Lab) -> PublicClientApplication {
    client_with_ticket(lab).build().unwrap()
}

/// Lets the person sign in at this page, beside the test; how it ended the application says.
fn sign_in(lab: &Arc<Lab>, page: &str, person: Person) {
    let (lab, page) = (Arc::clone(lab), page.to_owned());
    thread::spawn(move || {
        let mut browser = lab.browser().unwrap();
        let signed_in = ELSEWHERE.block_on(browser.sign_in(&page, &person));
        signed_in.map(|_| ())
    });
}

/// All of the public client that needs nobody at a browser.
fn everything_without_a_prompt() {
    let lab = lab("default");
    let app = app(&lab);
    let first = app.acquire_token(SCOPES).wait().unwrap();
    assert_eq!(first.token_source(), TokenSource::IdentityProvider);
    assert_eq!(first.account().username(), lab.user().upn);
    let again = app.acquire_token(SCOPES).wait().unwrap();
    assert_eq!(again.token_source(), TokenSource::Cache);

    let accounts = app.accounts().wait().unwrap();
    assert_eq!(accounts.as_slice(), [first.account().clone()]);
    let hit = app.acquire_token_silent(SCOPES, &accounts[0]).wait();
    assert_eq!(hit.unwrap().access_token(), first.access_token());
    let forced = app
        .acquire_token_silent(SCOPES, &accounts[0])
        .with_force_refresh(true)
        .wait()
        .unwrap();
    assert_ne!(forced.access_token(), first.access_token());

    app.remove_account(&accounts[0]).wait().unwrap();
    let error = app
        .acquire_token_silent(SCOPES, &accounts[0])
        .wait()
        .unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");

    let integrated = app.acquire_token_by_integrated_windows_auth(SCOPES);
    assert_eq!(integrated.wait().unwrap().account(), first.account());
    let upn = lab.user().upn;
    let password = Secret::from(lab.user().password);
    let by_password = app.acquire_token_by_username_password(SCOPES, upn, password);
    assert_eq!(by_password.wait().unwrap().account(), first.account());
}

#[test]
fn a_program_without_a_runtime_signs_in() {
    everything_without_a_prompt();
}

#[tokio::test]
async fn a_thread_of_a_runtime_may_wait() {
    everything_without_a_prompt();
}

#[tokio::test(flavor = "multi_thread")]
async fn so_may_the_threads_of_a_larger_one() {
    everything_without_a_prompt();
    tokio::task::spawn_blocking(everything_without_a_prompt)
        .await
        .unwrap();
}

#[test]
fn a_device_code_is_shown_by_a_callback_or_between_two_steps() {
    let lab = lab("default");
    let app = app(&lab);
    let at_browser = Arc::clone(&lab);
    let token = app
        .acquire_token_with_device_code(SCOPES, move |code| {
            let person = person("carol").with_user_code(code.user_code());
            sign_in(&at_browser, code.verification_uri(), person);
        })
        .wait()
        .unwrap();
    assert_eq!(token.account().username(), "carol@contoso.test");

    let begun = app.begin_device_code(SCOPES).wait().unwrap();
    let person = person("dave").with_user_code(begun.code().user_code());
    sign_in(&lab, begun.code().verification_uri(), person);
    let token = begun.wait().unwrap();
    assert_eq!(token.account().username(), "dave@contoso.test");
}

#[cfg(feature = "interactive")]
#[test]
fn the_browser_comes_back_to_a_waiting_thread() {
    struct AtBrowser(Arc<Lab>);
    impl silentry::Browser for AtBrowser {
        fn open(&self, url: &str) -> Result<(), silentry::BrowserError> {
            sign_in(&self.0, url, person("carol"));
            Ok(())
        }
    }
    let lab = lab("default");
    let token = app(&lab)
        .acquire_token_interactive(SCOPES)
        .with_browser(AtBrowser(Arc::clone(&lab)))
        .wait_timeout(Duration::from_secs(20))
        .unwrap();
    assert_eq!(token.account().username(), "carol@contoso.test");
}

#[test]
fn sixteen_threads_share_one_application() {
    let lab = lab("default");
    let app = app(&lab);
    thread::scope(|scope| {
        let signing_in: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let token = app.acquire_token(SCOPES).wait().unwrap();
                    let again = app.acquire_token_silent(SCOPES, token.account()).wait();
                    assert_eq!(again.unwrap().token_source(), TokenSource::Cache);
                    token.account().clone()
                })
            })
            .collect();
        for thread in signing_in {
            assert_eq!(thread.join().unwrap().username(), lab.user().upn);
        }
    });
    assert_eq!(app.accounts().wait().unwrap().len(), 1);
}

#[test]
fn several_calls_are_waited_for_as_one() {
    let lab = lab("default");
    let app = app(&lab);
    let name = async {
        let token = app.acquire_token_by_integrated_windows_auth(SCOPES).await?;
        let token = app.acquire_token_silent(SCOPES, token.account()).await?;
        Ok(token.account().username().to_owned())
    };
    assert_eq!(name.wait().unwrap(), lab.user().upn);
}

#[test]
fn time_that_is_up_is_an_error_and_the_next_call_works() {
    let lab = lab("default");
    let app = app(&lab);
    let begun = Instant::now();
    let error = app
        .acquire_token_with_device_code(SCOPES, |_| {})
        .wait_timeout(Duration::from_millis(700))
        .unwrap_err();
    assert_eq!(error.code(), "request_timeout");
    assert!(error.is_retryable());
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    // Of the 15 minutes that the code is good for.
    assert!(took < Duration::from_secs(120), "{took:?}");
    app.acquire_token(SCOPES).wait().unwrap();
}

#[test]
fn a_panic_reaches_the_thread_that_waits_and_nobody_else() {
    let lab = lab("default");
    let app = app(&lab);
    let request = app.acquire_token_with_device_code(SCOPES, |_| panic!("no screen"));
    let panic = catch_unwind(AssertUnwindSafe(|| request.wait())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"no screen"));
    app.acquire_token(SCOPES).wait().unwrap();
}

/// Tokio lets no task read from sockets for ever: when its turns are used up, everything that it asks is not ready,
/// until it has let others run; a blocked one never does.
#[tokio::test]
async fn a_task_whose_turns_are_used_up_can_still_wait() {
    let lab = lab("default");
    let app = app(&lab);
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..1000 {
        sender.send(()).unwrap();
    }
    let token = poll_fn(|context| {
        while receiver.poll_recv(context).is_ready() {}
        assert!(!receiver.is_empty(), "nothing was used up");
        Poll::Ready(
            app.acquire_token(SCOPES)
                .wait_timeout(Duration::from_secs(20)),
        )
    });
    token.await.unwrap();
}

/// The connections that an async call leaves behind belong to a runtime that stands still while its thread waits.
#[tokio::test]
async fn a_wait_after_an_async_call_uses_connections_of_its_own() {
    let lab = lab("default");
    let app = app(&lab);
    let limit = Duration::from_secs(20);
    let token = app.acquire_token(SCOPES).await.unwrap();
    let refresh = || {
        app.acquire_token_silent(SCOPES, token.account())
            .with_force_refresh(true)
    };
    refresh().wait_timeout(limit).unwrap();
    refresh().await.unwrap();
    refresh().wait_timeout(limit).unwrap();
}

/// A network on which the first connection to a host never comes about.
struct FirstNeverOpens {
    transport: HyperTransport,
    host: &'static str,
    asked: Arc<AtomicUsize>,
}

impl Transport for FirstNeverOpens {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        let is_first =
            origin.host() == self.host && self.asked.fetch_add(1, Ordering::Relaxed) == 0;
        match is_first {
            true => Box::pin(pending()),
            false => self.transport.connect(origin),
        }
    }
}

/// A task that is blocked while it holds a call which asks a server about its authority.
#[tokio::test]
async fn a_wait_ends_beside_a_call_that_is_still_asking_about_its_authority() {
    let lab = lab("default");
    let bob = user("bob").unwrap();
    let limit = Duration::from_secs(60);
    for (host, sovereign) in [
        ("login.microsoftonline.com", true),
        ("sts.contoso.test", false),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let transport = FirstNeverOpens {
            transport: in_lab(&lab),
            host,
            asked: Arc::clone(&asked),
        };
        let builder = PublicClientApplication::builder(CLIENT_ID).with_transport(transport);
        let app = match sovereign {
            true => builder.with_authority(format!("https://{SOVEREIGN_ALIAS}/contoso.test")),
            false => builder.with_oidc_authority(format!("https://{host}/adfs")),
        };
        let app = app.build().unwrap();
        let sign_in = || {
            let name = if sovereign {
                bob
            } else {
                user("alice").unwrap()
            };
            let password = Secret::from(name.password);
            app.acquire_token_by_username_password(SCOPES, name.upn, password)
        };
        let mut held = sign_in().into_future();
        poll_fn(|context| {
            assert!(held.as_mut().poll(context).is_pending());
            match asked.load(Ordering::Relaxed) {
                0 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
        app.accounts().wait_timeout(limit).unwrap();
        sign_in().wait_timeout(limit).unwrap();
        assert!(asked.load(Ordering::Relaxed) > 1, "{host}");
    }
}

/// The same of a call that has an exchange under way which others of its runtime would share.
#[tokio::test]
async fn a_wait_ends_beside_a_call_that_is_held() {
    let lab = lab("default");
    let app = app(&lab);
    let token = app.acquire_token(SCOPES).await.unwrap();
    let refresh = || {
        let refresh = app.acquire_token_silent(SCOPES, token.account());
        refresh.with_force_refresh(true)
    };
    for pause in [0, 1, 2, 4, 8, 16] {
        let mut held = refresh().into_future();
        tokio::select! {
            biased;
            done = &mut held => drop(done.unwrap()),
            () = tokio::time::sleep(Duration::from_millis(pause)) => {
                refresh().wait_timeout(Duration::from_secs(60)).unwrap();
                held.await.unwrap();
            }
        }
    }
}
