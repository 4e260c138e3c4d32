//! Sentences that several codes and errors share.

#![allow(missing_docs, reason = "each is the sentence that its name stands for")]

pub const INTERACTIVE: &str = "The user must sign in once, with {sign-in}.";
pub const INTERACTIVE_AGAIN: &str = "Sign in again: integrated sign-in may be enough; \
    if the answer stays the same, use {sign-in}.";
/// Microsoft on integrated sign-in: "doesn't bypass multi-factor authentication".
pub const MFA: &str = "The user must pass multi-factor authentication, which integrated sign-in cannot \
    do: sign in with {sign-in}, and pass the claims of this answer on ({claims}).";
/// Microsoft's documentation of integrated sign-in names these ways to consent beforehand.
pub const CONSENT: &str = "Consent once, as integrated sign-in cannot ask for it: the user by opening \
    the consent URL or by {sign-in}, or an administrator for everybody with the admin consent URL. \
    A developer can also choose \"Grant admin consent\" in the portal under the application's API permissions.";
pub const ADMIN_CONSENT: &str = "An administrator must consent: by the admin \
    consent URL, or with \"Grant admin consent\" in the portal under the application's API \
    permissions.";
pub const RETRY: &str = "Microsoft Entra has a temporary problem: try again in a \
    few seconds. If it persists, give the correlation id to Microsoft's support.";
pub const THROTTLED: &str = "Too many requests were sent: wait as long as the answer says, a minute if it \
    does not. Then use the token in the cache instead of asking for a new one each time.";
pub const PUBLIC_CLIENT: &str = "The application is not allowed to sign in without \
    a secret: its owner must set \"Allow public client flows\" to Yes in the portal (App \
    registrations, Authentication; allowPublicClient in the manifest).";
pub const REQUEST: &str = "The request itself is wrong, so trying again will not \
    help: report it with the correlation id to the developer of this program.";
pub const CONFIGURATION: &str = "The developer of this program or the owner of the \
    application's registration must correct what the message names.";
pub const BROKER: &str = "The policy wants proof from this device that only an \
    authentication broker can give: sign in through the broker (Web Account Manager, Company \
    Portal, Authenticator), or ask an administrator to change the policy.";
pub const DEVICE_POLICY: &str = "A conditional access policy does not accept this \
    device: enrol it as the organisation asks, use one that is managed, or ask an administrator.";
pub const POLICY: &str = "A policy of the organisation forbids this sign-in: an \
    administrator can see which one in the sign-in log by the correlation id, and change it.";
pub const TENANT_POLICY: &str = "The network or the tenant forbids signing in \
    across organisations: ask the administrators of both to allow this tenant.";
pub const RESOURCE: &str = "The resource that the scope names is not available in this tenant: check {scope} \
    and {tenant}, or let an administrator add the resource's application.";
pub const SCOPE: &str = "Check {scope}: the scopes must exist, belong to one resource, and not mix .default \
    with others.";
pub const GUEST: &str = "The user does not exist in this tenant: name the user's own tenant ({tenant}), \
    or let an administrator invite the user as a guest.";
pub const TENANT: &str = "Name the tenant by its id or one of its domains: {tenant}.";
pub const REDIRECT: &str = "The redirect URI must be registered for this \
    application under \"Mobile and desktop applications\", for example http://localhost.";
pub const FEDERATED_IDP: &str = "The organisation's identity provider gave an \
    answer that Microsoft Entra does not accept: its administrator must look at its log and claims.";
pub const FEDERATION: &str = "Microsoft Entra does not trust the assertion of the \
    federation server: an administrator must compare the domain's federation settings in Entra \
    with AD FS, above all the token signing certificate after a rollover (Update-MgDomainFederationConfiguration).";
pub const CLOCK: &str = "The assertion was too old or too new for Microsoft Entra: \
    sign in again. If it persists, correct the clock of the federation server and of this machine.";
pub const EXTERNAL_IDP: &str = "The external identity provider refused or failed: sign in with {sign-in}, and \
    if it persists ask its administrator.";
pub const EXPIRED: &str = "The saved sign-in has expired or was withdrawn: sign in again, by integrated \
    sign-in or with {sign-in}.";
pub const PASSWORD_CHANGE: &str = "The user must change the password, in a browser \
    at https://myaccount.microsoft.com or on a machine of the domain.";
pub const PASS_THROUGH: &str = "The organisation's pass-through authentication \
    agent cannot answer now: try again later, and tell its administrator if it persists.";
pub const NO_PASS_THROUGH: &str = "This control does not work with pass-through \
    users: an administrator must exempt them from the policy or choose another control.";
pub const SSO_SETUP: &str = "Seamless single sign-on is not set up right: an \
    administrator must follow Microsoft's troubleshooting of it, first rolling over the key of the \
    computer account AZUREADSSOACC.";
pub const SSO_TICKET: &str = "Microsoft Entra could not use the Kerberos ticket: \
    get a new one (log on again, or kinit) and check this machine's clock.";
pub const SYNC: &str = "The user is not found in the Entra directory by what the \
    domain says: an administrator must check that Microsoft Entra Connect synchronises this user, \
    and which attribute is the source anchor.";
pub const CLOUD: &str = "The tenant lives in another national cloud: use that cloud's {authority}, for \
    example https://login.microsoftonline.us or https://login.partner.microsoftonline.cn.";
pub const DECLINED: &str = "The user or an administrator declined: sign in again and accept, \
    or ask for fewer scopes.";
pub const CODE_AGAIN: &str = "The code is no longer good: start the sign-in again.";
pub const CREDENTIALS: &str = "Check the user name and the password. A user of a federated domain has its \
    password at the federation server, so use integrated sign-in or {sign-in} for it.";
pub const APP_DISABLED: &str =
    "The application is disabled in this tenant: an administrator must enable it again.";
