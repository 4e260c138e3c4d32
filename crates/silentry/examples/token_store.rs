//! Looks into a token cache wherever it is kept, or counts updates in one.
//!
//! ```text
//! token_store default NAME ...             Silentry's own place on this system
//! token_store file PATH ...                a file that is not encrypted
//! token_store python PATH ...              where MSAL Python's extensions keep it
//! token_store developer PATH ...           the shared developer cache, with its signal file at PATH
//!     ... get                              print the cache
//!     ... put                              replace it by what is on stdin
//!     ... count N                          append N lines, one by one, each under the lock
//!     ... aside                            set it aside
//! ```
//!
//! It prints what a cache holds, secrets and all: it is for trying out the stores, not for use.

use std::error::Error;
use std::io::{Read, Write};

use silentry::Secret;
use silentry::cache::store::{
    FileStore, MsalDotnetStorage, TokenStore, default_store, msal_python_store,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [kind, place, action @ ..] = words.as_slice() else {
        return Err("which store, and where?".into());
    };
    let store = open(kind, place)?;
    match action {
        ["get"] => {
            let text = store.read(None)?;
            let text = text.map(|(text, _)| text).unwrap_or_default();
            std::io::stdout().write_all(text.expose().as_bytes())?;
        }
        ["put"] => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            store.update(&mut |_| Some(Secret::from(text.as_str())))?;
        }
        ["count", times] => {
            for number in 0..times.parse::<u64>()? {
                let line = format!("{} {number}\n", std::process::id());
                store.update(&mut |text| Some(Secret::from(text.expose().to_owned() + &line)))?;
            }
        }
        ["aside"] => {
            let (_, seen) = store.read(None)?.ok_or("nothing is there")?;
            let place = store.set_aside(&seen)?.unwrap_or_default();
            std::io::stdout().write_all(place.as_bytes())?;
        }
        _ => return Err("get, put, count N or aside?".into()),
    }
    Ok(())
}

fn open(kind: &str, place: &str) -> Result<Box<dyn TokenStore>, Box<dyn Error>> {
    Ok(match kind {
        "default" => default_store(place)?,
        "file" => Box::new(FileStore::new(place)),
        "python" => msal_python_store(place)?,
        "developer" => {
            let mut storage = MsalDotnetStorage::shared_developer_cache()?;
            storage.cache_file = place.into();
            storage.store()?
        }
        _ => return Err(format!("no store is called {kind}").into()),
    })
}
