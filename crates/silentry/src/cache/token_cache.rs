//! The token cache of an application: in memory, and in a store where one is given.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

#[cfg(feature = "integrated")]
use silentry_protocol::cache::EntityKind;
use silentry_protocol::cache::{CacheDocument, CachedAccount, MAX_CACHE_BYTES};
use silentry_protocol::secret::Secret;

use super::index::{CachedToken, Index, TokenIdentity, Wanted};
use super::names;
use super::recognize::{Unreadable, recognize};
use super::rows::Owner;
use super::store::{FlightLock, StoreError, StoreErrorKind, StoreKind, StoreVersion, TokenStore};
#[cfg(feature = "integrated")]
use super::write::is_ticket_user;
use crate::authority::Authority;
use crate::own_thread::{self, OwnThreadError};
use crate::transport::Clock;

/// How long a store may take to read a cache. Waiting for a lock does not count, it has a limit of its own.
const READ_LIMIT: Duration = Duration::from_secs(if MAY_ASK { 60 } else { 3 });
/// The same for a change: a disk that has much to do takes seconds to say that the file will outlast a power cut.
const CHANGE_LIMIT: Duration = Duration::from_secs(if MAY_ASK { 60 } else { 10 });
/// macOS asks its user whether a program may use what another one has kept in the Keychain.
const MAY_ASK: bool = cfg!(target_os = "macos");

/// How long another process may be at the same exchange before this one makes it as well: longer than a sign-in
/// takes, shorter than a network that does not answer.
const FLIGHT_LIMIT: Duration = Duration::from_secs(10);
/// From the first to the last pause between two looks at it.
const FLIGHT_PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

const TOO_LARGE: &str = "with these tokens it would be larger than 128 MiB";

/// Keeps the tokens of the users who have signed in.
///
/// It is a cheap handle, and applications may share one. A token that is in memory costs no I/O; what
/// another process has written is seen when a token is not found, or is to be renewed.
///
/// ```
/// use silentry::{PublicClientApplication, TokenCache};
///
/// let cache = TokenCache::in_memory();
/// let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
///     .with_token_cache(cache)
///     .build()?;
/// # Ok::<(), silentry::Error>(())
/// ```
#[derive(Clone)]
pub struct TokenCache {
    shared: Arc<Shared>,
}

struct Shared {
    memory: RwLock<Memory>,
    store: Option<Box<dyn TokenStore>>,
    /// Alive as long as work is that the store did not end in time. Until then nothing else is asked of it.
    overdue: Mutex<Weak<()>>,
}

#[derive(Default)]
struct Memory {
    document: CacheDocument,
    index: Index,
    /// Which text of the store this is.
    version: Option<StoreVersion>,
    /// How often the memory has been replaced by what is in the store.
    generation: u64,
}

/// An access token that was found, with whose it is.
pub(crate) struct Found {
    pub(crate) token: Arc<CachedToken>,
    pub(crate) identity: TokenIdentity,
}

