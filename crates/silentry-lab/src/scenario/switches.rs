//! What a scenario can change. The default of every switch is how a well-kept deployment behaves.

use std::time::Duration;

/// Every switch, by the part of the lab that looks at it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) adfs: Adfs,
    pub(crate) api: Api,
    pub(crate) entra: Entra,
    pub(crate) kerberos: Kerberos,
}

/// What the protected APIs make of a valid token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Api {
    #[default]
    Content,
    /// A client that handles claims challenges must come back with a newer token.
    TakesBack,
    /// The token must have the authentication context `c1`.
    DemandsContext,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adfs {
    /// Whether the service can be reached at all.
    pub(crate) reachable: bool,
    /// Whether several servers with different certificates share the name.
    pub(crate) farm: bool,
    /// Whether something between client and AD FS shows a certificate of its own.
    pub(crate) inspected: bool,
    pub(crate) mex: Mex,
    pub(crate) published: Published,
    /// The status of `13/windowstransport` when it is off, though still listed.
    pub(crate) trust13_off: Option<u16>,
    pub(crate) challenge: Challenge,
    pub(crate) mutual: Mutual,
    pub(crate) extended_protection: ExtendedProtection,
    pub(crate) inside_network: bool,
    pub(crate) issues: Issues,
    /// Whether a trust endpoint answers with a redirect.
    pub(crate) redirects: bool,
    /// How far its clock runs ahead.
    pub(crate) clock_ahead: Duration,
    /// The issuer of id tokens that an administrator set (`Set-AdfsProperties -IdTokenIssuer`).
    pub(crate) id_token_issuer: Option<&'static str>,
    /// Whether it says of every token that it is for `openid`, as AD FS 2016 does.
    pub(crate) names_no_scope: bool,
}

impl Default for Adfs {
    fn default() -> Self {
        Self {
            reachable: true,
            farm: false,
            inspected: false,
            mex: Mex::Document,
            published: Published::Everything,
            trust13_off: None,
            challenge: Challenge::NegotiateAndNtlm,
            mutual: Mutual::Honest,
            extended_protection: ExtendedProtection::Allow,
            inside_network: true,
            issues: Issues::Saml1,
            redirects: false,
            clock_ahead: Duration::ZERO,
            id_token_issuer: None,
            names_no_scope: false,
        }
    }
}

/// What the metadata URL answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mex {
    Document,
    NotFound,
    Unavailable,
    /// An HTML page with status 200, as captive portals send it.
    LoginPage,
    Doctype,
    TooLarge,
    /// The right document, a byte a second.
    Drip,
}

/// Which endpoints the metadata lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Published {
    Everything,
    /// What a Web Application Proxy lets through: no windowstransport.
    Extranet,
    /// The default of AD FS: windowstransport of WS-Trust 2005 only.
    Trust2005Only,
    /// windowstransport lives on another host.
    ForeignHost,
    /// windowstransport demands NTLM.
    NtlmOnly,
}

/// What windowstransport says to a client without a valid token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Challenge {
    NegotiateAndNtlm,
    NtlmOnly,
    /// Whatever the client sends, the answer is 401.
    Always,
    /// Any ticket makes the header longer than http.sys allows.
    TooLong,
}

/// What the final token of the server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mutual {
    Honest,
    Missing,
    /// Well formed, but not made with the session key.
    Forged,
}

/// `ExtendedProtectionTokenCheck` of AD FS. `None` exists there too; no client can tell it from
/// `Allow`, unless something inspects TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExtendedProtection {
    /// A channel binding that is sent must be right.
    Allow,
    /// One must be sent.
    Require,
}

/// What AD FS issues.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Issues {
    Saml1,
    Saml2,
    /// The relying party trust has an encryption certificate.
    Encrypted,
    /// Nothing: a fault, with status 200 as it was seen once.
    DeniedByPolicy,
    WithoutImmutableId,
    /// A signature that Entra has no certificate for.
    UnregisteredKey,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entra {
    pub(crate) realm: Realm,
    pub(crate) token: Token,
    /// "Allow public client flows" of the application.
    pub(crate) public_client: bool,
    /// Whether the password in Active Directory has expired, as far as Entra knows.
    pub(crate) password_expired: bool,
    pub(crate) authorize: Authorize,
    pub(crate) device_code: DeviceCode,
    pub(crate) refresh: Refresh,
    pub(crate) lifetime: Lifetime,
}

