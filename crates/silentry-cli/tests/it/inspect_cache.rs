//! `silentry inspect cache` for every token cache of other projects, counted again from their JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use crate::testdata::testdata;

/// What the answer calls the rows of each root.
const KINDS: [(&str, &str); 4] = [
    ("access_tokens", "AccessToken"),
    ("refresh_tokens", "RefreshToken"),
    ("id_tokens", "IdToken"),
    ("app_metadata", "AppMetadata"),
];
/// The hosts of the public cloud, as instance discovery names them.
const PUBLIC: [&str; 4] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
];

#[test]
fn what_a_cache_holds_is_counted() {
    let Some(root) = testdata() else {
        return;
    };
    let mut seen = 0;
    for path in files(&root) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let Ok(cache) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else {
            continue;
        };
        if !cache["Account"].is_object() && !cache["AccessToken"].is_object() {
            continue;
        }
        let name = path.display();
        let answer = Command::cargo_bin("silentry")
            .unwrap()
            .args(["inspect", "cache"])
            .arg(&path)
            .assert()
            .success();
        let answer: Value = serde_json::from_slice(&answer.get_output().stdout).unwrap();
        for (kind, root) in KINDS {
            let rows = cache[root].as_object().into_iter().flatten();
            let count = rows.filter(|(_, row)| row.is_object()).count();
            assert_eq!(answer[kind], count, "{name}: {kind}");
        }
        let listed = answer["accounts"].as_array().unwrap();
        let of_answer = listed.iter().filter_map(who);
        let rows = cache["Account"].as_object().into_iter().flatten();
        let expected: BTreeSet<_> = rows.filter_map(|(_, row)| who(row)).collect();
        assert_eq!(listed.len(), expected.len(), "{name}");
        assert_eq!(of_answer.collect::<BTreeSet<_>>(), expected, "{name}");
        seen += 1;
    }
    assert!(seen >= 15, "{seen} caches");
}

/// One account per user and cloud.
fn who(row: &Value) -> Option<(String, String)> {
    let host = row["environment"].as_str()?.to_ascii_lowercase();
    let host = match PUBLIC.contains(&host.as_str()) {
        true => PUBLIC[0].to_owned(),
        false => host,
    };
    Some((row["home_account_id"].as_str()?.to_owned(), host))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect()
}
