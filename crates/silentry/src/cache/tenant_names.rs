//! What the rows of a cache call a tenant.

use silentry_protocol::cache::Entity;

use super::rows::{REQUESTED_TENANT, same_realm};
use crate::authority::tenant::PERSONAL_ACCOUNTS;

/// What rows call the tenant of a token: its id, its domains, and the words that mean the home of the account.
pub(super) struct TenantNames(Vec<String>);

impl TenantNames {
    const WORDS: [&'static str; 2] = ["organizations", "common"];
    const PERSONAL: [&'static str; 2] = ["consumers", PERSONAL_ACCOUNTS];

    /// Starts with what the token and its request call the tenant. `home` is the tenant of the account.
    pub(super) fn new(names: [&str; 2], home: Option<&str>) -> Self {
        let mut own = Self(names.map(str::to_owned).into());
        own.add_words(home);
        own
    }

    /// Adds another name of the tenant.
    pub(super) fn push(&mut self, name: String) {
        self.0.push(name);
    }

    /// Where the authority leaves the choice to the account, it means the account's home.
    fn add_words(&mut self, home: Option<&str>) {
        let is_home = home.is_some_and(|home| self.is_named(home));
        if is_home || Self::WORDS.into_iter().any(|word| self.is_named(word)) {
            let names = Self::WORDS.into_iter().chain(home);
            self.0.extend(names.map(str::to_owned));
        }
        if Self::PERSONAL.into_iter().any(|name| self.is_named(name)) {
            self.0.extend(Self::PERSONAL.map(str::to_owned));
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Returns whether a look-up by any of the names finds the token of a row.
    pub(super) fn is_named_in(&self, row: &Entity) -> bool {
        let realm = row.text("realm").unwrap_or_default();
        let asked = row.text(REQUESTED_TENANT);
        self.0.iter().any(|name| {
            same_realm(name, realm) || asked.is_some_and(|asked| asked.eq_ignore_ascii_case(name))
        })
    }
}
