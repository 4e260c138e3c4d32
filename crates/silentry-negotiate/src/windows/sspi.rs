//! SSPI, the Security Support Provider Interface of Windows.
//!
//! This file holds every unsafe call for Windows and nothing else; what the calls mean is decided in the
//! files beside it.

#![allow(unsafe_code)] // the C calls of SSPI are unsafe by nature.

use std::io;
use std::ptr;
use std::slice;

use windows_sys::Win32::Foundation::{
    ERROR_MORE_DATA, SEC_E_OK, SEC_I_COMPLETE_AND_CONTINUE, SEC_I_COMPLETE_NEEDED,
    SEC_I_CONTINUE_NEEDED,
};
use windows_sys::Win32::Security::Authentication::Identity::{
    AcquireCredentialsHandleW, CompleteAuthToken, DeleteSecurityContext, EXTENDED_NAME_FORMAT,
    FreeContextBuffer, FreeCredentialsHandle, GetUserNameExW, ISC_REQ_ALLOCATE_MEMORY,
    ISC_REQ_FLAGS, InitializeSecurityContextW, QueryContextAttributesW, SECBUFFER_CHANNEL_BINDINGS,
    SECBUFFER_TOKEN, SECBUFFER_VERSION, SECPKG_ATTR_NEGOTIATION_INFO, SECPKG_CRED_OUTBOUND,
    SECURITY_NATIVE_DREP, SecBuffer, SecBufferDesc, SecPkgContext_NegotiationInfoW,
};
use windows_sys::Win32::Security::Credentials::SecHandle;

/// A status below zero, or one that is not to be expected.
pub(super) type Status = i32;

/// The outbound credential of the logon session for a security package.
struct Credential {
    handle: SecHandle,
}

impl Credential {
    fn of_login(package: &str) -> Result<Credential, Status> {
        let package = wide(package);
        let mut handle = SecHandle::default();
        // SAFETY: the package name ends with NUL, null stands for "the logged-on user" and "no
        // callback", and the outputs are valid for the call.
        let status = unsafe {
            AcquireCredentialsHandleW(
                ptr::null(),
                package.as_ptr(),
                SECPKG_CRED_OUTBOUND,
                ptr::null(),
                ptr::null(),
                None,
                ptr::null(),
                &mut handle,
                ptr::null_mut(),
            )
        };
        if status == SEC_E_OK {
            Ok(Credential { handle })
        } else {
            Err(status)
        }
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        // SAFETY: the handle was acquired and is freed once.
        unsafe { FreeCredentialsHandle(&self.handle) };
    }
}

/// What one leg of a negotiation brought.
pub(super) struct Leg {
    pub(super) token: Vec<u8>,
    pub(super) complete: bool,
    pub(super) flags: u32,
}

/// A security context being established. `SecHandle` is a pair of numbers that any thread of the process
/// may use, so the context can be handed from one thread to the next.
pub(super) struct SecurityContext {
    credential: Credential,
    handle: Option<SecHandle>,
    target: Vec<u16>,
}

impl SecurityContext {
    /// Prepares a context towards the service principal `target`.
    pub(super) fn new(package: &str, target: &str) -> Result<SecurityContext, Status> {
        let credential = Credential::of_login(package)?;
        Ok(SecurityContext {
            credential,
            handle: None,
            target: wide(target),
        })
    }

    /// Takes the peer's token (none on the first leg) and returns what to send next.
    pub(super) fn step(
        &mut self,
        input: Option<&[u8]>,
        request: ISC_REQ_FLAGS,
        binding: Option<&[u8]>,
    ) -> Result<Leg, Status> {
        let mut input = input.map(<[u8]>::to_vec);
        let mut binding = binding.map(ChannelBindings::new);
        let mut buffers: Vec<SecBuffer> = Vec::new();
        buffers.extend(input.as_mut().map(|token| SecBuffer {
            cbBuffer: length(token.len()),
            BufferType: SECBUFFER_TOKEN,
            pvBuffer: token.as_mut_ptr().cast(),
        }));
        buffers.extend(binding.as_mut().map(|binding| SecBuffer {
            cbBuffer: length(binding.bytes),
            BufferType: SECBUFFER_CHANNEL_BINDINGS,
            pvBuffer: binding.words.as_mut_ptr().cast(),
        }));
        let inputs = describe(&mut buffers);
        let inputs = if buffers.is_empty() {
            ptr::null()
        } else {
            ptr::from_ref(&inputs)
        };

        let mut output = [SecBuffer {
            BufferType: SECBUFFER_TOKEN,
            ..SecBuffer::default()
        }];
        let mut outputs = describe(&mut output);
        let existing = self.handle.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut handle = self.handle.unwrap_or_default();
        let mut flags = 0;
        // SAFETY: the credential is live, the target ends with NUL, the existing context is null or live,
        // every buffer outlives the call, and the outputs are valid for it.
        let status = unsafe {
            InitializeSecurityContextW(
                &self.credential.handle,
                existing,
                self.target.as_ptr(),
                request | ISC_REQ_ALLOCATE_MEMORY,
                0,
                SECURITY_NATIVE_DREP,
                inputs,
                0,
                &mut handle,
                &mut outputs,
                &mut flags,
                ptr::null_mut(),
            )
        };
        // A first call that fails makes no context; a later one leaves the old one to be deleted.
        if status >= 0 {
            self.handle = Some(handle);
        }
        let unfinished = matches!(status, SEC_I_COMPLETE_NEEDED | SEC_I_COMPLETE_AND_CONTINUE);
        let completed = if unfinished {
            // SAFETY: the context was made by the call above, the token is the one it gave.
            unsafe { CompleteAuthToken(&handle, &outputs) }
        } else {
            SEC_E_OK
        };
        let token = take(&output[0]);
        match status {
            _ if completed < 0 => Err(completed),
            SEC_E_OK | SEC_I_COMPLETE_NEEDED => Ok(Leg {
                token,
                complete: true,
                flags,
            }),
            SEC_I_CONTINUE_NEEDED | SEC_I_COMPLETE_AND_CONTINUE => Ok(Leg {
                token,
                complete: false,
                flags,
            }),
            status => Err(status),
        }
    }

