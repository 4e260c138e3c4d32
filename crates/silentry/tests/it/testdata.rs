//! Where the documents of other projects are. The tests of the command and of the lab find them here, too.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Returns the collection that `SILENTRY_TESTDATA` names, or `None` where it names none: the project's own documents
/// are tested then. `SILENTRY_TESTS_WITHOUT_DOCUMENTS` names a file to which a test that gets none adds a line.
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
        if let Some(list) = std::env::var_os("SILENTRY_TESTS_WITHOUT_DOCUMENTS") {
            note(Path::new(&list));
        }
        return None;
    };
    assert!(folder.is_dir(), "no folder {}", folder.display());
    Some(folder)
}

/// Adds a line that is the same for the same test, however often it asks.
fn note(list: &Path) {
    let (process, thread) = (std::process::id(), std::thread::current().id());
    let line = format!("{process} {thread:?}\n");
    let file = OpenOptions::new().create(true).append(true).open(list);
    file.unwrap().write_all(line.as_bytes()).unwrap();
}
