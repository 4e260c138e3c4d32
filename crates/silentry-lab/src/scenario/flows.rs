//! The scenarios of the flows beside integrated sign-in: device code, interactive, silent.

use super::switches::{Api, Authorize, DeviceCode, Lifetime, Refresh, Switches, Token};
use super::{ALICE, Flow, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    // Device code. None but the first needs a person.
    of_flow(
        Flow::DeviceCode,
        "device-slow-down",
        "A client that polls is told to slow down, and again when it does not.",
        (None, 0),
        |s| s.entra.device_code = DeviceCode::SlowsDown,
    ),
    of_flow(
        Flow::DeviceCode,
        "device-throttled",
        "The token endpoint throttles the first poll for a second; asked again, it answers.",
        (None, 0),
        |s| {
            s.entra.device_code = DeviceCode::SlowsDown;
            s.entra.token = Token::ThrottlesOnce;
        },
    ),
    of_flow(
        Flow::DeviceCode,
        "device-expired",
        "The code expires before anybody has typed it.",
        (Some("code_expired"), 3),
        |s| s.entra.device_code = DeviceCode::Expires,
    ),
    of_flow(
        Flow::DeviceCode,
        "device-declined",
        "The user declines.",
        (Some("authorization_declined"), 3),
        |s| s.entra.device_code = DeviceCode::Declines,
    ),
    of_flow(
        Flow::DeviceCode,
        "device-blocked",
        "A policy of the tenant blocks device codes.",
        (Some("invalid_grant"), 3),
        |s| s.entra.device_code = DeviceCode::Blocks,
    ),
    of_flow(
        Flow::DeviceCode,
        "device-bad-code",
        "The token endpoint has never heard of the code.",
        (Some("bad_verification_code"), 7),
        |s| s.entra.device_code = DeviceCode::Forgets,
    ),
    of_flow(
        Flow::DeviceCode,
        "device-html",
        "A web page comes in place of the codes, with status 200.",
        (Some("json_parse_failed"), 7),
        |s| s.entra.device_code = DeviceCode::Html,
    ),
    // Interactive. None needs a person, but somebody must open the page.
    of_flow(
        Flow::Interactive,
        "authorize-denied",
        "The browser comes back at once: the user declined.",
        (Some("access_denied"), 3),
        |s| s.entra.authorize = Authorize::Denies,
    ),
    of_flow(
        Flow::Interactive,
        "authorize-unavailable",
        "The browser comes back at once: Entra is not well.",
        (Some("temporarily_unavailable"), 7),
        |s| s.entra.authorize = Authorize::Fails,
    ),
    of_flow(
        Flow::Interactive,
        "authorize-error-page",
        "Entra shows an error page, and the browser never comes back.",
        (Some("authentication_timed_out"), 3),
        |s| s.entra.authorize = Authorize::ErrorPage,
    ),
    of_flow(
        Flow::Interactive,
        "authorize-other-state",
        "The browser comes back with the state of another request.",
        (Some("state_mismatch"), 7),
        |s| s.entra.authorize = Authorize::OtherState,
    ),
    of_flow(
        Flow::Interactive,
        "authorize-other-nonce",
        "The id token has the nonce of another request.",
        (Some("nonce_mismatch"), 7),
        |s| s.entra.authorize = Authorize::OtherNonce,
    ),
    // Silent, after a sign-in.
    of_flow(
        Flow::Interactive,
        "adfs-other-issuer",
        "AD FS signs its id tokens with another issuer, as its document says.",
        (None, 0),
        |s| s.adfs.id_token_issuer = Some("https://id.contoso.test"),
    ),
    of_flow(
        Flow::Interactive,
        "adfs-scope-openid",
        "AD FS says of every token that its scope is `openid`.",
        (None, 0),
        |s| s.adfs.names_no_scope = true,
    ),
    of_flow(
        Flow::Silent,
        "refresh-revoked",
        "Refresh tokens are revoked: the user has changed the password.",
        (Some("invalid_grant"), 3),
        |s| s.entra.refresh = Refresh::Revoked,
    ),
    of_flow(
        Flow::Silent,
        "refresh-expired",
        "Refresh tokens have expired.",
        (Some("invalid_grant"), 3),
        |s| s.entra.refresh = Refresh::Expired,
    ),
    of_flow(
        Flow::Silent,
        "refresh-inactive",
        "Refresh tokens have expired because nobody used them for 90 days.",
        (Some("invalid_grant"), 3),
        |s| s.entra.refresh = Refresh::Inactive,
    ),
    of_flow(
        Flow::Silent,
        "refresh-mfa",
        "A new policy demands multi-factor authentication at the next refresh, with claims.",
        (Some("invalid_grant"), 3),
        |s| s.entra.refresh = Refresh::NeedsMfa,
    ),
    of_flow(
        Flow::Silent,
        "refresh-client-mismatch",
        "A refresh token of the family is not for this client.",
        (Some("invalid_grant"), 7),
        |s| s.entra.refresh = Refresh::OtherClient,
    ),
    of_flow(
        Flow::Silent,
        "token-expires-soon",
        "Access tokens live for less than the five minutes that clients leave before the end.",
        (None, 0),
        |s| s.entra.lifetime = Lifetime::Short,
    ),
    of_flow(
        Flow::Silent,
        "token-refresh-soon",
        "Access tokens live long, but are to be renewed a second after they were issued.",
        (None, 0),
        |s| s.entra.lifetime = Lifetime::RenewSoon,
    ),
    // An API that is not content with its token.
    of_flow(
        Flow::Silent,
        "cae",
        "The API takes tokens back and demands new ones with claims, if the client handles that.",
        (None, 0),
        |s| s.api = Api::TakesBack,
    ),
    of_flow(
        Flow::Silent,
        "auth-context",
        "The API demands an authentication context, for which the user must give a second factor.",
        (Some("invalid_grant"), 3),
        |s| s.api = Api::DemandsContext,
    ),
];

const fn of_flow(
    flow: Flow,
    name: &'static str,
    summary: &'static str,
    outcome: (Option<&'static str>, u8),
    configure: fn(&mut Switches),
) -> Scenario {
    Scenario {
        name,
        summary,
        user: ALICE,
        flow,
        expected_code: outcome.0,
        expected_exit: outcome.1,
        configure,
    }
}
