//! Sign-ins that need the user, against the pages of the lab.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "integrated")]
use silentry::Secret;
use silentry::{Browser, BrowserError, Error, Prompt, PublicClientApplication};
use silentry_lab::{CLIENT_ID, Lab, Person, user};
use url::Url;

#[cfg(feature = "integrated")]
use crate::support::client_with_ticket;
use crate::support::{PersonAtBrowser, client, person};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// Lets the person sign in at this page, beside the test.
#[cfg(feature = "integrated")]
fn sign_in(lab: Arc<Lab>, page: String, person: Person) {
    PersonAtBrowser { lab, person }.sign_in(page);
}

async fn lab(scenario: &str) -> Arc<Lab> {
    Arc::new(Lab::builder().scenario(scenario).start().await.unwrap())
}

fn app(lab: &Lab) -> PublicClientApplication {
    let client = client(lab).with_tenant_id("contoso.test");
    client.build().unwrap()
}

async fn in_browser(scenario: &str, person: Person) -> Result<String, Error> {
    let lab = lab(scenario).await;
    let app = app(&lab);
    let token = app
        .acquire_token_interactive(SCOPES)
        .with_browser(PersonAtBrowser { lab, person })
        .with_prompt(Prompt::SelectAccount)
        .await?;
    let again = app.acquire_token_silent(SCOPES, token.account()).await?;
    assert_eq!(again.access_token(), token.access_token());
    Ok(token.account().username().to_owned())
}

#[tokio::test]
async fn a_user_signs_in_with_the_browser() {
    for name in ["alice", "carol", "dave"] {
        let upn = in_browser("default", person(name)).await.unwrap();
        assert_eq!(upn, user(name).unwrap().upn);
    }
}

#[tokio::test]
async fn a_user_who_cancels_is_no_success() {
    let error = in_browser("default", person("alice").cancelling())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "authentication_canceled");
}

#[cfg(feature = "integrated")]
#[tokio::test]
async fn a_user_who_said_no_is_not_asked_another_way() {
    let lab = lab("mfa").await;
    let person = Person::new(lab.user()).cancelling();
    let at_browser = Arc::clone(&lab);
    let error = app(&lab)
        .acquire_token(SCOPES)
        .or_device_code(move |code| {
            let person = person.with_user_code(code.user_code());
            let page = code.verification_uri().to_owned();
            sign_in(Arc::clone(&at_browser), page, person);
        })
        .or_username_password("alice@contoso.test", Secret::from("never used"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "authorization_declined");
    assert_eq!(error.attempts().len(), 2);
}

/// Somebody comes to the loopback address before the user does.
struct AfterAnother {
    /// What is asked for there, of the state that the program waits for.
    visit: fn(&str) -> String,
    /// As this user of the system, where that can be.
    uid: Option<u32>,
    replies: Arc<Mutex<Vec<String>>>,
    user: PersonAtBrowser,
}

impl Browser for AfterAnother {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        let address = Url::parse(url).unwrap();
        let told = |name: &str| {
            let mut pairs = address.query_pairs();
            let value = pairs.find(|(own, _)| own == name).map(|(_, value)| value);
            value.unwrap().into_owned()
        };
        let port = Url::parse(&told("redirect_uri")).unwrap().port().unwrap();
        let path = (self.visit)(&told("state"));
        let uid = self.uid;
        let visitor = std::thread::spawn(move || {
            if let Some(uid) = uid {
                become_other_user(uid);
            }
            let mut stream = TcpStream::connect(("localhost", port)).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        });
        self.replies.lock().unwrap().push(visitor.join().unwrap());
        self.user.open(url)
    }
}

#[cfg(target_os = "linux")]
fn become_other_user(uid: u32) {
    let user = rustix::process::Uid::from_raw(uid);
    rustix::thread::set_thread_res_uid(user, user, user).unwrap();
}

#[cfg(not(target_os = "linux"))]
fn become_other_user(_: u32) {}

/// Returns what the visitor was told, and who was signed in at last.
async fn after_another(visit: fn(&str) -> String, uid: Option<u32>) -> (String, String) {
    let lab = lab("default").await;
    let replies = Arc::default();
    let browser = AfterAnother {
        visit,
        uid,
        replies: Arc::clone(&replies),
        user: PersonAtBrowser {
            lab: Arc::clone(&lab),
            person: person("alice"),
        },
    };
    let token = app(&lab)
        .acquire_token_interactive(SCOPES)
        .with_browser(browser)
        .await
        .unwrap();
    let reply = replies.lock().unwrap().remove(0);
    (reply, token.account().username().to_owned())
}

