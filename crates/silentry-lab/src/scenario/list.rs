//! The table of scenarios.

use std::time::Duration;

use super::Scenario;
use super::switches::{
    Challenge, ExtendedProtection, Issues, Kdc, Mex, Mutual, Published, Realm, ServiceAccount,
    Switches, Tickets, Token,
};

const ALICE: &str = "alice@contoso.test";

/// More than the five minutes that Kerberos and SAML tolerate.
const WRONG_CLOCK: Duration = Duration::from_secs(30 * 60);

pub(super) const SCENARIOS: &[Scenario] = &[
    // What works.
    succeeds(
        "default",
        "Everything is deployed and configured as it should be.",
        |_| {},
    ),
    succeeds(
        "trust-2005-only",
        "AD FS has its default endpoints: windowstransport of WS-Trust 2005 only.",
        |s| {
            s.adfs.published = Published::Trust2005Only;
        },
    ),
    succeeds(
        "trust13-off",
        "The metadata lists windowstransport of WS-Trust 1.3, but it answers 503.",
        |s| {
            s.adfs.trust13_off = Some(503);
        },
    ),
    succeeds(
        "saml2",
        "The federation service issues a SAML 2.0 assertion.",
        |s| {
            s.adfs.issues = Issues::Saml2;
        },
    ),
    succeeds(
        "channel-binding-required",
        "AD FS demands a TLS channel binding (extended protection).",
        |s| {
            s.adfs.extended_protection = ExtendedProtection::Require;
        },
    ),
    succeeds(
        "farm",
        "Every connection to AD FS shows another certificate, and a channel binding is demanded.",
        |s| {
            s.adfs.farm = true;
            s.adfs.extended_protection = ExtendedProtection::Require;
        },
    ),
    succeeds(
        "token-5xx-once",
        "The token endpoint fails once with 503; asked again, it answers.",
        |s| {
            s.entra.token = Token::FailsOnce;
        },
    ),
    of_user(
        "trusted-realm",
        "The user's account lives in another, trusted Kerberos realm.",
        "ivan@contoso.test",
        None,
        0,
        |_| {},
    ),
    of_user(
        "mfa-inside",
        "Entra wants multi-factor authentication outside the corporate network only, and AD FS says the user is inside.",
        "erin@contoso.test",
        None,
        0,
        |_| {},
    ),
    // The user must act.
    of_user(
        "mfa",
        "Entra wants multi-factor authentication, and says so with claims.",
        "carol@contoso.test",
        Some("interaction_required"),
        3,
        |_| {},
    ),
    of_user(
        "mfa-unless-inside",
        "AD FS does not say that the user is inside the corporate network, so Entra wants multi-factor authentication.",
        "erin@contoso.test",
        Some("interaction_required"),
        3,
        |s| {
            s.adfs.inside_network = false;
        },
    ),
    of_user(
        "consent",
        "Nobody has consented to the application.",
        "dave@contoso.test",
        Some("invalid_grant"),
        3,
        |_| {},
    ),
    fails(
        "password-expired",
        "The user's password in Active Directory has expired.",
        "invalid_grant",
        3,
        |s| {
            s.entra.password_expired = true;
        },
    ),
    // Integrated sign-in is not for this user, or not from here.
    of_user(
        "managed-user",
        "The user signs in at Entra: there is no AD FS for the domain.",
        "bob@managed.test",
        Some("integrated_windows_auth_not_supported_managed_user"),
        5,
        |_| {},
    ),
    of_user(
        "seamless-sso",
        "The user's domain has Seamless SSO, which a client must ask for.",
        "heidi@dsso.test",
        Some("integrated_windows_auth_not_supported_managed_user"),
        5,
        |_| {},
    ),
    fails(
        "staged-rollout",
        "The domain is federated, but this user is in a staged rollout to cloud authentication.",
        "integrated_windows_auth_not_supported_managed_user",
        5,
        |s| {
            s.entra.realm = Realm::StagedRollout;
        },
    ),
    fails(
        "unknown-domain",
        "No tenant has verified the user's domain.",
        "unknown_user_type",
        5,
        |s| {
            s.entra.realm = Realm::Unknown;
        },
    ),
    fails(
        "personal-account",
        "The user's domain belongs to personal Microsoft accounts.",
        "ropc_not_supported_for_msa",
        5,
        |s| {
            s.entra.realm = Realm::Personal;
        },
    ),
    fails(
        "saml20-federation",
        "The domain federates by SAML 2.0 with a product that has no WS-Trust.",
        "unsupported_federation_protocol",
        5,
        |s| {
            s.entra.realm = Realm::Saml20;
        },
    ),
    fails(
        "extranet-mex",
        "Seen from outside the corporate network, AD FS lists no windowstransport.",
        "wstrust_endpoint_not_found",
        5,
        |s| {
            s.adfs.published = Published::Extranet;
        },
    ),
    fails(
        "ntlm-only-mex",
        "The policy of windowstransport demands NTLM.",
        "wstrust_endpoint_not_found",
        5,
        |s| {
            s.adfs.published = Published::NtlmOnly;
        },
    ),
    fails(
        "foreign-mex-host",
        "The metadata names windowstransport on a host of somebody else.",
        "federation_host_not_trusted",
        5,
        |s| {
            s.adfs.published = Published::ForeignHost;
        },
    ),
    // Kerberos.
    fails(
        "no-ticket",
        "The user has no credential cache.",
        "kerberos_no_ticket",
        4,
        |s| {
            s.kerberos.tickets = Tickets::None;
        },
    ),
    fails(
        "expired-ticket",
        "The user's ticket has expired.",
        "kerberos_ticket_expired",
        4,
        |s| {
            s.kerberos.tickets = Tickets::Expired;
        },
    ),
    fails(
        "wrong-clock",
        "The clocks of KDC and AD FS are half an hour ahead.",
        "kerberos_clock_skew",
        5,
        |s| {
            s.kerberos.clock_ahead = WRONG_CLOCK;
            s.adfs.clock_ahead = WRONG_CLOCK;
        },
    ),
    fails(
        "rc4-only-service",
        "The service account of AD FS has no AES key.",
        "kerberos_etype_not_supported",
        5,
        |s| {
            s.kerberos.service = ServiceAccount::Rc4Only;
        },
    ),
    fails(
        "unknown-spn",
        "The service principal name of AD FS is not registered.",
        "kerberos_unknown_service_principal",
        5,
        |s| {
            s.kerberos.service = ServiceAccount::Unregistered;
        },
    ),
    fails(
        "kdc-down",
        "The KDC refuses connections.",
        "kerberos_kdc_unreachable",
        6,
        |s| {
            s.kerberos.kdc = Kdc::Down;
        },
    ),
    fails(
        "kdc-silent",
        "The KDC takes requests and never answers.",
        "kerberos_timeout",
        6,
        |s| {
            s.kerberos.kdc = Kdc::Silent;
        },
    ),
    // Negotiate.
    fails(
        "unauthorized-loop",
        "AD FS answers 401 to every ticket.",
        "negotiate_rejected",
        7,
        |s| {
            s.adfs.challenge = Challenge::Always;
        },
    ),
    fails(
        "tls-inspection",
        "Something in between shows its own certificate, so that the channel binding is wrong.",
        "negotiate_rejected",
        7,
        |s| {
            s.adfs.inspected = true;
        },
    ),
    fails(
        "ntlm-only-401",
        "AD FS offers NTLM and nothing else.",
        "negotiate_not_offered",
        5,
        |s| {
            s.adfs.challenge = Challenge::NtlmOnly;
        },
    ),
    fails(
        "no-mutual-reply",
        "AD FS does not prove that it is AD FS.",
        "mutual_authentication_failed",
        7,
        |s| {
            s.adfs.mutual = Mutual::Missing;
        },
    ),
    fails(
        "wrong-mutual-reply",
        "AD FS's proof that it is AD FS is forged.",
        "mutual_authentication_failed",
        7,
        |s| {
            s.adfs.mutual = Mutual::Forged;
        },
    ),
    // Realm and metadata.
    fails(
        "realm-html",
        "A web page comes in place of the user realm.",
        "user_realm_discovery_failed",
        7,
        |s| {
            s.entra.realm = Realm::Html;
        },
    ),
    fails(
        "adfs-down",
        "AD FS cannot be reached.",
        "federation_unreachable",
        6,
        |s| {
            s.adfs.reachable = false;
        },
    ),
    fails(
        "mex-404",
        "The metadata does not exist.",
        "accessing_ws_metadata_exchange_failed",
        7,
        |s| {
            s.adfs.mex = Mex::NotFound;
        },
    ),
    fails(
        "mex-503",
        "AD FS is stopped: its web server answers 503.",
        "accessing_ws_metadata_exchange_failed",
        7,
        |s| {
            s.adfs.mex = Mex::Unavailable;
        },
    ),
    fails(
        "mex-html",
        "A sign-in page comes in place of the metadata.",
        "parsing_ws_metadata_exchange_failed",
        7,
        |s| {
            s.adfs.mex = Mex::LoginPage;
        },
    ),
    fails(
        "mex-doctype",
        "The metadata has a DOCTYPE with an external entity.",
        "parsing_ws_metadata_exchange_failed",
        7,
        |s| {
            s.adfs.mex = Mex::Doctype;
        },
    ),
    fails(
        "mex-too-large",
        "The metadata is larger than any metadata is.",
        "parsing_ws_metadata_exchange_failed",
        7,
        |s| {
            s.adfs.mex = Mex::TooLarge;
        },
    ),
    fails(
        "slow-drip",
        "The metadata arrives a byte a second.",
        "request_timeout",
        6,
        |s| {
            s.adfs.mex = Mex::Drip;
        },
    ),
    // WS-Trust.
    fails(
        "rstr-fault",
        "AD FS denies access by policy, in a fault with HTTP status 200.",
        "federated_service_returned_error",
        7,
        |s| {
            s.adfs.issues = Issues::DeniedByPolicy;
        },
    ),
    fails(
        "encrypted-assertion",
        "AD FS encrypts the assertion.",
        "assertion_encrypted",
        7,
        |s| {
            s.adfs.issues = Issues::Encrypted;
        },
    ),
    fails(
        "redirect-on-post",
        "windowstransport redirects to another host.",
        "federated_service_returned_error",
        7,
        |s| {
            s.adfs.redirects = true;
        },
    ),
    // The token endpoint.
    fails(
        "saml-signing-key-unknown",
        "AD FS signs with a certificate that Entra was not told about.",
        "invalid_grant",
        7,
        |s| {
            s.adfs.issues = Issues::UnregisteredKey;
        },
    ),
    fails(
        "immutableid-missing",
        "The claim rules of AD FS leave out the ImmutableID.",
        "invalid_grant",
        7,
        |s| {
            s.adfs.issues = Issues::WithoutImmutableId;
        },
    ),
    of_user(
        "user-not-synced",
        "The user exists in Active Directory, but not in Entra.",
        "grace@contoso.test",
        Some("invalid_grant"),
        7,
        |_| {},
    ),
    of_user(
        "user-disabled",
        "The user is disabled in Entra.",
        "frank@contoso.test",
        Some("invalid_grant"),
        7,
        |_| {},
    ),
    fails(
        "public-client-disabled",
        "The application does not allow public client flows.",
        "invalid_client",
        7,
        |s| {
            s.entra.public_client = false;
        },
    ),
    fails(
        "token-429",
        "The token endpoint throttles.",
        "request_throttled",
        7,
        |s| {
            s.entra.token = Token::Throttles;
        },
    ),
];

const fn succeeds(
    name: &'static str,
    summary: &'static str,
    configure: fn(&mut Switches),
) -> Scenario {
    of_user(name, summary, ALICE, None, 0, configure)
}

const fn fails(
    name: &'static str,
    summary: &'static str,
    code: &'static str,
    exit: u8,
    configure: fn(&mut Switches),
) -> Scenario {
    of_user(name, summary, ALICE, Some(code), exit, configure)
}

const fn of_user(
    name: &'static str,
    summary: &'static str,
    user: &'static str,
    expected_code: Option<&'static str>,
    expected_exit: u8,
    configure: fn(&mut Switches),
) -> Scenario {
    Scenario {
        name,
        summary,
        user,
        expected_code,
        expected_exit,
        configure,
    }
}
