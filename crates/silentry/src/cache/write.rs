//! What a token response leaves in the cache.
//!
//! The rows are such that MSAL Python and MSAL Node take an access token from them with no token call:
//! the environment is the authority's host, the realm the tenant's id, keys are Python's, times are
//! texts, and nothing is `null`.

use silentry_protocol::cache::environment;
use silentry_protocol::cache::{CacheDocument, Entity, EntityKind};
use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::id_token::{ClientInfo, IdToken, home_account_id};
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_response::TokenResponse;

use super::rows::{Owner, REQUESTED_TENANT, is_plain_bearer, same_realm};
use super::tenant_names::TenantNames;
use crate::authority::tenant::same_client;
use crate::identity::same_name;

/// A token response, with what was asked to get it.
#[derive(Clone, Copy)]
pub(crate) struct NewTokens<'a> {
    pub(crate) client_id: &'a str,
    /// The authority's environment.
    pub(crate) environment: &'a str,
    /// The name of the same environment in rows of others.
    pub(crate) other_environment: Option<&'a str>,
    /// The tenant as the authority names it: an id, a domain or a word; of AD FS the word `adfs`, of another server the
    /// path of its issuer.
    pub(crate) tenant: &'a str,
    pub(crate) server: AuthorityKind,
    pub(crate) scopes: &'a Scopes,
    pub(crate) response: &'a TokenResponse,
    /// What the id token of the response says, where it has one that can be read.
    pub(crate) id: Option<&'a IdToken>,
    /// How the user signed in, in MSAL Python's words (`account_source`).
    pub(crate) source: &'a str,
    /// Who was signed in to the machine, when it was that user's ticket that gave the tokens.
    pub(crate) signed_in: Option<SignedInUser<'a>>,
    /// The home account id of the account whose refresh token gave the tokens: the answer need not name it again.
    pub(crate) account: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

/// The member of a signed-in user's record that has the names which no token tells, one a line.
pub(super) const ALSO_CALLED: &str = "also_called";

/// The member of the record that a user of the operating system has signed in by ticket.
const TICKET_USER: &str = "ticket_user";

/// More names than somebody has; the oldest goes.
const MOST_NAMES: usize = 8;

/// Whose ticket gave the tokens.
#[derive(Clone, Copy)]
pub(crate) struct SignedInUser<'a> {
    pub(crate) os_user: &'a str,
    pub(crate) principal: &'a str,
    /// A name that only the ticket proves.
    pub(crate) also_called: Option<&'a str>,
}

impl SignedInUser<'_> {
    /// Returns what a record is found by.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", self.os_user, self.principal)
    }
}

/// Writes the rows of a response; older ones that it replaces go. `None` when the response does not
/// tell whose it is: such a token cannot be kept for anybody.
pub(crate) fn store(document: &mut CacheDocument, new: &NewTokens<'_>) -> Option<Owner> {
    let client_info = new
        .response
        .client_info
        .as_deref()
        .and_then(ClientInfo::decode);
    let home =
        home_account_id(client_info.as_ref(), new.id).or_else(|| new.account.map(str::to_owned))?;
    let tenant_id = new.id.and_then(|id| id.tid.as_deref());
    // Other servers than Microsoft's have no tenants, whatever their tokens say.
    let is_other = new.server == AuthorityKind::OpenIdConnect;
    let realm = tenant_id.filter(|_| !is_other).unwrap_or(new.tenant);
    let mut owner = Owner {
        home_account_id: home,
        environment: environment::canonical(new.environment).into_owned(),
        other_environment: new.other_environment.map(str::to_owned),
    };
    if let Some(home) = spelling_of_home(document, &owner) {
        owner.home_account_id = home;
    }
    let client_id = spelling(document, &owner, new.client_id);
    let new = &NewTokens {
        client_id: &client_id,
        ..*new
    };
    let rows = Rows {
        new,
        realm,
        owner: &owner,
        environment: environment_of_account(document, &owner, realm),
        scopes: target(new.response.scope.as_ref().unwrap_or(new.scopes)),
    };
    rows.access_token(document);
    rows.refresh_token(document);
    rows.id_token(document);
    rows.account(document, new.id);
    rows.app_metadata(document);
    rows.signed_in_user(document);
    Some(owner)
}

