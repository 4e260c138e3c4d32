//! The people, domains and applications of the lab: fixed and documented, so that a test or a
//! tutorial can name them.
//!
//! One tenant owns four domains. Users of a federated domain sign in at AD FS, users of a managed
//! one at Entra. The UPN suffix (`contoso.test`) is deliberately not the Kerberos realm
//! (`CORP.CONTOSO.TEST`), as in most real forests.

mod applications;
mod people;

pub(crate) use applications::{Application, Resource, application, resource};
use people::USERS;
pub use people::{Demand, User, users};

/// The GUID of the lab's tenant.
pub const TENANT_ID: &str = "100e3a02-371f-4666-9e23-748a511ebf64";

/// The GUID of the tenant of another organization, in which alice is a guest.
pub const PARTNER_TENANT_ID: &str = "6f1d3c52-8a0b-4b8e-9a57-2f6f0b1f8c3d";

/// The domain of that tenant.
pub const PARTNER_DOMAIN: &str = "fabrikam.test";

/// The federated domain of the tenant, and the word children get as `SILENTRY_TENANT`.
pub const FEDERATED_DOMAIN: &str = "contoso.test";

/// The Kerberos realm of the forest that AD FS belongs to.
pub const REALM: &str = "CORP.CONTOSO.TEST";

/// A second realm that trusts, and is trusted by, [`REALM`].
pub const TRUSTED_REALM: &str = "EMEA.CONTOSO.TEST";

/// The public client application registered in the tenant.
pub const CLIENT_ID: &str = "077012df-fa0a-4bbe-b975-fd8a3ff31a95";

/// A confidential application: "Allow public client flows" is off.
pub const CONFIDENTIAL_CLIENT_ID: &str = "8e70edcb-81dd-4b9f-ba58-7609b59b28aa";

/// The scope of the lab's own API, and what children get as `SILENTRY_SCOPE`.
pub const DEFAULT_SCOPE: &str = "https://api.contoso.test/user_impersonation";

/// The `Issuer` of the assertions that the lab's AD FS signs, known to Entra as the realm object
/// of [`FEDERATED_DOMAIN`].
pub const FEDERATION_ISSUER: &str = "http://sts.contoso.test/adfs/services/trust";

/// The service that AD FS answers Negotiate for, `HTTP/sts.contoso.test` in Kerberos.
pub const FEDERATION_HOST: &str = "sts.contoso.test";

/// The federation service of another organization, which the lab answers for as well.
pub const FOREIGN_FEDERATION_HOST: &str = "sts.fabrikam.test";
/// A cloud of Microsoft's that no client has in its table: only instance discovery knows it.
pub const SOVEREIGN_HOST: &str = "login.sovereign.test";
/// Another name of that cloud.
pub const SOVEREIGN_ALIAS: &str = "login.old.sovereign.test";

/// What users type where a second factor is asked for, as if an authenticator app showed it.
pub const MFA_CODE: &str = "246810";

/// The host of Seamless SSO, whose service account is AZUREADSSOACC in a real forest.
pub const AUTOLOGON_HOST: &str = "autologon.microsoftazuread-sso.com";

/// How users of a domain prove who they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DomainKind {
    /// At AD FS, over WS-Trust.
    Federated,
    /// At Entra, with a password.
    Managed,
    /// At Entra, with Seamless SSO turned on.
    SeamlessSso,
}

const DOMAINS: [(&str, DomainKind); 4] = [
    (FEDERATED_DOMAIN, DomainKind::Federated),
    ("managed.test", DomainKind::Managed),
    ("dsso.test", DomainKind::SeamlessSso),
    ("contoso.onmicrosoft.com", DomainKind::Managed),
];

/// Returns the user with this UPN, or whose name before the `@` is this word.
pub fn user(name: &str) -> Option<&'static User> {
    USERS
        .iter()
        .find(|user| user.upn.eq_ignore_ascii_case(name) || user.account.eq_ignore_ascii_case(name))
}

pub(crate) fn by_upn(upn: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.upn.eq_ignore_ascii_case(upn))
}

pub(crate) fn by_immutable_id(immutable_id: &str) -> Option<&'static User> {
    USERS
        .iter()
        .find(|user| user.object_id.is_some() && user.immutable_id == immutable_id)
}

