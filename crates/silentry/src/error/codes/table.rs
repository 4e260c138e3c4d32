//! The table itself, in the order of a sign-in.

use super::{Category, CodeEntry, here, there};

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

/// Every code that this library makes itself. Errors of Entra's token endpoint keep the `error` of the reply instead.
pub static CODES: &[CodeEntry] = &[
    // A sign-in in the browser.
    here(
        "no_browser",
        Category::UserMustAct,
        "Sign in with a device code instead ({devicecode}), or open the address by hand ({no-browser}).",
    ),
    here(
        "loopback_not_available",
        Category::Other,
        "Another program may have the port, or a security product may forbid listening on the loopback address: \
         sign in with a device code instead ({devicecode}).",
    ),
    here(
        "authentication_canceled",
        Category::UserMustAct,
        "The user closed the sign-in on purpose; start again when the user wants to sign in.",
    )
    .cured_by_sign_in(),
    here(
        "authentication_timed_out",
        Category::UserMustAct,
        "Start again, and finish the sign-in in the browser in time.",
    )
    .cured_by_sign_in(),
    there(
        "state_mismatch",
        Category::Refused,
        "Start again from the application, and finish the newest sign-in in the browser.",
    ),
    there(
        "nonce_mismatch",
        Category::Refused,
        "The answer belongs to another sign-in: start again, and report it if it persists.",
    ),
    here(
        "user_mismatch",
        Category::UserMustAct,
        "Sign in as the user who is named, or leave the name out. A name that is only to lead to the federation server \
         goes to {login-hint}.",
    ),
    // A sign-in with a device code.
    here(
        "code_expired",
        Category::UserMustAct,
        "Start again, and enter the new code in time.",
    )
    .cured_by_sign_in(),
    there(
        "device_code_response_incomplete",
        Category::Refused,
        STRANGE_TOKEN_REPLY,
    ),
    // The token cache.
    here(
        "no_tokens_found",
        Category::NotSignedIn,
        "Sign in first, with {login}; a token in the cache serves the client, tenant and scopes that it was made for.",
    )
    .cured_by_sign_in(),
    here(
        "no_account_for_login_hint",
        Category::NotSignedIn,
        "Sign in first: an integrated sign-in leaves the account of the signed-in user in the cache, any other way one \
         that is found by its name.",
    )
    .cured_by_sign_in(),
    here(
        "multiple_accounts_for_login_hint",
        Category::NotSignedIn,
        "Name the account by its user name ({username}), or by its home account id ({account}) where two have the same name.",
    )
    .cured_by_sign_in(),
    here(
        "token_cache_failed",
        Category::Other,
        "Check that this user can read and write the place of the token cache, or use another one ({cache}).",
    ),
    here(
        "token_cache_encrypted",
        Category::Other,
        "Read it on Windows, as the user who wrote it, with {protected-cache}.",
    ),
    // What the program asks for, or how it is configured.
    here(
        "no_refresh_token",
        Category::Usage,
        "Give the refresh token that the other library kept, or sign in.",
    ),
    here(
        "password_required",
        Category::Usage,
        "Give the user's password {password-sources}.",
    ),
    here(
        "invalid_scopes",
        Category::Usage,
        "Give at least one scope, such as https://graph.microsoft.com/User.Read, each by itself: {scope}.",
    ),
    here(
        "invalid_json_claims_format",
        Category::Usage,
        "Pass the claims that Entra or the API gave, unchanged ({claims}): a JSON object, or its base64.",
    ),
    here(
        "integrated_windows_authentication_failed",
        Category::IntegratedImpossible,
        "Name a tenant of Microsoft Entra ({tenant}), or sign in to this server with the browser \
         ({web}), a device code ({devicecode}) or a password ({password}).",
    ),
    here(
        "invalid_authority",
        Category::Usage,
        "Give the tenant's id or one of its domains ({tenant}), or write the authority ({authority}) as \
         https://HOST/TENANT, as https://HOST/adfs for AD FS, or as the issuer of another OpenID Connect server.",
    ),
    here(
        "tenant_override_non_aad",
        Category::Usage,
        "Leave the tenant out ({tenant}): only authorities of Microsoft Entra have tenants.",
    ),
    // Who the authority is, and who issued its tokens.
    here(
        "invalid_instance",
        Category::Usage,
        "Check the host in {authority}, for example https://login.microsoftonline.com; for AD FS the path must be \
         /adfs.{or-name-authority}",
    ),
    there(
        "tenant_discovery_failed",
        Category::Refused,
        "Open .well-known/openid-configuration below the address of the authority in a browser: the server must tell its endpoints there, as \
         https addresses.",
    ),
    there(
        "authority_validation_failed",
        Category::Refused,
        "Give the issuer by {authority} exactly as the server's discovery document spells it; a final slash counts.",
    ),
    there(
        "issuer_mismatch",
        Category::Refused,
        "The answer is from another issuer: check {authority} and {tenant}. Behind AD FS or a gateway that renames \
         itself, its administrator can tell which issuer is right.",
    ),
    there(
        "audience_mismatch",
        Category::Refused,
        "The answer is for another application: check {client-id}.",
    ),
    there(
        "id_token_expired",
        Category::Refused,
        "Set this machine's clock; if it is right, the server's is not.",
    ),
    there(
        "invalid_jwt",
        Category::Refused,
        "The server's id token cannot be read; it must be signed and not encrypted for this client.",
    ),
    here(
        "invalid_ca_bundle",
        Category::Usage,
        "Give a file with certificates in PEM, as openssl and your TLS inspection write them ({ca-bundle}).",
    ),
    here(
        "invalid_directory",
        Category::Usage,
        "Write the domain controller as host or host:port, such as dc1.corp.contoso.com ({directory}), and the \
         attribute by its LDAP name, such as mail ({upn-attribute}).",
    ),
    here(
        "invalid_federation_host",
        Category::Usage,
        "Write each federation server as host or host:port, such as sts.contoso.com, without scheme, path or \
         wildcard ({federation-hosts}).",
    ),
    here(
        "invalid_proxy",
        Category::Usage,
        "Write the proxy as http://host:port, with user:password@ where it asks for Basic; proxies that are spoken \
         to by TLS or SOCKS are not supported.",
    ),
    here(
        "invalid_request_options",
        Category::Usage,
        "Correct what the message names.",
    ),
    here("invalid_service_principal", Category::Usage, ""),
    // The policy of the machine.
    here(
        "policy_not_readable",
        Category::Other,
        "Ask your administrator to correct the policy of this machine, as docs/policy.md of Silentry describes it; until then \
         every sign-in is refused.",
    ),
    here("policy_forbids", Category::Usage, ""),
    here("policy_forbids_cache", Category::Usage, ""),
    here("policy_forbids_flow", Category::Usage, ""),
    here("policy_forbids_host", Category::IntegratedImpossible, ""),
    here(
        "invalid_federation_metadata",
        Category::Usage,
        "Save what the federation server has at /adfs/services/trust/mex, and name that file ({federation-metadata}). \
         `silentry inspect mex FILE` says what is wrong with a document.",
    ),
    here(
        "invalid_username",
        Category::Usage,
        "Give the UPN as user@domain ({username} or {login-hint}); `whoami /upn` shows it on Windows.",
    ),
    here(
        "missing_tenanted_authority",
        Category::Usage,
        "Name your tenant by its id or domain ({tenant}), or use /organizations: Entra does not take this flow on /common or /consumers, nor for personal \
         accounts (AADSTS90010).",
    ),
    here(
        "no_client_id",
        Category::Usage,
        "Give the application (client) id of your app registration at Entra: {client-id}.",
    ),
    // Who is signed in, and the Kerberos ticket.
    here(
        "get_user_name_failed",
        Category::NotSignedIn,
        "Give your UPN yourself by {username} (`whoami /upn` shows it). Windows knows \
         the UPN of a domain's users alone, and of nobody on a machine with two work accounts \
         (error 1332).",
    ),
    here("kerberos_ccache_timeout", Category::NotSignedIn, "").or_later(),
    here(
        "kerberos_clock_skew",
        Category::IntegratedImpossible,
        "Set this machine's clock by the domain controllers' time (`w32tm /resync`, `chronyc \
         makestep`): Kerberos allows five minutes of difference.",
    ),
    here("kerberos_configuration_timeout", Category::Other, "").or_later(),
    here("kerberos_configuration_unreadable", Category::Usage, ""),
    here("kerberos_credentials_not_supported", Category::Other, ""),
    here("kerberos_credentials_refused", Category::NotSignedIn, ""),
    here("kerberos_credentials_unreadable", Category::NotSignedIn, ""),
    there(
        "kerberos_etype_not_supported",
        Category::IntegratedImpossible,
        "",
    ),
    here("kerberos_failed", Category::Other, ""),
    here("kerberos_kdc_unreachable", Category::Network, "").or_later(),
    here(
        "kerberos_library_missing",
        Category::IntegratedImpossible,
        "",
    ),
    here("kerberos_library_not_trusted", Category::Usage, ""),
    here("kerberos_no_thread", Category::Other, ""),
    here("kerberos_no_ticket", Category::NotSignedIn, ""),
    here("kerberos_realm_unknown", Category::Network, ""),
    here("kerberos_ticket_expired", Category::NotSignedIn, ""),
    there("kerberos_ticket_rejected", Category::Refused, ""),
    here("kerberos_timeout", Category::Network, "").or_later(),
    here("kerberos_too_many_calls", Category::Network, "").or_later(),
    there(
        "kerberos_unknown_service_principal",
        Category::IntegratedImpossible,
        "",
    ),
    here("ntlm_refused", Category::IntegratedImpossible, ""),
    here(
        "unknown_user",
        Category::NotSignedIn,
        UNKNOWN_USER,
    ),
    // The network.
    here(
        "federation_tls_handshake_failed",
        Category::Network,
        "The federation server may offer only old cipher suites (Windows Server 2012 R2 \
         with an RSA certificate does); enable TLS 1.2 with ECDHE and AES-GCM there, or put a \
         current certificate on it.",
    ),
    here(
        "federation_unreachable",
        Category::Network,
        "Connect to the corporate network or VPN: the federation server takes tickets only \
         there. If it should be reachable, check DNS, the proxy (NO_PROXY usually lists it) \
         and whether AD FS is running.",
    )
    .or_later(),
    here(
        "http_protocol_error",
        Category::Network,
        "Check that the address and port lead to an HTTP server and that no proxy garbles the \
         reply.",
    ),
    here(
        "network_not_available",
        Category::Network,
        "Check the network, DNS, the proxy (HTTPS_PROXY, NO_PROXY) and the firewall; then try \
         again.",
    )
    .or_later(),
    here(
        "proxy_refused",
        Category::Network,
        "Allow the host in the proxy, give it credentials (http://user:password@host:port), \
         or exempt the host in NO_PROXY.",
    ),
    here(
        "proxy_mutual_authentication_failed",
        Category::Network,
        "Somebody may be answering in the proxy's place: check its name and address.",
    ),
    here(
        "proxy_scheme_not_supported",
        Category::Network,
        "Let the proxy offer Negotiate (Kerberos) or Basic, exempt the host there or in NO_PROXY, or run a local \
         helper that speaks the proxy's scheme. NTLM and Digest are not supported.",
    ),
    here(
        "proxy_ticket_refused",
        Category::Network,
        "Name the proxy in HTTPS_PROXY as its administrator registered it: the service principal HTTP/<that name> \
         must be on the proxy's account alone (`setspn -Q`), with its key in the proxy's keytab. A name and password \
         in the URL are sent as Basic instead.",
    ),
    here(
        "proxy_ticket_unavailable",
        Category::Network,
        "Get a Kerberos ticket that the proxy's domain accepts (`klist` shows yours), or write a name and password for \
         the proxy into its URL: http://user:password@host:port.",
    ),
    here(
        "random_not_available",
        Category::Other,
        "The operating system gives no random numbers; check the sandbox that the program \
         runs in.",
    )
    .or_later(),
    there(
        "redirect_refused",
        Category::Refused,
        "Open the address in a browser: a sign-in page or a moved server is answering. A \
         ticket is never carried along a redirect.",
    ),
    here(
        "request_timeout",
        Category::Network,
        "Try again; if it persists, check the network and the proxy on the way to that host.",
    )
    .or_later(),
    there(
        "response_too_large",
        Category::Refused,
        "No reply of a sign-in is that large: check that the address leads to the real \
         server.",
    ),
    here(
        "tls_certificate_untrusted",
        Category::Other,
        "If TLS inspection or a private authority is the reason, trust its certificate: \
         {ca-bundle}, or the system's store. Otherwise somebody else \
         is answering for that host.",
    ),
    here(
        "tls_handshake_failed",
        Category::Network,
        "Look for a proxy or firewall that breaks TLS on the way; Silentry needs TLS 1.2 or \
         newer with a modern cipher suite.",
    ),
    here(
        "transport_unusable",
        Category::Other,
        "{transport-unusable}",
    ),
    // Entra: realm discovery and tokens.
    here(
        "integrated_windows_auth_not_supported_managed_user",
        Category::IntegratedImpossible,
        "",
    ),
    there(
        "missing_federation_metadata_url",
        Category::IntegratedImpossible,
        "",
    ),
    here(
        "ropc_not_supported_for_msa",
        Category::IntegratedImpossible,
        "Sign in with a work or school account; personal Microsoft accounts need {sign-in}.",
    ),
    there(
        "request_throttled",
        Category::Refused,
        "Wait as long as the server asks, and keep tokens in a cache instead of asking for \
         each call.",
    )
    .or_later(),
    there(
        "service_not_available",
        Category::Network,
        "Microsoft Entra is having trouble; try again in a minute and look at its status page \
         if it persists.",
    )
    .or_later(),
    here("unknown_user_type", Category::IntegratedImpossible, ""),
    there(
        "user_realm_discovery_failed",
        Category::Refused,
        "Check {username} and {authority}; if a proxy or firewall answers in Entra's place, \
         let login.microsoftonline.com through.",
    ),
    here(
        "invalid_federation_metadata_url",
        Category::IntegratedImpossible,
        "",
    ),
    here(
        "unsupported_federation_protocol",
        Category::IntegratedImpossible,
        "",
    ),
    there(
        "access_token_missing",
        Category::Refused,
        STRANGE_TOKEN_REPLY,
    ),
    there(
        "access_token_malformed",
        Category::Refused,
        STRANGE_TOKEN_REPLY,
    ),
    there("json_parse_failed", Category::Refused, STRANGE_TOKEN_REPLY),
    there(
        "token_type_mismatch",
        Category::Refused,
        STRANGE_TOKEN_REPLY,
    ),
    there("token_type_missing", Category::Refused, STRANGE_TOKEN_REPLY),
    // The federation server.
    there(
        "accessing_ws_metadata_exchange_failed",
        Category::Refused,
        "Open the address of the federation metadata in a browser: AD FS must serve \
         /adfs/services/trust/mex to this machine. Ask the federation server's administrator \
         when it does not.",
    ),
    there("federated_service_returned_error", Category::Refused, ""),
    there(
        "federation_host_not_trusted",
        Category::IntegratedImpossible,
        "If that host really is your federation server, list it exactly: {federation-hosts}. No ticket was asked for.",
    ),
    there(
        "mutual_authentication_failed",
        Category::Refused,
        "Somebody may be answering in the federation server's place. If a balancer in between \
         drops the proof (WWW-Authenticate), set {mutual-auth-when-offered}.",
    ),
    there(
        "negotiate_not_offered",
        Category::IntegratedImpossible,
        "Windows authentication with Kerberos must be on for the endpoint (authentication \
         scheme Negotiate); a balancer or proxy in between may also have removed the header. \
         NTLM and Basic are never used.",
    ),
    there(
        "negotiate_rejected",
        Category::Refused,
        "Get a new ticket (`kdestroy` and `kinit`, `klist purge` on Windows) and try again. \
         If it persists: the SPN HTTP/<host> must be on the AD FS service account alone (`setspn \
         -Q`), and where TLS is inspected or ended before AD FS, its Extended Protection \
         refuses the ticket (ExtendedProtectionTokenCheck; {no-channel-binding}). \
         MIT Kerberos before 1.19 sends no channel binding, which AD FS may demand.",
    ),
    there(
        "negotiate_token_too_large",
        Category::Refused,
        "The Kerberos ticket is too large for the server, usually because the user is in very \
         many groups: raise MaxFieldLength and MaxRequestBytes of http.sys on AD FS \
         (KB2020943), or take the user out of groups.",
    ),
    there("parsing_ws_metadata_exchange_failed", Category::Refused, ""),
    there(
        "wstrust_endpoint_not_found",
        Category::IntegratedImpossible,
        "Ask the federation server's administrator which endpoints of WS-Trust are enabled (Get-AdfsEndpoint), or use \
         {sign-in}.",
    ),
    there(
        "wstrust_endpoint_unavailable",
        Category::IntegratedImpossible,
        "Ask the federation server's administrator to enable windowstransport \
         (Set-AdfsEndpoint -TargetAddressPath /adfs/services/trust/13/windowstransport), or \
         connect to the corporate network: it is never served through the extranet proxy.",
    ),
    there(
        "wstrust_request_failed",
        Category::Refused,
        "Ask the federation server's administrator to look up the correlation id in the AD FS \
         event log.",
    ),
    there("assertion_encrypted", Category::Refused, ""),
    there("assertion_version_unknown", Category::Refused, ""),
    there("parsing_wstrust_response_failed", Category::Refused, ""),
    there("wstrust_request_not_expressible", Category::Refused, ""),
    there("wstrust_response_without_token", Category::Refused, ""),
    there("wstrust_token_with_failure_status", Category::Refused, ""),
];
