//! What memory knows of the token cache never goes back to an older text of the store, however reading and writing fall
//! together.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{Account, PublicClientApplication, TokenCache};

const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// A store whose next call stops where its work is done and its answer is not out yet.
#[derive(Clone)]
struct Barrier {
    text: Arc<Mutex<(String, u64)>>,
    next: Arc<Mutex<Option<Stop>>>,
}

/// Which call stops, and how it tells and is told.
struct Stop {
    call: Call,
    reached: Sender<()>,
    go_on: Receiver<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Call {
    Read,
    Update,
}

/// The other side of a stopped call.
struct Stopped {
    reached: Receiver<()>,
    go_on: Sender<()>,
}

impl Stopped {
    fn wait(&self) {
        self.reached.recv().unwrap();
    }

    fn release(self) {
        self.go_on.send(()).unwrap();
    }
}

impl Barrier {
    fn with(users: &[&str]) -> Self {
        let text = cache_of(users).to_string();
        Self {
            text: Arc::new(Mutex::new((text, 1))),
            next: Arc::default(),
        }
    }

    fn stop(&self, call: Call) -> Stopped {
        let (reached, told) = channel();
        let (go_on, released) = channel();
        *self.next.lock().unwrap() = Some(Stop {
            call,
            reached,
            go_on: released,
        });
        Stopped {
            reached: told,
            go_on,
        }
    }

    fn pass(&self, call: Call) {
        let mut next = self.next.lock().unwrap();
        let stop = next.take_if(|stop| stop.call == call);
        drop(next);
        if let Some(stop) = stop {
            stop.reached.send(()).unwrap();
            stop.go_on.recv().unwrap();
        }
    }

    fn app(&self) -> PublicClientApplication {
        PublicClientApplication::builder(CLIENT_ID)
            .with_tenant_id(TENANT)
            .with_token_cache(TokenCache::with_store(self.clone()))
            .without_proxy()
            .build()
            .unwrap()
    }
}

impl TokenStore for Barrier {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        let (text, version) = self.text.lock().unwrap().clone();
        let version = StoreVersion::new(version.to_be_bytes());
        let answer = (known != Some(&version)).then(|| (Secret::from(text), version));
        self.pass(Call::Read);
        Ok(answer)
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        let version = {
            let (text, version) = &mut *self.text.lock().unwrap();
            if let Some(changed) = change(&Secret::from(text.as_str())) {
                *text = changed.expose().to_owned();
                *version += 1;
            }
            StoreVersion::new(version.to_be_bytes())
        };
        self.pass(Call::Update);
        Ok(version)
    }

    fn set_aside(&self, _: &StoreVersion) -> Result<Option<String>, StoreError> {
        panic!("the cache is not damaged")
    }
}

fn cache_of(users: &[&str]) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    let (mut accounts, mut tokens) = (Map::new(), Map::new());
    for user in users {
        let home = format!("{user}.{TENANT}");
        let environment = "login.microsoftonline.com";
        accounts.insert(
            (*user).to_owned(),
            json!({"home_account_id": home, "environment": environment, "realm": TENANT,
                "username": format!("{user}@contoso.test"), "authority_type": "MSSTS"}),
        );
        tokens.insert(
            (*user).to_owned(),
            json!({"home_account_id": home, "environment": environment, "realm": TENANT, "client_id": CLIENT_ID,
                "target": SCOPES[0], "secret": format!("{user}'s"), "token_type": "Bearer",
                "cached_at": now.to_string(), "expires_on": (now + 3600).to_string()}),
        );
    }
    json!({"Account": accounts, "AccessToken": tokens})
}

async fn account(store: &Barrier, user: &str) -> Account {
    let name = format!("{user}@contoso.test");
    store.app().account_for_login_hint(&name).await.unwrap()
}

async fn has_no_token(app: &PublicClientApplication, account: &Account) {
    let error = app.acquire_token_silent(SCOPES, account).await.unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_removed_while_the_store_was_read_stays_removed() {
    let store = Barrier::with(&["alice"]);
    let alice = account(&store, "alice").await;
    let app = store.app();
    let stopped = store.stop(Call::Read);
    let reading = tokio::spawn({
        let app = app.clone();
        async move { app.accounts().await }
    });
    stopped.wait();
    app.remove_account(&alice).await.unwrap();
    stopped.release();
    assert_eq!(reading.await.unwrap().unwrap(), []);
    has_no_token(&app, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_the_later_counts_whichever_is_told_first() {
    let store = Barrier::with(&["alice", "bob"]);
    let (alice, bob) = (account(&store, "alice").await, account(&store, "bob").await);
    let app = store.app();
    let stopped = store.stop(Call::Update);
    let removing = tokio::spawn({
        let (app, alice) = (app.clone(), alice.clone());
        async move { app.remove_account(&alice).await }
    });
    stopped.wait();
    app.remove_account(&bob).await.unwrap();
    stopped.release();
    removing.await.unwrap().unwrap();
    // Bob first: a token that is not found is looked for in the store.
    has_no_token(&app, &bob).await;
    has_no_token(&app, &alice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_readers_the_one_that_saw_more_counts() {
    let store = Barrier::with(&["alice"]);
    let alice = account(&store, "alice").await;
    let app = store.app();
    let stopped = store.stop(Call::Read);
    let reading = tokio::spawn({
        let app = app.clone();
        async move { app.accounts().await }
    });
    stopped.wait();
    // Another process signs the user out, and this one sees it.
    store.app().remove_account(&alice).await.unwrap();
    has_no_token(&app, &alice).await;
    stopped.release();
    reading.await.unwrap().unwrap();
    has_no_token(&app, &alice).await;
}
