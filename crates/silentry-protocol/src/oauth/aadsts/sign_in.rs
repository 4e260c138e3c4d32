//! 16000 to 54005: users, passwords, assertions, strong authentication, conditional access.

use super::table;
use super::words::*;

table! {
    16000, Interactive, "the account is not in the tenant; another must be chosen" => GUEST;
    16003, Configuration, "the user has not been added to the tenant" => GUEST;
    20001, Configuration, "the identity provider's WS-Federation answer is wrong" => FEDERATED_IDP;
    20012, Configuration, "the identity provider's WS-Federation answer is wrong" => FEDERATED_IDP;
    28002, Configuration, "the scope is not valid for this grant" => SCOPE;
    28003, Configuration, "the scope is empty" => SCOPE;
    40008, Configuration, "the external identity provider failed for good" => EXTERNAL_IDP;
    40009, Configuration, "the external identity provider refused" => EXTERNAL_IDP;
    40010, Retry, "the external identity provider failed for now" => RETRY;
    40015, Configuration, "the external identity provider refused the user" => EXTERNAL_IDP;
    50000, Retry, "issuing the token failed inside Microsoft Entra" => RETRY;
    50001, Configuration, "the resource is not known in the tenant" => RESOURCE;
    50002, Configuration, "the network's proxy restricts which tenants may be used" => TENANT_POLICY;
    50005, Configuration, "the device's platform is not supported by policy" => DEVICE_POLICY;
    50008, Configuration, "the SAML assertion is not valid" => FEDERATION;
    50010, Configuration, "the audience of the assertion is not configured" =>
        "The federation server issues the assertion for another audience: its administrator must set the identifier of the Entra relying party trust to urn:federation:MicrosoftOnline (or the cloud's own).";
    50011, Configuration, "the redirect URI is not registered" => REDIRECT;
    50012, Configuration, "the client or the authority failed to authenticate" => CONFIGURATION;
    50013, RetryAfresh, "the assertion is not valid" => CLOCK;
    50014, Interactive, "the guest has not redeemed the invitation" =>
        "The user must open the invitation to this tenant and accept it, then sign in again.";
    50020, Configuration, "the user of another identity provider is not in the tenant" => GUEST;
    50033, Retry, "a transient error inside Microsoft Entra" => RETRY;
    50034, Credentials, "the user account is not in the directory" =>
        "Check the user name ({username}) and {tenant}. If the name is right, an administrator must add the user or let Microsoft Entra Connect synchronise it.";
    50049, Configuration, "the authority's host is not a known instance of Microsoft Entra" =>
        "Check the host in {authority}, for example https://login.microsoftonline.com. For AD FS the path must be /adfs.";
    50050, Configuration, "the discovery request is malformed" => REQUEST;
    50053, Stop, "the account is locked, or the address is suspicious" =>
        "Too many wrong passwords or a suspicious address locked the account: wait some minutes without trying, or ask an administrator to unlock it.";
    50055, Interactive, "the password has expired" => PASSWORD_CHANGE;
    50056, Credentials, "the directory has no password for the user" =>
        "The user has no password in Microsoft Entra, as with a federated or external account: use integrated sign-in or {sign-in}.";
    50057, Configuration, "the user account is disabled" =>
        "An administrator must enable the user account, in Active Directory if it is synchronised from there.";
    50058, Interactive, "there is no session for a silent sign-in" => INTERACTIVE;
    50059, Configuration, "neither the request nor the user names a tenant" => TENANT;
    50071, Interactive, "the sign-in took too long" => INTERACTIVE;
    50072, Mfa, "the user must enrol for multi-factor authentication" => MFA;
    50074, Mfa, "strong authentication is required and was not passed" => MFA;
    50076, Mfa, "multi-factor authentication is required by policy or place" => MFA;
    50078, Mfa, "the multi-factor authentication has expired" => MFA;
    50079, Mfa, "the user must register for multi-factor authentication" => MFA;
    50085, Interactive, "the refresh needs a sign-in at the social identity provider" => INTERACTIVE;
    50089, Interactive, "the sign-in took too long" => INTERACTIVE;
    50097, Unsupported, "the device must authenticate" => BROKER;
    50099, Configuration, "the device's proof (PKeyAuth) is wrong" => BROKER;
    50105, Configuration, "the user is not assigned to the application" =>
        "An administrator must assign the user, or a group of the user, to the application (Enterprise applications, Users and groups).";
    50107, Configuration, "the federation realm does not exist in Microsoft Entra" =>
        "The issuer URI that the federation server writes is not registered for any domain in Microsoft Entra: an administrator must make both equal; or name the right tenant ({tenant}).";
    50125, Interactive, "the user must reset the password or register first" => INTERACTIVE;
    50126, Credentials, "the user name or the password is wrong" => CREDENTIALS;
    50127, Unsupported, "an authentication broker must be installed" => BROKER;
    50128, Credentials, "the domain of the user name is not known" =>
        "Check the domain of the user name: it must be one that the tenant has verified.";
    50129, Unsupported, "the device is not joined to the organisation" => BROKER;
    50131, Configuration, "conditional access refused the device or found the sign-in suspicious" => POLICY;
    50132, Interactive, "the session was withdrawn or the password changed" => INTERACTIVE_AGAIN;
    50133, Interactive, "the session was withdrawn or the password changed" => INTERACTIVE_AGAIN;
    50135, Interactive, "the password must be changed because of a risk" => PASSWORD_CHANGE;
    50139, Interactive, "the session has no external refresh token" => INTERACTIVE;
    50140, Interactive, "the user was asked whether to stay signed in" => INTERACTIVE;
    50142, Interactive, "conditional access wants a new password" => PASSWORD_CHANGE;
    50143, Interactive, "the session does not fit the domain hint" => INTERACTIVE;
    50144, Interactive, "the password in Active Directory has expired" => PASSWORD_CHANGE;
    50146, Configuration, "the application needs a signing key of its own" => CONFIGURATION;
    50155, Unsupported, "the device failed to authenticate" => BROKER;
    50158, Mfa, "an external security challenge was not passed" => MFA;
    50161, Configuration, "the claims of the external provider are not enough" => FEDERATED_IDP;
    50168, Interactive, "the browser's single sign-on token could not be used" => INTERACTIVE;
    50169, Interactive, "the realm is not configured for this sign-in" => INTERACTIVE;
    50173, Interactive, "the grant was withdrawn; a fresh one is needed" => INTERACTIVE_AGAIN;
    50177, Unsupported, "an external challenge does not work with pass-through users" => NO_PASS_THROUGH;
    50178, Unsupported, "session control does not work with pass-through users" => NO_PASS_THROUGH;
    50180, Interactive, "integrated Windows authentication is needed and missing" =>
        "Sign in with {sign-in}, or let an administrator enable Seamless single sign-on for the tenant.";
    50181..=50186, Interactive, "a one-time passcode or the state of the device stopped the sign-in" => INTERACTIVE;
    50187, Unsupported, "the device failed to authenticate" => BROKER;
    50192, Configuration, "an expected credential did not arrive" =>
        "A proxy between here and Microsoft Entra may have removed the client certificate: an administrator must let the sign-in hosts through without TLS inspection.";
    50194, Configuration, "the application is not multi-tenant, so /common is refused" => TENANT;
    50196, Throttle, "a loop: the same request was sent too often" => THROTTLED;
    50197, Interactive, "the identities of the request contradict each other" => INTERACTIVE;
    50199, Interactive, "the user must confirm the sign-in" => INTERACTIVE;
    51001, Configuration, "a domain hint is needed with an on-premises identifier" => TENANT;
    51004, Configuration, "the user of the assertion is not in the directory" => SYNC;
    51005, Retry, "the server asks to be called elsewhere for now" => RETRY;
    51006, Interactive, "the session lacks the claim of integrated Windows authentication" =>
        "Sign in again with integrated sign-in at a machine of the domain.";
    53000, Interactive, "the device does not comply with policy" => DEVICE_POLICY;
    53001, Configuration, "the device is not joined to the domain" => DEVICE_POLICY;
    53002, Configuration, "the application is not approved by policy" => POLICY;
    53003, Configuration, "conditional access blocks the sign-in" => POLICY;
    53004, Configuration, "the user may not register proof now because of suspicious activity" => POLICY;
    53005, Unsupported, "the application must be protected by Intune" => BROKER;
    53010, Configuration, "the user may not register security information from here" => POLICY;
    53011, Configuration, "the user is blocked because of a risk in the home tenant" => POLICY;
    54000, Configuration, "the user is too young for this application" => POLICY;
    54005, Interactive, "the authorization code was used already" => CODE_AGAIN;
}