/// Removes everything of one account in its cloud.
pub(crate) fn remove(document: &mut CacheDocument, owner: &Owner) {
    for kind in [
        EntityKind::AccessToken,
        EntityKind::RefreshToken,
        EntityKind::IdToken,
        EntityKind::Account,
        EntityKind::SignedInUser,
    ] {
        document.retain(kind, |row| !owner.owns(row));
    }
}

/// Returns the home account id as the account's rows spell it: other MSALs look for it by the letter.
fn spelling_of_home(document: &CacheDocument, owner: &Owner) -> Option<String> {
    let mut rows = document.entities(EntityKind::Account).map(|(_, row)| row);
    let known = rows.find(|row| owner.owns(row))?;
    known.text("home_account_id").map(str::to_owned)
}

/// Returns the client id as the account's rows spell it: other MSALs look for it by the letter.
fn spelling(document: &CacheDocument, owner: &Owner, client_id: &str) -> String {
    let rows = [EntityKind::RefreshToken, EntityKind::AccessToken]
        .into_iter()
        .flat_map(|kind| document.entities(kind));
    let mut known = rows
        .filter(|(_, row)| owner.owns(row))
        .filter_map(|(_, row)| row.text("client_id"));
    known
        .find(|known| same_client(known, client_id))
        .unwrap_or(client_id)
        .to_owned()
}

/// Returns the environment as the account's row names it: MSAL.NET, which writes `login.windows.net`, finds the rows that
/// belong to an access token by that name alone.
fn environment_of_account(document: &CacheDocument, owner: &Owner, realm: &str) -> String {
    let accounts = document
        .entities(EntityKind::Account)
        .map(|(_, row)| row)
        .filter(|row| owner.owns(row) && same_realm(row.text("realm").unwrap_or_default(), realm));
    let mut named = accounts.filter_map(|row| row.text("environment"));
    named.next().unwrap_or(&owner.environment).to_owned()
}

/// Whether a row says that a user of the operating system has signed in to this application by ticket.
pub(super) fn is_ticket_user(row: &Entity, client_id: &str, os_user: &str) -> bool {
    row.text(TICKET_USER) == Some(os_user)
        && row
            .text("client_id")
            .is_some_and(|own| same_client(own, client_id))
}

/// Adds a name to those that are known, one a line.
fn with_name(known: &str, name: Option<&str>) -> String {
    let is_line = |name: &&str| !name.contains(char::is_control);
    let mut names: Vec<&str> = known.lines().collect();
    if let Some(name) = name.filter(is_line) {
        names.retain(|own| !same_name(own, name));
        names.push(name);
    }
    let oldest = names.len().saturating_sub(MOST_NAMES);
    names[oldest..].join("\n")
}

/// The scopes of a row: sorted without regard to case, so that one set has one spelling.
fn target(scopes: &Scopes) -> String {
    let mut list: Vec<&str> = scopes.iter().collect();
    list.sort_by_cached_key(|scope| scope.to_ascii_lowercase());
    list.join(" ")
}

/// What the rows of one response share.
struct Rows<'a> {
    new: &'a NewTokens<'a>,
    owner: &'a Owner,
    realm: &'a str,
    /// What all rows of the response name the cloud, so that they are found together.
    environment: String,
    scopes: String,
}

