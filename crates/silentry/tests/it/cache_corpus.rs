//! Every token cache of other projects as the store of a program: it signs in, renews and removes an account, and
//! whatever others wrote stays as it was.
//!
//! What each cache holds is in `corpus_oauth.rs`. Here any file counts that looks like a cache, or that `INDEX.md` of
//! the collection calls one, so that new ones are tried without being named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{PublicClientApplication, PublicClientApplicationBuilder, TokenCache, TokenSource};
use silentry_lab::Lab;

use crate::support::client_with_ticket;
use crate::testdata::testdata;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];
/// The roots whose rows belong to an account.
const OF_ACCOUNTS: [&str; 4] = ["AccessToken", "RefreshToken", "IdToken", "Account"];
/// The hosts of the public cloud, as instance discovery names them.
const PUBLIC: [&str; 4] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
];
/// Tomorrow, for tokens that ended years ago.
fn later() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() + 24 * 60 * 60
}

/// A store that is one text.
#[derive(Clone, Default)]
struct TextStore(Arc<Mutex<(String, u64)>>);

impl TextStore {
    fn holding(text: &str) -> Self {
        Self(Arc::new(Mutex::new((text.to_owned(), 0))))
    }

    fn value(&self) -> Value {
        tolerant(&self.0.lock().unwrap().0)
    }
}

impl TokenStore for TextStore {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        let (text, version) = &*self.0.lock().unwrap();
        let version = StoreVersion::new(version.to_be_bytes());
        Ok((known != Some(&version)).then(|| (Secret::from(text.as_str()), version)))
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        let (text, version) = &mut *self.0.lock().unwrap();
        if let Some(changed) = change(&Secret::from(text.as_str())) {
            *text = changed.expose().to_owned();
            *version += 1;
        }
        Ok(StoreVersion::new(version.to_be_bytes()))
    }

    fn set_aside(&self, _: &StoreVersion) -> Result<Option<String>, StoreError> {
        panic!("no cache of the collection is damaged")
    }
}

/// Reads JSON as the caches of MSAL.NET are written: with commas behind the last member, and nothing at all for an
/// empty cache. No text of the collection holds a comma before a bracket.
fn tolerant(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Value::Object(Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| {
        let mut clean = String::new();
        for piece in text.split(',') {
            let closes = piece.trim_start().starts_with(['}', ']']);
            clean.push_str(if clean.is_empty() || closes { "" } else { "," });
            clean.push_str(piece);
        }
        serde_json::from_str(&clean).unwrap()
    })
}

/// Returns every cache of the collection with its name.
fn caches(root: &Path) -> Vec<(String, String)> {
    let listed = listed(root);
    let mut found = Vec::new();
    walk(root, &mut |path| {
        let file = path.file_name().unwrap().to_str().unwrap();
        let Ok(text) = fs::read_to_string(path) else {
            return;
        };
        let is_listed = listed.contains(file);
        let looks_like_one = file.ends_with(".json")
            && serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .is_ok_and(|value: Value| OF_ACCOUNTS.iter().any(|kind| value[kind].is_object()));
        if is_listed || looks_like_one {
            let name = path.strip_prefix(root).unwrap();
            found.push((name.display().to_string(), text));
        }
    });
    for name in &listed {
        assert!(
            found.iter().any(|(path, _)| path.ends_with(name)),
            "{name} is in INDEX.md only"
        );
    }
    assert!(found.len() >= 26, "{} caches", found.len());
    found.sort();
    found
}

/// The names of files in the section of `INDEX.md` about caches.
fn listed(root: &Path) -> BTreeSet<String> {
    let index = fs::read_to_string(root.join("INDEX.md")).unwrap();
    let (_, section) = index.split_once("Cache files\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next());
    cells
        .filter(|cell| !cell.contains("-wire.json"))
        .flat_map(|cell| cell.split([' ', ',', '/', '`', '(', ')']))
        .filter(|word| word.ends_with(".json"))
        .map(str::to_owned)
        .collect()
}

fn walk(folder: &Path, see: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, see),
            false => see(&path),
        }
    }
}

fn builder(lab: &Lab, store: &TextStore) -> PublicClientApplicationBuilder {
    client_with_ticket(lab).with_token_cache(TokenCache::with_store(store.clone()))
}

/// Returns what `after` has and `before` has not, by root; what was there before must be there still, and the same.
fn added(name: &str, before: &Value, after: &Value) -> Vec<String> {
    let mut added = Vec::new();
    let after = after.as_object().unwrap();
    for (root, value) in before.as_object().unwrap() {
        let Some(rows) = value.as_object() else {
            assert_eq!(after[root], *value, "{name}: {root}");
            continue;
        };
        for (key, row) in rows {
            assert_eq!(after[root].get(key), Some(row), "{name}: {root} {key}");
        }
    }
    for (root, rows) in after {
        let rows = rows.as_object().into_iter().flat_map(Map::keys);
        let new = rows.filter(|key| before[root].get(key.as_str()).is_none());
        added.extend(new.map(|_| root.clone()));
    }
    added.sort();
    added
}