/// Finds the account a Kerberos principal stands for. Names of Active Directory ignore case; an
/// unknown account of a foreign realm is nobody, even when a user of the lab has the same name.
pub(crate) fn by_principal(principal: &str) -> Option<&'static User> {
    let (account, realm) = principal.rsplit_once('@')?;
    USERS.iter().find(|user| {
        user.account.eq_ignore_ascii_case(account) && user.realm.eq_ignore_ascii_case(realm)
    })
}

/// Finds an account by what people type at AD FS: the UPN, `CONTOSO\account` or
/// `account@realm`.
pub(crate) fn by_login(login: &str) -> Option<&'static User> {
    if let Some((netbios, account)) = login.split_once('\\') {
        return USERS.iter().find(|user| {
            user.account.eq_ignore_ascii_case(account)
                && netbios_name(user.realm).eq_ignore_ascii_case(netbios)
        });
    }
    by_upn(login).or_else(|| by_principal(login))
}

/// Returns what the domain is, or `None` when no tenant has verified it.
pub(crate) fn domain_kind(domain: &str) -> Option<DomainKind> {
    DOMAINS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(domain))
        .map(|(_, kind)| *kind)
}

/// Returns the domain of a UPN, without the `@`.
pub(crate) fn domain_of(upn: &str) -> &str {
    upn.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn netbios_name(realm: &str) -> &'static str {
    if realm == TRUSTED_REALM {
        "EMEA"
    } else {
        "CONTOSO"
    }
}

/// What the tenant word of an authority means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tenant {
    /// `common`: any account.
    Common,
    /// `organizations`: any work account.
    Organizations,
    /// `consumers`: personal accounts only.
    Consumers,
    /// The lab's tenant, by GUID or by one of its domains.
    Home,
    /// The tenant of another organization.
    Partner,
}

impl Tenant {
    /// Reads the first path segment of a request.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "common" => Some(Self::Common),
            "organizations" => Some(Self::Organizations),
            "consumers" => Some(Self::Consumers),
            TENANT_ID => Some(Self::Home),
            PARTNER_TENANT_ID | PARTNER_DOMAIN => Some(Self::Partner),
            other => domain_kind(other).map(|_| Self::Home),
        }
    }

    /// Returns the word that endpoints carry. Entra puts the GUID there for a tenant named by a
    /// domain, and MSAL Python then uses that GUID everywhere.
    pub(crate) fn endpoint_word(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
            Self::Home => TENANT_ID,
            Self::Partner => PARTNER_TENANT_ID,
        }
    }

    /// Returns the tenant that issues the tokens: the users' own, unless another one is named.
    pub(crate) fn issuer_id(self) -> &'static str {
        match self {
            Self::Partner => PARTNER_TENANT_ID,
            Self::Common | Self::Organizations | Self::Consumers | Self::Home => TENANT_ID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::people::ALICE;
    use super::*;

    #[test]
    fn a_foreign_realm_does_not_stand_for_a_user_of_the_same_name() {
        assert_eq!(
            by_principal("ALICE@corp.contoso.test").map(|u| u.upn),
            Some(ALICE.upn)
        );
        assert!(by_principal("alice@EVIL.TEST").is_none());
        assert!(by_principal("alice").is_none());
        assert_eq!(
            by_principal("ivan@EMEA.CONTOSO.TEST").map(|u| u.account),
            Some("ivan")
        );
    }

    #[test]
    fn people_type_their_names_in_three_ways() {
        for login in [
            "alice@contoso.test",
            "contoso\\Alice",
            "alice@CORP.CONTOSO.TEST",
        ] {
            assert_eq!(
                by_login(login).map(|user| user.account),
                Some("alice"),
                "{login}"
            );
        }
        assert!(by_login("EMEA\\alice").is_none());
    }

    #[test]
    fn a_domain_stands_for_the_tenant_guid() {
        assert_eq!(
            Tenant::parse("Contoso.Test").map(Tenant::endpoint_word),
            Some(TENANT_ID)
        );
        assert_eq!(Tenant::parse("nowhere.test"), None);
    }

    #[test]
    fn identities_are_unique() {
        for (index, user) in USERS.iter().enumerate() {
            for other in &USERS[index + 1..] {
                assert_ne!(user.immutable_id, other.immutable_id);
                assert_ne!(user.upn, other.upn);
            }
        }
    }
}
