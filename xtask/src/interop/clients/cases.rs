//! What the programs are asked, and what must come of it.

use super::Client::{self, DotNet, Go, Java, Node, Python};

/// A sign-in, in one scenario of the lab.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) clients: &'static [Client],
    /// How: `password`, `integrated`, `devicecode` or `web`.
    pub(super) flow: &'static str,
    pub(super) scenario: &'static str,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
    /// Whose ticket lies ready.
    pub(super) account: &'static str,
    pub(super) java_options: &'static [&'static str],
    pub(super) expected: Expected,
}

/// How a sign-in ends.
pub(super) enum Expected {
    /// Then the cache answers, a refresh brings another token, and the refresh token is good for another
    /// API.
    SignsIn,
    /// MSAL reports these words of the lab's.
    Reports(&'static str),
    /// MSAL reports these words and hands over the claims of the refusal.
    ReportsClaims(&'static str),
    /// MSAL cannot do it, and this is what it says.
    Fails {
        words: &'static str,
        why: &'static str,
    },
}

use Expected::{Fails, Reports, ReportsClaims, SignsIn};

/// The MSALs with WS-Trust, which Node has not.
const WITH_WS_TRUST: &[Client] = &[Python, Go, Java, DotNet];
const ALL: &[Client] = &[Python, Node, Go, Java, DotNet];

/// What MSAL Java says of a reply without a body: the JDK has no stream for it.
const NO_BODY: &str = "\"response\" is null";

const ALICE: Case = Case {
    what: "",
    clients: WITH_WS_TRUST,
    flow: "password",
    scenario: "default",
    user: "alice@contoso.test",
    password: "Alice-Passw0rd",
    account: "alice",
    java_options: &[],
    expected: SignsIn,
};

const BOB: Case = Case {
    clients: ALL,
    user: "bob@managed.test",
    password: "Bob-Passw0rd",
    account: "bob",
    ..ALICE
};

/// The ticket is enough: there is no password.
const TICKET: Case = Case {
    clients: &[Java],
    flow: "integrated",
    password: "",
    ..ALICE
};

const JUDY: Case = Case {
    what: "password with every character that XML must escape, and ü",
    user: "judy@contoso.test",
    password: "p&<Jüdy>\"w'd",
    ..ALICE
};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "integrated Windows authentication",
        ..TICKET
    },
    Case {
        what: "integrated, account in a trusted realm",
        scenario: "trusted-realm",
        user: "ivan@contoso.test",
        account: "ivan",
        ..TICKET
    },
    Case {
        what: "integrated, AD FS with WS-Trust 2005 only",
        scenario: "trust-2005-only",
        ..TICKET
    },
    Case {
        what: "integrated, SAML 2.0 assertion",
        scenario: "saml2",
        ..TICKET
    },
    Case {
        what: "integrated, inside the corporate network",
        scenario: "mfa-inside",
        user: "erin@contoso.test",
        account: "erin",
        ..TICKET
    },
    Case {
        what: "integrated, Seamless SSO",
        scenario: "seamless-sso",
        user: "heidi@dsso.test",
        account: "heidi",
        ..TICKET
    },
    Case {
        what: "integrated, channel binding demanded, jdk.https.negotiate.cbt=always",
        scenario: "channel-binding-required",
        java_options: &["-Djdk.https.negotiate.cbt=always"],
        ..TICKET
    },
    Case {
        what: "integrated, channel binding demanded",
        scenario: "channel-binding-required",
        expected: Fails {
            words: NO_BODY,
            why: "the JDK sends no channel binding unless jdk.https.negotiate.cbt says so, and AD FS answers 401",
        },
        ..TICKET
    },
    Case {
        what: "integrated, no ticket",
        scenario: "no-ticket",
        expected: Fails {
            words: NO_BODY,
            why: "rightly, but all that MSAL Java says of a 401, which has no body, is a NullPointerException",
        },
        ..TICKET
    },
    Case {
        what: "integrated, windowstransport of WS-Trust 1.3 answers 503",
        scenario: "trust13-off",
        expected: Fails {
            words: "DOCTYPE is disallowed",
            why: "MSAL Java does not try WS-Trust 2005 after 1.3, and takes the page of the web server for XML",
        },
        ..TICKET
    },
    Case {
        what: "integrated, managed user: password_required_for_managed_user",
        scenario: "managed-user",
        user: "bob@managed.test",
        account: "bob",
        expected: Reports("password_required_for_managed_user"),
        ..TICKET
    },
    Case {
        what: "integrated, MFA: AADSTS50076 with claims",
        scenario: "mfa",
        user: "carol@contoso.test",
        account: "carol",
        expected: ReportsClaims("AADSTS50076"),
        ..TICKET
    },
    Case {
        what: "password, managed user",
        ..BOB
    },
    Case {
        what: "password, federated user",
        ..ALICE
    },
    Case {
        what: "password, federated user",
        clients: &[Node],
        expected: Fails {
            words: "AADSTS50126",
            why: "MSAL Node has no WS-Trust: it takes the password to Entra, where no federated user's is known",
        },
        ..ALICE
    },
    Case {
        what: "password, AD FS with WS-Trust 2005 only",
        scenario: "trust-2005-only",
        ..ALICE
    },
    Case {
        what: "password, SAML 2.0 assertion",
        scenario: "saml2",
        clients: &[Python, Java],
        ..ALICE
    },
    Case {
        what: "password, SAML 2.0 assertion",
        scenario: "saml2",
        clients: &[Go],
        expected: Fails {
            words: "version unknown",
            why: "MSAL Go reads the version from the declaration of the prefix saml, which this assertion has not",
        },
        ..ALICE
    },
    Case {
        what: "password, Seamless SSO domain",
        clients: ALL,
        user: "heidi@dsso.test",
        password: "Heidi-Passw0rd",
        ..ALICE
    },
    Case {
        clients: &[Python, Go],
        ..JUDY
    },
    Case {
        clients: &[Java],
        expected: Fails {
            words: NO_BODY,
            why: "MSAL Java writes the request with one byte a character, which is not UTF-8, and AD FS answers 400",
        },
        ..JUDY
    },
    Case {
        what: "wrong password, managed user: AADSTS50126",
        password: "wrong",
        expected: Reports("AADSTS50126"),
        ..BOB
    },
    Case {
        what: "wrong password, federated user: ID3242",
        password: "wrong",
        expected: Reports("ID3242"),
        ..ALICE
    },
    Case {
        what: "unknown user: AADSTS50034",
        user: "nobody@managed.test",
        expected: Reports("AADSTS50034"),
        ..BOB
    },
    Case {
        what: "password, MFA: AADSTS50076 with claims",
        clients: &[Python, Java],
        user: "carol@contoso.test",
        password: "Carol-Passw0rd",
        expected: ReportsClaims("AADSTS50076"),
        ..ALICE
    },
    Case {
        what: "password, MFA: the whole reply, with claims",
        clients: &[Go],
        user: "carol@contoso.test",
        password: "Carol-Passw0rd",
        expected: Reports(r#""suberror":"basic_action","claims":"#),
        ..ALICE
    },
    Case {
        what: "password, no consent: AADSTS65001",
        user: "dave@contoso.test",
        password: "Dave-Passw0rd",
        expected: Reports("AADSTS65001"),
        ..ALICE
    },
    Case {
        what: "throttled: AADSTS90055",
        scenario: "token-429",
        expected: Reports("AADSTS90055"),
        ..BOB
    },
    Case {
        what: "token endpoint answers 503 once",
        scenario: "token-5xx-once",
        clients: &[Java],
        ..BOB
    },
    Case {
        what: "token endpoint answers 503 once",
        scenario: "token-5xx-once",
        clients: &[Python, Go],
        expected: Fails {
            words: "503",
            why: "it does not ask again",
        },
        ..BOB
    },
    Case {
        what: "token endpoint answers 503 once",
        scenario: "token-5xx-once",
        clients: &[Node],
        expected: Fails {
            words: "token_parsing_error",
            why: "it does not ask again, and takes the page for JSON",
        },
        ..BOB
    },
    Case {
        what: "device code",
        clients: ALL,
        flow: "devicecode",
        ..ALICE
    },
    Case {
        what: "device code, MFA",
        clients: ALL,
        flow: "devicecode",
        user: "carol@contoso.test",
        ..ALICE
    },
    Case {
        what: "in the browser, authorization code with PKCE",
        clients: ALL,
        flow: "web",
        ..ALICE
    },
    Case {
        what: "in the browser, consent",
        clients: ALL,
        flow: "web",
        user: "dave@contoso.test",
        ..ALICE
    },
];
