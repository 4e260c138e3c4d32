//! A name that is given binds: the token is for that user, or there is none and nothing of it is kept.

mod renaming;

use std::sync::Arc;
use std::time::Duration;

use silentry::Secret;
use silentry::{
    AuthenticationResult, Category, Directory, Error, PublicClientApplication, TokenCache,
    TokenSource,
};
use silentry_lab::{CLIENT_ID, Lab, user};

use crate::support::{PersonAtBrowser, Watched, person};
use crate::usernames::renaming::{Claims, Say};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

const PATIENCE: Duration = Duration::from_secs(60);

const ALICE: &str = "alice@contoso.test";
const BOB: &str = "bob@managed.test";
const CAROL: &str = "carol@contoso.test";
/// The principal of alice's ticket.
const PRINCIPAL: &str = "alice@CORP.CONTOSO.TEST";

/// A lab, and a machine with a ticket and a token cache.
struct World {
    lab: Arc<Lab>,
    cache: TokenCache,
    say: Say,
}

impl World {
    async fn new() -> Self {
        World {
            lab: Arc::new(Lab::start().await.unwrap()),
            cache: TokenCache::in_memory(),
            say: Say::default(),
        }
    }

    /// A program that sees the ticket of this user, or none.
    fn app(&self, ticket: Option<&str>) -> PublicClientApplication {
        let ccache = match ticket {
            Some(user) => self.lab.ccache(user).unwrap(),
            None => self.lab.directory().join("no-such-ccache"),
        };
        let transport = Watched::in_lab(&self.lab, self.say.clone());
        PublicClientApplication::builder(CLIENT_ID)
            .with_tenant_id("contoso.test")
            .with_transport(transport)
            .with_token_cache(self.cache.clone())
            .with_ticket_cache(format!("FILE:{}", ccache.display()))
            .with_directory(Directory::Off)
            .build()
            .unwrap()
    }

    async fn iwa(&self, name: &str) -> Result<AuthenticationResult, Error> {
        self.app(Some(ALICE))
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .with_username(name)
            .await
    }

    async fn sign_in_by_ticket(&self, user: &str) {
        let app = self.app(Some(user));
        app.acquire_token_by_integrated_windows_auth(SCOPES)
            .await
            .unwrap();
    }

    async fn sign_in_by_password(&self, name: &str) {
        let user = user(name).unwrap();
        let password = Secret::from(user.password);
        self.app(None)
            .acquire_token_by_username_password(SCOPES, user.upn, password)
            .await
            .unwrap();
    }

    /// Whatever the flow, nothing is kept of a token for somebody else.
    async fn nothing_is_kept(&self) {
        let accounts = self.app(None).accounts().await.unwrap();
        assert!(accounts.is_empty(), "{accounts:?}");
    }

    fn at_browser(&self, name: &str) -> PersonAtBrowser {
        PersonAtBrowser {
            lab: Arc::clone(&self.lab),
            person: person(name),
        }
    }
}

