//! What to do about each code, in the order of the codes, with [terms](crate::advice) left open.

use super::Code;

const STRANGE_TOKEN_REPLY: &str = "Something between this machine and Entra may have answered in its \
    place: check {authority}, the proxy and the firewall.";

/// A package or a registered device is nothing that this system has, or has not, on another.
const UNKNOWN_USER: &str = if cfg!(windows) {
    "Give your UPN yourself by {username} (`whoami /upn` shows it). Integrated sign-in needs a user of a domain on a \
     machine joined to AD or Entra, not only registered with it; inside an AppContainer the program needs the \
     capabilities Enterprise Authentication, Private Networks (Client and Server) and User Account Information."
} else {
    "Give your UPN yourself by {username}, and check that {tenant} is the tenant of your organisation."
};

/// Returns what to do; `None` where the case itself says it.
pub(super) fn of(code: &Code) -> Option<&'static str> {
    Some(match code {
        // A sign-in in the browser.
        Code::NoBrowser => {
            "Sign in with a device code instead ({devicecode}), or open the address by hand ({no-browser})."
        }
        Code::LoopbackNotAvailable => {
            "Another program may have the port, or a security product may forbid listening on the loopback address: \
         sign in with a device code instead ({devicecode})."
        }
        Code::AuthenticationCanceled => {
            "The user closed the sign-in on purpose; start again when the user wants to sign in."
        }
        Code::AuthenticationTimedOut => {
            "Start again, and finish the sign-in in the browser in time."
        }
        Code::StateMismatch => {
            "Start again from the application, and finish the newest sign-in in the browser."
        }
        Code::NonceMismatch => {
            "The answer belongs to another sign-in: start again, and report it if it persists."
        }
        Code::UserMismatch => {
            "Sign in as the user who is named, or leave the name out. A name that is only to lead to the federation server \
         goes to {login-hint}."
        }
        // A sign-in with a device code.
        Code::CodeExpired => "Start again, and enter the new code in time.",
        Code::DeviceCodeResponseIncomplete => STRANGE_TOKEN_REPLY,
        // The token cache.
        Code::NoTokensFound => {
            "Sign in first, with {login}; a token in the cache serves the client, tenant and scopes that it was made for."
        }
        Code::NoAccountForLoginHint => {
            "Sign in first: an integrated sign-in leaves the account of the signed-in user in the cache, any other way one \
         that is found by its name."
        }
        Code::MultipleAccountsForLoginHint => {
            "Name the account by its user name ({username}), or by its home account id ({account}) where two have the same name."
        }
        Code::TokenCacheFailed => {
            "Check that this user can read and write the place of the token cache, or use another one ({cache})."
        }
        Code::TokenCacheEncrypted => {
            "Read it on Windows, as the user who wrote it, with {protected-cache}."
        }
        // What the program asks for, or how it is configured.
        Code::NoRefreshToken => "Give the refresh token that the other library kept, or sign in.",
        Code::PasswordRequired => "Give the user's password {password-sources}.",
        Code::InvalidScopes => {
            "Give at least one scope, such as https://graph.microsoft.com/User.Read, each by itself: {scope}."
        }
        Code::InvalidJsonClaimsFormat => {
            "Pass the claims that Entra or the API gave, unchanged ({claims}): a JSON object, or its base64."
        }
        Code::IntegratedWindowsAuthenticationFailed => {
            "Name a tenant of Microsoft Entra ({tenant}), or sign in to this server with the browser \
         ({web}), a device code ({devicecode}) or a password ({password})."
        }
        Code::InvalidAuthority => {
            "Give the tenant's id or one of its domains ({tenant}), or write the authority ({authority}) as \
         https://HOST/TENANT, as https://HOST/adfs for AD FS, or as the issuer of another OpenID Connect server."
        }
        Code::TenantOverrideNonAad => {
            "Leave the tenant out ({tenant}): only authorities of Microsoft Entra have tenants."
        }
        // Who the authority is, and who issued its tokens.
        Code::InvalidInstance => {
            "Check the host in {authority}, for example https://login.microsoftonline.com; for AD FS the path must be \
         /adfs.{or-name-authority}"
        }
        Code::TenantDiscoveryFailed => {
            "Open .well-known/openid-configuration below the address of the authority in a browser: the server must tell its endpoints there, as \
         https addresses."
        }
        Code::AuthorityValidationFailed => {
            "Give the issuer by {authority} exactly as the server's discovery document spells it; a final slash counts."
        }
        Code::IssuerMismatch => {
            "The answer is from another issuer: check {authority} and {tenant}. Behind AD FS or a gateway that renames \
         itself, its administrator can tell which issuer is right."
        }
        Code::AudienceMismatch => "The answer is for another application: check {client-id}.",
        Code::IdTokenExpired => "Set this machine's clock; if it is right, the server's is not.",
        Code::InvalidJwt => {
            "The server's id token cannot be read; it must be signed and not encrypted for this client."
        }
        Code::InvalidCaBundle => {
            "Give a file with certificates in PEM, as openssl and your TLS inspection write them ({ca-bundle})."
        }
        Code::InvalidDirectory => {
            "Write the domain controller as host or host:port, such as dc1.corp.contoso.com ({directory}), and the \
         attribute by its LDAP name, such as mail ({upn-attribute})."
        }
        Code::InvalidFederationHost => {
            "Write each federation server as host or host:port, such as sts.contoso.com, without scheme, path or \
         wildcard ({federation-hosts})."
        }
        Code::InvalidProxy => {
            "Write the proxy as http://host:port, with user:password@ where it asks for Basic; proxies that are spoken \
         to by TLS or SOCKS are not supported."
        }
        Code::InvalidRequestOptions => "Correct what the message names.",
        // The policy of the machine.
        Code::PolicyNotReadable => {
            "Ask your administrator to correct the policy of this machine, as docs/policy.md of Silentry describes it; until then \
         every sign-in is refused."
        }
        Code::InvalidFederationMetadata => {
            "Save what the federation server has at /adfs/services/trust/mex, and name that file ({federation-metadata}). \
         `silentry inspect mex FILE` says what is wrong with a document."
        }
        Code::InvalidUsername => {
            "Give the UPN as user@domain ({username} or {login-hint}); `whoami /upn` shows it on Windows."
        }
        Code::MissingTenantedAuthority => {
            "Name your tenant by its id or domain ({tenant}), or use /organizations: Entra does not take this flow on /common or /consumers, nor for personal \
         accounts (AADSTS90010)."
        }
        Code::NoClientId => {
            "Give the application (client) id of your app registration at Entra: {client-id}."
        }
        // Who is signed in, and the Kerberos ticket.
        Code::GetUserNameFailed => {
            "Give your UPN yourself by {username} (`whoami /upn` shows it). Windows knows \
         the UPN of a domain's users alone, and of nobody on a machine with two work accounts \
         (error 1332)."
        }
        Code::KerberosClockSkew => {
            "Set this machine's clock by the domain controllers' time (`w32tm /resync`, `chronyc \
         makestep`): Kerberos allows five minutes of difference."
        }
        Code::UnknownUser => UNKNOWN_USER,
        // The network.
        Code::FederationTlsHandshakeFailed => {
            "The federation server may offer only old cipher suites (Windows Server 2012 R2 \
         with an RSA certificate does); enable TLS 1.2 with ECDHE and AES-GCM there, or put a \
         current certificate on it."
        }
        Code::FederationUnreachable => {
            "Connect to the corporate network or VPN: the federation server takes tickets only \
         there. If it should be reachable, check DNS, the proxy (NO_PROXY usually lists it) \
         and whether AD FS is running."
        }
        Code::HttpProtocolError => {
            "Check that the address and port lead to an HTTP server and that no proxy garbles the \
         reply."
        }
        Code::NetworkNotAvailable => {
            "Check the network, DNS, the proxy (HTTPS_PROXY, NO_PROXY) and the firewall; then try \
         again."
        }
        Code::ProxyRefused => {
            "Allow the host in the proxy, give it credentials (http://user:password@host:port), \
         or exempt the host in NO_PROXY."
        }
        Code::ProxyMutualAuthenticationFailed => {
            "Somebody may be answering in the proxy's place: check its name and address."
        }
        Code::ProxySchemeNotSupported => {
            "Let the proxy offer Negotiate (Kerberos) or Basic, exempt the host there or in NO_PROXY, or run a local \
         helper that speaks the proxy's scheme. NTLM and Digest are not supported."
        }
        Code::ProxyTicketRefused => {
            "Name the proxy in HTTPS_PROXY as its administrator registered it: the service principal HTTP/<that name> \
         must be on the proxy's account alone (`setspn -Q`), with its key in the proxy's keytab. A name and password \
         in the URL are sent as Basic instead."
        }
        Code::ProxyTicketUnavailable => {
            "Get a Kerberos ticket that the proxy's domain accepts (`klist` shows yours), or write a name and password for \
         the proxy into its URL: http://user:password@host:port."
        }
        Code::RandomNotAvailable => {
            "The operating system gives no random numbers; check the sandbox that the program \
         runs in."
        }
        Code::RedirectRefused => {
            "Open the address in a browser: a sign-in page or a moved server is answering. A \
         ticket is never carried along a redirect."
        }
        Code::RequestTimeout => {
            "Try again; if it persists, check the network and the proxy on the way to that host."
        }
        Code::ResponseTooLarge => {
            "No reply of a sign-in is that large: check that the address leads to the real \
         server."
        }
        Code::TlsCertificateUntrusted => {
            "If TLS inspection or a private authority is the reason, trust its certificate: \
         {ca-bundle}, or the system's store. Otherwise somebody else \
         is answering for that host."
        }
        Code::TlsHandshakeFailed => {
            "Look for a proxy or firewall that breaks TLS on the way; Silentry needs TLS 1.2 or \
         newer with a modern cipher suite."
        }
        Code::TransportUnusable => "{transport-unusable}",
        // Entra: realm discovery and tokens.
        Code::RopcNotSupportedForMsa => {
            "Sign in with a work or school account; personal Microsoft accounts need {sign-in}."
        }
        Code::RequestThrottled => {
            "Wait as long as the server asks, and keep tokens in a cache instead of asking for \
         each call."
        }
        Code::ServiceNotAvailable => {
            "Microsoft Entra is having trouble; try again in a minute and look at its status page \
         if it persists."
        }
        Code::UserRealmDiscoveryFailed => {
            "Check {username} and {authority}; if a proxy or firewall answers in Entra's place, \
         let login.microsoftonline.com through."
        }
        Code::AccessTokenMissing => STRANGE_TOKEN_REPLY,
        Code::AccessTokenMalformed => STRANGE_TOKEN_REPLY,
        Code::JsonParseFailed => STRANGE_TOKEN_REPLY,
        Code::TokenTypeMismatch => STRANGE_TOKEN_REPLY,
        Code::TokenTypeMissing => STRANGE_TOKEN_REPLY,
        // The federation server.
        Code::AccessingWsMetadataExchangeFailed => {
            "Open the address of the federation metadata in a browser: AD FS must serve \
         /adfs/services/trust/mex to this machine. Ask the federation server's administrator \
         when it does not."
        }
        Code::FederationHostNotTrusted => {
            "If that host really is your federation server, list it exactly: {federation-hosts}. No ticket was asked for."
        }
        Code::MutualAuthenticationFailed => {
            "Somebody may be answering in the federation server's place. If a balancer in between \
         drops the proof (WWW-Authenticate), set {mutual-auth-when-offered}."
        }
        Code::NegotiateNotOffered => {
            "Windows authentication with Kerberos must be on for the endpoint (authentication \
         scheme Negotiate); a balancer or proxy in between may also have removed the header. \
         NTLM and Basic are never used."
        }
        Code::NegotiateRejected => {
            "Get a new ticket (`kdestroy` and `kinit`, `klist purge` on Windows) and try again. \
         If it persists: the SPN HTTP/<host> must be on the AD FS service account alone (`setspn \
         -Q`), and where TLS is inspected or ended before AD FS, its Extended Protection \
         refuses the ticket (ExtendedProtectionTokenCheck; {no-channel-binding}). \
         MIT Kerberos before 1.19 sends no channel binding, which AD FS may demand."
        }
        Code::NegotiateTokenTooLarge => {
            "The Kerberos ticket is too large for the server, usually because the user is in very \
         many groups: raise MaxFieldLength and MaxRequestBytes of http.sys on AD FS \
         (KB2020943), or take the user out of groups."
        }
        Code::WstrustEndpointNotFound => {
            "Ask the federation server's administrator which endpoints of WS-Trust are enabled (Get-AdfsEndpoint), or use \
         {sign-in}."
        }
        Code::WstrustEndpointUnavailable => {
            "Ask the federation server's administrator to enable windowstransport \
         (Set-AdfsEndpoint -TargetAddressPath /adfs/services/trust/13/windowstransport), or \
         connect to the corporate network: it is never served through the extranet proxy."
        }
        Code::WstrustRequestFailed => {
            "Ask the federation server's administrator to look up the correlation id in the AD FS \
         event log."
        }
        // What a server may say of a request (RFC 6749, RFC 8628, OpenID Connect Core).
        _ => return None,
    })
}
