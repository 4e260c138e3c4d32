//! What the GSS-API has no word for, asked of the Kerberos library that the GSS-API library itself is made on: both MIT
//! Kerberos and Heimdal have these calls.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use super::Library;
use crate::unix::abi::Handle;

/// The calls; a library that lacks one is asked nothing.
pub(super) struct Functions {
    init_context: unsafe extern "C" fn(*mut Handle) -> i32,
    free_context: unsafe extern "C" fn(Handle),
    default_name: unsafe extern "C" fn(Handle) -> *const c_char,
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
        })
    }
}

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
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        let free = self.functions.free_context;
        // SAFETY: a live context of this library, freed once.
        unsafe { free(self.handle) };
    }
}

impl Library {
    /// Returns the name of the login's ccache (`KRB5CCNAME`, krb5.conf, what the library was built with); none where
    /// the library does not tell.
    pub(in crate::unix) fn default_ccache(&self) -> Option<CString> {
        let context = Context::new(self.krb5.as_ref()?)?;
        let default_name = context.functions.default_name;
        // SAFETY: the context is live.
        let name = unsafe { default_name(context.handle) };
        if name.is_null() {
            return None;
        }
        // SAFETY: the name ends with NUL and lives as long as the context.
        Some(unsafe { CStr::from_ptr(name) }.to_owned())
    }
}
