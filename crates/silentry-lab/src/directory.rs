//! The people, domains and applications of the lab: fixed and documented, so that a test or a
//! tutorial can name them.
//!
//! One tenant owns four domains. Users of a federated domain sign in at AD FS, users of a managed
//! one at Entra. The UPN suffix (`contoso.test`) is deliberately not the Kerberos realm
//! (`CORP.CONTOSO.TEST`), as in most real forests.

/// The GUID of the lab's only tenant.
pub const TENANT_ID: &str = "100e3a02-371f-4666-9e23-748a511ebf64";

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

/// The host of Seamless SSO, whose service account is AZUREADSSOACC in a real forest.
pub const AUTOLOGON_HOST: &str = "autologon.microsoftazuread-sso.com";

/// What Entra demands of a user before it issues a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Demand {
    /// Nothing: the first factor is enough.
    Nothing,
    /// Multi-factor authentication, always.
    Mfa,
    /// Multi-factor authentication, unless AD FS states `insidecorporatenetwork`.
    MfaOutside,
    /// Consent to the application, which nobody has given.
    Consent,
}

/// A fixed user of the lab.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct User {
    /// The user principal name, which Entra knows.
    pub upn: &'static str,
    /// The account name in Active Directory (`sAMAccountName`), first part of the principal.
    pub account: &'static str,
    /// The Kerberos realm of the account.
    pub realm: &'static str,
    /// The display name.
    pub name: &'static str,
    /// The password, at AD FS, the KDC and Entra alike. It protects nothing.
    pub password: &'static str,
    /// The `ImmutableID`: the objectGUID of Active Directory in base64.
    pub immutable_id: &'static str,
    /// The object id in Entra; `None` for an account that was never synchronized.
    pub object_id: Option<&'static str>,
    /// Whether the account may sign in to Entra.
    pub enabled: bool,
    /// What Entra asks for before it issues a token.
    pub demand: Demand,
    /// What is special about this user, for the documentation.
    pub about: &'static str,
}

impl User {
    /// Returns the Kerberos principal, `account@REALM`.
    pub fn principal(&self) -> String {
        format!("{}@{}", self.account, self.realm)
    }

    /// Returns the domain of the UPN.
    pub fn domain(&self) -> &'static str {
        domain_of(self.upn)
    }
}

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

const ALICE: User = User {
    upn: "alice@contoso.test",
    account: "alice",
    realm: REALM,
    name: "Alice Archer",
    password: "Alice-Passw0rd",
    immutable_id: "jw+en4R361Olju+hd73ghA==",
    object_id: Some("b239d443-eb27-50bf-aff0-b9d487e58f3e"),
    enabled: true,
    demand: Demand::Nothing,
    about: "federated; integrated sign-in succeeds",
};

const USERS: [User; 11] = [
    ALICE,
    User {
        upn: "bob@managed.test",
        account: "bob",
        name: "Bob Baker",
        password: "Bob-Passw0rd",
        immutable_id: "O0U1rkblSViksJdYMbJ5NQ==",
        object_id: Some("2ad46236-85f2-5e8e-845b-bcf2f4d68b9b"),
        about: "managed: Entra checks his password, there is no AD FS for him",
        ..ALICE
    },
    User {
        upn: "carol@contoso.test",
        account: "carol",
        name: "Carol Carter",
        password: "Carol-Passw0rd",
        immutable_id: "ghITxeYA+ViegrHR2Gth6g==",
        object_id: Some("96cb01c8-34f3-5091-9756-212e0ba1ed44"),
        demand: Demand::Mfa,
        about: "federated; must do multi-factor authentication",
        ..ALICE
    },
    User {
        upn: "dave@contoso.test",
        account: "dave",
        name: "Dave Dyer",
        password: "Dave-Passw0rd",
        immutable_id: "By1jKgn421GGjhbFBffprw==",
        object_id: Some("4163bc23-0686-524b-b0c1-3dbe2d7410db"),
        demand: Demand::Consent,
        about: "federated; has not consented to the application",
        ..ALICE
    },
    User {
        upn: "erin@contoso.test",
        account: "erin",
        name: "Erin Evans",
        password: "Erin-Passw0rd",
        immutable_id: "PGA2yZW9WlCkSeFlWt345A==",
        object_id: Some("3e4fff92-5dac-5943-b654-0ffc16e525ba"),
        demand: Demand::MfaOutside,
        about: "federated; must do multi-factor authentication outside the corporate network",
        ..ALICE
    },
    User {
        upn: "frank@contoso.test",
        account: "frank",
        name: "Frank Fisher",
        password: "Frank-Passw0rd",
        immutable_id: "0HVnFKT6ala42/vuGCeKUw==",
        object_id: Some("81157418-ede9-58d8-b026-d7bbfdd0223b"),
        enabled: false,
        about: "federated; disabled in Entra",
        ..ALICE
    },
    User {
        upn: "grace@contoso.test",
        account: "grace",
        name: "Grace Gardner",
        password: "Grace-Passw0rd",
        immutable_id: "2/iPAoIjl1WESmIV+IpvEA==",
        object_id: None,
        about: "in Active Directory, but not synchronized to Entra",
        ..ALICE
    },
    User {
        upn: "heidi@dsso.test",
        account: "heidi",
        name: "Heidi Hunter",
        password: "Heidi-Passw0rd",
        immutable_id: "2Vctp9vX/FCZumw6Q9+zsw==",
        object_id: Some("8bafd345-b626-51e8-89a4-9b3c1d1f8573"),
        about: "managed, in a domain with Seamless SSO",
        ..ALICE
    },
    User {
        upn: "ivan@contoso.test",
        account: "ivan",
        realm: TRUSTED_REALM,
        name: "Ivan Ivory",
        password: "Ivan-Passw0rd",
        immutable_id: "A4ne+FKOol6Km5f1sKQ47w==",
        object_id: Some("8120c062-3fb3-5727-8aa0-3a2c6d113be4"),
        about: "federated; the account lives in the trusted realm EMEA.CONTOSO.TEST",
        ..ALICE
    },
    User {
        upn: "judy@contoso.test",
        account: "judy",
        name: "Judy Joiner",
        password: "p&<Jüdy>\"w'd",
        immutable_id: "OjjH5DiN9VyegoRX4XRXAQ==",
        object_id: Some("a5cda174-abaf-522c-aa52-fe48e4ee094c"),
        about: "federated; the password has every character that XML and forms must escape",
        ..ALICE
    },
    User {
        upn: "mallory@contoso.onmicrosoft.com",
        account: "mallory",
        name: "Mallory Mason",
        password: "Mallory-Passw0rd",
        immutable_id: "zjiXzdrIbV2v7w9vLFO9vQ==",
        object_id: Some("6c5e6425-2249-58ad-b8d8-4ef701234677"),
        about: "synchronized, but the UPN in Entra is not in the federated domain",
        ..ALICE
    },
];

