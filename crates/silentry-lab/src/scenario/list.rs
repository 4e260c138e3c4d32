//! The scenarios in which a sign-in succeeds, or is not to be had for reasons of the user's.

use super::switches::{ExtendedProtection, Issues, Published, Realm, Token};
use super::{Scenario, fails, of_user, succeeds};

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
        "unknown_user",
        4,
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
            s.adfs.inside_network = false;
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
    fails(
        "metadata-at-address",
        "Entra names an IP address as the federation server.",
        "federation_host_not_trusted",
        5,
        |s| {
            s.entra.realm = Realm::FederatedAt("10.0.0.5");
        },
    ),
    fails(
        "metadata-at-short-name",
        "Entra names a host without its domain as the federation server.",
        "federation_host_not_trusted",
        5,
        |s| {
            s.entra.realm = Realm::FederatedAt("intranet");
        },
    ),
    fails(
        "metadata-at-port",
        "Entra names a port other than 443 as the federation server's.",
        "federation_host_not_trusted",
        5,
        |s| {
            s.entra.realm = Realm::FederatedAt("sts.contoso.test:9443");
        },
    ),
];
