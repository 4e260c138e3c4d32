//! The users.

use super::{REALM, TRUSTED_REALM, domain_of};

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
    /// The object id in the partner's tenant; `None` for those who are no guests there.
    pub guest_object_id: Option<&'static str>,
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

pub(super) const ALICE: User = User {
    upn: "alice@contoso.test",
    account: "alice",
    realm: REALM,
    name: "Alice Archer",
    password: "Alice-Passw0rd",
    immutable_id: "jw+en4R361Olju+hd73ghA==",
    object_id: Some("b239d443-eb27-50bf-aff0-b9d487e58f3e"),
    enabled: true,
    demand: Demand::Nothing,
    guest_object_id: Some("d54a01bd-7a43-4a4c-9a0e-3e2d6f6f7b11"),
    about: "federated; integrated sign-in succeeds; a guest in the tenant of fabrikam.test",
};

/// What users have in common who are no guests.
const NO_GUEST: User = User {
    guest_object_id: None,
    ..ALICE
};

pub(super) const USERS: [User; 11] = [
    ALICE,
    User {
        upn: "bob@managed.test",
        account: "bob",
        name: "Bob Baker",
        password: "Bob-Passw0rd",
        immutable_id: "O0U1rkblSViksJdYMbJ5NQ==",
        object_id: Some("2ad46236-85f2-5e8e-845b-bcf2f4d68b9b"),
        about: "managed: Entra checks his password, there is no AD FS for him",
        ..NO_GUEST
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
        ..NO_GUEST
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
        ..NO_GUEST
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
        ..NO_GUEST
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
        ..NO_GUEST
    },
    User {
        upn: "grace@contoso.test",
        account: "grace",
        name: "Grace Gardner",
        password: "Grace-Passw0rd",
        immutable_id: "2/iPAoIjl1WESmIV+IpvEA==",
        object_id: None,
        about: "in Active Directory, but not synchronized to Entra",
        ..NO_GUEST
    },
    User {
        upn: "heidi@dsso.test",
        account: "heidi",
        name: "Heidi Hunter",
        password: "Heidi-Passw0rd",
        immutable_id: "2Vctp9vX/FCZumw6Q9+zsw==",
        object_id: Some("8bafd345-b626-51e8-89a4-9b3c1d1f8573"),
        about: "managed, in a domain with Seamless SSO",
        ..NO_GUEST
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
        ..NO_GUEST
    },
    User {
        upn: "judy@contoso.test",
        account: "judy",
        name: "Judy Joiner",
        password: "p&<Jüdy>\"w'd",
        immutable_id: "OjjH5DiN9VyegoRX4XRXAQ==",
        object_id: Some("a5cda174-abaf-522c-aa52-fe48e4ee094c"),
        about: "federated; the password has every character that XML and forms must escape",
        ..NO_GUEST
    },
    User {
        upn: "mallory@contoso.onmicrosoft.com",
        account: "mallory",
        name: "Mallory Mason",
        password: "Mallory-Passw0rd",
        immutable_id: "zjiXzdrIbV2v7w9vLFO9vQ==",
        object_id: Some("6c5e6425-2249-58ad-b8d8-4ef701234677"),
        about: "synchronized, but the UPN in Entra is not in the federated domain",
        ..NO_GUEST
    },
];

/// Returns every user of the lab.
pub fn users() -> &'static [User] {
    &USERS
}
