//! What can be asked of an error and of what its variants hold, written once for the three.

use std::fmt;
use std::time::Duration;

use super::{Attempt, Category, Code, Details, Error, Failure, InteractionRequired, Stage};
use crate::advice::Advice;

macro_rules! accessors {
    ($($name:ident),+) => {$(
impl $name {
    /// Returns the stable name of the failure.
    pub fn code(&self) -> &Code {
        &self.details().code
    }

    /// Returns where in the sign-in it happened.
    pub fn stage(&self) -> Stage {
        self.details().stage
    }

    /// Returns what kind of cure there is; the exit codes of the command follow it.
    pub fn category(&self) -> Category {
        self.details().category
    }

    /// Returns what to do about it, in one or two plain sentences for whoever writes the program.
    pub fn mitigation(&self) -> &str {
        self.advice().for_library()
    }

    /// Returns what to do about it, for whoever writes the program and for whoever runs the command.
    pub fn advice(&self) -> &Advice {
        &self.details().mitigation
    }

    /// Returns the correlation id of the call, which Microsoft's support asks for; `None` when it failed before any
    /// network.
    pub fn correlation_id(&self) -> Option<&str> {
        self.details().correlation_id.as_deref()
    }

    /// Returns `true` when the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        self.details().retryable
    }

    /// Returns how long the server asked to wait before the next try; of an error that
    /// [is given again](Error::is_throttled), how long it still is.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details().retry_after
    }

    /// Returns `true` when nothing was sent: the server refused the same request a moment ago, and this is the error of
    /// then, with its correlation id. Entra asks clients to do so, and counts who does not (AADSTS50196).
    ///
    /// A server that is busy (429, 5xx, `Retry-After`) is left alone for as long as it says, a minute when it does not
    /// say; a refresh token with which the user must act, for two minutes.
    pub fn is_throttled(&self) -> bool {
        self.details().throttled
    }

    /// Returns the HTTP status of the reply that carried the failure.
    pub fn http_status(&self) -> Option<u16> {
        self.details().http_status
    }

    /// Returns the AADSTS numbers of the reply. They choose words only: Microsoft advises against deciding by them.
    pub fn aadsts(&self) -> &[u32] {
        &self.details().aadsts
    }

    /// Returns Entra's `suberror`.
    pub fn suberror(&self) -> Option<&str> {
        self.details().suberror.as_deref()
    }

    /// Returns the flows that were tried before, in their order; only [`acquire_token`] tries several.
    ///
    /// [`acquire_token`]: crate::PublicClientApplication::acquire_token
    pub fn attempts(&self) -> &[Attempt] {
        &self.details().attempts
    }
}

/// Writes the failure in a sentence.
impl fmt::Display for $name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details().message)
    }
}

/// The source is what the connection, the token cache or the Kerberos library said, as a
/// [`TransportError`](crate::transport::TransportError), a [`StoreError`](crate::cache::store::StoreError) or a
/// `silentry_negotiate::Error`. What read an answer is not told: it could quote a secret.
impl std::error::Error for $name {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details().source()
    }
}
    )+};
}

accessors!(Error, Failure, InteractionRequired);

impl Failure {
    fn details(&self) -> &Details {
        &self.0
    }
}

impl InteractionRequired {
    fn details(&self) -> &Details {
        &self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = match self {
            Error::InteractionRequired(_) => "InteractionRequired",
            Error::Service(_) => "Service",
            Error::Client(_) => "Client",
        };
        self.details().debug(variant, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("Failure", f)
    }
}

impl fmt::Debug for InteractionRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("InteractionRequired", f)
    }
}