#[tokio::test]
async fn the_answer_to_another_sign_in_is_answered_and_passed_over() {
    let visit = |_: &str| "/?code=forged&state=guessed".to_owned();
    let (reply, user) = after_another(visit, None).await;
    assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    assert_eq!(user, "alice@contoso.test");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_of_the_machine_cannot_bring_a_code() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can become another user");
        return;
    }
    let visit = |state: &str| format!("/?code=theirs&state={state}");
    let (reply, user) = after_another(visit, Some(12_345)).await;
    assert!(reply.starts_with("HTTP/1.1 403"), "{reply}");
    assert!(reply.contains("another user"), "{reply}");
    assert_eq!(user, "alice@contoso.test");
}

#[tokio::test]
async fn a_browser_that_only_brings_another_answer_is_told_apart() {
    let lab = lab("authorize-other-state").await;
    let error = app(&lab)
        .acquire_token_interactive(SCOPES)
        .with_browser(PersonAtBrowser {
            lab,
            person: person("alice"),
        })
        .with_timeout(Duration::from_secs(15))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "state_mismatch");
}

#[tokio::test]
async fn a_launcher_that_tells_the_address_does_not_spread_it() {
    struct Talkative;
    impl Browser for Talkative {
        fn open(&self, url: &str) -> Result<(), BrowserError> {
            let message = format!("Launcher \"xdg-open\" \"{url}\" failed");
            Err(BrowserError::new(message))
        }
    }
    let lab = lab("default").await;
    let error = app(&lab)
        .acquire_token_interactive(SCOPES)
        .with_login_hint("alice@contoso.test")
        .with_browser(Talkative)
        .await
        .unwrap_err();
    let told = error.to_string();
    assert_eq!(error.code(), "no_browser");
    assert!(told.contains("xdg-open"), "{told}");
    for word in ["state=", "alice", "https:"] {
        assert!(!told.contains(word), "{told}");
    }
}

#[tokio::test]
async fn a_browser_that_never_comes_back_is_waited_for_as_long_as_was_said() {
    let lab = lab("authorize-error-page").await;
    let person = person("alice");
    let error = app(&lab)
        .acquire_token_interactive(SCOPES)
        .with_browser(PersonAtBrowser { lab, person })
        .with_timeout(Duration::from_millis(500))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "authentication_timed_out");
}

/// Shows nobody where to sign in, but remembers it.
#[derive(Clone, Default)]
struct RememberingBrowser(Arc<Mutex<String>>);

impl Browser for RememberingBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        url.clone_into(&mut self.0.lock().unwrap());
        Err(BrowserError::new("seen"))
    }
}

#[tokio::test]
async fn the_browser_is_told_what_the_program_wants() {
    let lab = lab("default").await;
    let app = PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_proxy(lab.proxy_url())
        .with_client_capabilities(["cp1"])
        .with_extra_query_parameters([("slice", "of the application")])
        .build()
        .unwrap();
    let browser = RememberingBrowser::default();
    let request = app
        .acquire_token_interactive(SCOPES)
        .with_extra_scopes_to_consent(["https://api.contoso.test/Files.Read"])
        .with_login_hint("alice@contoso.test")
        .with_domain_hint("contoso.test")
        .with_prompt(Prompt::Consent)
        .with_extra_query_parameters([("dc", "of the request")])
        .with_browser(browser.clone());
    assert_eq!(request.await.unwrap_err().code(), "no_browser");
    let url = Url::parse(&browser.0.lock().unwrap()).unwrap();
    let told = |name: &str| {
        let mut pairs = url.query_pairs();
        let value = pairs.find(|(own, _)| own == name).map(|(_, value)| value);
        value.unwrap_or_default().into_owned()
    };
    assert_eq!(
        told("scope"),
        format!(
            "https://api.contoso.test/Files.Read {} offline_access openid profile",
            SCOPES[0]
        )
    );
    assert_eq!(told("login_hint"), "alice@contoso.test");
    assert_eq!(told("domain_hint"), "contoso.test");
    assert_eq!(told("prompt"), "consent");
    assert_eq!(told("slice"), "of the application");
    assert_eq!(told("dc"), "of the request");
    assert!(told("claims").contains("cp1"));
    assert_eq!(told("code_challenge_method"), "S256");
}