    /// Returns the name of the package that Negotiate has chosen, as far as it tells.
    pub(super) fn negotiated_package(&self) -> Option<String> {
        let handle = self.handle.as_ref()?;
        let mut info = SecPkgContext_NegotiationInfoW::default();
        let out = ptr::from_mut(&mut info).cast();
        // SAFETY: the context is live and the structure is the one this attribute fills.
        let status = unsafe { QueryContextAttributesW(handle, SECPKG_ATTR_NEGOTIATION_INFO, out) };
        if status != SEC_E_OK || info.PackageInfo.is_null() {
            return None;
        }
        // SAFETY: the call succeeded, so this points to a structure of the system's until it is freed.
        let name = unsafe { (*info.PackageInfo).Name };
        let name = text(name);
        // SAFETY: allocated by the call above, freed once, not used afterwards.
        unsafe { FreeContextBuffer(info.PackageInfo.cast()) };
        Some(name)
    }
}

impl Drop for SecurityContext {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // SAFETY: the handle was made by `step` and is deleted once.
            unsafe { DeleteSecurityContext(handle) };
        }
    }
}

/// Returns the name of the signed-in user in a format, or the system's error.
pub(super) fn user_name(format: EXTENDED_NAME_FORMAT) -> io::Result<String> {
    const LONGEST: u32 = 32 * 1024;
    let mut size = 256_u32;
    loop {
        let mut name = vec![0_u16; size as usize];
        // SAFETY: the buffer has `size` elements, and the call writes no more than that.
        let found = unsafe { GetUserNameExW(format, name.as_mut_ptr(), &mut size) };
        if found {
            // The size is now the length without the NUL.
            name.truncate(size as usize);
            return Ok(String::from_utf16_lossy(&name));
        }
        let error = io::Error::last_os_error();
        let too_short = error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed());
        if !too_short || size as usize <= name.len() || size > LONGEST {
            return Err(error);
        }
    }
}

/// A `SEC_CHANNEL_BINDINGS` structure with its application data behind it, aligned as it must be.
struct ChannelBindings {
    words: Vec<u32>,
    bytes: usize,
}

impl ChannelBindings {
    fn new(application_data: &[u8]) -> ChannelBindings {
        // Eight numbers: type, length and offset of two addresses that are not there, then length and
        // offset of the data.
        const HEADER: u32 = 32;
        let mut words = vec![0, 0, 0, 0, 0, 0, length(application_data.len()), HEADER];
        words.extend(application_data.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_ne_bytes(word)
        }));
        ChannelBindings {
            words,
            bytes: HEADER as usize + application_data.len(),
        }
    }
}

fn describe(buffers: &mut [SecBuffer]) -> SecBufferDesc {
    SecBufferDesc {
        ulVersion: SECBUFFER_VERSION,
        cBuffers: length(buffers.len()),
        pBuffers: buffers.as_mut_ptr(),
    }
}

/// Copies what SSPI allocated, and frees it.
fn take(buffer: &SecBuffer) -> Vec<u8> {
    if buffer.pvBuffer.is_null() {
        return Vec::new();
    }
    let (start, length) = (buffer.pvBuffer.cast::<u8>(), buffer.cbBuffer as usize);
    // SAFETY: SSPI says that this many bytes are there, and they are not freed before the next line.
    let bytes = unsafe { slice::from_raw_parts(start, length) }.to_vec();
    // SAFETY: allocated by SSPI (ISC_REQ_ALLOCATE_MEMORY), freed once, not used afterwards.
    unsafe { FreeContextBuffer(buffer.pvBuffer) };
    bytes
}

/// Reads a package name, which ends with NUL.
fn text(start: *const u16) -> String {
    const LONGEST: usize = 256;
    let mut units = Vec::new();
    let mut next = start;
    while !next.is_null() && units.len() < LONGEST {
        // SAFETY: not null, and every unit before this one was not the NUL at the end.
        let unit = unsafe { next.read() };
        if unit == 0 {
            break;
        }
        units.push(unit);
        next = next.wrapping_add(1);
    }
    String::from_utf16_lossy(&units)
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("tokens are at most 64 KiB, bindings and names far less")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_have_the_header_of_sec_channel_bindings() {
        let bindings = ChannelBindings::new(b"tls-server-end-point:x");
        let bytes: Vec<u8> = bindings
            .words
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect();
        assert_eq!(bindings.bytes, 32 + 22);
        assert_eq!(bytes[..24], [0; 24]);
        assert_eq!(bytes[24..32], [22, 0, 0, 0, 32, 0, 0, 0]);
        assert_eq!(&bytes[32..bindings.bytes], b"tls-server-end-point:x");
    }

    #[test]
    fn names_end_at_their_nul() {
        assert_eq!(text(wide("Kerberos").as_ptr()), "Kerberos");
        assert_eq!(text(ptr::null()), "");
    }
}
