//! `silentry inspect`: what the library makes of documents captured in the field.
//!
//! Each command is a function from a file to the JSON that goes to stdout. There is no network.

mod cache;
mod document;
mod error;
mod mex;
mod realm;
mod token;
mod wstrust;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use silentry_protocol::cache::MAX_CACHE_BYTES;

use self::document::{read, read_up_to};
use self::mex::mex;
use self::realm::realm;
use self::wstrust::wstrust;
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

#[cfg(test)]
mod tests {
    use silentry_protocol::xml::document::MAX_DOCUMENT_BYTES;

    use super::document::tests::file;
    use super::*;

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
