//! Calls that want the same token at the same time share one exchange.
//!
//! Within the process they share the future that makes it ([`UnderWay`](crate::memory::UnderWay)). Across processes they share by the store of the
//! token cache: one process is at the exchange, the others wait for its lock and find the token in the store.
//!
//! What a person takes part in (device code, browser, password) is not shared. Within the process, a call that names a
//! correlation id of its own is not shared either, since that must be found in Entra's logs; it still waits for other
//! processes. Of those that share, all have the correlation id of the first.

use super::asked::Asked;
use crate::application::Application;
use crate::cache::store::FlightLock;
use crate::flow_name::Flow;
use crate::memory::FlightKey;
use crate::result::AuthenticationResult;

/// Returns the key of an exchange, `None` for a request that must not be shared.
pub(super) fn key(
    flow: Flow,
    who: &str,
    told: Vec<Option<String>>,
    asked: &Asked,
) -> Option<FlightKey> {
    asked.options.correlation_id.is_none().then(|| FlightKey {
        flow,
        who: who.to_owned(),
        told,
        authority: asked.authority.to_string(),
        scopes: asked.scopes.to_string().to_ascii_lowercase(),
        options: asked.options.clone(),
    })
}

/// Which token of the cache another process may have got for this call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Any that is good: the call would have been content with the cache.
    Any,
    /// One that was not there when the call was made: it asked for a new one.
    Newer,
    /// None: the token must have claims, and nothing tells those of a token in the cache.
    None,
}

/// What there is to do once no other process is at the same exchange.
pub(super) enum Cleared {
    /// Nothing: another process brought this token meanwhile.
    Found(AuthenticationResult),
    /// The exchange; others wait until the lock, where there is one, is dropped.
    Go(Option<FlightLock>),
}

/// Names what the processes that share a store wait for: one user's token of one client for some scopes.
pub(super) fn name(application: &Application, who: &str, asked: &Asked) -> String {
    let scopes = asked.scopes.to_string().to_ascii_lowercase();
    let authority = asked.authority.to_string();
    [&application.client_id, &authority, who, &scopes].join("\n")
}

/// Waits, but not forever, until no other process is at the exchange with this name, and looks whether one has
/// brought what `find` finds.
pub(super) async fn clear_other_processes(
    application: &Application,
    name: &str,
    accept: Accept,
    find: impl Fn() -> Option<AuthenticationResult>,
) -> Cleared {
    let cache = &application.cache;
    // An exchange may have ended between the look into the cache and here.
    if accept == Accept::Any
        && let Some(result) = find()
    {
        return Cleared::Found(result);
    }
    if accept == Accept::None || !cache.has_store() {
        return Cleared::Go(None);
    }
    let before = match accept {
        Accept::Newer => caught_up(application).await.then(&find).flatten(),
        Accept::Any | Accept::None => None,
    };
    let lock = cache.lock_flight(&*application.clock, name).await;
    if !caught_up(application).await {
        return Cleared::Go(lock);
    }
    let is_new = |found: &AuthenticationResult| {
        let before = before.as_ref();
        before.is_none_or(|before| before.access_token() != found.access_token())
    };
    match find().filter(is_new) {
        Some(found) => Cleared::Found(found),
        None => Cleared::Go(lock),
    }
}

/// A store that fails is no reason to give up a sign-in that does not need it.
async fn caught_up(application: &Application) -> bool {
    let caught_up = application.cache.catch_up(&*application.clock).await;
    caught_up
        .inspect_err(|error| tracing::debug!(%error, "the token cache could not be read again"))
        .is_ok()
}
