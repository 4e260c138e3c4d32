//! Which accounts of the cache somebody means by a name.

use super::environment;
use super::schema::{CacheDocument, CachedAccount, Entity, EntityKind};
use super::write::REQUESTED_TENANT;
use crate::authority::Tenant;
use crate::identity::is_same_name;
use crate::oauth::id_token::IdToken;

impl CachedAccount {
    /// Returns whether an account is meant: by its id, or by the name that it is listed under.
    fn is_listed_as(&self, name: &str) -> bool {
        let username = self.username.as_deref();
        self.home_account_id == name || username.is_some_and(|own| is_same_name(own, name))
    }

    fn is_of(&self, row: &Entity) -> bool {
        row.text("home_account_id") == Some(&self.home_account_id)
            && row
                .text("environment")
                .is_some_and(|host| environment::canonical(host) == self.environment)
    }
}

/// Returns those of the accounts that a name means: those listed under it, else those that have it in some tenant, where
/// a guest has another (`ana_contoso.com#EXT#@fabrikam.com`).
pub(super) fn named(
    document: &CacheDocument,
    accounts: Vec<CachedAccount>,
    name: &str,
) -> Vec<CachedAccount> {
    let listed = |account: &CachedAccount| account.is_listed_as(name);
    if accounts.iter().any(listed) {
        return accounts.into_iter().filter(listed).collect();
    }
    let is_named = |row: &&Entity| {
        let username = row.text("username");
        username.is_some_and(|username| is_same_name(username, name))
    };
    let rows = |kind| document.entities(kind).map(|(_, row)| row);
    let mut owners: Vec<&Entity> = rows(EntityKind::Account).filter(is_named).collect();
    if owners.is_empty() {
        // What a token is said to be for, where the library that wrote the account knows another name.
        let names = |row: &&Entity| {
            let id = row.text("secret").map(IdToken::decode);
            matches!(id, Some(Ok(id)) if id.username().is_some_and(|own| is_same_name(own, name)))
        };
        owners = rows(EntityKind::IdToken).filter(names).collect();
    }
    let owns = |account: &CachedAccount| owners.iter().any(|row| account.is_of(row));
    accounts.into_iter().filter(owns).collect()
}

/// Returns those of several accounts whose home the tenant is, or all where that tells nothing.
pub(super) fn at_home_in(
    document: &CacheDocument,
    accounts: Vec<CachedAccount>,
    tenant: &Tenant,
) -> Vec<CachedAccount> {
    let ids = match tenant {
        Tenant::Id(id) => Vec::from([id.clone()]),
        Tenant::Domain(domain) => ids_of(document, domain),
        Tenant::Organizations | Tenant::Common | Tenant::Consumers => return accounts,
    };
    let is_home = |account: &CachedAccount| {
        let home = account.home_account_id.rsplit_once('.');
        home.is_some_and(|(_, home)| ids.iter().any(|id| id.eq_ignore_ascii_case(home)))
    };
    match accounts.iter().any(is_home) {
        true => accounts.into_iter().filter(is_home).collect(),
        false => accounts,
    }
}

/// The ids of the tenant that has a domain, as far as tokens tell: the domain that was asked for stands beside the id in
/// our rows, and MSAL Python and Go write it as the realm of an id token, which names the id.
fn ids_of(document: &CacheDocument, domain: &str) -> Vec<String> {
    let is_domain = |text: Option<&str>| text.is_some_and(|text| text.eq_ignore_ascii_case(domain));
    let rows = |kind| document.entities(kind).map(|(_, row)| row);
    let asked = rows(EntityKind::AccessToken)
        .filter(|row| is_domain(row.text(REQUESTED_TENANT)))
        .filter_map(|row| row.text("realm").map(str::to_owned));
    let named = rows(EntityKind::IdToken)
        .filter(|row| is_domain(row.text("realm")))
        .filter_map(|row| IdToken::decode(row.text("secret")?).ok()?.tid);
    asked.chain(named).collect()
}
