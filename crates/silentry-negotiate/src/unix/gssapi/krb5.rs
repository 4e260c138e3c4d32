//! What the GSSAPI has no word for, asked of the Kerberos library that the GSSAPI library itself is made on: both MIT
//! Kerberos and Heimdal have these calls. And MIT's structure of a principal, which its GSSAPI takes for a name.

use std::ffi::c_void;
use std::ffi::{CStr, CString, c_char, c_uint};
use std::ptr;

use super::Library;
use crate::unix::abi::Handle;

/// The calls; a library that lacks one is asked nothing.
pub(super) struct Functions {
    init_context: unsafe extern "C" fn(*mut Handle) -> i32,
    free_context: unsafe extern "C" fn(Handle),
    default_name: unsafe extern "C" fn(Handle) -> *const c_char,
    get_host_realm: unsafe extern "C" fn(Handle, *const c_char, *mut *mut *mut c_char) -> i32,
    free_host_realm: unsafe extern "C" fn(Handle, *const *mut c_char) -> i32,
    client_keytab: Option<ClientKeytab>,
}

/// The calls about the client keytab, which only MIT Kerberos has (since 1.11).
struct ClientKeytab {
    default: unsafe extern "C" fn(Handle, *mut Handle) -> i32,
    name: unsafe extern "C" fn(Handle, Handle, *mut c_char, c_uint) -> i32,
    close: unsafe extern "C" fn(Handle, Handle) -> i32,
}

impl Functions {
    pub(super) fn of(library: &libloading::Library) -> Option<Functions> {
        Some(Functions {
            // SAFETY: the types are those of krb5.h, the same in MIT Kerberos and Heimdal.
            init_context: *unsafe { library.get("krb5_init_context") }.ok()?,
            // SAFETY: as above.
            free_context: *unsafe { library.get("krb5_free_context") }.ok()?,
            // SAFETY: as above.
            default_name: *unsafe { library.get("krb5_cc_default_name") }.ok()?,
            // SAFETY: as above.
            get_host_realm: *unsafe { library.get("krb5_get_host_realm") }.ok()?,
            // SAFETY: as above.
            free_host_realm: *unsafe { library.get("krb5_free_host_realm") }.ok()?,
            client_keytab: ClientKeytab::of(library),
        })
    }
}

impl ClientKeytab {
    fn of(library: &libloading::Library) -> Option<ClientKeytab> {
        Some(ClientKeytab {
            // SAFETY: the types are those of MIT's krb5.h.
            default: *unsafe { library.get("krb5_kt_client_default") }.ok()?,
            // SAFETY: as above.
            name: *unsafe { library.get("krb5_kt_get_name") }.ok()?,
            // SAFETY: as above.
            close: *unsafe { library.get("krb5_kt_close") }.ok()?,
        })
    }
}

/// What the library takes where nobody names anything else.
#[derive(Default)]
pub(in crate::unix) struct Defaults {
    /// The name of the login's ccache (`KRB5CCNAME`, krb5.conf, what the library was built with); none where the library
    /// cannot be asked, and an empty one where it makes none of what is configured.
    pub(in crate::unix) ccache: Option<CString>,
    /// The name of the keytab that is used where the ccache has no ticket (`KRB5_CLIENT_KTNAME`, krb5.conf, what the
    /// library was built with); none where the library cannot be asked.
    pub(in crate::unix) client_keytab: Option<CString>,
}

/// Bytes of the name of a keytab, with the NUL at its end.
const LONGEST_KEYTAB: usize = 4096;

/// A context of the Kerberos library, which reads its configuration anew.
struct Context<'a> {
    functions: &'a Functions,
    handle: Handle,
}

impl Context<'_> {
    fn new(functions: &Functions) -> Option<Context<'_>> {
        let mut handle = ptr::null_mut();
        let init = functions.init_context;
        // SAFETY: the output pointer is valid; the context is freed with the value.
        let failed = unsafe { init(&mut handle) } != 0;
        (!failed).then_some(Context { functions, handle })
    }

    fn default_ccache(&self) -> CString {
        let default_name = self.functions.default_name;
        // SAFETY: the context is live.
        let name = unsafe { default_name(self.handle) };
        if name.is_null() {
            return CString::default();
        }
        // SAFETY: the name ends with NUL and lives as long as the context.
        unsafe { CStr::from_ptr(name) }.to_owned()
    }

    /// The library opens no file to tell.
    fn client_keytab(&self) -> Option<CString> {
        let ClientKeytab {
            default,
            name,
            close,
        } = self.functions.client_keytab.as_ref()?;
        let mut keytab = ptr::null_mut();
        // SAFETY: the context is live, and the output pointer is valid.
        if unsafe { default(self.handle, &mut keytab) } != 0 {
            return None;
        }
        let mut text = [0; LONGEST_KEYTAB];
        let (start, length) = (text.as_mut_ptr().cast(), LONGEST_KEYTAB as c_uint);
        // SAFETY: the context and the keytab are live, and the buffer has that length.
        let failed = unsafe { name(self.handle, keytab, start, length) } != 0;
        // SAFETY: the keytab came from this library, and is closed once.
        unsafe { close(self.handle, keytab) };
        let text = CStr::from_bytes_until_nul(&text).ok()?;
        (!failed).then(|| text.to_owned())
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        let free = self.functions.free_context;
        // SAFETY: a live context of this library, freed once.
        unsafe { free(self.handle) };
    }
}

