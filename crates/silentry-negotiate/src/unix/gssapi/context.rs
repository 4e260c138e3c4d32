//! A security context: its legs, and the messages that it protects. The unsafe calls of `gssapi.rs` that
//! need one.

use std::ptr;

use super::{Credential, DEFAULT_LIFETIME, Library, Name};
use crate::unix::abi::{Buffer, ChannelBindings, Handle, Oid};
use crate::unix::mechanism::Mechanism;
use crate::unix::status::Failure;

const CONTINUE_NEEDED: u32 = 1;
/// `GSS_S_DUPLICATE_TOKEN`, `_OLD_TOKEN`, `_UNSEQ_TOKEN` and `_GAP_TOKEN`, no errors to the library.
const OUT_OF_TURN: u32 = 0x2 | 0x4 | 0x8 | 0x10;

/// What one leg of a negotiation brought.
pub(in crate::unix) struct Leg {
    pub(in crate::unix) token: Vec<u8>,
    pub(in crate::unix) complete: bool,
    pub(in crate::unix) flags: u32,
}

/// A security context being established, with the name and credential it needs on every leg.
pub(in crate::unix) struct SecurityContext {
    library: &'static Library,
    handle: Handle,
    mechanism: Mechanism,
    target: Name,
    credential: Option<Credential>,
}

// SAFETY: a context, its name and its credential are used by one thread at a time (they are owned, not
// shared), and MIT Kerberos, Heimdal and Apple's GSS do not tie them to the thread that made them.
unsafe impl Send for SecurityContext {}

impl SecurityContext {
    /// Prepares a context towards `target`; without a credential the library takes the login's.
    pub(in crate::unix) fn new(
        mechanism: Mechanism,
        target: Name,
        credential: Option<Credential>,
    ) -> SecurityContext {
        let library = target.library;
        SecurityContext {
            library,
            handle: ptr::null_mut(),
            mechanism,
            target,
            credential,
        }
    }

    /// Takes the peer's token (none on the first leg) and returns what to send next.
    pub(in crate::unix) fn step(
        &mut self,
        input: Option<&[u8]>,
        request_flags: u32,
        binding: Option<&[u8]>,
    ) -> Result<Leg, Failure> {
        let (mut minor, mut output, mut flags) = (0, Buffer::empty(), 0);
        let input = input.map(Buffer::of);
        let input = input.as_ref().map_or(ptr::null(), ptr::from_ref);
        let binding = binding.map(ChannelBindings::of);
        let binding = binding.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mechanism = Oid::new(self.mechanism.oid());
        let credential = self
            .credential
            .as_ref()
            .map_or(ptr::null_mut(), |own| own.handle);
        let init = self.library.functions.gss_init_sec_context;
        // SAFETY: credential and name are live and of this library, inputs outlive the call, null
        // stands for "none" where RFC 2744 allows it, and `take` releases the output.
        let major = unsafe {
            init(
                &mut minor,
                credential,
                &mut self.handle,
                self.target.handle,
                &mechanism,
                request_flags,
                DEFAULT_LIFETIME,
                binding,
                input,
                ptr::null_mut(),
                &mut output,
                &mut flags,
                ptr::null_mut(),
            )
        };
        let token = self.library.take(output);
        self.library.check(major, minor, self.mechanism)?;
        Ok(Leg {
            token,
            complete: major & CONTINUE_NEEDED == 0,
            flags,
        })
    }

    /// Returns whose ticket an established context was made with.
    pub(in crate::unix) fn initiator(&self) -> Result<Name, Failure> {
        let mut name = Name {
            library: self.library,
            handle: ptr::null_mut(),
            _structure: None,
        };
        let mut minor = 0;
        let inquire = self.library.functions.gss_inquire_context;
        // SAFETY: the context is null, which is an error, or live; null is allowed for the outputs
        // nobody wants.
        let major = unsafe {
            inquire(
                &mut minor,
                self.handle,
                &mut name.handle,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        self.library.check(major, minor, self.mechanism)?;
        Ok(name)
    }

    /// Protects a message in an established context; says whether it is sealed.
    pub(in crate::unix) fn wrap(
        &mut self,
        message: &[u8],
        seal: bool,
    ) -> Result<(Vec<u8>, bool), Failure> {
        let (mut minor, mut sealed, mut output) = (0, 0, Buffer::empty());
        let (input, seal) = (Buffer::of(message), i32::from(seal));
        let (wrap, context) = (self.library.functions.gss_wrap, self.handle);
        // SAFETY: the context is null, which is an error, or live; the input outlives the call, and
        // `take` releases the output.
        let major = unsafe {
            wrap(
                &mut minor,
                context,
                seal,
                0,
                &input,
                &mut sealed,
                &mut output,
            )
        };
        let wrapped = self.library.take(output);
        self.library.check(major, minor, self.mechanism)?;
        Ok((wrapped, sealed != 0))
    }

    /// Opens a message that the peer has protected; says whether it was sealed, and whether out of turn.
    pub(in crate::unix) fn unwrap(
        &mut self,
        wrapped: &[u8],
    ) -> Result<(Vec<u8>, bool, bool), Failure> {
        let (mut minor, mut sealed, mut output) = (0, 0, Buffer::empty());
        let (input, no_qop) = (Buffer::of(wrapped), ptr::null_mut());
        let (unwrap, context) = (self.library.functions.gss_unwrap, self.handle);
        // SAFETY: as above; null is allowed for the quality of protection, which nobody wants.
        let major = unsafe {
            unwrap(
                &mut minor,
                context,
                &input,
                &mut output,
                &mut sealed,
                no_qop,
            )
        };
        let message = self.library.take(output);
        self.library.check(major, minor, self.mechanism)?;
        Ok((message, sealed != 0, major & OUT_OF_TURN != 0))
    }
}

impl Drop for SecurityContext {
    fn drop(&mut self) {
        let delete = self.library.functions.gss_delete_sec_context;
        // SAFETY: null or a context of this library, deleted once.
        unsafe { delete(&mut 0, &mut self.handle, ptr::null_mut()) };
    }
}
