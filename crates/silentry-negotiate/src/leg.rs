//! One leg of a negotiation, as the systems tell it.

use crate::{Error, MessageProtection, token};

/// What one leg of a negotiation brought.
pub(crate) struct Leg {
    /// What to send next; may be empty when complete.
    pub(crate) token: Vec<u8>,
    /// Whether nothing more is expected from the server.
    pub(crate) complete: bool,
    /// Whether the server has proven itself, once complete.
    pub(crate) mutual: bool,
    /// How messages can be protected, once complete.
    pub(crate) protection: MessageProtection,
    /// Whether the system says that NTLM was chosen; the token's bytes are looked at besides.
    pub(crate) ntlm: bool,
}

impl Leg {
    /// Returns whether NTLM was chosen.
    pub(crate) fn carries_ntlm(&self) -> bool {
        self.ntlm || token::carries_ntlm(&self.token)
    }
}

/// Returns why there is no token when only NTLM was to be had: best, why Kerberos was not.
pub(crate) fn ntlm_refused(kerberos: Option<Error>) -> Error {
    match kerberos {
        Some(Error::Failed { reason }) => Error::NtlmRefused { reason },
        Some(error) => error,
        None => Error::NtlmRefused {
            reason: "Kerberos is possible but was not chosen".to_owned(),
        },
    }
}
