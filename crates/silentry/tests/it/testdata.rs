//! Where the documents of other projects are. The tests of the lab find them here, too.

use std::path::PathBuf;

/// Returns the collection that `SILENTRY_TESTDATA` names, or `None` where it names none: the project's own documents
/// are tested then.
///
/// # Panics
///
/// When the folder that is named is not there: tests without their documents would pass for nothing.
#[allow(clippy::print_stderr, reason = "whoever runs the tests must know")]
pub(crate) fn testdata() -> Option<PathBuf> {
    let named = std::env::var_os("SILENTRY_TESTDATA").filter(|name| name != "none");
    let Some(folder) = named.map(PathBuf::from) else {
        eprintln!(
            "none of the documents of other projects is tested: SILENTRY_TESTDATA names no folder"
        );
        return None;
    };
    assert!(folder.is_dir(), "no folder {}", folder.display());
    Some(folder)
}