impl Rows<'_> {
    /// Whatever would be found in place of the new token goes, or a token that was refused would come back.
    fn access_token(&self, document: &mut CacheDocument) {
        let response = self.new.response;
        let scopes = Scopes::from_wire(&self.scopes);
        let tenant = self.tenant(document);
        let served = |old: &Scopes| old.serves_at(self.new.server, self.new.scopes);
        document.retain(EntityKind::AccessToken, |row| {
            let replaced = self.is_of_client(row)
                && tenant.is_named_in(row)
                && is_plain_bearer(row)
                && row
                    .text("target")
                    .and_then(Scopes::from_wire)
                    .zip(scopes.as_ref())
                    .is_some_and(|(old, new)| new.intersects(&old) || served(&old));
            !replaced
        });
        let after = |seconds: u64| self.new.now.saturating_add(seconds).to_string();
        let lifetime = response.lifetime(self.new.now);
        let expires_on = after(lifetime);
        let extended = after(response.ext_expires_in.unwrap_or(lifetime));
        let refresh_on = response.refresh_in.map(after);
        let cached_at = self.new.now.to_string();
        let is_domain = self.new.server == AuthorityKind::Entra && self.new.tenant.contains('.');
        let domain = is_domain.then_some(self.new.tenant);
        let key = self.key(
            "accesstoken",
            &[self.new.client_id, self.realm, &self.scopes],
        );
        document.put(
            EntityKind::AccessToken,
            |_| false,
            &key,
            [
                ("credential_type", Some("AccessToken")),
                ("secret", Some(response.access_token.expose())),
                ("home_account_id", Some(self.home())),
                ("environment", Some(&*self.environment)),
                ("client_id", Some(self.new.client_id)),
                ("target", Some(&self.scopes)),
                ("realm", Some(self.realm)),
                ("token_type", Some("Bearer")),
                ("cached_at", Some(&cached_at)),
                ("expires_on", Some(&expires_on)),
                ("extended_expires_on", Some(&extended)),
                ("refresh_on", refresh_on.as_deref()),
                (REQUESTED_TENANT, domain),
            ],
        );
    }

    /// A new refresh token replaces every older one of the client, or of its family.
    fn refresh_token(&self, document: &mut CacheDocument) {
        let Some(secret) = &self.new.response.refresh_token else {
            return;
        };
        let family = self.new.response.family_id.as_deref();
        document.retain(EntityKind::RefreshToken, |row| {
            let same_family = family.is_some() && row.text("family_id") == family;
            !(self.is_of_client(row) || (same_family && self.owner.owns(row)))
        });
        let key = self.key("refreshtoken", &[self.new.client_id, "", &self.scopes]);
        let now = self.new.now.to_string();
        document.put(
            EntityKind::RefreshToken,
            |_| false,
            &key,
            [
                ("credential_type", Some("RefreshToken")),
                ("secret", Some(secret.expose())),
                ("home_account_id", Some(self.home())),
                ("environment", Some(&*self.environment)),
                ("client_id", Some(self.new.client_id)),
                ("target", Some(&self.scopes)),
                ("last_modification_time", Some(&now)),
                ("family_id", family),
            ],
        );
    }

    fn id_token(&self, document: &mut CacheDocument) {
        let Some(secret) = &self.new.response.id_token else {
            return;
        };
        let key = self.key("idtoken", &[self.new.client_id, self.realm, ""]);
        document.put(
            EntityKind::IdToken,
            |row| {
                self.is_of_client(row)
                    && self.is_of_realm(row)
                    && row.text("environment") == Some(&self.environment)
            },
            &key,
            [
                ("credential_type", Some("IdToken")),
                ("secret", Some(secret.expose())),
                ("home_account_id", Some(self.home())),
                ("environment", Some(&*self.environment)),
                ("realm", Some(self.realm)),
                ("client_id", Some(self.new.client_id)),
            ],
        );
    }

    fn account(&self, document: &mut CacheDocument, id: Option<&IdToken>) {
        let key = self.cased([self.home(), &self.environment, self.realm].join("-"));
        // A refresh may bring no id token; what is known of the user stays then.
        let told = [
            ("local_account_id", id.and_then(IdToken::local_account_id)),
            ("username", id.and_then(IdToken::username)),
            ("name", id.and_then(|id| id.name.as_deref())),
            ("client_info", self.new.response.client_info.as_deref()),
        ];
        let known = [
            ("home_account_id", Some(self.home())),
            ("environment", Some(&*self.environment)),
            ("realm", Some(self.realm)),
            (
                "authority_type",
                // MSAL Python looks for the word.
                Some(match self.new.server {
                    AuthorityKind::AdFs => "ADFS",
                    AuthorityKind::Entra | AuthorityKind::OpenIdConnect => "MSSTS",
                }),
            ),
            ("account_source", Some(self.new.source)),
        ];
        let told = told.into_iter().filter(|(_, value)| value.is_some());
        document.put(
            EntityKind::Account,
            |row| self.owner.owns(row) && self.is_of_realm(row),
            &key,
            known.into_iter().chain(told),
        );
    }

    fn app_metadata(&self, document: &mut CacheDocument) {
        let key = self.cased(format!(
            "appmetadata-{}-{}",
            self.owner.environment, self.new.client_id
        ));
        document.put(
            EntityKind::AppMetadata,
            |row| {
                row.text("client_id")
                    .is_some_and(|client_id| same_client(client_id, self.new.client_id))
                    && row
                        .text("environment")
                        .is_some_and(|host| environment::canonical(host) == self.owner.environment)
            },
            &key,
            [
                ("client_id", Some(self.new.client_id)),
                ("environment", Some(&*self.owner.environment)),
                ("family_id", self.new.response.family_id.as_deref()),
            ],
        );
    }

    fn signed_in_user(&self, document: &mut CacheDocument) {
        let Some(user) = self.new.signed_in else {
            return;
        };
        let who = user.id();
        let is_of_user =
            |row: &Entity| row.text("signed_in") == Some(&who) && self.is_of_cloud(row);
        let known = document
            .entities(EntityKind::SignedInUser)
            .find(|(_, row)| is_of_user(row) && self.owner.owns(row))
            .and_then(|(_, row)| row.text(ALSO_CALLED).map(str::to_owned));
        let also_called = user
            .also_called
            .filter(|name| !same_name(name, user.principal));
        let names = with_name(known.as_deref().unwrap_or_default(), also_called);
        document.put(
            EntityKind::SignedInUser,
            is_of_user,
            &format!("{}-{who}", self.owner.environment),
            [
                ("signed_in", Some(who.as_str())),
                ("environment", Some(&*self.owner.environment)),
                ("home_account_id", Some(self.home())),
                (
                    ALSO_CALLED,
                    Some(names.as_str()).filter(|names| !names.is_empty()),
                ),
            ],
        );
        // Stays when the account goes: who has used tickets is never taken for somebody who signs in by hand.
        let (client, os_user) = (self.new.client_id, user.os_user);
        document.put(
            EntityKind::SignedInUser,
            |row| is_ticket_user(row, client, os_user) && self.is_of_cloud(row),
            &format!("{}-{client}-{os_user}", self.owner.environment),
            [
                (TICKET_USER, Some(os_user)),
                ("environment", Some(&*self.owner.environment)),
                ("client_id", Some(client)),
            ],
        );
    }

    fn is_of_cloud(&self, row: &Entity) -> bool {
        row.text("environment")
            .is_some_and(|host| environment::canonical(host) == self.owner.environment)
    }

    fn tenant(&self, document: &CacheDocument) -> TenantNames {
        let home = self.home().rsplit_once('.').map(|(_, tenant)| tenant);
        let own = |kind| {
            let rows = document.entities(kind).map(|(_, row)| row);
            rows.filter(|row| self.owner.owns(row))
        };
        let mut tenant = TenantNames::new([self.realm, self.new.tenant], home);
        for row in own(EntityKind::AccessToken) {
            if let (Some(realm), Some(asked)) = (row.text("realm"), row.text(REQUESTED_TENANT))
                && same_realm(realm, self.realm)
            {
                tenant.push(asked.to_owned());
            }
        }
        // MSAL Python and Go write what was asked for as the realm; whose domain it is the id token tells.
        for row in own(EntityKind::IdToken) {
            if let Some(realm) = row.text("realm").filter(|realm| realm.contains('.'))
                && let Some(Ok(id)) = row.text("secret").map(IdToken::decode)
                && id.tid.is_some_and(|tid| same_realm(&tid, self.realm))
            {
                tenant.push(realm.to_owned());
            }
        }
        tenant
    }

    fn home(&self) -> &str {
        &self.owner.home_account_id
    }

    fn is_of_realm(&self, row: &Entity) -> bool {
        same_realm(row.text("realm").unwrap_or_default(), self.realm)
    }

    fn is_of_client(&self, row: &Entity) -> bool {
        row.text("client_id")
            .is_some_and(|client_id| same_client(client_id, self.new.client_id))
            && self.owner.owns(row)
    }

    /// MSAL Python's key: `{home}-{environment}-{kind}-{rest}`.
    fn key(&self, kind: &str, rest: &[&str]) -> String {
        let start = [self.home(), &self.environment, kind];
        let parts: Vec<&str> = start.into_iter().chain(rest.iter().copied()).collect();
        self.cased(parts.join("-"))
    }

    /// A key in lower case as a whole, as MSAL Python's are. Paths of issuers and the ids of their users have case, and
    /// no row may take the place of another's.
    fn cased(&self, key: String) -> String {
        match self.new.server {
            AuthorityKind::Entra | AuthorityKind::AdFs => key.to_lowercase(),
            AuthorityKind::OpenIdConnect => key,
        }
    }
}
