//! What can go wrong on a connection.

use std::fmt;

use crate::advice::Advice;
use crate::text::printable;

/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 1000;

/// What kind of trouble a connection had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host name has no address.
    UnknownHost,
    /// Nobody accepts connections there, or there is no route.
    Unreachable,
    /// The proxy refused to connect, or asks for credentials.
    ProxyRefused,
    /// The proxy asks for a ticket, and none for it is to be had.
    ProxyTicketUnavailable,
    /// The proxy refused the ticket.
    ProxyTicketRefused,
    /// The proxy's proof that it is the one the ticket was made for is wrong.
    ProxyNotProven,
    /// The proxy wants an authentication scheme that is not supported, such as NTLM.
    ProxySchemeUnknown,
    /// No TLS version or cipher suite in common, or the server broke off the handshake.
    TlsHandshake,
    /// The server's certificate is not trusted.
    TlsTrust,
    /// The connection ended before a reply. `true` when nothing of the reply had come, so that a reused connection
    /// may simply have been closed by the server.
    Closed {
        /// Whether the request may be sent again on a new connection.
        before_reply: bool,
    },
    /// It took too long.
    TimedOut,
    /// The reply is larger than [`MAX_RESPONSE_BYTES`](super::MAX_RESPONSE_BYTES).
    TooLarge,
    /// What came is not HTTP.
    Protocol,
    /// The transport cannot work here, for example outside its runtime.
    Unusable,
}

/// Why a connection could not be opened or carry a request.
#[derive(Clone, Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    message: String,
    advice: Option<Advice>,
}

impl TransportError {
    /// Makes an error; `message` is lower case, without a full stop, and tells no secret. What a server says in it is
    /// made [fit to be shown](crate::text::printable).
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        TransportError {
            kind,
            message: printable(&message.into(), MAX_MESSAGE),
            advice: None,
        }
    }

    /// Says what to do, where the case itself knows better than the table of codes.
    pub(crate) fn with_advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }

    pub(crate) fn advice(&self) -> Option<&Advice> {
        self.advice.as_ref()
    }

    /// Returns what kind of trouble it was.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {}
