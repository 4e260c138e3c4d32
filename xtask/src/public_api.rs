//! No dependency's type in the public API: a new major version of a dependency must never force one
//! of ours, and what a user of the library reads is ours to word.
//!
//! rustdoc's JSON knows every public item with the types that it names. The walk starts at the crate
//! and follows what is public; blanket implementations (`tracing::Instrument for T`) are nobody's
//! promise and left out. An implemented trait is a promise and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::report::Step;
use crate::workspace::Workspace;

/// Our own crates and the standard library.
const ALLOWED: [&str; 5] = ["alloc", "core", "silentry", "silentry_negotiate", "std"];
/// What `silentry` re-exports of a crate that promises no stable API.
const REEXPORTED: [&str; 2] = [
    "silentry_protocol::oauth::authorization::Prompt",
    "silentry_protocol::secret::Secret",
];
/// The packages whose API others program against.
const PACKAGES: [&str; 2] = ["silentry", "silentry-negotiate"];

/// Checks the packages with all their features, and returns how many items it saw.
pub(crate) fn check(workspace: &Workspace, step: &Step) -> Result<String> {
    let rustdoc = rustdoc_wrapper(workspace)?;
    let mut items = 0;
    let mut foreign = BTreeSet::new();
    for package in PACKAGES {
        let mut command = workspace.cargo("rustdoc --lib --all-features --package");
        command
            .arg(package)
            .args(["--", "-Zunstable-options", "--output-format=json"]);
        step.run(command.env("RUSTDOC", &rustdoc))?;
        let file = format!("{}.json", package.replace('-', "_"));
        let file = workspace.target.join("doc").join(file);
        let document = fs::read(&file).with_context(|| file.display().to_string())?;
        let api = walk(&serde_json::from_slice(&document)?)?;
        items += api.items.len();
        foreign.extend(api.foreign);
    }
    for found in &foreign {
        step.note(found)?;
    }
    ensure!(
        foreign.is_empty(),
        "{} types of dependencies in the public API",
        foreign.len()
    );
    Ok(format!("{items} public items"))
}

/// Writes a rustdoc that may use the unstable JSON output.
///
/// The variable in cargo's own environment would do as well, but dependencies look at it in their
/// build scripts, and everything would be built again, now and at the next ordinary build.
fn rustdoc_wrapper(workspace: &Workspace) -> Result<PathBuf> {
    let wrapper = workspace.target.join("xtask").join("rustdoc");
    fs::create_dir_all(workspace.target.join("xtask"))?;
    fs::write(
        &wrapper,
        "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n",
    )?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}

/// What the walk over one crate saw.
#[derive(Default)]
struct Api {
    items: BTreeSet<u64>,
    foreign: BTreeSet<String>,
}

fn walk(document: &Value) -> Result<Api> {
    let crates = document["external_crates"]
        .as_object()
        .context("external_crates")?;
    let crates: BTreeMap<u64, &str> = crates
        .iter()
        .filter_map(|(id, found)| Some((id.parse().ok()?, found["name"].as_str()?)))
        .collect();
    let mut walk = Walk {
        document,
        crates,
        api: Api::default(),
        standard: 0,
    };
    walk.item(document["root"].as_u64().context("root")?, Path::new(""));
    // `impl From<Ours> for Theirs` hangs on no item of ours.
    let index = document["index"].as_object().context("index")?;
    for (id, _) in index
        .iter()
        .filter(|(_, item)| !item["inner"]["impl"].is_null())
    {
        walk.item(id.parse()?, Path::new("impl"));
    }
    // A crate without a single `String` or `Clone` does not exist: the format has changed.
    if walk.standard == 0 {
        bail!(
            "rustdoc's JSON format {} is not understood",
            document["format_version"]
        );
    }
    Ok(walk.api)
}

struct Walk<'a> {
    document: &'a Value,
    crates: BTreeMap<u64, &'a str>,
    api: Api,
    standard: usize,
}

