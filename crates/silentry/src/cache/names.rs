//! Which accounts of the cache somebody means by a name.

use silentry_protocol::cache::{CacheDocument, CachedAccount, Entity, EntityKind};
use silentry_protocol::oauth::id_token::{IdToken, same_account};

use super::rows::{Owner, REQUESTED_TENANT};
use super::write::ALSO_CALLED;
use crate::authority::{Authority, Tenant};
use crate::identity::same_name;

/// An account with what its rows are known by.
struct Candidate<'a> {
    account: &'a CachedAccount,
    owner: Owner,
}

impl<'a> Candidate<'a> {
    fn new(account: &'a CachedAccount, authority: &Authority) -> Self {
        let environment = &account.environment;
        let owner = Owner {
            home_account_id: account.home_account_id.clone(),
            environment: environment.clone(),
            other_environment: authority.other_environment(environment),
        };
        Self { account, owner }
    }

    /// Returns whether an account is meant: by its id, or by the name that it is listed under.
    fn is_listed_as(&self, document: &CacheDocument, name: &str) -> bool {
        let username = self.account.username.as_deref();
        same_account(&self.account.home_account_id, name)
            || (username.is_some_and(|own| same_name(own, name))
                && self.may_be_called(document, name))
    }

    /// Returns `false` for a name that the account's id tokens have as an e-mail address alone: in many directories
    /// anybody may set it.
    fn may_be_called(&self, document: &CacheDocument, name: &str) -> bool {
        let rows = document.entities(EntityKind::IdToken).map(|(_, row)| row);
        let tokens: Vec<_> = rows
            .filter(|row| self.owner.owns(row))
            .filter_map(id_token)
            .collect();
        !is_mere_address(&tokens, name)
    }
}

/// Returns those of the accounts that a name means: those listed under it, else those that have it in some tenant, where
/// a guest has another (`ana_contoso.com#EXT#@fabrikam.com`), else those that this user of the operating system proved
/// to have it, by a ticket.
pub(super) fn named(
    document: &CacheDocument,
    authority: &Authority,
    accounts: &[CachedAccount],
    name: &str,
    os_user: Option<&str>,
) -> Vec<CachedAccount> {
    let candidates = || accounts.iter().map(|one| Candidate::new(one, authority));
    let has_name = |row: &Entity| row.text("username").is_some_and(|own| same_name(own, name));
    let tells_name = |row: &Entity| id_token(row).is_some_and(|id| is_named(&id, name));
    let proved_name = |row: &Entity| is_called(row, name, os_user);
    let owners = |kind, is_named: &dyn Fn(&Entity) -> bool| -> Vec<&Entity> {
        let rows = document.entities(kind).map(|(_, row)| row);
        rows.filter(|row| is_named(row)).collect()
    };
    let of = |owners: Vec<&Entity>| -> Vec<Candidate<'_>> {
        let owns = |one: &Candidate<'_>| owners.iter().any(|row| one.owner.owns(row));
        candidates().filter(owns).collect()
    };

    let mut found: Vec<Candidate<'_>> = candidates()
        .filter(|one| one.is_listed_as(document, name))
        .collect();
    if found.is_empty() {
        found = of(owners(EntityKind::Account, &has_name));
        found.retain(|one| one.may_be_called(document, name));
    }
    // What a token is said to be for, where the library that wrote the account knows another name.
    if found.is_empty() {
        found = of(owners(EntityKind::IdToken, &tells_name));
    }
    if found.is_empty() {
        found = of(owners(EntityKind::SignedInUser, &proved_name));
    }
    found.into_iter().map(|one| one.account.clone()).collect()
}

/// Returns the names that are an account's own, those of its tokens among them.
#[cfg(feature = "integrated")]
pub(super) fn of_account(document: &CacheDocument, owner: &Owner) -> Vec<String> {
    let rows = |kind| {
        let rows = document.entities(kind).map(|(_, row)| row);
        rows.filter(|row| owner.owns(row))
    };
    let tokens: Vec<IdToken> = rows(EntityKind::IdToken).filter_map(id_token).collect();
    let of_tokens = tokens.iter().flat_map(IdToken::names);
    let of_rows = rows(EntityKind::Account)
        .filter_map(|row| row.text("username"))
        .filter(|name| !is_mere_address(&tokens, name));
    of_tokens.chain(of_rows).map(str::to_owned).collect()
}

fn is_mere_address(tokens: &[IdToken], name: &str) -> bool {
    let has_address = |id: &IdToken| id.addresses().any(|own| same_name(own, name));
    tokens.iter().any(has_address) && !tokens.iter().any(|id| is_named(id, name))
}

fn is_named(id: &IdToken, name: &str) -> bool {
    id.names().any(|own| same_name(own, name))
}

fn id_token(row: &Entity) -> Option<IdToken> {
    IdToken::decode(row.text("secret")?).ok()
}

/// Whether the user of a record has this name: by the principal of the ticket, or by a name that was proven with it.
fn is_called(row: &Entity, name: &str, os_user: Option<&str>) -> bool {
    let Some((own_user, principal)) = row.text("signed_in").and_then(|who| who.split_once(':'))
    else {
        return false;
    };
    let also_called = row.text(ALSO_CALLED).unwrap_or_default();
    let mut names = also_called.lines().chain([principal]);
    Some(own_user) == os_user && names.any(|own| same_name(own, name))
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
