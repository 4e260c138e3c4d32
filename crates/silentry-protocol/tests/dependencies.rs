//! What the parsers cannot reach, as nothing that they depend on can.

use std::process::Command;

#[test]
fn nothing_below_does_io_or_brings_a_runtime() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "silentry-protocol",
            "--edges",
            "normal",
        ])
        .args([
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(crates.contains(&"roxmltree"), "{crates:?}");
    for refused in ["tokio", "hyper", "rustls", "rustix", "libc", "windows-sys"] {
        assert!(!crates.contains(&refused), "{refused} is below: {crates:?}");
    }
}
