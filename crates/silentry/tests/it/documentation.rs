//! What the documentation says of tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A row of a table: MSAL.NET's name, ours, and what shows it or why there is none.
struct Row {
    theirs: String,
    ours: String,
    shown_by: String,
}

#[test]
fn every_feature_of_msal_net_is_shown_by_a_test_or_left_out_for_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/msal.md")).unwrap();
    let mut sources = Vec::new();
    collect(&root.join("crates"), &mut sources);

    let rows = rows(&page);
    assert!(rows.len() > 60, "{} rows", rows.len());
    for row in rows {
        let tests = tests(&row.shown_by);
        let has_reason = tests.is_empty() && row.shown_by.len() > 10;
        assert!(
            !tests.is_empty() || (row.ours.is_empty() && has_reason),
            "nothing shows {}",
            row.theirs
        );
        for (file, test) in tests {
            let declared = format!("fn {test}(");
            let exists = sources.iter().any(|path| {
                is_called(path, file) && fs::read_to_string(path).unwrap().contains(&declared)
            });
            assert!(exists, "no test {file}::{test}");
        }
    }
}

/// Whether a file is called so, or holds the tests of one that is.
fn is_called(path: &Path, file: &str) -> bool {
    let stem = path.file_stem().unwrap();
    let folder = path.parent().and_then(Path::file_name);
    let of_folder = stem == "tests" || stem == "mod";
    stem == file || (of_folder && folder.is_some_and(|folder| folder == file))
}

fn rows(page: &str) -> Vec<Row> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = lines.filter(|line| !line.starts_with("MSAL.NET |"));
    rows.map(|line| {
        let mut cells = line.split('|');
        let mut cell = || cells.next().unwrap_or_default().trim().to_owned();
        Row {
            theirs: cell(),
            ours: cell(),
            shown_by: cell(),
        }
    })
    .collect()
}

/// The tests that a cell names: `file::test`.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let pairs = quoted.filter_map(|text| text.split_once("::"));
    let is_name = |text: &str| text.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
    pairs
        .filter(|(file, test)| is_name(file) && is_name(test))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
