"""What the programs are asked, and what must come of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clients.programs import Client

_ALL = tuple(Client)
# The MSALs with WS-Trust, which Node has not.
_WITH_WS_TRUST = tuple(client for client in Client if client is not Client.NODE)
# What MSAL Java says of a reply without a body: the JDK has no stream for it.
_NO_BODY = '"response" is null'


@dataclass(frozen=True)
class Case:
    """A sign-in, in one scenario of the lab."""

    what: str = ""
    clients: Sequence[Client] = _WITH_WS_TRUST
    # `password`, `integrated`, `devicecode` or `web`.
    flow: str = "password"
    scenario: str = "default"
    user: str = "alice@contoso.test"
    password: str = "Alice-Passw0rd"
    # Whose ticket lies ready.
    account: str = "alice"
    java_options: Sequence[str] = ()
    # The words of the lab's that MSAL reports. Without them the user signs in, then the cache answers, a refresh brings
    # another token, and the refresh token is good for another API.
    reports: str | None = None
    # MSAL hands over the claims of the refusal.
    claims: bool = False
    # Why MSAL cannot do it, where it cannot.
    red: str | None = None


ALICE = Case()
BOB = replace(ALICE, clients=_ALL, user="bob@managed.test", password="Bob-Passw0rd", account="bob")
CAROL = replace(ALICE, user="carol@contoso.test", password="Carol-Passw0rd")
DAVE = replace(ALICE, user="dave@contoso.test", password="Dave-Passw0rd")
JUDY = replace(
    ALICE,
    what="password with every character that XML must escape, and ü",
    user="judy@contoso.test",
    password="p&<Jüdy>\"w'd",
)
# The ticket is enough: there is no password.
TICKET = replace(ALICE, clients=[Client.JAVA], flow="integrated", password="")

CASES = [
    replace(TICKET, what="integrated Windows authentication"),
    replace(
        TICKET,
        what="integrated, account in a trusted realm",
        scenario="trusted-realm",
        user="ivan@contoso.test",
        account="ivan",
    ),
    replace(TICKET, what="integrated, AD FS with WS-Trust 2005 only", scenario="trust-2005-only"),
    replace(TICKET, what="integrated, SAML 2.0 assertion", scenario="saml2"),
    replace(
        TICKET,
        what="integrated, inside the corporate network",
        scenario="mfa-inside",
        user="erin@contoso.test",
        account="erin",
    ),
    replace(TICKET, what="integrated, Seamless SSO", scenario="seamless-sso", user="heidi@dsso.test", account="heidi"),
    replace(
        TICKET,
        what="integrated, channel binding demanded, jdk.https.negotiate.cbt=always",
        scenario="channel-binding-required",
        java_options=["-Djdk.https.negotiate.cbt=always"],
    ),
    replace(
        TICKET,
        what="integrated, channel binding demanded",
        scenario="channel-binding-required",
        reports=_NO_BODY,
        red="the JDK sends no channel binding unless jdk.https.negotiate.cbt says so, and AD FS answers 401",
    ),
    replace(
        TICKET,
        what="integrated, no ticket",
        scenario="no-ticket",
        reports=_NO_BODY,
        red="rightly, but all that MSAL Java says of a 401, which has no body, is a NullPointerException",
    ),
    replace(
        TICKET,
        what="integrated, windowstransport of WS-Trust 1.3 answers 503",
        scenario="trust13-off",
        reports="DOCTYPE is disallowed",
        red="MSAL Java does not try WS-Trust 2005 after 1.3, and takes the page of the web server for XML",
    ),
    replace(
        TICKET,
        what="integrated, managed user: password_required_for_managed_user",
        scenario="managed-user",
        user="bob@managed.test",
        account="bob",
        reports="password_required_for_managed_user",
    ),
    replace(
        TICKET,
        what="integrated, MFA: AADSTS50076 with claims",
        scenario="mfa",
        user="carol@contoso.test",
        account="carol",
        reports="AADSTS50076",
        claims=True,
    ),
    replace(BOB, what="password, managed user"),
    replace(ALICE, what="password, federated user"),
    replace(
        ALICE,
        what="password, federated user",
        clients=[Client.NODE],
        reports="AADSTS50126",
        red="MSAL Node has no WS-Trust: it takes the password to Entra, where no federated user's is known",
    ),
    replace(ALICE, what="password, AD FS with WS-Trust 2005 only", scenario="trust-2005-only"),
    replace(ALICE, what="password, SAML 2.0 assertion", scenario="saml2", clients=[Client.PYTHON, Client.JAVA]),
    replace(
        ALICE,
        what="password, SAML 2.0 assertion",
        scenario="saml2",
        clients=[Client.GO],
        reports="version unknown",
        red="MSAL Go reads the version from the declaration of the prefix saml, which this assertion has not",
    ),
    replace(
        ALICE,
        what="password, Seamless SSO domain",
        clients=_ALL,
        user="heidi@dsso.test",
        password="Heidi-Passw0rd",
    ),
    replace(JUDY, clients=[Client.PYTHON, Client.GO]),
    replace(
        JUDY,
        clients=[Client.JAVA],
        reports=_NO_BODY,
        red="MSAL Java writes the request with one byte a character, which is not UTF-8, and AD FS answers 400",
    ),
    replace(BOB, what="wrong password, managed user: AADSTS50126", password="wrong", reports="AADSTS50126"),
    replace(ALICE, what="wrong password, federated user: ID3242", password="wrong", reports="ID3242"),
    replace(BOB, what="unknown user: AADSTS50034", user="nobody@managed.test", reports="AADSTS50034"),
    replace(
        CAROL,
        what="password, MFA: AADSTS50076 with claims",
        clients=[Client.PYTHON, Client.JAVA],
        reports="AADSTS50076",
        claims=True,
    ),
    replace(
        CAROL,
        what="password, MFA: the whole reply, with claims",
        clients=[Client.GO],
        reports='"suberror":"basic_action","claims":',
    ),
    replace(DAVE, what="password, no consent: AADSTS65001", reports="AADSTS65001"),
    replace(BOB, what="throttled: AADSTS90055", scenario="token-429", reports="AADSTS90055"),
    replace(BOB, what="token endpoint answers 503 once", scenario="token-5xx-once", clients=[Client.JAVA]),
    replace(
        BOB,
        what="token endpoint answers 503 once",
        scenario="token-5xx-once",
        clients=[Client.PYTHON, Client.GO],
        reports="503",
        red="it does not ask again",
    ),
    replace(
        BOB,
        what="token endpoint answers 503 once",
        scenario="token-5xx-once",
        clients=[Client.NODE],
        reports="token_parsing_error",
        red="it does not ask again, and takes the page for JSON",
    ),
    replace(ALICE, what="device code", clients=_ALL, flow="devicecode"),
    replace(CAROL, what="device code, MFA", clients=_ALL, flow="devicecode"),
    replace(ALICE, what="in the browser, authorization code with PKCE", clients=_ALL, flow="web"),
    replace(DAVE, what="in the browser, consent", clients=_ALL, flow="web"),
]
