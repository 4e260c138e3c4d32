//! libsecret, the library of the Secret Service (freedesktop.org), found at run time with `dlopen`.
//!
//! A program that links this crate therefore needs no D-Bus library to build, and starts where there is
//! none. This file holds every unsafe call for it and nothing else; what is kept and how is decided in
//! the file beside it.
//!
//! Nothing here asks the user anything: what is locked is an error, not a prompt. That is why it calls
//! `secret_service_search_sync` and not `secret_password_lookup_sync`, which unlocks.

#![allow(unsafe_code)] // dlopen and the C calls of libsecret and GLib are unsafe by nature.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

const SONAME: &str = "libsecret-1.so.0";

const G_BUS_TYPE_SESSION: c_int = 2;
const SECRET_SERVICE_OPEN_SESSION: c_int = 1 << 1;
const SECRET_COLLECTION_NONE: c_int = 0;
const SECRET_SEARCH_LOAD_SECRETS: c_int = 1 << 3;

/// A GObject, a hash table, an error: only the library knows what is inside.
type Pointer = *mut c_void;
type Errors = *mut *mut GError;
type Call1 = unsafe extern "C" fn(Pointer);

/// Declares the functions of libsecret and of GLib, which comes with it.
macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            fn of(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                Ok(Functions {
                    // SAFETY: the types are those of the headers of libsecret 0.18 and later and GLib 2.
                    $($name: *unsafe { library.get(stringify!($name)) }?,)*
                })
            }
        }
    };
}

functions! {
    g_cancellable_cancel(Pointer);
    g_cancellable_new() -> Pointer;
    g_bus_get_sync(c_int, Pointer, Errors) -> Pointer;
    g_dbus_connection_set_exit_on_close(Pointer, c_int);
    g_error_free(*mut GError);
    g_free(Pointer);
    g_hash_table_insert(Pointer, Pointer, Pointer) -> c_int;
    g_hash_table_new_full(unsafe extern "C" fn(Pointer) -> u32,
        unsafe extern "C" fn(Pointer, Pointer) -> c_int, Call1, Call1) -> Pointer;
    g_hash_table_unref(Pointer);
    g_list_free(*mut List);
    g_object_unref(Pointer);
    g_str_equal(Pointer, Pointer) -> c_int;
    g_str_hash(Pointer) -> u32;
    g_strdup(*const c_char) -> *mut c_char;
    secret_collection_for_alias_sync(Pointer, *const c_char, c_int, Pointer, Errors) -> Pointer;
    secret_collection_get_locked(Pointer) -> c_int;
    secret_item_get_locked(Pointer) -> c_int;
    secret_item_get_secret(Pointer) -> Pointer;
    secret_service_clear_sync(Pointer, Pointer, Pointer, Pointer, Errors) -> c_int;
    secret_service_get_sync(c_int, Pointer, Errors) -> Pointer;
    secret_service_search_sync(Pointer, Pointer, Pointer, c_int, Pointer, Errors) -> *mut List;
    secret_service_store_sync(Pointer, Pointer, Pointer, *const c_char, *const c_char, Pointer,
        Pointer, Errors) -> c_int;
    secret_value_get(Pointer, *mut usize) -> *const c_char;
    secret_value_new(*const c_char, isize, *const c_char) -> Pointer;
    secret_value_unref(Pointer);
}

/// `GError` of glib/gerror.h.
#[repr(C)]
struct GError {
    domain: u32,
    code: c_int,
    message: *const c_char,
}

/// `GList` of glib/glist.h.
#[repr(C)]
struct List {
    data: Pointer,
    next: *mut List,
    previous: *mut List,
}

/// What was found under some attributes.
pub(super) enum Found {
    Nothing,
    /// There is an item, in a keyring that is locked.
    Locked,
    Secret(Zeroizing<Vec<u8>>),
}

/// libsecret in this process, loaded once and never unloaded: GLib keeps threads and types.
pub(super) struct Library {
    functions: Functions,
}

