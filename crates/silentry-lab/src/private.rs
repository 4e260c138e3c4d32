//! Files and directories that nobody else can read.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::error::LabError;

/// Writes a file that only its owner can read.
pub(crate) fn file(path: &Path, content: &[u8]) -> Result<(), LabError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .map_err(LabError::io(format!("writing {}", path.display())))
}

/// Makes a directory that only its owner can enter; one that exists stays as it is.
pub(crate) fn directory(path: &Path) -> Result<(), LabError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(LabError::io(format!("making {}", path.display())))
}
