//! 65001 to 75011: consent, applications, grants, codes and refresh tokens.

use super::table;
use super::words::*;

table! {
    65001, Consent, "nobody has consented to what the application asks for" => CONSENT;
    65002, Configuration, "a first-party application lacks its pre-authorisation" =>
        "Microsoft has not authorised this first-party application for the resource: use an application registration of your own.";
    65004, Stop, "the user declined to consent" =>
        DECLINED;
    65005, Configuration, "the application's list of permissions lacks the resource" =>
        "The owner of the application's registration must add the permission in the portal under API permissions.";
    67003, Configuration, "the actor is not a valid service identity" => CONFIGURATION;
    70000, Interactive, "the grant is not valid, or is bound to something else" => EXPIRED;
    70001, Configuration, "the application is disabled" => APP_DISABLED;
    70002, Configuration, "the client's credentials are not valid" => CONFIGURATION;
    70003, Configuration, "the grant type is not supported" => REQUEST;
    70004, Configuration, "the redirect URI is not valid" => REDIRECT;
    70005, Configuration, "the response type is not supported" => REQUEST;
    70007, Configuration, "the response mode is not supported" => REQUEST;
    70008, Interactive, "the authorization code or refresh token has expired" => EXPIRED;
    70011, Configuration, "the scope is not valid" => SCOPE;
    70012, Retry, "the server for personal accounts failed" => RETRY;
    70016, Poll, "the device code has not been used yet" =>
        "The user has not entered the code yet: open the page that was shown and enter it.";
    70018, Stop, "the device code is wrong" => CODE_AGAIN;
    70019, Stop, "the device code has expired" => CODE_AGAIN;
    70020, Stop, "the device code has expired" => CODE_AGAIN;
    70022, Configuration, "the scope is not valid" => SCOPE;
    70037, Interactive, "the answer to the challenge was wrong" => INTERACTIVE;
    70043, Interactive, "the sign-in frequency of a policy ended the refresh token" => EXPIRED;
    70044, Interactive, "the sign-in frequency of a policy ended the session" => EXPIRED;
    70046, Interactive, "the session has expired or could not be renewed" => EXPIRED;
    75011, Interactive, "the way of authentication does not match what was asked for" =>
        "The application wants another way of signing in than the one used: use {sign-in}.";
}
