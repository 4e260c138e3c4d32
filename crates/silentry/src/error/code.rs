//! The names of failures: who must act on each, and whether the same call may succeed later.

mod advice;

use std::fmt;

use crate::advice::Advice;
use crate::text::printable;

/// What kind of cure an error has. The exit codes of the `silentry` command follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The user must act: MFA, consent, policy.
    UserMustAct,
    /// Nobody is signed in, or the Kerberos ticket is gone.
    NotSignedIn,
    /// Integrated sign-in cannot work for this user, tenant or federation server.
    IntegratedImpossible,
    /// A network, a time-out, a server that is down.
    Network,
    /// A server understood and refused.
    Refused,
    /// The program asked for something that cannot be.
    Usage,
    /// None of the others.
    Other,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The user, with a flow that can prompt.
    User,
    /// Microsoft, the federation server or an administrator.
    Service,
    /// This program or this machine.
    Client,
}

/// What is the same of every error with a code.
#[derive(Clone, Copy)]
pub(super) struct Class {
    pub(super) kind: Kind,
    pub(super) category: Category,
    /// Whether the same call may succeed later without anybody doing anything.
    pub(super) retryable: bool,
}

/// A word for a failure that a server made, and that decides nothing here. It is fit to be shown, and has 256 characters
/// at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerCode(Box<str>);

impl ServerCode {
    const MAX_LENGTH: usize = 256;

    /// Returns the word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Defines [`Code`] from a table: the documentation, the name, the text, [`Kind`], [`Category`], and `later` where the same
/// call may succeed later.
macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal, $kind:ident, $category:ident $(, $later:ident)?;)+) => {
        /// The stable name of a failure, which programs decide by: MSAL's where MSAL has one.
        ///
        /// It compares with texts too, which logs and scripts have:
        ///
        /// ```
        /// use silentry::Code;
        ///
        /// assert_eq!(Code::UnknownUser, "unknown_user");
        /// assert_eq!(Code::UnknownUser.as_str(), "unknown_user");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])+ #[doc = concat!("\n\nIts text is `", $text, "`.")] $name,)+
            /// What the server's reply has as `error`, where it is none of the others.
            Server(ServerCode),
        }

        impl Code {
            /// Every code but those of servers.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// Returns the text that names the failure in MSAL and in the command's JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Code::$name => $text,)+
                    Code::Server(word) => word.as_str(),
                }
            }

            pub(super) fn class(&self) -> Class {
                let (kind, category, retryable) = match self {
                    $(Code::$name => (Kind::$kind, Category::$category, false $(| codes!(@$later))?),)+
                    Code::Server(_) => (Kind::Service, Category::Refused, false),
                };
                Class { kind, category, retryable }
            }
        }
    };
    (@later) => { true };
}

