//! 80001 to 81019: pass-through authentication and Seamless single sign-on.
//!
//! After "Troubleshoot Microsoft Entra pass-through authentication" and "Troubleshoot Microsoft
//! Entra seamless single sign-on".

use super::table;
use super::words::*;

table! {
    80001, Retry, "the agent cannot reach Active Directory" => PASS_THROUGH;
    80002, Retry, "the agent did not answer in time" => PASS_THROUGH;
    80005, Retry, "the agent's answer could not be understood" => PASS_THROUGH;
    80007, Retry, "the agent could not validate the password" => PASS_THROUGH;
    80010, Configuration, "the agent cannot decrypt the password" =>
        "An administrator must install the pass-through authentication agent anew.";
    80012, Stop, "the user may not log on at this hour" =>
        "The domain's logon hours forbid signing in now: try again within them, or ask an administrator to change them.";
    80013, Configuration, "the clocks of the agent and of Active Directory differ" =>
        "An administrator must correct the clock of the pass-through authentication agent's machine so that it agrees with the domain controllers.";
    80014, Retry, "the agent was too slow" => PASS_THROUGH;
    81001, Configuration, "the Kerberos ticket is too large" =>
        "The user is in too many groups: an administrator must take the user out of some so that the Kerberos ticket becomes smaller.";
    81002, RetryAfresh, "the Kerberos ticket could not be validated" => SSO_TICKET;
    81003, Configuration, "the Kerberos ticket could not be validated with the known keys" => SSO_SETUP;
    81004, Interactive, "the Kerberos ticket does not authenticate the user" => SSO_TICKET;
    81005, Configuration, "the authentication package is not supported" =>
        "NTLM was sent instead of Kerberos: this machine must reach a domain controller and hold a Kerberos ticket (log on to the domain, or kinit).";
    81006, Configuration, "the Authorization header is missing" =>
        "No Kerberos ticket reached Microsoft Entra: check with klist that there is one, and that no proxy removes the Authorization header.";
    81007, Unsupported, "the tenant does not use Seamless single sign-on" =>
        "An administrator can enable Seamless single sign-on in Microsoft Entra Connect; until then use {sign-in}.";
    81008, Configuration, "the Kerberos ticket could not be validated" => SSO_SETUP;
    81009, Configuration, "the Authorization header is malformed" => SSO_TICKET;
    81010, RetryAfresh, "the Kerberos ticket has expired or is not valid" => SSO_TICKET;
    81011, Configuration, "the user of the ticket is not found by its SID" => SYNC;
    81012, Credentials, "the ticket belongs to another user than the one asked for" =>
        "Ask for a token of the user who is signed in to this machine, or get a ticket of the other user first (kinit).";
    81013, Configuration, "the user of the ticket is not in the directory" => SYNC;
    81016, Configuration, "the request to Seamless single sign-on is malformed" => REQUEST;
    81017..=81019, Configuration, "Seamless single sign-on refused the ticket" => SSO_SETUP;
}
