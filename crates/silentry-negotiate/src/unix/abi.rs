//! The C structures of the GSSAPI, as its headers lay them out.

use std::ffi::{c_char, c_void};
use std::ptr;

/// `gss_name_t`, `gss_cred_id_t` and `gss_ctx_id_t` are pointers to what only the library knows.
pub(super) type Handle = *mut c_void;

/// Declares a structure as the headers do: Apple packs them to two bytes on x86_64 (`#pragma
/// pack(push,2)` in its `gssapi.h`), nobody else does.
macro_rules! c_struct {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => { $(
        #[cfg_attr(all(target_vendor = "apple", target_arch = "x86_64"), repr(C, packed(2)))]
        #[cfg_attr(not(all(target_vendor = "apple", target_arch = "x86_64")), repr(C))]
        pub(super) struct $name { $(pub(super) $field: $type,)* }
    )* };
}

c_struct! {
    struct Buffer { length: usize, value: *mut c_void, }
    struct Oid { length: u32, elements: *const c_void, }
    struct OidSet { count: usize, elements: *const Oid, }
    struct ChannelBindings {
        initiator_address_type: u32,
        initiator_address: Buffer,
        acceptor_address_type: u32,
        acceptor_address: Buffer,
        application_data: Buffer,
    }
    struct KeyValue { key: *const c_char, value: *const c_char, }
    struct KeyValueSet { count: u32, elements: *const KeyValue, }
}

impl Buffer {
    /// Describes bytes that the library only reads, and that must outlive the call.
    pub(super) fn of(bytes: &[u8]) -> Buffer {
        Buffer {
            length: bytes.len(),
            value: bytes.as_ptr().cast_mut().cast(),
        }
    }

    pub(super) fn empty() -> Buffer {
        Buffer {
            length: 0,
            value: ptr::null_mut(),
        }
    }
}

impl Oid {
    /// Describes the content bytes of an object identifier.
    pub(super) fn new(encoded: &'static [u8]) -> Oid {
        let length = u32::try_from(encoded.len()).expect("our OIDs are a dozen bytes long");
        Oid {
            length,
            elements: encoded.as_ptr().cast(),
        }
    }
}

impl ChannelBindings {
    /// Describes bindings without addresses, only with application data (RFC 2744, 3.11; RFC 5929).
    pub(super) fn of(application_data: &[u8]) -> ChannelBindings {
        ChannelBindings {
            initiator_address_type: 0,
            initiator_address: Buffer::empty(),
            acceptor_address_type: 0,
            acceptor_address: Buffer::empty(),
            application_data: Buffer::of(application_data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_size_of_the_headers() {
        let packed = cfg!(all(target_vendor = "apple", target_arch = "x86_64"));
        if cfg!(target_pointer_width = "64") {
            assert_eq!(size_of::<Buffer>(), 16);
            assert_eq!(size_of::<Oid>(), if packed { 12 } else { 16 });
            assert_eq!(size_of::<ChannelBindings>(), if packed { 56 } else { 64 });
        }
    }
}
