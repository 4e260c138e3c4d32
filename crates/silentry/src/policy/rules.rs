//! What a policy says, understood: every word of it is known, or it is no policy.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::authority::Tenant;
use crate::cache::store::StoreKind;
use crate::error::{Code, Error, Stage};
use crate::federation_hosts::FederationHosts;
use crate::flow_name::Flow;
use crate::text::printable;

/// A policy as its place holds it, not yet understood. What is absent is not restricted.
#[derive(Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    all(unix, not(target_os = "macos")),
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields, rename_all = "kebab-case")
)]
pub(super) struct Written {
    pub(super) federation_hosts: Option<Vec<String>>,
    pub(super) tenants: Option<Vec<String>>,
    pub(super) client_ids: Option<Vec<String>>,
    pub(super) flows: Option<Vec<String>>,
    pub(super) allow_ntlm: Option<bool>,
    pub(super) require_channel_binding: Option<bool>,
    pub(super) cache_places: Option<Vec<String>>,
}

/// A policy.
#[derive(Debug)]
pub(super) struct Rules {
    place: &'static str,
    pub(super) federation_hosts: Option<FederationHosts>,
    /// In lower case, as [`Tenant`] spells them.
    pub(super) tenants: Option<Vec<String>>,
    pub(super) client_ids: Option<Vec<String>>,
    pub(super) flows: Option<Vec<Flow>>,
    pub(super) allow_ntlm: bool,
    pub(super) require_channel_binding: bool,
    pub(super) cache_places: Option<Vec<CachePlace>>,
}

/// A place where a token cache may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CachePlace {
    /// Where the system keeps secrets.
    System,
    /// A store of the program's own.
    Program,
    /// A file that is not encrypted: this one, or any below this folder.
    Below(PathBuf),
}

impl Rules {
    /// Understands what is written, or says what is wrong with it.
    pub(super) fn new(place: &'static str, written: Written) -> Result<Self, String> {
        let federation_hosts = written.federation_hosts.map(FederationHosts::parse);
        let federation_hosts = federation_hosts
            .transpose()
            .map_err(|entry| format!("`{entry}` is not a federation host"))?;
        Ok(Rules {
            place,
            federation_hosts,
            tenants: each(written.tenants, tenant)?,
            client_ids: each(written.client_ids, client_id)?,
            flows: each(written.flows, Flow::parse)?,
            allow_ntlm: written.allow_ntlm.unwrap_or(true),
            require_channel_binding: written.require_channel_binding.unwrap_or(false),
            cache_places: each(written.cache_places, CachePlace::parse)?,
        })
    }

    /// The error of what the policy forbids; `advice` is what its user can do instead.
    pub(super) fn forbids(&self, code: Code, what: &str, advice: &str) -> Error {
        let place = self.place;
        let message = format!("the policy {place} does not allow {}", printable(what, 300));
        let advice = printable(advice, 600);
        let mitigation = format!(
            "Ask your administrator, or {advice}: the policy {place} of this machine decides."
        );
        Error::new(code, Stage::Request, message).with_mitigation(mitigation)
    }

    /// Tells what is allowed, as an advice.
    pub(super) fn allows<T: fmt::Display>(&self, what: &str, list: &[T]) -> String {
        let list: Vec<_> = list.iter().map(ToString::to_string).collect();
        match list.is_empty() {
            true => format!("do without, as it allows no {what}"),
            false => format!("use the {what} that it allows ({})", list.join(", ")),
        }
    }
}