impl Library {
    /// Reads the library's configuration and returns what it takes by default.
    pub(in crate::unix) fn defaults(&self) -> Defaults {
        let Some(context) = self.krb5.as_ref().and_then(Context::new) else {
            return Defaults::default();
        };
        Defaults {
            ccache: Some(context.default_ccache()),
            client_keytab: context.client_keytab(),
        }
    }

    /// Returns the realm that krb5.conf (`[domain_realm]`) or, where it says so, DNS has for a host of this very name;
    /// empty where nobody has one.
    pub(in crate::unix) fn realm_of_host(&self, host: &str) -> Option<String> {
        let context = Context::new(self.krb5.as_ref()?)?;
        let host = CString::new(host).ok()?;
        let mut realms = ptr::null_mut();
        let get_host_realm = context.functions.get_host_realm;
        // SAFETY: the context is live, the name ends with NUL, and the output pointer is valid.
        let failed = unsafe { get_host_realm(context.handle, host.as_ptr(), &mut realms) } != 0;
        if failed || realms.is_null() {
            return None;
        }
        // SAFETY: the list has at least the null pointer that ends it.
        let first = unsafe { *realms };
        let realm = (!first.is_null()).then(|| {
            // SAFETY: a realm ends with NUL, and lives as long as the list.
            unsafe { CStr::from_ptr(first) }
                .to_string_lossy()
                .into_owned()
        });
        let free = context.functions.free_host_realm;
        // SAFETY: the list came from this library, and is freed once.
        unsafe { free(context.handle, realms) };
        realm
    }
}

/// `krb5_data` of MIT's krb5.h.
#[repr(C)]
struct Data {
    magic: i32,
    length: u32,
    bytes: *const c_void,
}

/// `krb5_principal_data` of MIT's krb5.h.
#[repr(C)]
struct PrincipalData {
    magic: i32,
    realm: Data,
    parts: *const Data,
    length: i32,
    kind: i32,
}

/// A principal of several parts and no realm, as MIT's GSSAPI takes it for a name (`gss_nt_krb5_principal`), with the
/// bytes that its pointers lead to.
pub(super) struct Principal {
    /// The one structure; in a vector, as what a vector holds stays in its place when the vector moves.
    structure: Vec<PrincipalData>,
    _parts: Vec<Data>,
    _text: String,
}

/// `KRB5_NT_SRV_INST` (RFC 4120, 6.2), which Windows uses for every service.
const SERVICE_INSTANCE: i32 = 2;
const PRINCIPAL_MAGIC: i32 = -1_760_647_423;
const DATA_MAGIC: i32 = -1_760_647_422;

impl Principal {
    /// Describes `service/host`.
    pub(super) fn service_instance(text: &str) -> Principal {
        let text = text.to_owned();
        let data = |part: &str| Data {
            magic: DATA_MAGIC,
            length: u32::try_from(part.len()).expect("a service principal has 1024 bytes at most"),
            bytes: part.as_ptr().cast(),
        };
        let parts: Vec<Data> = text.split('/').map(data).collect();
        let structure = vec![PrincipalData {
            magic: PRINCIPAL_MAGIC,
            realm: data(""),
            length: i32::try_from(parts.len()).expect("a service principal has 1024 bytes at most"),
            parts: parts.as_ptr(),
            kind: SERVICE_INSTANCE,
        }];
        Principal {
            structure,
            _parts: parts,
            _text: text,
        }
    }

    /// Returns the pointer as the bytes of a name.
    pub(super) fn bytes(&self) -> [u8; size_of::<usize>()] {
        (self.structure.as_ptr() as usize).to_ne_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_size_of_the_headers() {
        if cfg!(target_pointer_width = "64") {
            assert_eq!(size_of::<Data>(), 16);
            assert_eq!(size_of::<PrincipalData>(), 40);
        }
    }
}
