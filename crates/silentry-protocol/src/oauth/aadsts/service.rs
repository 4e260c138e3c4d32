//! 90002 to 90123: tenants, malformed requests, and Microsoft Entra's own troubles.

use super::table;
use super::words::*;

table! {
    90002, Configuration, "the tenant does not exist" =>
        "No tenant has this id or domain: correct {tenant}, and check that {authority} names the right cloud.";
    90004, Configuration, "the request is malformed" => REQUEST;
    90005, Configuration, "the hints of the request contradict each other" => REQUEST;
    90006, Retry, "Microsoft Entra is unavailable for now" => RETRY;
    90008, Configuration, "the application asks for a token for itself without permission" =>
        "The owner of the application's registration must add the permission \"Sign in and read user profile\" of Microsoft Graph.";
    90009, Configuration, "the application asks for a token for itself by name" =>
        "Write the application's id (a GUID) instead of its URI in the scope.";
    90010, Configuration, "this way of signing in is not supported on /common or /consumers" =>
        "Name the tenant by its id or one of its domains ({tenant}), or use /organizations instead of /common or /consumers.";
    90012, Retry, "Microsoft Entra did not answer in time" => RETRY;
    90013, Configuration, "the request is malformed" => REQUEST;
    90014, Configuration, "the request lacks a parameter" => REQUEST;
    90015, Configuration, "the query string is too long" =>
        "The sign-in address became too long: ask for fewer scopes or shorter claims.";
    90019, Configuration, "the tenant cannot be told from the request" => TENANT;
    90020, Configuration, "the SAML assertion has no ImmutableID of the user" =>
        "The administrator of the federation server must add the claim rule that issues the user's ImmutableID (the source anchor of Microsoft Entra Connect) to the Entra relying party trust.";
    90023, Configuration, "the request is malformed" => REQUEST;
    90024, Retry, "Microsoft Entra is busy" => RETRY;
    90027, Configuration, "personal accounts cannot use this endpoint" =>
        "Use the v2.0 endpoint, or an account of an organisation.";
    90033, Retry, "Microsoft Entra's directory is unavailable for now" => RETRY;
    90036, Configuration, "Microsoft Entra's directory failed for good" =>
        "Microsoft Entra could not read the directory: give the correlation id to Microsoft's support.";
    90038, Configuration, "the tenant lives in another national cloud" => CLOUD;
    90043, Configuration, "the tenant's national cloud is switched off" => CLOUD;
    90051, Configuration, "the national cloud is not valid" => CLOUD;
    90055, Throttle, "the tenant has sent too many requests" => THROTTLED;
    90056, Configuration, "the token endpoint was called in a wrong way" => REQUEST;
    90072, Configuration, "the external account is not in the tenant" => GUEST;
    90082, Unsupported, "the WS-Federation policy is not supported" => POLICY;
    90084, Configuration, "guests are not allowed here" => GUEST;
    90085, Configuration, "the tenant is not provisioned for this service" => RESOURCE;
    90086, Interactive, "the token of the delegated administration has expired" => EXPIRED;
    90092, Configuration, "Microsoft Graph failed for good" => REQUEST;
    90093, Configuration, "Microsoft Graph forbids it" => POLICY;
    90094, Consent, "an administrator must consent" => ADMIN_CONSENT;
    90095, Consent, "an administrator has been asked to consent" => ADMIN_CONSENT;
    90100, Configuration, "a parameter of the request is empty or not valid" => REQUEST;
    90107, Configuration, "the request is not valid XML" => REQUEST;
    90117, Configuration, "the request is malformed" => REQUEST;
    90121, Configuration, "the request is empty" => REQUEST;
    90123, Configuration, "the identity provider denied the token" => FEDERATED_IDP;
}
