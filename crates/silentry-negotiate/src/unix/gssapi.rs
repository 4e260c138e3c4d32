//! The GSSAPI (RFC 2744), found at run time with `dlopen`.
//!
//! A program that links this crate therefore builds without Kerberos headers and starts on a machine
//! without Kerberos. This file holds every unsafe call for Unix and nothing else; what the calls mean
//! is decided in the files beside it.

#![allow(unsafe_code)] // dlopen and the C calls of the GSSAPI are unsafe by nature.

mod context;
mod krb5;

use std::error::Error as _;
use std::ffi::CString;
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::Mutex;

use super::abi::{Buffer, ChannelBindings, Handle, KeyValue, KeyValueSet, Oid, OidSet};
use super::mechanism::{Mechanism, NameType};
use super::status::{Failure, KRB5_CODES};

pub(super) use context::SecurityContext;
pub(super) use krb5::Defaults;

/// Declares the functions that the library must have, and those that it may have.
macro_rules! functions {
    (required { $($name:ident($($argument:ty),*);)* } optional { $($maybe:ident($($other:ty),*);)* }) => {
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) -> u32,)*
            $($maybe: Option<unsafe extern "C" fn($($other),*) -> u32>,)*
        }

        impl Functions {
            fn of(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                Ok(Functions {
                    // SAFETY: the types are those of RFC 2744 and of MIT's gssapi_ext.h, which every
                    // library with these names keeps to.
                    $($name: *unsafe { library.get(stringify!($name)) }?,)*
                    // SAFETY: as above.
                    $($maybe: unsafe { library.get(stringify!($maybe)) }.ok().map(|symbol| *symbol),)*
                })
            }
        }
    };
}

functions! {
    required {
        gss_import_name(*mut u32, *const Buffer, *const Oid, *mut Handle);
        gss_display_name(*mut u32, Handle, *mut Buffer, *mut *const Oid);
        gss_release_name(*mut u32, *mut Handle);
        gss_release_buffer(*mut u32, *mut Buffer);
        gss_display_status(*mut u32, u32, i32, *const Oid, *mut u32, *mut Buffer);
        gss_acquire_cred(*mut u32, Handle, u32, *const OidSet, i32, *mut Handle, *mut *mut OidSet, *mut u32);
        gss_inquire_cred(*mut u32, Handle, *mut Handle, *mut u32, *mut i32, *mut *mut OidSet);
        gss_release_cred(*mut u32, *mut Handle);
        gss_init_sec_context(*mut u32, Handle, *mut Handle, Handle, *const Oid, u32, u32,
            *const ChannelBindings, *const Buffer, *mut *const Oid, *mut Buffer, *mut u32, *mut u32);
        gss_inquire_context(*mut u32, Handle, *mut Handle, *mut Handle, *mut u32, *mut *const Oid,
            *mut u32, *mut i32, *mut i32);
        gss_delete_sec_context(*mut u32, *mut Handle, *mut Buffer);
        gss_wrap(*mut u32, Handle, i32, u32, *const Buffer, *mut i32, *mut Buffer);
        gss_unwrap(*mut u32, Handle, *const Buffer, *mut Buffer, *mut i32, *mut u32);
    }
    optional {
        gss_acquire_cred_from(*mut u32, Handle, u32, *const OidSet, i32, *const KeyValueSet,
            *mut Handle, *mut *mut OidSet, *mut u32);
        gsskrb5_set_dns_canonicalize(i32);
    }
}

const INITIATE: i32 = 1;
const DEFAULT_LIFETIME: u32 = 0;
const GSS_CODE: i32 = 1;
const MECHANISM_CODE: i32 = 2;

/// A GSSAPI library in this process, loaded once and never unloaded: Kerberos libraries leave
/// thread-local destructors behind that would run into unmapped memory.
pub(super) struct Library {
    soname: String,
    functions: Functions,
    krb5: Option<krb5::Functions>,
}

