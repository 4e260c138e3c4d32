//! Reading the documents, and what can be wrong with them.

use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// Why a document could not be inspected, in the words of the documented error object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InspectError {
    /// The library's code, or one of our own for files.
    pub(super) code: String,
    /// What is wrong.
    pub(super) message: String,
    /// What to do about it.
    pub(super) mitigation: String,
    /// The step of a sign-in that the document belongs to.
    pub(super) stage: &'static str,
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Failure::other(&error.code, error.message, &error.mitigation, error.stage)
    }
}

/// Reads a document. One that the library finds too large is its to refuse.
pub(super) fn read(path: &Path, stage: &'static str) -> Result<Vec<u8>, InspectError> {
    read_up_to(silentry_files::MAX_BYTES, path, stage)
}

pub(super) fn read_up_to(
    limit: usize,
    path: &Path,
    stage: &'static str,
) -> Result<Vec<u8>, InspectError> {
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
pub(super) mod tests {
    use std::path::PathBuf;

    /// Writes a document for a test.
    pub(in super::super) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }
}
