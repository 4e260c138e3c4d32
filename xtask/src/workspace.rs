//! Where the workspace is and what its packages offer, as cargo tells it.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The checkout that a command works on.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds: `target`, or what `CARGO_TARGET_DIR` says.
    pub(crate) target: PathBuf,
    #[cfg(unix)]
    metadata: Value,
}

impl Workspace {
    /// Asks cargo about the workspace that this program belongs to.
    pub(crate) fn find() -> Result<Self> {
        let home = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1"])
            .current_dir(&home)
            .output()
            .context("cannot run cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let folder = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata names no {key}"))
        };
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            #[cfg(unix)]
            metadata,
        })
    }

    /// Returns a line that changes with the sources: their commit, and what differs from it. Without Git it is another
    /// every time.
    pub(crate) fn state(&self) -> String {
        let git = |line: &str| {
            let words = line.split_whitespace();
            let output = Command::new("git")
                .current_dir(&self.root)
                .args(words)
                .output();
            let output = output.ok().filter(|output| output.status.success())?;
            Some(output.stdout)
        };
        let commit = git("rev-parse HEAD");
        let changes = git("status --porcelain").zip(git("diff HEAD"));
        match commit.zip(changes) {
            Some((commit, changes)) => {
                let mut hasher = DefaultHasher::new();
                changes.hash(&mut hasher);
                let commit = String::from_utf8_lossy(&commit);
                format!("{} {:x}\n", commit.trim(), hasher.finish())
            }
            None => format!("{:?}\n", SystemTime::now()),
        }
    }

    /// Returns a cargo command at the root of the workspace, of words without spaces in them.
    pub(crate) fn cargo(&self, line: &str) -> Command {
        let mut command = cargo();
        command
            .current_dir(&self.root)
            .args(line.split_whitespace());
        command
    }
}

/// What the larger sizes of the test ask besides.
#[cfg(unix)]
impl Workspace {
    /// Returns the features of a package, without `default` and those that optional dependencies
    /// bring.
    pub(crate) fn features(&self, package: &str) -> Vec<String> {
        self.packages()
            .filter(|found| found["name"] == package)
            .filter_map(|found| found["features"].as_object())
            .flat_map(|features| features.keys())
            .filter(|feature| *feature != "default")
            .cloned()
            .collect()
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.metadata["packages"].as_array().into_iter().flatten()
    }
}

/// Returns the cargo that started this program, so that one toolchain does everything.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