#[track_caller]
fn is_mismatch(result: Result<AuthenticationResult, Error>, names: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "user_mismatch", "{error}");
    assert_eq!(error.category(), Category::UserMustAct);
    for name in names {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_ticket_gives_its_users_token_by_any_name_that_is_theirs() {
    const ALIAS: &str = "alice.archer@contoso.test";
    const JOERG: Claims = Claims::Names(&[("preferred_username", "jörg@contoso.test")]);
    for (claims, name, is_theirs) in [
        (Claims::OfTheLab, ALICE, true),
        (Claims::OfTheLab, "ALICE@Contoso.Test", true),
        (Claims::OfTheLab, " alice@contoso.test ", true),
        (Claims::OfTheLab, PRINCIPAL, true),
        (Claims::OfTheLab, "Alice@corp.contoso.test", true),
        (Claims::OfTheLab, CAROL, false),
        (Claims::OfTheLab, ALIAS, false),
        (Claims::OfTheLab, "alice@EMEA.CONTOSO.TEST", false),
        (Claims::Names(&[("upn", ALIAS)]), ALIAS, true),
        (Claims::Names(&[("unique_name", ALIAS)]), ALIAS, true),
        (
            Claims::Names(&[("preferred_username", ALIAS), ("upn", ALICE)]),
            ALICE,
            true,
        ),
        (JOERG, "JÖRG@contoso.test", true),
        (JOERG, "jorg@contoso.test", false),
        // Anybody may set the address.
        (
            Claims::Names(&[("email", CAROL), ("upn", ALICE)]),
            CAROL,
            false,
        ),
        (Claims::Names(&[("email", ALICE)]), ALICE, false),
        (Claims::Names(&[("email", CAROL)]), PRINCIPAL, true),
        // Without an id token the names of the ticket count alone.
        (Claims::NoIdToken, PRINCIPAL, true),
        (Claims::NoIdToken, ALICE, false),
    ] {
        let world = World::new().await;
        world.say.say(claims.clone());
        let result = world.iwa(name).await;
        if is_theirs {
            assert!(result.is_ok(), "{claims:?} {name}: {result:?}");
        } else if name.contains("EMEA") {
            assert!(result.is_err());
            world.nothing_is_kept().await;
        } else {
            is_mismatch(result, &[PRINCIPAL, name]);
            world.nothing_is_kept().await;
        }
    }
}

#[tokio::test]
async fn a_login_hint_only_leads() {
    let world = World::new().await;
    let app = world.app(Some(ALICE));
    let request = || app.acquire_token_by_integrated_windows_auth(SCOPES);
    let token = request().with_login_hint(CAROL).await.unwrap();
    assert_eq!(token.account().username(), ALICE);
    // It leads where the name would not.
    let error = request()
        .with_login_hint(BOB)
        .with_username(ALICE)
        .await
        .unwrap_err();
    assert_eq!(
        error.code(),
        "integrated_windows_auth_not_supported_managed_user"
    );
    let token = request()
        .with_login_hint(CAROL)
        .with_username(ALICE)
        .await
        .unwrap();
    assert_eq!(token.account().username(), ALICE);

    let ladder = app
        .acquire_token(SCOPES)
        .with_login_hint(CAROL)
        .await
        .unwrap();
    assert_eq!(ladder.account().username(), ALICE);
    let empty = request().with_username(" ").await.unwrap_err();
    assert_eq!(empty.code(), "invalid_username");
}

#[tokio::test]
async fn who_signs_in_by_hand_is_the_user_who_is_named() {
    for (name, who, is_theirs) in [
        ("Carol@Contoso.test", "carol", true),
        (CAROL, "alice", false),
        (PRINCIPAL, "alice", false),
    ] {
        let world = World::new().await;
        let app = world.app(Some(ALICE));
        let interactive = app
            .acquire_token_interactive(SCOPES)
            .with_username(name)
            // The page offers the one who comes.
            .with_login_hint(user(who).unwrap().upn)
            .with_timeout(PATIENCE)
            .with_browser(world.at_browser(who));
        let person = world.at_browser(who);
        let device_code = app
            .acquire_token_with_device_code(SCOPES, move |code| person.enter(code))
            .with_username(name);
        let person = world.at_browser(who);
        let ladder = app
            .acquire_token(SCOPES)
            .from_nothing()
            .with_username(name)
            .or_device_code(move |code| person.enter(code))
            .with_browser(world.at_browser("carol"))
            // Somebody has been asked.
            .or_interactive();
        let signed_in = user(who).unwrap();
        let (upn, password) = (signed_in.upn, Secret::from(signed_in.password));
        let results = [
            interactive.await,
            device_code.await,
            ladder.await,
            match who {
                // Her password alone does not do.
                "carol" => continue,
                _ => {
                    let ladder = app.acquire_token(SCOPES).from_nothing().with_username(name);
                    ladder.or_username_password(upn, password).await
                }
            },
        ];
        for result in results {
            match is_theirs {
                true => assert_eq!(result.unwrap().account().username(), upn),
                false => is_mismatch(result, &[upn, name]),
            }
        }
        if !is_theirs {
            world.nothing_is_kept().await;
        }
    }
}

#[tokio::test]
async fn no_token_that_does_not_name_its_user_is_taken_for_the_one_who_is_named() {
    for claims in [Claims::NoIdToken, Claims::Names(&[("email", ALICE)])] {
        let world = World::new().await;
        world.say.say(claims);
        let person = world.at_browser("alice");
        let result = world
            .app(None)
            .acquire_token_with_device_code(SCOPES, move |code| person.enter(code))
            .with_username(ALICE)
            .await;
        is_mismatch(result, &[ALICE]);
        world.nothing_is_kept().await;
    }
}

#[tokio::test]
async fn the_name_that_a_password_was_for_is_the_users() {
    let world = World::new().await;
    world.say.say(Claims::Names(&[(
        "preferred_username",
        "bob@elsewhere.test",
    )]));
    let bob = user("bob").unwrap();
    let token = world
        .app(None)
        .acquire_token(SCOPES)
        .from_nothing()
        .with_username(BOB)
        .or_username_password(BOB, Secret::from(bob.password))
        .await
        .unwrap();
    assert_eq!(token.account().username(), "bob@elsewhere.test");
}

#[tokio::test]
async fn an_account_that_is_named_must_be_the_one_that_signs_in() {
    let world = World::new().await;
    world.sign_in_by_password("bob").await;
    let app = world.app(None);
    let account = app.account_for_login_hint(BOB).await.unwrap();
    let interactive = |who| {
        app.acquire_token_interactive(SCOPES)
            .with_account(&account)
            .with_login_hint(user(who).unwrap().upn)
            .with_timeout(PATIENCE)
            .with_browser(world.at_browser(who))
    };
    is_mismatch(interactive("alice").await, &[ALICE]);
    interactive("bob").await.unwrap();

    app.remove_account(&account).await.unwrap();
    for ladder in [
        app.acquire_token(SCOPES).with_account(&account),
        app.acquire_token(SCOPES).from_nothing().or_silent_for(BOB),
        app.acquire_token(SCOPES)
            .from_nothing()
            .or_silent_for(account.home_account_id().unwrap()),
    ] {
        let person = world.at_browser("alice");
        let result = ladder.or_device_code(move |code| person.enter(code)).await;
        is_mismatch(result, &[ALICE]);
    }
    world.nothing_is_kept().await;
}

#[tokio::test]
async fn the_cache_is_searched_for_the_user_who_is_named() {
    let world = World::new().await;
    world.sign_in_by_ticket(ALICE).await;
    world.sign_in_by_password("bob").await;
    for ticket in [Some(ALICE), Some("erin@contoso.test"), None] {
        let app = world.app(ticket);
        for (name, upn) in [
            (ALICE, ALICE),
            ("ALICE@contoso.test", ALICE),
            (PRINCIPAL, ALICE),
            ("Bob@Managed.test", BOB),
        ] {
            let token = app.acquire_token(SCOPES).with_username(name).await.unwrap();
            assert_eq!(token.account().username(), upn, "{ticket:?} {name}");
            assert_eq!(token.token_source(), TokenSource::Cache);
        }
        let silent = app
            .acquire_token(SCOPES)
            .from_nothing()
            .with_username("erin@corp.contoso.test")
            .or_silent_for_sole_account();
        let error = silent.await.unwrap_err();
        assert_eq!(error.code(), "no_account_for_login_hint");
    }
    let app = world.app(None);
    let bob = app.account_for_login_hint(BOB).await.unwrap();
    let both = app
        .acquire_token(SCOPES)
        .with_account(&bob)
        .with_username(ALICE);
    is_mismatch(both.await, &[ALICE, BOB]);
    let mut both = app.acquire_token(SCOPES).from_nothing();
    both = both.or_silent_for(BOB).with_username(ALICE);
    is_mismatch(both.await, &[ALICE, BOB]);
}

#[tokio::test]
async fn a_name_that_the_ticket_proved_is_found_in_the_cache() {
    const ALIAS: &str = "alice.archer@contoso.test";
    let world = World::new().await;
    // Renewed by hand, the token has another name than the one that the ticket proved.
    world.say.say(Claims::Names(&[("upn", ALIAS)]));
    world.iwa(PRINCIPAL).await.unwrap();
    for name in [PRINCIPAL, ALIAS] {
        let token = world
            .app(None)
            .acquire_token(SCOPES)
            .with_username(name)
            .await;
        assert_eq!(token.unwrap().token_source(), TokenSource::Cache);
    }
}

#[tokio::test]
async fn an_address_finds_no_account() {
    let world = World::new().await;
    world.say.say(Claims::Names(&[("email", CAROL)]));
    world.sign_in_by_ticket(ALICE).await;
    let app = world.app(None);
    assert_eq!(app.accounts().await.unwrap()[0].username(), CAROL);
    let error = app
        .acquire_token(SCOPES)
        .with_username(CAROL)
        .await
        .unwrap_err();
    assert_eq!(error.attempts()[0].code, "no_account_for_login_hint");
    let hint = app.account_for_login_hint(CAROL).await.unwrap_err();
    assert_eq!(hint.code(), "no_account_for_login_hint");
    // With the name beside it, it is one.
    world
        .say
        .say(Claims::Names(&[("email", CAROL), ("unique_name", CAROL)]));
    world.sign_in_by_ticket(ALICE).await;
    app.acquire_token(SCOPES)
        .with_username(CAROL)
        .await
        .unwrap();
}

#[tokio::test]
async fn without_a_ticket_only_who_never_had_one_is_the_user_who_signed_in_by_hand() {
    let sole = |app: &PublicClientApplication| {
        let ladder = app.acquire_token(SCOPES).from_nothing();
        ladder
            .or_silent_for_sole_account()
            .or_integrated_windows_auth()
    };
    let world = World::new().await;
    world.sign_in_by_password("bob").await;
    let token = sole(&world.app(None)).await.unwrap();
    assert_eq!(token.account().username(), BOB);
    // With one its user comes first.
    let token = sole(&world.app(Some(ALICE))).await.unwrap();
    assert_eq!(token.account().username(), ALICE);

    // The service's ticket has ended, and its account has been removed: it does not become bob.
    let app = world.app(None);
    let alice = app.account_for_login_hint(ALICE).await.unwrap();
    app.remove_account(&alice).await.unwrap();
    let error = sole(&app).await.unwrap_err();
    assert_eq!(error.attempts()[0].code, "no_account_for_login_hint");
    let named = app.acquire_token(SCOPES).with_username(BOB).await.unwrap();
    assert_eq!(named.account().username(), BOB);
    // Another application has not signed in by ticket.
    let other = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
        .with_tenant_id("contoso.test")
        .with_token_cache(world.cache.clone())
        .with_ticket_cache("FILE:/nonexistent/ccache")
        .build()
        .unwrap();
    let error = sole(&other).await.unwrap_err();
    assert_eq!(error.attempts()[0].code, "no_tokens_found");
}

#[tokio::test]
async fn ad_fs_names_the_windows_account() {
    let world = World::new().await;
    for (name, is_theirs) in [
        ("contoso\\Alice", true),
        ("alice@contoso.test", true),
        ("CONTOSO\\carol", false),
    ] {
        let app = PublicClientApplication::builder(CLIENT_ID)
            .with_authority("https://sts.contoso.test/adfs")
            .with_proxy(world.lab.proxy_url())
            .with_ca_bundle(world.lab.ca_pem())
            .build()
            .unwrap();
        let person = world.at_browser("alice");
        let result = app
            .acquire_token_with_device_code(SCOPES, move |code| person.enter(code))
            .with_username(name)
            .await;
        match is_theirs {
            true => {
                result.unwrap();
                let silent = app.acquire_token(SCOPES).from_nothing().or_silent();
                let token = silent.with_username(name).await.unwrap();
                assert_eq!(token.account().username(), ALICE);
            }
            false => is_mismatch(result, &[ALICE, name]),
        }
    }
}