/// Returns every user of the lab.
pub fn users() -> &'static [User] {
    &USERS
}

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
}

impl Tenant {
    /// Reads the first path segment of a request.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "common" => Some(Self::Common),
            "organizations" => Some(Self::Organizations),
            "consumers" => Some(Self::Consumers),
            TENANT_ID => Some(Self::Home),
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
        }
    }
}

/// A registered client application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Application {
    pub(crate) client_id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) public: bool,
}

const APPLICATIONS: [Application; 4] = [
    Application {
        client_id: CLIENT_ID,
        name: "Silentry Lab Client",
        public: true,
    },
    Application {
        client_id: CONFIDENTIAL_CLIENT_ID,
        name: "Silentry Lab Service",
        public: false,
    },
    // Present in every tenant, so that unmodified programs that carry these ids work here too.
    Application {
        client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        name: "Microsoft Azure CLI",
        public: true,
    },
    Application {
        client_id: "80faf920-1908-4b52-b5ef-a8e7bedfc67a",
        name: "Azure Kubernetes Service AAD Client",
        public: true,
    },
];

pub(crate) fn application(client_id: &str) -> Option<&'static Application> {
    APPLICATIONS
        .iter()
        .find(|app| app.client_id.eq_ignore_ascii_case(client_id))
}

/// A resource that tokens are issued for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// The `aud` of its access tokens.
    pub(crate) audience: &'static str,
    /// The identifiers a scope may start with.
    pub(crate) identifiers: &'static [&'static str],
    /// The permissions the applications have on it.
    pub(crate) permissions: &'static [&'static str],
}

const RESOURCES: [Resource; 4] = [
    Resource {
        audience: "https://graph.microsoft.com",
        identifiers: &[
            "https://graph.microsoft.com",
            "00000003-0000-0000-c000-000000000000",
        ],
        permissions: &["User.Read", "Directory.Read.All"],
    },
    Resource {
        audience: "https://api.contoso.test",
        identifiers: &[
            "https://api.contoso.test",
            "api://9173a53e-918f-446a-9aad-c50289947b70",
        ],
        permissions: &["user_impersonation"],
    },
    Resource {
        audience: "https://management.core.windows.net/",
        identifiers: &[
            "https://management.core.windows.net",
            "https://management.azure.com",
        ],
        permissions: &["user_impersonation"],
    },
    Resource {
        audience: "6dae42f8-4368-4678-94ff-3960e28e3630",
        identifiers: &["6dae42f8-4368-4678-94ff-3960e28e3630"],
        permissions: &["user.read"],
    },
];

/// Finds a resource by the part of a scope before the permission. Entra ignores a final slash.
pub(crate) fn resource(identifier: &str) -> Option<&'static Resource> {
    let identifier = identifier.trim_end_matches('/');
    RESOURCES.iter().find(|resource| {
        resource
            .identifiers
            .iter()
            .any(|known| known.eq_ignore_ascii_case(identifier))
    })
}

#[cfg(test)]
mod tests {
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
