//! `silentry inspect`: what the library makes of documents captured in the field.
//!
//! Each command is a function from a file to the JSON that goes to stdout. There is no network.

mod cache;
mod error;
mod mex;
mod realm;
mod token;
mod wstrust;

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use silentry::cache::schema::MAX_CACHE_BYTES;

pub(crate) use mex::mex;
pub(crate) use realm::realm;
pub(crate) use wstrust::wstrust;

use crate::failure::Failure;
use crate::output;

/// What can be inspected. `-` is standard input everywhere.
#[derive(Subcommand)]
pub(crate) enum InspectCommand {
    /// Federation metadata (MEX): which endpoint takes which credential.
    Mex {
        /// The document.
        file: PathBuf,
        /// Where the document came from, for relative addresses in it.
        #[arg(long)]
        url: Option<String>,
    },
    /// A WS-Trust reply: the assertion or the fault in it.
    Wstrust {
        /// The document.
        file: PathBuf,
        /// Writes the assertion's exact bytes to this file, for its owner alone.
        #[arg(long, value_name = "FILE")]
        assertion_out: Option<PathBuf>,
    },
    /// A user realm: who authenticates the domain's users.
    Realm {
        /// The document.
        file: PathBuf,
    },
    /// An error body of Entra or AD FS: who must act, and how.
    Error {
        /// The document.
        file: PathBuf,
        /// The HTTP status that it came with.
        #[arg(long, default_value_t = error::DEFAULT_STATUS)]
        status: u16,
    },
    /// A token cache of any MSAL, in plain JSON: its accounts and counts, no secrets.
    Cache {
        /// The cache file.
        file: PathBuf,
    },
    /// A JWT: header, claims and times. Its signature is neither checked nor shown.
    Token {
        /// The file that holds the token: alone, as a header, or in the JSON of `silentry token -o json`.
        #[arg(default_value = "-")]
        file: PathBuf,

        /// Refused without being repeated: the pieces of a token may have been pasted here.
        #[arg(hide = true)]
        more: Vec<OsString>,
    },
}

/// What all of them take.
#[derive(Args)]
pub(crate) struct InspectArguments {
    #[command(subcommand)]
    command: InspectCommand,

    /// The output format; there is only JSON.
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "json", value_parser = ["json"])]
    output: String,
}

/// Inspects a document and prints what was found as JSON.
pub(crate) fn run(arguments: InspectArguments) -> Result<(), Failure> {
    let found = match arguments.command {
        InspectCommand::Mex { file, url } => mex(&file, url.as_deref()),
        InspectCommand::Wstrust {
            file,
            assertion_out,
        } => wstrust(&file, assertion_out.as_deref()),
        InspectCommand::Realm { file } => realm(&file),
        InspectCommand::Error { file, status } => {
            read(&file, "token").and_then(|body| error::inspect(&body, status))
        }
        InspectCommand::Cache { file } => {
            read_up_to(MAX_CACHE_BYTES, &file, "cache").and_then(|bytes| cache::inspect(&bytes))
        }
        InspectCommand::Token { file, more } => {
            if !more.is_empty() {
                return Err(token::given_as_arguments());
            }
            read(&file, "token")
                .map_err(token::unreadable)
                .and_then(token::inspect)
        }
    };
    output::json(&found?)
}

/// Why a document could not be inspected, in the words of the documented error object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InspectError {
    /// The library's code, or one of our own for files.
    pub(crate) code: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) mitigation: String,
    /// The step of a sign-in that the document belongs to.
    pub(crate) stage: &'static str,
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Failure::other(&error.code, error.message, &error.mitigation, error.stage)
    }
}

/// Reads a document. One that the library finds too large is its to refuse.
fn read(path: &Path, stage: &'static str) -> Result<Vec<u8>, InspectError> {
    read_up_to(silentry_files::MAX_BYTES, path, stage)
}

fn read_up_to(limit: usize, path: &Path, stage: &'static str) -> Result<Vec<u8>, InspectError> {
    let read = match path.as_os_str() == "-" {
        true => read_stdin(limit),
        false => silentry_files::read(path, limit),
    };
    read.map_err(|error| unreadable(path, &error, stage))
}

/// Somebody may be typing there, so that it takes its time.
fn read_stdin(limit: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    match bytes.len() > limit {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        )),
        false => Ok(bytes),
    }
}

fn unreadable(path: &Path, error: &io::Error, stage: &'static str) -> InspectError {
    let mitigation = match error.kind() {
        io::ErrorKind::NotFound => "Check the path.",
        io::ErrorKind::PermissionDenied => "Give this user the right to read the file.",
        _ => "Name a file that can be read.",
    };
    InspectError {
        code: "file_unreadable".to_owned(),
        message: format!("{}: {error}", path.display()),
        mitigation: mitigation.to_owned(),
        stage,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use silentry::federation::document::MAX_DOCUMENT_BYTES;

    use super::*;

    pub(super) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let (folder, path) = file("there", b"");
        let missing = path.with_file_name("missing");
        for (path, code) in [
            (missing.as_path(), "file_unreadable"),
            (folder.path(), "file_unreadable"),
        ] {
            for error in [
                mex(path, None).unwrap_err(),
                wstrust(path, None).unwrap_err(),
                realm(path).unwrap_err(),
            ] {
                assert_eq!(error.code, code);
                assert!(
                    error.message.contains(&path.display().to_string()),
                    "{}",
                    error.message
                );
            }
        }
    }

    #[test]
    fn a_document_that_cannot_be_used_has_the_librarys_code() {
        let (_folder, path) = file("large.xml", &vec![b' '; MAX_DOCUMENT_BYTES * 2]);
        for (error, code, stage) in [
            (
                mex(&path, None).unwrap_err(),
                "parsing_ws_metadata_exchange_failed",
                "mex",
            ),
            (
                wstrust(&path, None).unwrap_err(),
                "parsing_wstrust_response_failed",
                "wstrust",
            ),
            (
                realm(&path).unwrap_err(),
                "user_realm_discovery_failed",
                "realm",
            ),
        ] {
            assert_eq!((error.code.as_str(), error.stage), (code, stage));
            assert!(
                error.message.contains("larger than 1048576 bytes"),
                "{}",
                error.message
            );
        }
        let (_folder, path) = file("doctype.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>");
        assert!(mex(&path, None).unwrap_err().message.contains("DOCTYPE"));
        assert!(
            wstrust(&path, None)
                .unwrap_err()
                .message
                .contains("DOCTYPE")
        );
    }
}