codes! {
    // A sign-in in the browser.
    /// No browser could be opened.
    NoBrowser = "no_browser", Client, UserMustAct;
    /// The loopback address, to which the browser comes back, cannot be listened on.
    LoopbackNotAvailable = "loopback_not_available", Client, Other;
    /// The user gave the sign-in up.
    AuthenticationCanceled = "authentication_canceled", User, UserMustAct;
    /// The browser did not come back in time.
    AuthenticationTimedOut = "authentication_timed_out", User, UserMustAct;
    /// The answer in the browser belongs to another sign-in.
    StateMismatch = "state_mismatch", Service, Refused;
    /// The id token belongs to another sign-in.
    NonceMismatch = "nonce_mismatch", Service, Refused;
    /// The token, or the account, is of another user than the one who is named.
    UserMismatch = "user_mismatch", Client, UserMustAct;
    // A sign-in with a device code.
    /// The device code was not entered in time.
    CodeExpired = "code_expired", User, UserMustAct;
    /// The device code endpoint left out what a sign-in needs.
    DeviceCodeResponseIncomplete = "device_code_response_incomplete", Service, Refused;
    // The token cache.
    /// The cache has no token for the account.
    NoTokensFound = "no_tokens_found", User, NotSignedIn;
    /// The cache has no account of that user.
    NoAccountForLoginHint = "no_account_for_login_hint", User, NotSignedIn;
    /// The cache has several accounts of that name.
    MultipleAccountsForLoginHint = "multiple_accounts_for_login_hint", User, NotSignedIn;
    /// The token cache cannot be read or written.
    TokenCacheFailed = "token_cache_failed", Client, Other;
    /// The token cache is a file that Windows encrypted.
    TokenCacheEncrypted = "token_cache_encrypted", Client, Other;
    // What the program asks for, or how it is configured.
    /// The refresh token to be taken over is empty.
    NoRefreshToken = "no_refresh_token", Client, Usage;
    /// There is no password.
    PasswordRequired = "password_required", Client, Usage;
    /// No scope is given, or a text that is not one.
    InvalidScopes = "invalid_scopes", Client, Usage;
    /// The claims are not a JSON object.
    InvalidJsonClaimsFormat = "invalid_json_claims_format", Client, Usage;
    /// The authority has no integrated sign-in.
    IntegratedWindowsAuthenticationFailed = "integrated_windows_authentication_failed", Client, IntegratedImpossible;
    /// The text is not the address of an authority, or not of a tenant.
    InvalidAuthority = "invalid_authority", Client, Usage;
    /// A tenant is named for an authority that has none.
    TenantOverrideNonAad = "tenant_override_non_aad", Client, Usage;
    // Who the authority is, and who issued its tokens.
    /// The host of the authority is not one of Microsoft Entra.
    InvalidInstance = "invalid_instance", Client, Usage;
    /// The authority does not say which endpoints it has.
    TenantDiscoveryFailed = "tenant_discovery_failed", Service, Refused;
    /// The discovery document is that of another issuer.
    AuthorityValidationFailed = "authority_validation_failed", Service, Refused;
    /// The id token is of another issuer.
    IssuerMismatch = "issuer_mismatch", Service, Refused;
    /// The id token is for another application.
    AudienceMismatch = "audience_mismatch", Service, Refused;
    /// The id token has expired by this machine's clock.
    IdTokenExpired = "id_token_expired", Service, Refused;
    /// The id token cannot be read.
    InvalidJwt = "invalid_jwt", Service, Refused;
    /// The file of further authorities holds no certificate.
    InvalidCaBundle = "invalid_ca_bundle", Client, Usage;
    /// The domain controller or the attribute of the UPN is malformed.
    InvalidDirectory = "invalid_directory", Client, Usage;
    /// An entry of the list of federation servers is malformed.
    InvalidFederationHost = "invalid_federation_host", Client, Usage;
    /// The address of the proxy is malformed, or its scheme is not supported.
    InvalidProxy = "invalid_proxy", Client, Usage;
    /// An option of the request, such as a header, is malformed.
    InvalidRequestOptions = "invalid_request_options", Client, Usage;
    /// The text is not a service principal.
    InvalidServicePrincipal = "invalid_service_principal", Client, Usage;
    // The policy of the machine.
    /// The policy of the machine cannot be read or understood.
    PolicyNotReadable = "policy_not_readable", Client, Other;
    /// The policy of the machine forbids the tenant, the client or an option.
    PolicyForbids = "policy_forbids", Client, Usage;
    /// The policy of the machine forbids the place of the token cache.
    PolicyForbidsCache = "policy_forbids_cache", Client, Usage;
    /// The policy of the machine forbids the flow.
    PolicyForbidsFlow = "policy_forbids_flow", Client, Usage;
    /// The policy of the machine forbids the federation server.
    PolicyForbidsHost = "policy_forbids_host", Client, IntegratedImpossible;
    /// The federation metadata that is given cannot be read.
    InvalidFederationMetadata = "invalid_federation_metadata", Client, Usage;
    /// The user name is not a UPN.
    InvalidUsername = "invalid_username", Client, Usage;
    /// The flow needs the tenant by name.
    MissingTenantedAuthority = "missing_tenanted_authority", Client, Usage;
    /// No client id is given.
    NoClientId = "no_client_id", Client, Usage;
    // Who is signed in, and the Kerberos ticket.
    /// Windows does not tell the UPN of the user.
    GetUserNameFailed = "get_user_name_failed", Client, NotSignedIn;
    /// The service that keeps the ticket did not answer in time.
    KerberosCcacheTimeout = "kerberos_ccache_timeout", Client, NotSignedIn, later;
    /// The clocks differ too much for Kerberos.
    KerberosClockSkew = "kerberos_clock_skew", Client, IntegratedImpossible;
    /// The Kerberos configuration could not be read in time.
    KerberosConfigurationTimeout = "kerberos_configuration_timeout", Client, Other, later;
    /// The Kerberos configuration cannot be used.
    KerberosConfigurationUnreadable = "kerberos_configuration_unreadable", Client, Usage;
    /// The Kerberos library takes no credentials from a named ccache or keytab.
    KerberosCredentialsNotSupported = "kerberos_credentials_not_supported", Client, Other;
    /// The KDC does not accept the user.
    KerberosCredentialsRefused = "kerberos_credentials_refused", Client, NotSignedIn;
    /// The ccache or the keytab cannot be read.
    KerberosCredentialsUnreadable = "kerberos_credentials_unreadable", Client, NotSignedIn;
    /// There is no encryption type that KDC, service and machine share.
    KerberosEtypeNotSupported = "kerberos_etype_not_supported", Service, IntegratedImpossible;
    /// The Kerberos library failed otherwise.
    KerberosFailed = "kerberos_failed", Client, Other;
    /// No KDC can be reached.
    KerberosKdcUnreachable = "kerberos_kdc_unreachable", Client, Network, later;
    /// There is no Kerberos library.
    KerberosLibraryMissing = "kerberos_library_missing", Client, IntegratedImpossible;
    /// The named Kerberos library can be changed by others.
    KerberosLibraryNotTrusted = "kerberos_library_not_trusted", Client, Usage;
    /// The system gave no thread for the Kerberos library.
    KerberosNoThread = "kerberos_no_thread", Client, Other;
    /// The user has no ticket.
    KerberosNoTicket = "kerberos_no_ticket", Client, NotSignedIn;
    /// The realm, or its KDCs, cannot be found.
    KerberosRealmUnknown = "kerberos_realm_unknown", Client, Network;
    /// The user's ticket has expired.
    KerberosTicketExpired = "kerberos_ticket_expired", Client, NotSignedIn;
    /// The server does not accept the ticket.
    KerberosTicketRejected = "kerberos_ticket_rejected", Service, Refused;
    /// The Kerberos library did not return in time.
    KerberosTimeout = "kerberos_timeout", Client, Network, later;
    /// Too many calls of the Kerberos library have not returned.
    KerberosTooManyCalls = "kerberos_too_many_calls", Client, Network, later;
    /// No account has the service principal of the server.
    KerberosUnknownServicePrincipal = "kerberos_unknown_service_principal", Service, IntegratedImpossible;
    /// Only NTLM was to be had, which is not allowed.
    NtlmRefused = "ntlm_refused", Client, IntegratedImpossible;
    /// It is not known who is signed in, or by which UPN.
    UnknownUser = "unknown_user", Client, NotSignedIn;
    // The network.
    /// The TLS handshake with the federation server failed.
    FederationTlsHandshakeFailed = "federation_tls_handshake_failed", Client, Network;
    /// The federation server cannot be reached.
    FederationUnreachable = "federation_unreachable", Client, Network, later;
    /// The answer is not HTTP.
    HttpProtocolError = "http_protocol_error", Client, Network;
    /// The server cannot be reached.
    NetworkNotAvailable = "network_not_available", Client, Network, later;
    /// The proxy does not let the connection through.
    ProxyRefused = "proxy_refused", Client, Network;
    /// The proxy did not prove its identity.
    ProxyMutualAuthenticationFailed = "proxy_mutual_authentication_failed", Client, Network;
    /// The proxy offers no authentication scheme that is supported.
    ProxySchemeNotSupported = "proxy_scheme_not_supported", Client, Network;
    /// The proxy does not accept the ticket.
    ProxyTicketRefused = "proxy_ticket_refused", Client, Network;
    /// There is no ticket for the proxy.
    ProxyTicketUnavailable = "proxy_ticket_unavailable", Client, Network;
    /// The system gives no random numbers.
    RandomNotAvailable = "random_not_available", Client, Other, later;
    /// The server sends the request elsewhere.
    RedirectRefused = "redirect_refused", Service, Refused;
    /// The server did not answer in time.
    RequestTimeout = "request_timeout", Client, Network, later;
    /// The answer is larger than any that is read.
    ResponseTooLarge = "response_too_large", Service, Refused;
    /// The server's certificate is not trusted.
    TlsCertificateUntrusted = "tls_certificate_untrusted", Client, Other;
    /// The TLS handshake failed.
    TlsHandshakeFailed = "tls_handshake_failed", Client, Network;
    /// The transport cannot send anything.
    TransportUnusable = "transport_unusable", Client, Other;
    // Entra: realm discovery and tokens.
    /// The user signs in at Entra itself, without a federation server.
    IntegratedWindowsAuthNotSupportedManagedUser = "integrated_windows_auth_not_supported_managed_user", Client, IntegratedImpossible;
    /// The domain is federated, and Entra names no metadata of its federation server.
    MissingFederationMetadataUrl = "missing_federation_metadata_url", Service, IntegratedImpossible;
    /// The user is one of a personal Microsoft account, which signs in with no password here.
    RopcNotSupportedForMsa = "ropc_not_supported_for_msa", Client, IntegratedImpossible;
    /// The server has had too many requests.
    RequestThrottled = "request_throttled", Service, Refused, later;
    /// The server has trouble of its own.
    ServiceNotAvailable = "service_not_available", Service, Network, later;
    /// Entra does not know the user's domain.
    UnknownUserType = "unknown_user_type", Client, IntegratedImpossible;
    /// Entra does not say how the user signs in.
    UserRealmDiscoveryFailed = "user_realm_discovery_failed", Service, Refused;
    /// The address of the federation metadata cannot be used.
    InvalidFederationMetadataUrl = "invalid_federation_metadata_url", Client, IntegratedImpossible;
    /// The federation server does not speak WS-Trust.
    UnsupportedFederationProtocol = "unsupported_federation_protocol", Client, IntegratedImpossible;
    /// The answer has no access token.
    AccessTokenMissing = "access_token_missing", Service, Refused;
    /// The access token has a character that a token cannot have.
    AccessTokenMalformed = "access_token_malformed", Service, Refused;
    /// The answer is not the JSON that it should be.
    JsonParseFailed = "json_parse_failed", Service, Refused;
    /// The token is not a bearer token.
    TokenTypeMismatch = "token_type_mismatch", Service, Refused;
    /// The answer does not name the type of the token.
    TokenTypeMissing = "token_type_missing", Service, Refused;
    // The federation server.
    /// The federation server does not give its metadata.
    AccessingWsMetadataExchangeFailed = "accessing_ws_metadata_exchange_failed", Service, Refused;
    /// The federation server refused the request.
    FederatedServiceReturnedError = "federated_service_returned_error", Service, Refused;
    /// The host does not look like a federation server, and is not listed.
    FederationHostNotTrusted = "federation_host_not_trusted", Service, IntegratedImpossible;
    /// The federation server did not prove its identity.
    MutualAuthenticationFailed = "mutual_authentication_failed", Service, Refused;
    /// The federation server does not take Negotiate.
    NegotiateNotOffered = "negotiate_not_offered", Service, IntegratedImpossible;
    /// The federation server does not accept the ticket.
    NegotiateRejected = "negotiate_rejected", Service, Refused;
    /// The ticket is too large for the federation server.
    NegotiateTokenTooLarge = "negotiate_token_too_large", Service, Refused;
    /// The federation metadata cannot be read.
    ParsingWsMetadataExchangeFailed = "parsing_ws_metadata_exchange_failed", Service, Refused;
    /// The federation metadata lists no endpoint for the sign-in.
    WstrustEndpointNotFound = "wstrust_endpoint_not_found", Service, IntegratedImpossible;
    /// The endpoint of the federation server is not there.
    WstrustEndpointUnavailable = "wstrust_endpoint_unavailable", Service, IntegratedImpossible;
    /// The federation server answered with an unexpected status.
    WstrustRequestFailed = "wstrust_request_failed", Service, Refused;
    /// The assertion is encrypted.
    AssertionEncrypted = "assertion_encrypted", Service, Refused;
    /// The version of the assertion is unknown.
    AssertionVersionUnknown = "assertion_version_unknown", Service, Refused;
    /// The answer of the federation server cannot be read.
    ParsingWstrustResponseFailed = "parsing_wstrust_response_failed", Service, Refused;
    /// The request cannot be written in XML.
    WstrustRequestNotExpressible = "wstrust_request_not_expressible", Service, Refused;
    /// The answer of the federation server has no assertion.
    WstrustResponseWithoutToken = "wstrust_response_without_token", Service, Refused;
    /// The answer of the federation server says that it failed, and has an assertion.
    WstrustTokenWithFailureStatus = "wstrust_token_with_failure_status", Service, Refused;
    // What a server may say of a request (RFC 6749, RFC 8628, OpenID Connect Core).
    /// The user, or the server, did not agree.
    AccessDenied = "access_denied", Service, UserMustAct;
    /// The user declined the device code.
    AuthorizationDeclined = "authorization_declined", Service, UserMustAct;
    /// The user has not entered the device code yet.
    AuthorizationPending = "authorization_pending", Service, Refused;
    /// Consent is missing.
    ConsentRequired = "consent_required", User, UserMustAct;
    /// The device code, or the token, has expired.
    ExpiredToken = "expired_token", Service, UserMustAct;
    /// The answer is an error without any text.
    HttpStatusNot200 = "http_status_not_200", Service, Refused;
    /// The user must sign in with a flow that can prompt.
    InteractionRequired = "interaction_required", User, UserMustAct;
    /// The application is unknown, or not a public client.
    InvalidClient = "invalid_client", Service, Refused;
    /// The assertion, refresh token, code or password is not accepted, or the user must act.
    InvalidGrant = "invalid_grant", User, UserMustAct;
    /// The request lacks something, or has something twice.
    InvalidRequest = "invalid_request", Service, Refused;
    /// The scope is unknown or malformed.
    InvalidScope = "invalid_scope", Service, Refused;
    /// The user must sign in.
    LoginRequired = "login_required", User, UserMustAct;
    /// The answer is an error, and not one of OAuth.
    NonParsableOauthError = "non_parsable_oauth_error", Service, Refused;
    /// There is nothing at the address.
    NotFound = "not_found", Service, Refused;
    /// The server failed.
    ServerError = "server_error", Service, Refused;
    /// The device code is asked about too often.
    SlowDown = "slow_down", Service, Refused;
    /// The server cannot answer for the time being.
    TemporarilyUnavailable = "temporarily_unavailable", Service, Refused;
    /// The application may not use this flow.
    UnauthorizedClient = "unauthorized_client", Service, Refused;
    /// The server does not know the flow.
    UnsupportedGrantType = "unsupported_grant_type", Service, Refused;
}

