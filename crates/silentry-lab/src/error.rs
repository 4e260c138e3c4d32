//! What can go wrong when a lab starts.

use std::path::PathBuf;

/// Why a lab could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The machine refused something: a socket, a thread, a directory.
    #[error("{doing}: {source}")]
    Io {
        /// What the lab was doing.
        doing: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No scenario has this name.
    #[error("there is no scenario called {0:?}; `silentry-lab scenarios` lists them")]
    UnknownScenario(String),
    /// No user has this name.
    #[error("there is no user called {0:?}")]
    UnknownUser(String),
    /// A certificate could not be made.
    #[error("making certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A certificate could not be used.
    #[error("preparing TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A keytab file could not be used.
    #[error("reading the keytab {path}: {reason}")]
    Keytab {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A page could not be had.
    #[error("opening {url}: {reason}")]
    Browser {
        /// The page, without its query.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// A ticket or a credential cache could not be made.
    #[error("making tickets: {0}")]
    Ticket(String),
}

impl LabError {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
