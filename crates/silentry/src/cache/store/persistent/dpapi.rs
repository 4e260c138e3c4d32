//! A cache in a file that Windows encrypts for its user (DPAPI).
//!
//! This file holds every unsafe call for it.

#![allow(unsafe_code)] // the C calls of DPAPI are unsafe by nature.

use std::io;
use std::path::PathBuf;
use std::ptr;
use std::slice;

use silentry_protocol::secret::Secret;
use windows_sys::Win32::Foundation::{ERROR_INVALID_DATA, ERROR_INVALID_PARAMETER, LocalFree};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};
use zeroize::{Zeroize, Zeroizing};

use super::super::{StoreError, StoreErrorKind};
use super::file::{CacheFile, text};
use super::lock::Lock;
use super::locked::{Glance, Locked, Medium, locked_store};

/// Keeps a token cache in a file that only this Windows user can decrypt, on this machine.
///
/// The file is what `CryptProtectData` makes of the JSON, for the current user and without entropy: the
/// format of MSAL.NET's, MSAL Python's and MSAL Node's extensions alike.
pub struct DpapiStore(Locked<ProtectedFile>);

impl DpapiStore {
    /// Keeps the cache in that file; nothing is read or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Locked::new(ProtectedFile(CacheFile::new(path))))
    }
}

locked_store!(DpapiStore, |_| crate::cache::store::StoreKind::System);

struct ProtectedFile(CacheFile);

impl Medium for ProtectedFile {
    fn file(&self) -> &CacheFile {
        &self.0
    }

    fn glance(&self) -> Result<Glance, StoreError> {
        self.0.glance()
    }

    /// What Windows calls invalid data is damaged. Any other failure may pass (a profile that is not
    /// loaded, a domain controller that must help after a password was reset): then it stays as it is.
    fn load(&self) -> Result<Secret, StoreError> {
        let bytes = self.0.read()?;
        if bytes.is_empty() {
            return Ok(Secret::default());
        }
        match unprotect(&bytes) {
            Ok(plain) => Ok(text(&plain)),
            Err(error) if is_damage(&error) => Ok(text(&bytes)),
            Err(error) => Err(self.failure("decrypt", &error)),
        }
    }

    fn save(&self, text: &Secret, lock: &Lock) -> Result<(), StoreError> {
        let plain = text.expose().as_bytes();
        let bytes = protect(plain).map_err(|error| self.failure("encrypt", &error))?;
        self.0.write(&bytes, lock)
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        self.0.set_aside()
    }
}

impl ProtectedFile {
    fn failure(&self, verb: &str, error: &io::Error) -> StoreError {
        let path = self.0.path().display();
        StoreError::new(
            StoreErrorKind::Denied,
            format!("Windows cannot {verb} {path}: {error}"),
        )
    }
}

fn is_damage(error: &io::Error) -> bool {
    let code = error
        .raw_os_error()
        .and_then(|code| u32::try_from(code).ok());
    matches!(code, Some(ERROR_INVALID_DATA | ERROR_INVALID_PARAMETER))
}

fn protect(plain: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let plain = blob(plain)?;
    let mut sealed = CRYPT_INTEGER_BLOB::default();
    // SAFETY: the input blob is valid for the call, which does not write to it; null stands for no
    // description, entropy and prompt; the output is valid for the call.
    let done = unsafe {
        CryptProtectData(
            &plain,
            ptr::null(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &mut sealed,
        )
    };
    take(done, sealed)
}

fn unprotect(sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let sealed = blob(sealed)?;
    let mut plain = CRYPT_INTEGER_BLOB::default();
    // SAFETY: as in `protect`.
    let done = unsafe {
        CryptUnprotectData(
            &sealed,
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &mut plain,
        )
    };
    take(done, plain)
}

/// Returns a blob that points to the bytes, which DPAPI only reads.
fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok(CRYPT_INTEGER_BLOB {
        cbData: length,
        pbData: bytes.as_ptr().cast_mut(),
    })
}

/// Copies what DPAPI has allocated, wipes it and gives it back.
fn take(done: i32, blob: CRYPT_INTEGER_BLOB) -> io::Result<Zeroizing<Vec<u8>>> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    if blob.pbData.is_null() {
        return Ok(Zeroizing::default());
    }
    // SAFETY: after success the blob is memory of that length, and nobody else has it.
    let bytes = unsafe { slice::from_raw_parts_mut(blob.pbData, blob.cbData as usize) };
    let copy = Zeroizing::new(bytes.to_vec());
    bytes.zeroize();
    // SAFETY: DPAPI allocates with LocalAlloc; the slice is not used after this.
    unsafe { LocalFree(blob.pbData.cast()) };
    Ok(copy)
}
