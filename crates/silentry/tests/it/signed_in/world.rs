//! A machine with tickets in several places, a cache file, and programs that use both.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::{Uid, geteuid, getuid};
use silentry::Secret;
use silentry::cache::store::FileStore;
use silentry::{
    Account, AuthenticationResult, Directory, Error, PublicClientApplication, TokenCache,
};
use silentry_lab::kerberos::Principal;
use silentry_lab::kerberos::ccache::Ccache;
use silentry_lab::{CLIENT_ID, Lab, TENANT_ID};
use tempfile::TempDir;

use crate::signed_in::switching::Plan;
use crate::support::Watched;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// An account that has alice's name and is not hers, with a token that would serve; and a record of another cloud that
/// says it is.
const LOOK_ALIKE: &str = r#"{
    "Account": {"a": {"home_account_id": "66666666-1111.TENANT", "environment": "login.microsoftonline.com",
        "realm": "TENANT", "username": "alice@contoso.test", "local_account_id": "66666666-1111"}},
    "AccessToken": {"t": {"home_account_id": "66666666-1111.TENANT", "environment": "login.microsoftonline.com",
        "client_id": "CLIENT", "realm": "TENANT", "target": "https://graph.microsoft.com/User.Read",
        "secret": "somebody-elses", "token_type": "Bearer", "expires_on": "LATER"}},
    "SilentrySignedInUser": {"s": {"signed_in": "0:alice@CORP.CONTOSO.TEST", "environment": "login.microsoftonline.us",
        "home_account_id": "66666666-1111.TENANT"}}
}"#;

/// Where tickets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// `FILE:`, one of two.
    File(usize),
    /// `DIR:`, a collection with a primary cache.
    Collection,
}

/// Whose tickets there are: users of the lab, and principals whose names are like a user's.
pub(crate) struct People {
    list: Vec<Person>,
}

struct Person {
    principal: String,
    /// Where the tickets are copied from.
    tickets: PathBuf,
    /// Of the account at Entra, for whom there is one.
    home_account_id: Option<String>,
    upn: &'static str,
    password: &'static str,
}

impl People {
    pub(crate) const COUNT: usize = 8;

    fn of(lab: &Lab) -> Self {
        let users = ["alice", "erin", "judy", "ivan", "carol", "mallory"];
        let mut list: Vec<Person> = users
            .into_iter()
            .map(|name| {
                let user = silentry_lab::user(name).unwrap();
                Person {
                    principal: user.principal(),
                    tickets: lab.ccache(name).unwrap(),
                    home_account_id: user.object_id.map(|id| format!("{id}.{TENANT_ID}")),
                    upn: user.upn,
                    password: user.password,
                }
            })
            .collect();
        let of_alice = Ccache::read(&list[0].tickets).unwrap();
        for principal in ["alice/admin@CORP.CONTOSO.TEST", "alice@EMEA.CONTOSO.TEST"] {
            let tickets = lab.directory().join(principal.replace('/', "_"));
            let name = Principal::parse(principal).unwrap();
            let ccache = Ccache::new(name, of_alice.credentials().iter().cloned());
            ccache.write(&tickets).unwrap();
            list.push(Person {
                principal: principal.to_owned(),
                tickets,
                home_account_id: None,
                ..list_entry(&list[0])
            });
        }
        assert_eq!(list.len(), Self::COUNT);
        Self { list }
    }

    /// Returns whether Entra lets nobody in with this person's password.
    pub(crate) fn is_refused(&self, who: usize) -> bool {
        // MFA is asked of carol always and of erin outside; mallory's name leads to no federation server.
        ["erin", "carol", "mallory"]
            .iter()
            .any(|name| self.list[who].upn.starts_with(name))
    }

    /// Returns the account of a principal.
    pub(crate) fn account_of(&self, principal: &str) -> Option<&str> {
        let mut list = self.list.iter();
        list.find(|person| person.principal == principal)?
            .home_account_id
            .as_deref()
    }
}

fn list_entry(person: &Person) -> Person {
    Person {
        principal: person.principal.clone(),
        tickets: person.tickets.clone(),
        home_account_id: person.home_account_id.clone(),
        ..*person
    }
}

/// Somebody at the machine.
#[derive(Debug)]
pub(crate) struct Whose {
    uid: u32,
    principal: Option<String>,
    home_account_id: Option<String>,
}