impl Library {
    /// Returns the library, or what the loader had against it.
    pub(super) fn open() -> Result<&'static Library, String> {
        static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| {
            // SAFETY: libsecret's initialisers, and those of GLib, have no preconditions.
            let raw = unsafe { libloading::Library::new(SONAME) }.map_err(|e| e.to_string())?;
            let functions = Functions::of(&raw).map_err(|error| error.to_string())?;
            std::mem::forget(raw);
            Ok(Library { functions })
        });
        library.as_ref().map_err(Clone::clone)
    }

    /// Makes what ends the calls of one connection from another thread.
    pub(super) fn cancel(&'static self) -> Cancel {
        Cancel(Object {
            library: self,
            // SAFETY: it has no preconditions, and the reference is ours.
            pointer: unsafe { (self.functions.g_cancellable_new)() },
            release: self.functions.g_object_unref,
        })
    }

    /// Connects to the Secret Service of the user's session. Connecting, and every call on the connection, ends when
    /// `cancel` says so.
    pub(super) fn connect(&'static self, cancel: &Arc<Cancel>) -> Result<Service, String> {
        let stop = cancel.0.pointer;
        let bus = self.object(|errors| {
            // SAFETY: the cancellable is alive, and the error place is valid for the call.
            unsafe { (self.functions.g_bus_get_sync)(G_BUS_TYPE_SESSION, stop, errors) }
        })?;
        if let Some(bus) = bus {
            // GLib would end the whole program by SIGTERM when the session ends, once a main loop of GLib
            // runs in it (a program with a window of GTK).
            // SAFETY: the connection is alive as long as `bus`.
            unsafe { (self.functions.g_dbus_connection_set_exit_on_close)(bus.pointer, 0) };
        }
        let service = self.object(|errors| {
            // SAFETY: as above.
            unsafe {
                (self.functions.secret_service_get_sync)(SECRET_SERVICE_OPEN_SESSION, stop, errors)
            }
        })?;
        Ok(Service {
            object: service.ok_or("the Secret Service does not answer")?,
            cancel: Arc::clone(cancel),
        })
    }

    /// Makes a call that gives an object, nothing, or an error.
    fn object(
        &'static self,
        call: impl FnOnce(Errors) -> Pointer,
    ) -> Result<Option<Object>, String> {
        let pointer = self.call(call)?;
        // Not `then_some`: nothing may be given back where nothing came.
        Ok((!pointer.is_null()).then(|| Object {
            library: self,
            pointer,
            release: self.functions.g_object_unref,
        }))
    }

    fn call<T>(&self, call: impl FnOnce(Errors) -> T) -> Result<T, String> {
        let mut error = ptr::null_mut();
        let result = call(&mut error);
        if error.is_null() {
            return Ok(result);
        }
        // SAFETY: the library made the error, whose message is a text that lives as long as it.
        let message = unsafe { (*error).message };
        let text = if message.is_null() {
            "an error without a message".to_owned()
        } else {
            // SAFETY: as above; GLib's messages end with NUL.
            unsafe { CStr::from_ptr(message) }
                .to_string_lossy()
                .into_owned()
        };
        // SAFETY: it is freed once, and not used after this.
        unsafe { (self.functions.g_error_free)(error) };
        Err(text)
    }

    /// Makes a hash table of copies of the attributes, which GLib frees with it.
    fn table(&'static self, attributes: &[(CString, CString)]) -> Object {
        let functions = &self.functions;
        // SAFETY: the functions for hashing, comparing and freeing are those of GLib for texts.
        let pointer = unsafe {
            (functions.g_hash_table_new_full)(
                functions.g_str_hash,
                functions.g_str_equal,
                functions.g_free,
                functions.g_free,
            )
        };
        for (name, value) in attributes {
            let (name, value) = (self.copy(name), self.copy(value));
            // SAFETY: the table takes over both texts.
            unsafe { (functions.g_hash_table_insert)(pointer, name, value) };
        }
        Object {
            library: self,
            pointer,
            release: functions.g_hash_table_unref,
        }
    }

    fn copy(&self, text: &CStr) -> Pointer {
        // SAFETY: the text ends with NUL and is copied.
        unsafe { (self.functions.g_strdup)(text.as_ptr()) }.cast()
    }
}

/// Something that the library counts references of, given back when dropped.
struct Object {
    library: &'static Library,
    pointer: Pointer,
    release: Call1,
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: this reference is ours and is given back once.
        unsafe { (self.release)(self.pointer) };
    }
}

/// Ends calls of libsecret and GLib that are under way in another thread.
pub(super) struct Cancel(Object);

// SAFETY: a GCancellable may be used by several threads at once, as its documentation says: that is what it is for.
// Its references are counted atomically, and nothing else of the object is reached.
unsafe impl Send for Cancel {}
// SAFETY: as above.
unsafe impl Sync for Cancel {}

impl Cancel {
    /// Makes the calls return with an error, those that are still to come as well.
    pub(super) fn cancel(&self) {
        // SAFETY: the cancellable is alive.
        unsafe { (self.0.library.functions.g_cancellable_cancel)(self.0.pointer) };
    }
}

/// The Secret Service of the user's session.
pub(super) struct Service {
    object: Object,
    cancel: Arc<Cancel>,
}

