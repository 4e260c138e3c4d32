//! The scenarios in which something is broken, in the order a sign-in meets it.

use std::time::Duration;

use super::switches::{Challenge, Issues, Kdc, Mex, Mutual, Realm, ServiceAccount, Tickets, Token};
use super::{Scenario, fails, of_user};

/// More than the five minutes that Kerberos and SAML tolerate.
const WRONG_CLOCK: Duration = Duration::from_secs(30 * 60);

pub(super) const SCENARIOS: &[Scenario] = &[
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
    fails(
        "ticket-too-large",
        "The ticket is larger than the web server of AD FS allows a header to be.",
        "negotiate_token_too_large",
        7,
        |s| {
            s.adfs.challenge = Challenge::TooLong;
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
        "response_too_large",
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
        "redirect_refused",
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
        "temporarily_unavailable",
        7,
        |s| {
            s.entra.token = Token::Throttles;
        },
    ),
    fails(
        "token-429-date",
        "The token endpoint throttles, and says until when as a date.",
        "temporarily_unavailable",
        7,
        |s| {
            s.entra.token = Token::ThrottlesUntil;
        },
    ),
    fails(
        "token-html",
        "A web page comes in place of the token, with status 200.",
        "json_parse_failed",
        7,
        |s| {
            s.entra.token = Token::Html;
        },
    ),
];
