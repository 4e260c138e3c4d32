//! What the reader and the writer of the cache know of its rows.

use silentry_protocol::cache::{Entity, environment};
use silentry_protocol::oauth::id_token::same_account;

/// The member that is our own: the tenant of the request where it is a domain, since `realm` is the
/// tenant's id and nothing else in the cache tells that both are one.
pub(super) const REQUESTED_TENANT: &str = "requested_tenant";

/// Who the rows of a response belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) home_account_id: String,
    pub(crate) environment: String,
    /// The name of the same environment in rows of others.
    pub(crate) other_environment: Option<String>,
}

impl Owner {
    /// Returns whether a row is this account's, whatever host of the cloud it names.
    pub(crate) fn owns(&self, row: &Entity) -> bool {
        row.text("home_account_id")
            .is_some_and(|home| same_account(home, &self.home_account_id))
            && row.text("environment").is_some_and(|host| {
                let environment = environment::canonical(host);
                self.environments().any(|own| own == environment)
            })
    }

    /// The names of the environment in the cache.
    pub(crate) fn environments(&self) -> impl Iterator<Item = &str> {
        let names = [Some(&self.environment), self.other_environment.as_ref()];
        names.into_iter().flatten().map(String::as_str)
    }
}

/// Returns whether an access token serves any request for its scopes: it is bound to no key (`AccessToken_With_AuthScheme`
/// of MSAL Node), and no further parameters distinguish it (`AccessToken_Extended` of MSAL.NET).
pub(super) fn is_plain_bearer(row: &Entity) -> bool {
    let is = |member, only: &str| {
        let text = row.text(member);
        text.is_none_or(|text| text.eq_ignore_ascii_case(only))
    };
    is("token_type", "Bearer") && is("credential_type", "AccessToken")
}

/// AD FS has no tenant: MSAL Python writes the word, the others nothing.
pub(super) fn same_realm(a: &str, b: &str) -> bool {
    let is_adfs = |realm: &str| realm.is_empty() || realm == "adfs";
    a.eq_ignore_ascii_case(b) || (is_adfs(a) && is_adfs(b))
}