#[tokio::test]
async fn no_browser_is_an_error_that_says_so() {
    struct NoBrowser;
    impl Browser for NoBrowser {
        fn open(&self, _: &str) -> Result<(), BrowserError> {
            Err(BrowserError::new("there is no desktop"))
        }
    }
    let lab = lab("default").await;
    let request = app(&lab).acquire_token_interactive(SCOPES);
    let error = request.with_browser(NoBrowser).await.unwrap_err();
    assert_eq!(error.code(), "no_browser");
    assert!(lab.exchanges().is_empty());
}

#[tokio::test]
async fn a_user_signs_in_on_another_device() {
    let lab = lab("default").await;
    let sign_in = app(&lab).begin_device_code(SCOPES).await.unwrap();
    let code = sign_in.code();
    assert!(code.message().contains(code.user_code()));
    let person = person("carol").with_user_code(code.user_code());
    let page = code.verification_uri().to_owned();
    lab.browser()
        .unwrap()
        .sign_in(&page, &person)
        .await
        .unwrap();
    let token = sign_in.await.unwrap();
    assert_eq!(token.account().username(), "carol@contoso.test");
}

#[cfg(feature = "integrated")]
#[tokio::test]
async fn mfa_that_the_ticket_cannot_give_is_asked_for_with_a_device_code() {
    let lab = lab("mfa").await;
    let user = lab.user();
    let app = client_with_ticket(&lab).build().unwrap();
    let at_browser = Arc::clone(&lab);
    let token = app
        .acquire_token(SCOPES)
        .or_device_code(move |code| {
            let person = Person::new(at_browser.user()).with_user_code(code.user_code());
            let page = code.verification_uri().to_owned();
            sign_in(Arc::clone(&at_browser), page, person);
        })
        .await
        .unwrap();
    assert_eq!(token.account().username(), user.upn);
}

/// Opens nothing.
#[cfg(feature = "integrated")]
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Option<Url>>>);

#[cfg(feature = "integrated")]
impl Noted {
    /// What is opened is opened beside the waiting, and may outlast it.
    #[cfg(feature = "integrated")]
    async fn url(&self) -> Url {
        loop {
            if let Some(url) = self.0.lock().unwrap().take() {
                return url;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[cfg(feature = "integrated")]
impl Browser for Noted {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        *self.0.lock().unwrap() = Url::parse(url).ok();
        Ok(())
    }
}

#[cfg(feature = "integrated")]
#[tokio::test]
async fn a_way_that_prompts_goes_on_from_what_the_ticket_could_not_do() {
    let lab = lab("mfa").await;
    let upn = lab.user().upn;
    let ccache = lab.ccache(upn).unwrap();
    let app = PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
        .build()
        .unwrap();
    let tenant = silentry_lab::TENANT_ID;
    let sign_in_with_ticket = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .with_username(upn)
        .with_tenant_id(tenant);
    let Err(Error::InteractionRequired(needed)) = sign_in_with_ticket.await else {
        panic!("multi-factor authentication is no matter of a ticket");
    };
    assert_eq!(needed.login_hint(), Some(upn));

    let noted = Noted::default();
    let nobody_came = app
        .acquire_token_interactive(SCOPES)
        .for_interaction(&needed)
        .with_browser(noted.clone())
        .with_timeout(Duration::from_millis(10))
        .await;
    assert!(nobody_came.is_err());
    let url = noted.url().await;
    let asked = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    assert!(url.path().contains(tenant), "{url}");
    assert_eq!(asked("login_hint").as_deref(), Some(upn));
    assert_eq!(asked("claims").as_deref(), needed.claims());

    let at_browser = Arc::clone(&lab);
    let token = app
        .acquire_token_with_device_code(SCOPES, move |code| {
            let person = Person::new(at_browser.user()).with_user_code(code.user_code());
            let page = code.verification_uri().to_owned();
            sign_in(Arc::clone(&at_browser), page, person);
        })
        .for_interaction(&needed)
        .await
        .unwrap();
    assert_eq!(token.account().username(), upn);
}