impl Library {
    /// Returns the library of that path or soname, or what the loader had against it.
    pub(super) fn open(path: &Path) -> Result<&'static Library, String> {
        static LOADED: Mutex<Vec<&'static Library>> = Mutex::new(Vec::new());
        let mut loaded = LOADED
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let soname = path.display().to_string();
        if let Some(library) = loaded.iter().find(|library| library.soname == soname) {
            return Ok(library);
        }
        // SAFETY: a Kerberos library of the system, or the one the program named; their initialisers
        // have no preconditions.
        let raw = unsafe { libloading::Library::new(path) }.map_err(|error| with_source(&error))?;
        let functions = Functions::of(&raw).map_err(|error| with_source(&error))?;
        let mut library = Library {
            soname,
            functions,
            krb5: None,
        };
        // Apple keeps its Kerberos library to itself.
        if !library.is_apples() {
            library.krb5 = krb5::Functions::of(&raw);
        }
        std::mem::forget(raw);
        let library: &'static Library = Box::leak(Box::new(library));
        loaded.push(library);
        Ok(library)
    }

    pub(super) fn soname(&self) -> &str {
        &self.soname
    }

    /// Returns whether credentials can be taken from a named place (MIT since 1.11; Heimdal since 8).
    pub(super) fn has_credential_stores(&self) -> bool {
        self.functions.gss_acquire_cred_from.is_some()
    }

    /// Returns whether it is Heimdal or Apple's library, which came from Heimdal.
    pub(super) fn is_heimdal(&self) -> bool {
        self.is_apples() || self.functions.gsskrb5_set_dns_canonicalize.is_some()
    }

    /// Returns whether it is the library of macOS, and not one that was installed there besides.
    pub(super) fn is_apples(&self) -> bool {
        self.soname.contains("/GSS.framework/")
    }

    /// Turns DNS canonicalisation of host-based names off, where it can be, for this thread (Heimdal
    /// keeps the setting in a thread-local context).
    pub(super) fn trust_host_names_as_given(&self) {
        if let Some(set) = self.functions.gsskrb5_set_dns_canonicalize {
            // SAFETY: takes a number, and has no preconditions.
            unsafe { set(0) };
        }
    }

    /// Imports a name of a kind.
    pub(super) fn name(&'static self, kind: NameType, text: &str) -> Result<Name, Failure> {
        let structure =
            (kind == NameType::Instance).then(|| Box::new(krb5::Principal::service_instance(text)));
        let pointer = structure.as_ref().map(|structure| structure.bytes());
        let mut name = Name {
            library: self,
            handle: ptr::null_mut(),
            _structure: structure,
        };
        let mut minor = 0;
        let import = self.functions.gss_import_name;
        let bytes = pointer.as_ref().map_or(text.as_bytes(), |bytes| bytes);
        let (buffer, kind) = (Buffer::of(bytes), Oid::new(kind.oid()));
        // SAFETY: input and output pointers are valid for the call; the library copies the bytes. Those that are a
        // pointer lead to what lives as long as the name.
        let major = unsafe { import(&mut minor, &buffer, &kind, &mut name.handle) };
        self.check(major, minor, Mechanism::Kerberos)?;
        Ok(name)
    }

    /// Acquires the initiator's credential for a mechanism, of the login if `store` is empty.
    pub(super) fn credential(
        &'static self,
        mechanism: Mechanism,
        principal: Option<&Name>,
        store: &[(CString, CString)],
    ) -> Result<Credential, Failure> {
        let mut credential = Credential {
            library: self,
            handle: ptr::null_mut(),
        };
        let mut minor = 0;
        let name = principal.map_or(ptr::null_mut(), |name| name.handle);
        let mechanism_oid = Oid::new(mechanism.oid());
        let mechanisms = OidSet {
            count: 1,
            elements: &mechanism_oid,
        };
        let major = if let Some(acquire_from) = self
            .functions
            .gss_acquire_cred_from
            .filter(|_| !store.is_empty())
        {
            let elements: Vec<KeyValue> = store
                .iter()
                .map(|(key, value)| KeyValue {
                    key: key.as_ptr(),
                    value: value.as_ptr(),
                })
                .collect();
            let count = u32::try_from(elements.len()).expect("a store has a handful of elements");
            let set = KeyValueSet {
                count,
                elements: elements.as_ptr(),
            };
            // SAFETY: all inputs outlive the call, the strings end with NUL, and null is allowed for
            // the two outputs nobody wants.
            unsafe {
                acquire_from(
                    &mut minor,
                    name,
                    DEFAULT_LIFETIME,
                    &mechanisms,
                    INITIATE,
                    &set,
                    &mut credential.handle,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        } else {
            let acquire = self.functions.gss_acquire_cred;
            // SAFETY: as above.
            unsafe {
                acquire(
                    &mut minor,
                    name,
                    DEFAULT_LIFETIME,
                    &mechanisms,
                    INITIATE,
                    &mut credential.handle,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        };
        self.check(major, minor, mechanism)?;
        Ok(credential)
    }

    fn check(&self, major: u32, minor: u32, mechanism: Mechanism) -> Result<(), Failure> {
        // The lower half carries supplementary information, not errors (RFC 2744, 3.9.1).
        if major & 0xffff_0000 == 0 {
            return Ok(());
        }
        let general = self.describe(major, GSS_CODE, mechanism);
        let specific = self.describe(minor, MECHANISM_CODE, mechanism);
        let minor = match mechanism {
            Mechanism::Spnego => self.kerberos_code(&specific).unwrap_or(minor),
            Mechanism::Kerberos => minor,
        };
        Err(Failure::new(major, minor, &general, &specific))
    }

    /// Returns the Kerberos code that the library describes by this text.
    ///
    /// MIT Kerberos deals out a number of its own when SPNEGO passes on a code that the Kerberos
    /// mechanism has reported before, but not another text; and it describes only codes that were
    /// reported.
    fn kerberos_code(&self, text: &str) -> Option<u32> {
        let codes = KRB5_CODES.map(i32::cast_unsigned);
        let means = |code| self.describe(code, MECHANISM_CODE, Mechanism::Kerberos) == text;
        codes.filter(|_| !text.is_empty()).find(|code| means(*code))
    }

    /// Returns the library's own words for a status.
    fn describe(&self, status: u32, kind: i32, mechanism: Mechanism) -> String {
        const MESSAGES_AT_MOST: usize = 8;
        let display = self.functions.gss_display_status;
        let mechanism_oid = Oid::new(mechanism.oid());
        let mut text = String::new();
        let mut more = 0;
        for _ in 0..MESSAGES_AT_MOST {
            let (mut minor, mut buffer) = (0, Buffer::empty());
            // SAFETY: the pointers are valid for the call; `more` is the library's place in its list.
            let major = unsafe {
                display(
                    &mut minor,
                    status,
                    kind,
                    &mechanism_oid,
                    &mut more,
                    &mut buffer,
                )
            };
            let part = self.take(buffer);
            if major & 0xffff_0000 != 0 {
                break;
            }
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(String::from_utf8_lossy(&part).trim_end_matches('\0'));
            if more == 0 {
                break;
            }
        }
        text
    }

    /// Copies what the library put into a buffer, and gives the buffer back.
    fn take(&self, mut buffer: Buffer) -> Vec<u8> {
        let (length, value) = (buffer.length, buffer.value);
        let bytes = if length == 0 || value.is_null() {
            Vec::new()
        } else {
            // SAFETY: the library says that this many bytes are there, and they are still its own.
            unsafe { slice::from_raw_parts(value.cast::<u8>(), length) }.to_vec()
        };
        let release = self.functions.gss_release_buffer;
        // SAFETY: the buffer is empty or came from this library, and is released once.
        unsafe { release(&mut 0, &mut buffer) };
        bytes
    }
}

/// libloading says "dlopen failed"; what failed is in the error's source.
fn with_source(error: &libloading::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// An imported name.
pub(super) struct Name {
    library: &'static Library,
    handle: Handle,
    /// What the library's copy of the name points to.
    _structure: Option<Box<krb5::Principal>>,
}

impl Name {
    /// Returns the name as the library writes it: `alice@CORP.CONTOSO.COM`.
    pub(super) fn display(&self) -> Result<String, Failure> {
        let (mut minor, mut buffer) = (0, Buffer::empty());
        let display = self.library.functions.gss_display_name;
        // SAFETY: the name is live, the output buffer is released by `take`.
        let major = unsafe { display(&mut minor, self.handle, &mut buffer, ptr::null_mut()) };
        let text = self.library.take(buffer);
        self.library.check(major, minor, Mechanism::Kerberos)?;
        Ok(String::from_utf8_lossy(&text)
            .trim_end_matches('\0')
            .to_owned())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let release = self.library.functions.gss_release_name;
        // SAFETY: null or a name of this library, released once.
        unsafe { release(&mut 0, &mut self.handle) };
    }
}

/// A credential of the signed-in user or of a named place.
pub(super) struct Credential {
    library: &'static Library,
    handle: Handle,
}

impl Credential {
    /// Returns whose credential it is.
    pub(super) fn name(&self) -> Result<Name, Failure> {
        let mut name = Name {
            library: self.library,
            handle: ptr::null_mut(),
            _structure: None,
        };
        let mut minor = 0;
        let inquire = self.library.functions.gss_inquire_cred;
        // SAFETY: the credential is live, and null is allowed for the outputs nobody wants.
        let major = unsafe {
            inquire(
                &mut minor,
                self.handle,
                &mut name.handle,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        self.library.check(major, minor, Mechanism::Kerberos)?;
        Ok(name)
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        let release = self.library.functions.gss_release_cred;
        // SAFETY: null or a credential of this library, released once.
        unsafe { release(&mut 0, &mut self.handle) };
    }
}
