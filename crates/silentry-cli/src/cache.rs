//! Which token cache the settings mean.

use std::path::Path;

use silentry::TokenCache;
use silentry::cache::store::{
    FileStore, StoreError, StoreErrorKind, default_store, msal_python_store,
};

use crate::arguments::{CacheFormat, Settings};
use crate::failure::Failure;

/// The name of Silentry's own cache: `<name>.cache` in its folder, `<name>` in the keychain.
const OWN: &str = "tokens";

/// What --cache says for no cache, and for the default place.
pub(crate) const NONE: &str = "none";
pub(crate) const DEFAULT: &str = "default";

/// Returns whether the place is this word instead of a path, in any case: `None` must not become a file with tokens.
pub(crate) fn is_word(place: &Path, word: &str) -> bool {
    place
        .to_str()
        .is_some_and(|text| text.eq_ignore_ascii_case(word))
}

/// What was found.
pub(crate) enum Cache {
    /// One that outlives the command.
    Kept(TokenCache),
    /// The user wants none.
    Unwanted,
    /// There is no place for one on this machine, for this reason.
    Impossible(String),
}

impl Cache {
    /// Opens the cache of the settings. Nothing of it is read yet.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        let place = settings.cache.as_deref().unwrap_or(Path::new(DEFAULT));
        let store = if is_word(place, NONE) {
            return Ok(Cache::Unwanted);
        } else if is_word(place, DEFAULT) {
            match default_store(OWN) {
                Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                    return Ok(Cache::Impossible(error.to_string()));
                }
                store => store.map_err(|error| failed(&error))?,
            }
        } else {
            match settings.cache_format.unwrap_or_default() {
                CacheFormat::Plain => Box::new(FileStore::new(place)),
                CacheFormat::Os => protected(place, settings)?,
            }
        };
        Ok(Cache::Kept(TokenCache::with_store(store)))
    }

    /// The cache for commands that get a token all the same when nothing can be kept.
    pub(crate) fn or_memory(self) -> TokenCache {
        match self {
            Cache::Kept(cache) => cache,
            Cache::Unwanted => TokenCache::in_memory(),
            Cache::Impossible(why) => {
                tracing::debug!(why, "no token is kept: this machine has no place for them");
                TokenCache::in_memory()
            }
        }
    }

    /// The cache for commands that make no sense without one.
    pub(crate) fn or_failure(self) -> Result<TokenCache, Failure> {
        match self {
            Cache::Kept(cache) => Ok(cache),
            Cache::Unwanted => Err(Failure::usage(
                "usage",
                "with --cache none there is no token cache",
                "Give --cache a file, or leave it out (SILENTRY_CACHE and the config file too).",
            )),
            Cache::Impossible(why) => Err(Failure::other(
                "token_cache_failed",
                format!("this machine has no place that protects tokens: {why}"),
                "Name a file with --cache FILE (or SILENTRY_CACHE); only its permissions protect it.",
                "cache",
            )),
        }
    }
}

/// A cache that the system protects, as MSAL Python's extensions name it after a path.
fn protected(
    path: &Path,
    settings: &Settings,
) -> Result<Box<dyn silentry::cache::store::TokenStore>, Failure> {
    let location = path.to_str().ok_or_else(|| {
        let named = &settings.from_environment;
        let cache = named.name("cache", "--cache", "SILENTRY_CACHE");
        Failure::usage(
            "usage",
            format!(
                "{cache} {} is not Unicode, which --cache-format os needs",
                path.display()
            ),
            "Use another file name.",
        )
    })?;
    msal_python_store(location).map_err(|error| failed(&error))
}

fn failed(error: &StoreError) -> Failure {
    Failure::other(
        "token_cache_failed",
        error.to_string(),
        "Check that this user can read and write the place of the token cache, or name another with --cache.",
        "cache",
    )
}
