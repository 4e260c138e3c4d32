//! Where the documents of other projects are. The tests of the lab find them here, too.

use std::path::{Path, PathBuf};

/// Returns the collection, or `None` where a developer asked to get on without it.
///
/// # Panics
///
/// When it is missing and nobody asked, or in CI: tests without their documents would pass for nothing.
pub(crate) fn testdata() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/testdata");
    if folder.is_dir() {
        return Some(folder);
    }
    let without = std::env::var_os("SILENTRY_TESTDATA").is_some_and(|value| value == "none");
    assert!(
        without && std::env::var_os("CI").is_none(),
        "no test data in {}; outside CI, set SILENTRY_TESTDATA=none to get on without it",
        folder.display()
    );
    None
}
