//! A `krb5.conf`, as the machine of a user has it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// The configuration of the Kerberos library, kept in the folder of the encounter.
#[derive(Clone)]
pub(super) struct Krb5Conf {
    path: PathBuf,
    default_realm: Option<String>,
    settings: Vec<String>,
    realms: Vec<(String, String)>,
    domains: Vec<(String, String)>,
}

impl Krb5Conf {
    /// Returns a configuration without realms, which asks DNS nothing about them.
    pub(super) fn new(folder: &Path) -> Self {
        let settings = ["dns_lookup_kdc = false", "dns_lookup_realm = false"];
        Self {
            path: folder.join("krb5.conf"),
            default_realm: None,
            settings: settings.map(str::to_owned).into(),
            realms: Vec::new(),
            domains: Vec::new(),
        }
    }

    /// Keeps it in another file of the same folder.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.path.set_file_name(name);
        self
    }

    /// Adds a realm and its KDC; the first one becomes the default.
    pub(super) fn with_realm(mut self, realm: &str, kdc: &str) -> Self {
        self.default_realm.get_or_insert_with(|| realm.to_owned());
        self.realms.push((realm.to_owned(), kdc.to_owned()));
        self
    }

    /// Leads to an address where no KDC is, for all realms.
    pub(super) fn without_kdcs(mut self) -> Self {
        for (_, kdc) in &mut self.realms {
            "127.0.0.99".clone_into(kdc);
        }
        self
    }

    /// Sets another default realm.
    pub(super) fn with_default_realm(mut self, realm: &str) -> Self {
        self.default_realm = Some(realm.to_owned());
        self
    }

    /// Adds a line to `[libdefaults]`.
    pub(super) fn with(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Adds a line to `[domain_realm]`.
    pub(super) fn with_domain(mut self, domain: &str, realm: &str) -> Self {
        self.domains.push((domain.to_owned(), realm.to_owned()));
        self
    }

    /// Writes the file.
    pub(super) fn write(&self) -> Result<&Path> {
        let mut text = String::from("[libdefaults]\n");
        if let Some(realm) = &self.default_realm {
            writeln!(text, " default_realm = {realm}")?;
        }
        for setting in &self.settings {
            writeln!(text, " {setting}")?;
        }
        text += "[realms]\n";
        for (realm, kdc) in &self.realms {
            writeln!(text, " {realm} = {{\n  kdc = {kdc}\n }}")?;
        }
        text += "[domain_realm]\n";
        for (domain, realm) in &self.domains {
            writeln!(text, " {domain} = {realm}")?;
        }
        fs::write(&self.path, text)?;
        Ok(&self.path)
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