impl Default for Entra {
    fn default() -> Self {
        Self {
            realm: Realm::Directory,
            token: Token::Answers,
            public_client: true,
            password_expired: false,
            authorize: Authorize::Asks,
            device_code: DeviceCode::Waits,
            refresh: Refresh::Works,
            lifetime: Lifetime::Usual,
        }
    }
}

/// What the authorization endpoint does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Authorize {
    /// It asks the user to sign in.
    Asks,
    /// It sends the browser back at once: the user declined.
    Denies,
    /// It sends the browser back at once: Entra is not well.
    Fails,
    /// It shows an error page and never sends the browser back.
    ErrorPage,
    /// The answer has the state of somebody else's request.
    OtherState,
    /// The id token has the nonce of somebody else's request.
    OtherNonce,
}

/// What happens to a device code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DeviceCode {
    /// It waits for somebody to sign in.
    Waits,
    /// As that, and a client that does not slow down is told to.
    SlowsDown,
    /// It has expired at the second poll.
    Expires,
    /// At the second poll, the user has declined.
    Declines,
    /// At the second poll, a policy forbids it.
    Blocks,
    /// The token endpoint has never heard of it.
    Forgets,
    /// A web page comes in its place.
    Html,
}

/// What becomes of refresh tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refresh {
    Works,
    /// The user changed the password, or an administrator revoked all sessions.
    Revoked,
    /// Nobody used them for 90 days.
    Inactive,
    /// They have expired, in the words of the v1 endpoint.
    Expired,
    /// Another policy demands multi-factor authentication now.
    NeedsMfa,
    /// They are not for this client after all.
    OtherClient,
}

/// How long an access token is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lifetime {
    Usual,
    /// So short that clients count it as expired.
    Short,
    /// Long, but to be renewed at once.
    RenewSoon,
}

/// What user realm discovery answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Realm {
    Directory,
    /// No tenant has any domain.
    Unknown,
    /// Every user is in a staged rollout to cloud authentication.
    StagedRollout,
    /// Every domain belongs to personal accounts.
    Personal,
    /// The domain federates by SAML 2.0 with a product that has no WS-Trust.
    Saml20,
    /// The metadata of the federated domain is on this `host` or `host:port`.
    FederatedAt(&'static str),
    /// An HTML page with status 200.
    Html,
}

/// How the token endpoint behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Token {
    Answers,
    /// The first request fails with 503, the next ones do not.
    FailsOnce,
    /// Every request is too many.
    Throttles,
    /// As that, once, for a second.
    ThrottlesOnce,
    /// As the first, with the end of it as an HTTP date.
    ThrottlesUntil,
    /// An HTML page with status 200, as captive portals send it.
    Html,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Kerberos {
    pub(crate) tickets: Tickets,
    pub(crate) kdc: Kdc,
    pub(crate) service: ServiceAccount,
    pub(crate) clock_ahead: Duration,
}

impl Default for Kerberos {
    fn default() -> Self {
        Self {
            tickets: Tickets::Fresh,
            kdc: Kdc::Up,
            service: ServiceAccount::Aes,
            clock_ahead: Duration::ZERO,
        }
    }
}

/// What the user's credential cache holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tickets {
    Fresh,
    /// There is no cache.
    None,
    Expired,
}

/// Whether the KDC answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kdc {
    Up,
    /// Its port refuses connections.
    Down,
    /// It takes requests and never answers.
    Silent,
}

/// The account that AD FS runs under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ServiceAccount {
    Aes,
    /// It has only an RC4 key, which domain controllers no longer use.
    Rc4Only,
    /// Its service principal name is not registered.
    Unregistered,
}