impl TokenCache {
    /// A cache that ends with the program.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(None)
    }

    /// A cache that is kept in a store.
    #[must_use]
    pub fn with_store(store: impl TokenStore) -> Self {
        Self::of(Some(Box::new(store)))
    }

    fn of(store: Option<Box<dyn TokenStore>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                memory: RwLock::default(),
                store,
                overdue: Mutex::default(),
            }),
        }
    }

    /// Looks in memory alone.
    pub(crate) fn access_token(&self, wanted: &Wanted<'_>) -> Option<Found> {
        let memory = self.shared.read();
        let token = memory.index.access_token(wanted)?;
        Some(Found {
            token: Arc::clone(token),
            identity: memory.index.identity(wanted, token).clone(),
        })
    }

    /// Returns the refresh tokens to try, best first.
    pub(crate) fn refresh_tokens(&self, wanted: &Wanted<'_>, family: bool) -> Vec<Secret> {
        self.shared.read().index.refresh_tokens(wanted, family)
    }

    /// Returns the account of whoever is signed in to the machine, from an integrated sign-in before.
    #[cfg(feature = "integrated")]
    pub(crate) fn account_of(&self, environment: &str, signed_in: &str) -> Option<String> {
        let memory = self.shared.read();
        memory
            .index
            .account_of(environment, signed_in)
            .map(str::to_owned)
    }

    /// Returns whether integrated sign-ins have left any account there.
    #[cfg(feature = "integrated")]
    pub(crate) fn has_bindings(&self, environment: &str) -> bool {
        self.shared.read().index.has_bindings(environment)
    }

    /// Returns whether an integrated sign-in gave the account to somebody.
    pub(crate) fn is_bound(&self, environment: &str, home_account_id: &str) -> bool {
        let memory = self.shared.read();
        memory.index.is_bound(environment, home_account_id)
    }

    /// Returns whether this user of the operating system has ever signed in to this application by ticket.
    #[cfg(feature = "integrated")]
    pub(crate) fn is_ticket_user(&self, client_id: &str, os_user: &str) -> bool {
        let memory = self.shared.read();
        let mut records = memory.document.entities(EntityKind::SignedInUser);
        records.any(|(_, row)| is_ticket_user(row, client_id, os_user))
    }

    /// Returns the names that are an account's own.
    #[cfg(feature = "integrated")]
    pub(crate) fn names_of(&self, owner: &Owner) -> Vec<String> {
        names::of_account(&self.shared.read().document, owner)
    }

    /// Returns the accounts of all clouds; those of the authority have one name for its host, whoever wrote them.
    pub(crate) fn accounts(&self, authority: &Authority) -> Vec<CachedAccount> {
        accounts(&self.shared.read().document, authority)
    }

    /// Returns those of the accounts that `is_wanted` keeps which somebody means by a name, in any case, or by a home
    /// account id; `os_user` may have proved the name by a ticket. Of several, those at home in the tenant of the authority are meant.
    pub(crate) fn accounts_named(
        &self,
        authority: &Authority,
        name: &str,
        os_user: Option<&str>,
        is_wanted: impl Fn(&CachedAccount) -> bool,
    ) -> Vec<CachedAccount> {
        let document = &self.shared.read().document;
        let mut accounts = accounts(document, authority);
        accounts.retain(is_wanted);
        let named = names::named(document, authority, &accounts, name, os_user);
        match authority.tenant() {
            Some(tenant) if named.len() > 1 => names::at_home_in(document, named, tenant),
            _ => named,
        }
    }

    /// Takes over what another process has written since the last time.
    pub(crate) async fn catch_up(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        if self.shared.store.is_none() {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let work = move || shared.catch_up();
        self.on_thread(clock, READ_LIMIT, work).await
    }

    /// The same before a sign-in: a damaged cache is as good as an empty one, which the sign-in begins anew.
    pub(crate) async fn catch_up_to_sign_in(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        match self.catch_up(clock).await {
            Err(error) if error.kind() == StoreErrorKind::Damaged => {
                tracing::warn!(%error, "no token can be read");
                Ok(())
            }
            result => result,
        }
    }

    /// Returns what kind of place it is kept in; `None` for memory.
    pub(crate) fn kind(&self) -> Option<StoreKind> {
        self.shared.store.as_ref().map(TokenStore::kind)
    }

    /// Returns whether other processes can share the cache.
    pub(crate) fn has_store(&self) -> bool {
        self.shared.store.is_some()
    }

    /// Waits until no other process is at the exchange that `key` names; `None` when it takes too long or cannot be
    /// told, and then there is nothing but to go on.
    pub(crate) async fn lock_flight(&self, clock: &dyn Clock, key: &str) -> Option<FlightLock> {
        let give_up = clock.now() + FLIGHT_LIMIT;
        let [mut pause, longest] = FLIGHT_PAUSES;
        loop {
            let (shared, key) = (Arc::clone(&self.shared), key.to_owned());
            let work = move || match &shared.store {
                Some(store) => store.try_lock_flight(&key),
                None => Ok(None),
            };
            match self.on_thread(clock, READ_LIMIT, work).await {
                Ok(Some(lock)) => return Some(lock),
                Ok(None) if clock.now() < give_up => {}
                Ok(None) => return None,
                Err(error) => {
                    tracing::debug!(%error, "other processes cannot be told to wait");
                    return None;
                }
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Changes the cache, in the store first: under its lock, on what is in it by then. A damaged cache is set aside
    /// first.
    pub(crate) async fn change(
        &self,
        clock: &dyn Clock,
        change: impl FnOnce(&mut CacheDocument) -> Option<Owner> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.change_with(Damage::SetAside, clock, change).await
    }

    /// The same to remove tokens: a damaged cache is an error and stays as it is, as the tokens may still be in it.
    pub(crate) async fn remove(
        &self,
        clock: &dyn Clock,
        remove: impl FnOnce(&mut CacheDocument) -> Option<Owner> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.change_with(Damage::Refuse, clock, remove).await
    }

    async fn change_with(
        &self,
        damage: Damage,
        clock: &dyn Clock,
        change: impl FnOnce(&mut CacheDocument) -> Option<Owner> + Send + 'static,
    ) -> Result<(), StoreError> {
        if self.shared.store.is_none() {
            self.shared.change_memory(change);
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let work = move || shared.change(damage, change);
        self.on_thread(clock, CHANGE_LIMIT, work).await
    }

    /// Asks the store, which may block.
    async fn on_thread<T: Send + 'static>(
        &self,
        clock: &dyn Clock,
        limit: Duration,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |why: &str| StoreError::new(StoreErrorKind::Io, why);
        if self.shared.is_overdue() {
            return Err(failed("the store of the token cache still does not answer"));
        }
        let at_it = Arc::new(());
        let watch = Arc::downgrade(&at_it);
        let work = move || {
            let result = work();
            drop(at_it);
            result
        };
        match own_thread::run("silentry-cache", clock, limit, work).await {
            Ok(result) => result,
            Err(OwnThreadError::NoThread(error)) => {
                Err(failed(&format!("no thread for the token cache: {error}")))
            }
            Err(OwnThreadError::TimedOut) => {
                self.shared.set_overdue(watch);
                let seconds = limit.as_secs();
                Err(failed(&format!(
                    "the store of the token cache did not answer within {seconds} s"
                )))
            }
            Err(OwnThreadError::Died) => Err(failed("the store of the token cache panicked")),
        }
    }
}

/// What a change does with a damaged cache.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Damage {
    SetAside,
    Refuse,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache")
            .field("document", &self.shared.read().document)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A thread that panicked leaves a whole document behind: it is only ever replaced.
    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_overdue(&self) -> bool {
        let overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        overdue.strong_count() > 0
    }

    fn set_overdue(&self, work: Weak<()>) {
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = work;
    }

    fn change_memory(&self, change: impl FnOnce(&mut CacheDocument) -> Option<Owner>) {
        let mut memory = self.write();
        let Memory {
            document, index, ..
        } = &mut *memory;
        if let Some(owner) = change(document) {
            index.renew(document, &owner);
        }
    }

    /// What was read while another thread replaced the memory may be older than what is there by now, so it is read
    /// again. The second replacement in a row was read after this call began, and is as good as what this one reads.
    fn catch_up(&self) -> Result<(), StoreError> {
        for _ in 0..2 {
            if self.try_to_catch_up()? {
                break;
            }
        }
        Ok(())
    }

    /// Returns `false` when the memory was replaced meanwhile.
    fn try_to_catch_up(&self) -> Result<bool, StoreError> {
        let Some(store) = &self.store else {
            return Ok(true);
        };
        let (known, generation) = {
            let memory = self.read();
            (memory.version.clone(), memory.generation)
        };
        let Some((text, version)) = store.read(known.as_ref())? else {
            return Ok(true);
        };
        match recognize(text.expose()) {
            Ok(document) => Ok(self.remember(document, Some(version), generation)),
            // Whoever reads moves nothing; it is read again the next time.
            Err(unreadable) => {
                self.remember(CacheDocument::default(), None, generation);
                Err(unreadable.at(&store.place()))
            }
        }
    }

    fn change(
        &self,
        damage: Damage,
        change: impl FnOnce(&mut CacheDocument) -> Option<Owner>,
    ) -> Result<(), StoreError> {
        let Some(store) = &self.store else {
            self.change_memory(change);
            return Ok(());
        };
        let mut change = Some(change);
        // The second time the damaged text has been set aside.
        for _ in 0..2 {
            let mut outcome = None;
            let version = store.update(&mut |text| match recognize(text.expose()) {
                Ok(mut document) => {
                    change.take()?(&mut document);
                    let text = document.to_json();
                    if text.expose().len() > MAX_CACHE_BYTES {
                        outcome = Some(Err(Unreadable::Other(TOO_LARGE.to_owned())));
                        return None;
                    }
                    // Under the store's lock: whoever has written before may not have told the memory yet.
                    outcome = Some(Ok((document, self.read().generation)));
                    Some(text)
                }
                Err(unreadable) => {
                    outcome = Some(Err(unreadable));
                    None
                }
            })?;
            match outcome {
                Some(Ok((document, generation))) => {
                    if !self.remember(document, Some(version), generation) {
                        self.catch_up()?;
                    }
                    return Ok(());
                }
                Some(Err(Unreadable::Damaged(why))) if damage == Damage::SetAside => {
                    // `None`: another process has done so already.
                    if let Some(place) = store.set_aside(&version)? {
                        tracing::warn!(why, place, "the token cache is damaged and was set aside");
                    }
                }
                Some(Err(unreadable)) => return Err(unreadable.at(&store.place())),
                None => break,
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Io,
            "the token cache is damaged and could not be set aside",
        ))
    }

    /// Replaces the memory of this generation; `false` when it is there no longer, as the store was read or written by
    /// another thread meanwhile.
    fn remember(
        &self,
        document: CacheDocument,
        version: Option<StoreVersion>,
        generation: u64,
    ) -> bool {
        let index = Index::of(&document);
        let mut memory = self.write();
        if memory.generation != generation {
            return false;
        }
        *memory = Memory {
            document,
            index,
            version,
            generation: generation + 1,
        };
        true
    }
}

/// The accounts of a cache; those of the authority have one name for its host, whoever wrote them.
fn accounts(document: &CacheDocument, authority: &Authority) -> Vec<CachedAccount> {
    match authority.environment_with_port() {
        None => document.accounts(),
        Some(with_port) => document.accounts_in(|environment| match environment == with_port {
            true => authority.environment(),
            false => environment,
        }),
    }
}