#[tokio::test]
async fn a_sign_in_leaves_what_others_wrote_as_it_was() {
    let Some(root) = testdata() else { return };
    let lab = Lab::start().await.unwrap();
    let ours = [
        "AccessToken",
        "Account",
        "AppMetadata",
        "IdToken",
        "RefreshToken",
        // Whose ticket gave the account, and that this user of the system signs in by ticket.
        "SilentrySignedInUser",
        "SilentrySignedInUser",
    ];
    for (name, text) in caches(&root) {
        let store = TextStore::holding(&text);
        let before = tolerant(&text);
        let app = builder(&lab, &store).build().unwrap();
        let token = app.acquire_token(SCOPES).await.unwrap();
        assert_eq!(added(&name, &before, &store.value()), ours, "{name}");

        let renewed = app
            .acquire_token_silent(SCOPES, token.account())
            .with_force_refresh(true)
            .await
            .unwrap();
        assert_eq!(added(&name, &before, &store.value()), ours, "{name}");
        let other = builder(&lab, &store).build().unwrap();
        let seen = other.acquire_token(SCOPES).await.unwrap();
        assert_eq!(seen.token_source(), TokenSource::Cache, "{name}");
        assert_eq!(seen.access_token(), renewed.access_token(), "{name}");

        other.remove_account(token.account()).await.unwrap();
        let left = added(&name, &before, &store.value());
        // That this user of the system signs in by ticket stays known.
        assert_eq!(left, ["AppMetadata", "SilentrySignedInUser"], "{name}");
    }
}

#[tokio::test]
async fn an_account_of_others_goes_alone() {
    let Some(root) = testdata() else { return };
    let lab = Lab::start().await.unwrap();
    let mut removed = 0;
    for (name, text) in caches(&root) {
        let store = TextStore::holding(&text);
        let app = builder(&lab, &store).build().unwrap();
        let mut expected = tolerant(&text);
        for account in app.accounts().await.unwrap() {
            app.remove_account(&account).await.unwrap();
            let home = account.home_account_id().unwrap();
            for kind in OF_ACCOUNTS {
                if let Some(rows) = expected[kind].as_object_mut() {
                    rows.retain(|_, row| !(row["home_account_id"] == home && is_public(row)));
                }
            }
            // Indexing made them.
            expected
                .as_object_mut()
                .unwrap()
                .retain(|_, rows| !rows.is_null());
            let mut left = store.value();
            left.as_object_mut()
                .unwrap()
                .retain(|_, rows| !rows.is_null());
            assert_eq!(left, expected, "{name} without {home}");
            removed += 1;
        }
    }
    assert!(removed >= 20, "{removed} accounts");
}

fn is_public(row: &Value) -> bool {
    row["environment"]
        .as_str()
        .is_some_and(|host| PUBLIC.contains(&host.to_ascii_lowercase().as_str()))
}

/// Lets every token of a cache live on, as text or number as it was.
fn prolonged(text: &str) -> Value {
    let mut cache = tolerant(text);
    let rows = cache["AccessToken"].as_object_mut().into_iter().flatten();
    for (_, row) in rows {
        let members = row.as_object_mut().into_iter().flatten();
        for (member, value) in members {
            if matches!(member.as_str(), "expires_on" | "refresh_on") {
                *value = match value {
                    Value::Number(_) => later().into(),
                    _ => later().to_string().into(),
                };
            }
        }
    }
    cache
}

/// What whoever wrote a token can do with it, a program of ours can: no exchange, the very token.
#[tokio::test]
async fn a_good_token_of_others_is_taken() {
    let Some(root) = testdata() else { return };
    let lab = Lab::start().await.unwrap();
    let mut hits = BTreeSet::new();
    for (name, text) in caches(&root) {
        let cache = prolonged(&text);
        let store = TextStore::holding(&cache.to_string());
        for row in cache["AccessToken"].as_object().into_iter().flatten() {
            let row = row.1;
            let member = |name: &str| row[name].as_str().filter(|text| !text.is_empty());
            let (Some(client), Some(target), Some(host)) =
                (member("client_id"), member("target"), member("environment"))
            else {
                continue;
            };
            let authority = match member("realm") {
                Some(realm) if is_public(row) => format!("https://{}/{realm}", PUBLIC[0]),
                None | Some("adfs") => format!("https://{host}/adfs"),
                // Clouds that were made up for unit tests.
                Some(_) => continue,
            };
            let builder = PublicClientApplication::builder(client).with_authority(&authority);
            // A tenant without a dot, of a unit test.
            let Ok(app) = builder
                .with_token_cache(TokenCache::with_store(store.clone()))
                .with_proxy(lab.proxy_url())
                .build()
            else {
                continue;
            };
            let accounts = app.accounts().await.unwrap();
            let Some(account) = accounts
                .iter()
                .find(|known| known.home_account_id() == member("home_account_id"))
            else {
                continue;
            };
            let scopes: Vec<&str> = target.split_whitespace().collect();
            let token = app.acquire_token_silent(scopes, account).await.unwrap();
            assert_eq!(token.token_source(), TokenSource::Cache, "{name}");
            let alike = cache["AccessToken"].as_object().unwrap().values();
            let mut alike = alike.filter(|other| {
                ["client_id", "home_account_id", "realm"]
                    .iter()
                    .all(|member| other[member] == row[member])
            });
            assert!(
                alike.any(|other| other["secret"] == token.access_token()),
                "{name}: a token of somebody else"
            );
            hits.insert(name.clone());
        }
    }
    assert!(lab.exchanges().is_empty());
    assert!(hits.len() >= 13, "{hits:?}");
}