impl Whose {
    /// The user of the system and the principal, empty when nobody has a ticket.
    pub(crate) fn who(&self) -> (u32, String) {
        (self.uid, self.principal.clone().unwrap_or_default())
    }

    /// Returns whether a token is this user's, by what Entra says in it and by the account that comes with it.
    pub(crate) fn owns(&self, token: &AuthenticationResult) -> bool {
        let claims = token.access_token().split('.').nth(1);
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Option<serde_json::Value> =
            claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        let Some(oid) = claims.as_ref().and_then(|claims| claims["oid"].as_str()) else {
            return false;
        };
        let home = Some(format!("{oid}.{TENANT_ID}"));
        home == self.home_account_id && home.as_deref() == token.account().home_account_id()
    }

    pub(crate) fn must_own(&self, token: &AuthenticationResult) {
        assert!(self.owns(token), "{:?} for {self:?}", token.account());
    }
}

/// The lab and the people are the same for all histories.
fn ground() -> &'static (Lab, People) {
    static GROUND: OnceLock<(Lab, People)> = OnceLock::new();
    GROUND.get_or_init(|| {
        let start = || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(Lab::start()).unwrap()
        };
        let lab = std::thread::spawn(start).join().unwrap();
        let people = People::of(&lab);
        (lab, people)
    })
}

pub(crate) struct World {
    folder: TempDir,
    plan: Plan,
    apps: HashMap<Place, PublicClientApplication>,
}

impl World {
    pub(crate) fn new() -> Self {
        become_os_user(0);
        let folder = tempfile::tempdir().unwrap();
        let later = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
        let later = later.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let cache = LOOK_ALIKE
            .replace("TENANT", TENANT_ID)
            .replace("CLIENT", CLIENT_ID)
            .replace("LATER", &later.to_string());
        fs::write(folder.path().join("msal.cache"), cache).unwrap();
        fs::create_dir(folder.path().join("collection")).unwrap();
        let mut world = Self {
            folder,
            plan: Plan::default(),
            apps: HashMap::new(),
        };
        world.restart();
        world
    }