fn each<T>(
    list: Option<Vec<String>>,
    understand: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, String> {
    let Some(list) = list else {
        return Ok(None);
    };
    let understood = list.iter().map(|entry| {
        let unknown = || format!("`{}` is unknown or malformed", printable(entry, 120));
        understand(entry).ok_or_else(unknown)
    });
    understood.collect::<Result<_, _>>().map(Some)
}

fn tenant(entry: &str) -> Option<String> {
    Some(Tenant::parse(entry).ok()?.as_str().to_owned())
}

fn client_id(entry: &str) -> Option<String> {
    let sound = |c: char| !c.is_whitespace() && !c.is_control();
    (!entry.is_empty() && entry.chars().all(sound)).then(|| entry.to_owned())
}

impl CachePlace {
    fn parse(entry: &str) -> Option<Self> {
        match entry {
            "system" => return Some(CachePlace::System),
            "program" => return Some(CachePlace::Program),
            _ => {}
        }
        let path = Path::new(entry);
        let path = match path.strip_prefix("~") {
            Ok(rest) => silentry_files::home()?.join(rest),
            Err(_) => path.to_owned(),
        };
        let sound = path.is_absolute() && !has_parent_steps(&path);
        sound.then_some(CachePlace::Below(path))
    }

    pub(super) fn has(&self, cache: &StoreKind) -> bool {
        match (self, cache) {
            (CachePlace::System, StoreKind::System) | (CachePlace::Program, StoreKind::Program) => {
                true
            }
            (CachePlace::Below(folder), StoreKind::File(path)) => std::path::absolute(path)
                .is_ok_and(|path| !has_parent_steps(&path) && path.starts_with(folder)),
            _ => false,
        }
    }
}

/// `..` could lead out of a folder again.
fn has_parent_steps(path: &Path) -> bool {
    path.components().any(|step| step == Component::ParentDir)
}

impl fmt::Display for CachePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CachePlace::System => f.write_str("system"),
            CachePlace::Program => f.write_str("program"),
            CachePlace::Below(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<const N: usize>(entries: [&str; N]) -> Option<Vec<String>> {
        Some(entries.map(str::to_owned).to_vec())
    }

    #[test]
    fn a_policy_with_a_word_that_nobody_knows_is_none() {
        let wrong = [
            Written {
                federation_hosts: list(["https://sts.contoso.com/"]),
                ..Written::default()
            },
            Written {
                federation_hosts: list(["*.contoso.com"]),
                ..Written::default()
            },
            Written {
                tenants: list(["contoso"]),
                ..Written::default()
            },
            Written {
                tenants: list([""]),
                ..Written::default()
            },
            Written {
                client_ids: list([""]),
                ..Written::default()
            },
            Written {
                flows: list(["silent", "broker"]),
                ..Written::default()
            },
            Written {
                flows: list(["silent,iwa"]),
                ..Written::default()
            },
            Written {
                cache_places: list(["tokens.json"]),
                ..Written::default()
            },
            Written {
                cache_places: list(["/srv/../home"]),
                ..Written::default()
            },
            Written {
                cache_places: list(["default"]),
                ..Written::default()
            },
        ];
        for written in wrong {
            let shown = format!("{written:?}");
            assert!(Rules::new("here", written).is_err(), "{shown}");
        }
        let nothing = Rules::new("here", Written::default()).unwrap();
        assert!(nothing.allow_ntlm && !nothing.require_channel_binding);
        assert!(nothing.flows.is_none() && nothing.cache_places.is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_caches_has_what_is_below_it() {
        let below = |folder: &str, path: &str| {
            let place = CachePlace::parse(folder).unwrap();
            place.has(&StoreKind::File(path.into()))
        };
        for (folder, path, has) in [
            ("/srv/tokens", "/srv/tokens/alice.json", true),
            ("/srv/tokens", "/srv/tokens/a/b.json", true),
            ("/srv/tokens/", "/srv/tokens/b.json", true),
            ("/srv/tokens/a.json", "/srv/tokens/a.json", true),
            ("/", "/srv/tokens/a.json", true),
            ("/srv/tokens", "/srv/tokens2/a.json", false),
            ("/srv/tokens", "/srv/tokens/../a.json", false),
            ("/srv/tokens", "tokens/a.json", false),
        ] {
            assert_eq!(below(folder, path), has, "{folder} {path}");
        }
        let file = StoreKind::File("/srv/a".into());
        assert!(!CachePlace::System.has(&file) && !CachePlace::Program.has(&file));
        assert!(CachePlace::System.has(&StoreKind::System));
    }
}