/// Words of servers that decide something, so that they are codes of their own.
const WORDS_OF_SERVERS: &[Code] = &[
    Code::AccessDenied,
    Code::AuthorizationDeclined,
    Code::AuthorizationPending,
    Code::CodeExpired,
    Code::ConsentRequired,
    Code::ExpiredToken,
    Code::HttpStatusNot200,
    Code::InteractionRequired,
    Code::InvalidClient,
    Code::InvalidGrant,
    Code::InvalidRequest,
    Code::InvalidScope,
    Code::LoginRequired,
    Code::NonParsableOauthError,
    Code::NotFound,
    Code::RequestThrottled,
    Code::RequestTimeout,
    Code::ServerError,
    Code::ServiceNotAvailable,
    Code::SlowDown,
    Code::TemporarilyUnavailable,
    Code::UnauthorizedClient,
    Code::UnsupportedGrantType,
];

impl Code {
    /// Returns the code for the `error` of a server's reply. A server cannot name one of this library's own codes.
    pub(crate) fn of_server(word: &str) -> Self {
        let known = WORDS_OF_SERVERS.iter().find(|code| code.as_str() == word);
        known.cloned().unwrap_or_else(|| {
            Code::Server(ServerCode(printable(word, ServerCode::MAX_LENGTH).into()))
        })
    }

    /// Returns what to do about it; `None` where the case itself says it.
    pub(super) fn advice(&self) -> Option<Advice> {
        advice::of(self).map(Advice::from)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for Code {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique_and_advice_is_a_sentence() {
        for (at, code) in Code::ALL.iter().enumerate() {
            let earlier = &Code::ALL[..at];
            assert!(
                earlier.iter().all(|other| *other != code.as_str()),
                "{code} twice"
            );
            if let Some(advice) = code.advice() {
                advice.check(code.as_str());
            }
        }
    }

    #[test]
    fn a_server_cannot_name_a_code_of_this_library() {
        assert_eq!(Code::of_server("invalid_grant"), Code::InvalidGrant);
        let named = Code::of_server("user_mismatch");
        assert_eq!(named, "user_mismatch");
        assert_ne!(named, Code::UserMismatch);
    }

    #[test]
    fn a_word_of_a_server_is_bounded_and_fit_to_be_shown() {
        let word = Code::of_server(&format!("a\u{1b}[31m\n{}", "x".repeat(10_000)));
        assert!(word.as_str().starts_with("a[31m xxx"), "{word}");
        assert_eq!(word.as_str().chars().count(), ServerCode::MAX_LENGTH + 1);
    }
}