    pub(crate) fn people(&self) -> &'static People {
        &ground().1
    }

    /// One program for each place of tickets; they share the cache file and nothing in memory.
    pub(crate) fn restart(&mut self) {
        let lab = &ground().0;
        let app = |ccache: String| {
            let transport = Watched::in_lab(lab, self.plan.clone());
            let store = FileStore::new(self.folder.path().join("msal.cache"));
            PublicClientApplication::builder(CLIENT_ID)
                .with_tenant_id("contoso.test")
                .with_transport(transport)
                .with_token_cache(TokenCache::with_store(store))
                .with_ticket_cache(ccache)
                .with_directory(Directory::Off)
                .build()
                .unwrap()
        };
        let places = [Place::File(0), Place::File(1), Place::Collection];
        self.apps = places
            .into_iter()
            .map(|place| {
                let kind = match place {
                    Place::File(_) => "FILE",
                    Place::Collection => "DIR",
                };
                (place, app(format!("{kind}:{}", self.path(place).display())))
            })
            .collect();
    }

    fn path(&self, place: Place) -> PathBuf {
        path(self.folder.path(), place)
    }

    pub(crate) fn put_ticket(&self, at: Place, who: usize) {
        put_ticket(self.folder.path(), at, who);
    }

    pub(crate) fn switch_primary(&self, who: usize) {
        let collection = self.path(Place::Collection);
        if collection.join(format!("tkt{who}")).exists() {
            fs::write(collection.join("primary"), format!("tkt{who}\n")).unwrap();
        }
    }

    pub(crate) fn destroy(&self, at: Place) {
        if let Some(file) = ticket_file(self.folder.path(), at) {
            let _ = fs::remove_file(file);
        }
    }

    /// Changes the real user alone, which is the one that counts; where this process may not, it stays who it is.
    pub(crate) fn become_os_user(&self, uid: u32) {
        become_os_user(uid);
    }

    /// Returns who is signed in here, read from the ticket itself.
    pub(crate) fn user_of(&self, at: Place) -> Whose {
        let file = ticket_file(self.folder.path(), at);
        let ccache = file.and_then(|file| Ccache::read(&file).ok());
        let principal = ccache.map(|ccache| {
            format!(
                "{}@{}",
                ccache.principal().name(),
                ccache.principal().realm()
            )
        });
        whose(principal)
    }

    /// Returns what this person would be at the machine.
    pub(crate) fn user_with_ticket(&self, who: usize) -> Whose {
        whose(Some(self.people().list[who].principal.clone()))
    }

    pub(crate) async fn ladder(&self, at: Place) -> Result<AuthenticationResult, Error> {
        self.apps[&at].acquire_token(SCOPES).await
    }

    pub(crate) async fn integrated(&self, at: Place) -> Result<AuthenticationResult, Error> {
        self.apps[&at]
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await
    }

    pub(crate) async fn password(
        &self,
        at: Place,
        who: usize,
    ) -> Result<AuthenticationResult, Error> {
        let person = &self.people().list[who];
        let password = Secret::from(person.password);
        self.apps[&at]
            .acquire_token_by_username_password(SCOPES, person.upn, password)
            .await
    }

    pub(crate) async fn silent(
        &self,
        at: Place,
        number: usize,
    ) -> Option<(Account, Result<AuthenticationResult, Error>)> {
        let account = self.account(at, number).await?;
        let given = self.apps[&at].acquire_token_silent(SCOPES, &account).await;
        Some((account, given))
    }

    /// Returns the home account id of who signed out.
    pub(crate) async fn sign_out(&self, at: Place, number: usize) -> Option<String> {
        let account = self.account(at, number).await?;
        self.apps[&at].remove_account(&account).await.unwrap();
        account.home_account_id().map(str::to_owned)
    }

    async fn account(&self, at: Place, number: usize) -> Option<Account> {
        let accounts = self.apps[&at].accounts().await.unwrap();
        let count = accounts.len();
        accounts.into_iter().nth(number.checked_rem(count)?)
    }

    /// Signs in while the ticket becomes another person's, and perhaps what it was again.
    pub(crate) async fn interrupted(
        &self,
        at: Place,
        ladder: bool,
        who: usize,
        after: usize,
        back_after: Option<usize>,
    ) -> Result<AuthenticationResult, Error> {
        let folder = self.folder.path().to_owned();
        let mut deeds: BTreeMap<usize, Box<dyn FnOnce() + Send>> = BTreeMap::new();
        if let Some(back_after) = back_after
            && let Some(file) = ticket_file(&folder, at)
            && let Ok(before) = fs::read(&file)
        {
            let back = move || fs::write(file, before).unwrap();
            deeds.insert(back_after, Box::new(back));
        }
        deeds.insert(after, Box::new(move || replace_ticket(&folder, at, who)));
        self.plan.begin(deeds);
        let given = match ladder {
            true => self.ladder(at).await,
            false => self.integrated(at).await,
        };
        self.plan.end();
        given
    }
}

fn whose(principal: Option<String>) -> Whose {
    let home = principal
        .as_deref()
        .and_then(|principal| ground().1.account_of(principal));
    Whose {
        uid: getuid().as_raw(),
        home_account_id: home.map(str::to_owned),
        principal,
    }
}

fn become_os_user(uid: u32) {
    if geteuid().is_root() {
        let user = Uid::from_raw(uid);
        rustix::thread::set_thread_res_uid(user, None, None).unwrap();
    }
}

fn path(folder: &Path, place: Place) -> PathBuf {
    match place {
        Place::File(number) => folder.join(format!("krb5cc{number}")),
        Place::Collection => folder.join("collection"),
    }
}

/// Returns the file of the ticket that a program would take.
fn ticket_file(folder: &Path, place: Place) -> Option<PathBuf> {
    let path = path(folder, place);
    match place {
        Place::File(_) => Some(path),
        Place::Collection => {
            let primary = fs::read_to_string(path.join("primary")).ok()?;
            Some(path.join(primary.trim()))
        }
    }
}

fn put_ticket(folder: &Path, place: Place, who: usize) {
    let mut file = path(folder, place);
    if place == Place::Collection {
        fs::write(file.join("primary"), format!("tkt{who}\n")).unwrap();
        file.push(format!("tkt{who}"));
    }
    fs::copy(&ground().1.list[who].tickets, file).unwrap();
}

/// Puts another ticket where one is, as `kinit` in the default cache does.
fn replace_ticket(folder: &Path, place: Place, who: usize) {
    if let Some(file) = ticket_file(folder, place) {
        fs::copy(&ground().1.list[who].tickets, file).unwrap();
    }
}
