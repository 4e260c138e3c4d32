//! Why the directory does not tell.

use std::io;

use silentry_negotiate as negotiate;
use silentry_protocol::ldap::Outcome;

use crate::text::printable;

/// Why the directory does not tell a UPN, to be read behind "the directory does not tell it: ".
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no domain controller can be reached: {0}")]
    Unreachable(String),
    #[error("it takes too long")]
    Slow,
    #[error("the domain controller is not to be understood: {0}")]
    Garbled(String),
    #[error("the domain controller refuses {what} ({code}): {text}")]
    Refused {
        what: &'static str,
        code: u32,
        text: String,
    },
    #[error("{0} is outside the domain of the user, so no ticket was asked for")]
    ForeignHost(String),
    #[error("{0}")]
    Kerberos(negotiate::Error),
    #[error("{0}")]
    NotFound(String),
}

impl Failure {
    pub(super) fn refused(what: &'static str, outcome: &Outcome) -> Self {
        Failure::Refused {
            what,
            code: outcome.code,
            text: outcome.text.clone(),
        }
    }

    pub(super) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Slow,
            _ => Failure::Unreachable(error.to_string()),
        }
    }
}

/// Makes a text that the server has chosen fit to be shown.
pub(super) fn shown(text: &str) -> String {
    printable(text, 200)
}
