//! From 100007 on: the codes that Microsoft added later, and variants of the earlier ones.

use super::table;
use super::words::*;

table! {
    100_007, Configuration, "the regional endpoint is not for this client" =>
        "Use the global authority, https://login.microsoftonline.com.";
    120_000..=120_021, Interactive, "the password could not be changed" => PASSWORD_CHANGE;
    130_004, Unsupported, "the user's Windows Hello key is missing" => BROKER;
    135_010, Unsupported, "the user's Windows Hello key is missing" => BROKER;
    135_011, Configuration, "the device is disabled in the directory" =>
        "An administrator must enable the device in Microsoft Entra, or the device must be joined again.";
    140_000, Unsupported, "the nonce for the device's token has expired" => BROKER;
    140_001, Unsupported, "the session key of the device's token is not valid" => BROKER;
    160_021, Interactive, "the session that was asked for does not exist" => INTERACTIVE;
    165_000..=165_999, Interactive, "multi-factor authentication failed on the way" => MFA;
    230_109, Retry, "the backup authentication service was called directly" => RETRY;
    240_001, Configuration, "the user may not join devices" => DEVICE_POLICY;
    240_002, Configuration, "the user may not join devices" => DEVICE_POLICY;
    399_218, Configuration, "the issuer of the external token is not acceptable" => FEDERATED_IDP;
    399_284, Configuration, "the external id token is not acceptable" => FEDERATED_IDP;
    500_011, Configuration, "the resource is not in the tenant" => RESOURCE;
    500_014, Configuration, "the resource is disabled in the tenant" => RESOURCE;
    500_021, Configuration, "the network's proxy forbids this tenant" => TENANT_POLICY;
    500_022, Configuration, "the network's proxy restricts tenants with a wrong setting" => TENANT_POLICY;
    500_121, Mfa, "multi-factor authentication was denied or timed out" => MFA;
    500_133, RetryAfresh, "the assertion is outside its time of validity" => CLOCK;
    500_208, Credentials, "the domain is not valid for this kind of account" =>
        "Check {username} and {tenant}: this kind of account cannot sign in there.";
    500_212, Configuration, "the user's tenant forbids signing in to the other tenant" => TENANT_POLICY;
    500_213, Configuration, "the other tenant forbids users of this tenant" => TENANT_POLICY;
    500_571, Configuration, "the guest account is disabled" =>
        "An administrator of the inviting tenant must enable the guest account.";
    501_241, Configuration, "a claim that must be mapped is missing" => CONFIGURATION;
    501_461, Configuration, "mapped claims need an application with its own key or audience" => CONFIGURATION;
    501_481, Configuration, "the PKCE verifier does not match the challenge" => CODE_AGAIN;
    501_491, Configuration, "the PKCE verifier has a wrong size" => REQUEST;
    530_003, Configuration, "the device must be managed" => DEVICE_POLICY;
    530_031, Configuration, "a policy blocks the sign-in" => POLICY;
    530_032, Configuration, "a security policy of the tenant blocks the sign-in" => POLICY;
    530_034, Configuration, "a delegated administrator is blocked" => POLICY;
    530_035, Configuration, "security defaults block this way of signing in" =>
        "The tenant's security defaults block sign-ins without multi-factor authentication: use {sign-in}, or ask an administrator.";
    650_051, Configuration, "the application cannot be added to the tenant" => RESOURCE;
    650_052, Configuration, "the organisation has not subscribed to the service" =>
        "An administrator must subscribe to the service or add its application to the tenant before anybody can consent.";
    650_053, Configuration, "the scope does not exist on the resource" => SCOPE;
    650_054, Configuration, "the application asks for permissions of a resource that is gone" => RESOURCE;
    650_056, Configuration, "the application is misconfigured or not consented to" => ADMIN_CONSENT;
    650_057, Configuration, "the resource is not among the application's permissions" =>
        "The owner of the application's registration must add the resource under API permissions in the portal.";
    700_003, Unsupported, "the device is not in the directory any more" => BROKER;
    700_005, Configuration, "the code is meant for another tenant" => CODE_AGAIN;
    700_016, Configuration, "the application is not in the tenant" =>
        "Check the client id and the tenant. If both are right, an administrator must consent to the application once so that it appears in the tenant.";
    700_020, Interactive, "interaction with the user is required" => INTERACTIVE;
    700_022, Configuration, "the scopes belong to several resources" => SCOPE;
    700_023, Configuration, "the scopes name no resource" => SCOPE;
    700_025, Configuration, "a public client sent a secret" =>
        "The application is a public client: sign in without a client secret or client assertion.";
    700_027, Configuration, "the client assertion's signature is not valid" => CONFIGURATION;
    700_030, Configuration, "the client's certificate is not valid" => CONFIGURATION;
    700_054, Configuration, "the application may not get an id_token this way" => CONFIGURATION;
    700_082, Interactive, "the refresh token has expired because it was not used" => EXPIRED;
    700_084, Interactive, "the refresh token of a web page has expired" => EXPIRED;
    900_144, Configuration, "the request lacks a parameter" => REQUEST;
    900_561, Configuration, "the endpoint was called with a wrong method" => REQUEST;
    901_002, Configuration, "the v2.0 endpoint takes no resource parameter" => REQUEST;
    1_000_000..=1_000_002, Interactive, "the sign-in could not be bound to an account" => INTERACTIVE;
    5_000_819, Configuration, "the assertion's e-mail or UPN is missing or not of its domain" =>
        "The federation server named a user whose domain does not belong to it in Microsoft Entra: an administrator must check the user's UPN suffix and the UPN claim rule.";
    7_000_110, Configuration, "the request names several applications" => REQUEST;
    7_000_112, Configuration, "the application is disabled" => APP_DISABLED;
    7_000_215, Configuration, "the client secret is wrong" =>
        "The owner of the application must give the value of a secret that is still good, not its id.";
    7_000_218, Configuration, "the application is not marked as a public client" => PUBLIC_CLIENT;
    7_000_222, Configuration, "the client secret has expired" =>
        "The owner of the application must make a new secret and give its value.";
    7_500_514, Configuration, "no supported kind of SAML assertion was found" =>
        "The assertion does not fit the grant: report it with the correlation id to the developer of this program.";
    9_002_313, Configuration, "the request is malformed" => REQUEST;
    9_002_325, Configuration, "PKCE is needed for a request from a web page" => REDIRECT;
    9_002_326, Configuration, "the redirect URI is registered for web pages only" => REDIRECT;
    9_002_327, Configuration, "the refresh token belongs to a web page" => REDIRECT;
    9_002_341, Consent, "the user must permit single sign-on" => INTERACTIVE;
}