impl Service {
    /// Returns whether that collection (`default`, `session`) is locked; `None` when there is none.
    pub(super) fn is_locked(&self, collection: &CStr) -> Result<Option<bool>, String> {
        let library = self.object.library;
        let found = library.object(|errors| {
            // SAFETY: service and cancellable are alive, the alias ends with NUL, and the error place is
            // valid for the call.
            unsafe {
                (library.functions.secret_collection_for_alias_sync)(
                    self.object.pointer,
                    collection.as_ptr(),
                    SECRET_COLLECTION_NONE,
                    self.cancel.0.pointer,
                    errors,
                )
            }
        })?;
        Ok(found.map(|collection| {
            // SAFETY: the collection is alive.
            unsafe { (library.functions.secret_collection_get_locked)(collection.pointer) != 0 }
        }))
    }

    /// Looks for an item that has all these attributes.
    pub(super) fn find(&self, attributes: &[(CString, CString)]) -> Result<Found, String> {
        let library = self.object.library;
        let table = library.table(attributes);
        let list = library.call(|errors| {
            // SAFETY: service, table and cancellable are alive; null stands for "no schema"; the error place
            // is valid for the call.
            unsafe {
                (library.functions.secret_service_search_sync)(
                    self.object.pointer,
                    ptr::null_mut(),
                    table.pointer,
                    SECRET_SEARCH_LOAD_SECRETS,
                    self.cancel.0.pointer,
                    errors,
                )
            }
        })?;
        let mut items = library.items(list).into_iter();
        Ok(items.next().map_or(Found::Nothing, |item| item.secret()))
    }

    /// Keeps a secret under these attributes, instead of the one that was there.
    pub(super) fn store(
        &self,
        attributes: &[(CString, CString)],
        collection: &CStr,
        label: &CStr,
        secret: &[u8],
    ) -> Result<(), String> {
        let library = self.object.library;
        let length = isize::try_from(secret.len()).map_err(|error| error.to_string())?;
        // SAFETY: the secret is of that length and is copied; the type ends with NUL.
        let value = unsafe {
            (library.functions.secret_value_new)(
                secret.as_ptr().cast(),
                length,
                c"text/plain".as_ptr(),
            )
        };
        let value = Object {
            library,
            pointer: value,
            release: library.functions.secret_value_unref,
        };
        let table = library.table(attributes);
        let stored = library.call(|errors| {
            // SAFETY: service, table, value and cancellable are alive, the texts end with NUL, null stands for
            // "no schema", and the error place is valid for the call.
            unsafe {
                (library.functions.secret_service_store_sync)(
                    self.object.pointer,
                    ptr::null_mut(),
                    table.pointer,
                    collection.as_ptr(),
                    label.as_ptr(),
                    value.pointer,
                    self.cancel.0.pointer,
                    errors,
                )
            }
        })?;
        if stored == 0 {
            return Err("the Secret Service did not store it".to_owned());
        }
        Ok(())
    }

    /// Deletes the items that have all these attributes.
    pub(super) fn clear(&self, attributes: &[(CString, CString)]) -> Result<(), String> {
        let library = self.object.library;
        let table = library.table(attributes);
        library.call(|errors| {
            // SAFETY: as in `find`.
            unsafe {
                (library.functions.secret_service_clear_sync)(
                    self.object.pointer,
                    ptr::null_mut(),
                    table.pointer,
                    self.cancel.0.pointer,
                    errors,
                )
            }
        })?;
        Ok(())
    }
}

impl Library {
    /// Takes the items out of a list, which is freed.
    fn items(&'static self, list: *mut List) -> Vec<Object> {
        let mut items = Vec::new();
        let mut next = list;
        // SAFETY: the library made the list, which ends with null.
        while let Some(link) = unsafe { next.as_ref() } {
            items.push(Object {
                library: self,
                pointer: link.data,
                release: self.functions.g_object_unref,
            });
            next = link.next;
        }
        // SAFETY: the list is ours, and its items have been taken over.
        unsafe { (self.functions.g_list_free)(list) };
        items
    }
}

impl Object {
    /// Returns the secret of an item.
    fn secret(&self) -> Found {
        let functions = &self.library.functions;
        // SAFETY: the item is alive.
        if unsafe { (functions.secret_item_get_locked)(self.pointer) } != 0 {
            return Found::Locked;
        }
        // SAFETY: as above; the result is a reference of our own, or null.
        let pointer = unsafe { (functions.secret_item_get_secret)(self.pointer) };
        if pointer.is_null() {
            return Found::Locked;
        }
        let value = Object {
            library: self.library,
            pointer,
            release: functions.secret_value_unref,
        };
        let mut length = 0;
        // SAFETY: the value is alive, and the length is valid for the call.
        let bytes = unsafe { (functions.secret_value_get)(value.pointer, &mut length) };
        if bytes.is_null() {
            return Found::Secret(Zeroizing::default());
        }
        // SAFETY: the bytes are of that length and live as long as the value.
        let bytes = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length) };
        Found::Secret(Zeroizing::new(bytes.to_vec()))
    }
}