impl Walk<'_> {
    fn item(&mut self, id: u64, parent: &Path) {
        let item = &self.document["index"][id.to_string()];
        let Some((kind, inner)) = item["inner"]
            .as_object()
            .and_then(|inner| inner.iter().next())
        else {
            return; // Of another crate, or private: those that name it are looked at themselves.
        };
        if !self.api.items.insert(id) {
            return;
        }
        let implied =
            kind == "impl" && (inner["is_synthetic"] == true || !inner["blanket_impl"].is_null());
        if implied {
            return;
        }
        let path = item["name"]
            .as_str()
            .map_or_else(|| parent.to_owned(), |name| parent.join(name));
        self.types(inner, &path);
        self.children(inner, &path);
        if kind == "use" {
            self.reexport(inner, &path);
        }
    }

    /// Looks at every type, trait and bound that the item itself names.
    fn types(&mut self, value: &Value, path: &Path) {
        match value {
            Value::Object(object) => {
                if let (Some(id), Some(_)) = (value["id"].as_u64(), value["path"].as_str()) {
                    self.named(id, path);
                }
                object.values().for_each(|value| self.types(value, path));
            }
            Value::Array(values) => values.iter().for_each(|value| self.types(value, path)),
            _ => {}
        }
    }

    /// Goes on to the items below: fields, variants, methods, implementations.
    fn children(&mut self, inner: &Value, path: &Path) {
        let lists = [
            &inner["items"],
            &inner["impls"],
            &inner["implementations"],
            &inner["variants"],
            &inner["fields"],
            &inner["kind"]["tuple"],
            &inner["kind"]["plain"]["fields"],
            &inner["kind"]["struct"]["fields"],
        ];
        for id in lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_u64)
        {
            self.item(id, path);
        }
    }

    fn reexport(&mut self, inner: &Value, path: &Path) {
        let Some(id) = inner["id"].as_u64() else {
            return;
        };
        self.item(id, path);
        self.named(id, path);
    }

    fn named(&mut self, id: u64, path: &Path) {
        let found = &self.document["paths"][id.to_string()];
        let Some(name) = found["crate_id"]
            .as_u64()
            .and_then(|id| self.crates.get(&id))
        else {
            return; // Of this crate.
        };
        if ALLOWED.contains(name) {
            self.standard += 1;
            return;
        }
        let words: Vec<_> = found["path"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let name = words.join("::");
        if REEXPORTED.contains(&name.as_str()) {
            return;
        }
        let place: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
        self.api
            .foreign
            .insert(format!("{} names {name}", place.join("::")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::walk;

    /// A crate `ours` with one struct, whose one field is of the given crate's type.
    fn document(field_of: u64) -> serde_json::Value {
        json!({
            "root": 0,
            "format_version": 57,
            "external_crates": {"1": {"name": "alloc"}, "2": {"name": "url"}},
            "index": {
                "0": {"name": "ours", "inner": {"module": {"items": [1]}}},
                "1": {"name": "Account", "inner": {"struct": {
                    "kind": {"plain": {"fields": [2]}}, "impls": [3, 4]
                }}},
                "2": {"name": "home", "inner": {"struct_field": {"resolved_path": {
                    "path": "Vec", "id": 10, "args": {"angle_bracketed": {"args": [
                        {"type": {"resolved_path": {"path": "Inner", "id": 9 + field_of}}}
                    ]}}
                }}}},
                "3": {"name": null, "inner": {"impl": {
                    "is_synthetic": false, "blanket_impl": {"generic": "T"},
                    "trait": {"path": "Instrument", "id": 11}, "items": []
                }}},
                "4": {"name": null, "inner": {"impl": {
                    "is_synthetic": false, "blanket_impl": null,
                    "trait": {"path": "ToString", "id": 10}, "items": []
                }}}
            },
            "paths": {
                "10": {"crate_id": 1, "path": ["alloc", "string", "String"]},
                "11": {"crate_id": 2, "path": ["url", "Url"]}
            }
        })
    }

    #[test]
    fn a_dependency_inside_a_standard_type_is_found() {
        let api = walk(&document(2)).unwrap();
        assert_eq!(
            Vec::from_iter(api.foreign),
            ["ours::Account::home names url::Url"]
        );
    }

    #[test]
    fn standard_types_and_blanket_implementations_are_fine() {
        assert!(walk(&document(1)).unwrap().foreign.is_empty());
    }

    #[test]
    fn a_format_that_is_not_understood_is_an_error() {
        let document = json!({"root": 0, "external_crates": {}, "index": {}, "paths": {}});
        assert!(walk(&document).is_err());
    }
}
