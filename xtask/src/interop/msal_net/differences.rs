//! Where Silentry and MSAL.NET differ in what comes of a scenario, and why ours is right.

/// What MSAL.NET makes of a scenario that Silentry makes something else of.
pub(super) struct Difference {
    pub(super) scenario: &'static str,
    pub(super) theirs: &'static str,
    pub(super) why: &'static str,
}

/// What a program says that signed in.
pub(super) const A_TOKEN: &str = "a token";

const ONE_CODE: &str = "parsing_wstrust_response_failed";
const WHATEVER: &str = "MSAL.NET has one code for whatever goes wrong at windowstransport";
const BELOW: &str = "an exception of a library below, which no handler of MsalException catches";

const ANYWHERE: &str =
    "MSAL.NET asks whatever address the realm answer names, where nobody answered here";

const fn anywhere(scenario: &'static str) -> Difference {
    Difference {
        scenario,
        theirs: "HttpRequestException",
        why: ANYWHERE,
    }
}

const fn one_code(scenario: &'static str) -> Difference {
    Difference {
        scenario,
        theirs: ONE_CODE,
        why: WHATEVER,
    }
}

const fn below(scenario: &'static str, theirs: &'static str) -> Difference {
    Difference {
        scenario,
        theirs,
        why: BELOW,
    }
}

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        scenario: "trust13-off",
        theirs: ONE_CODE,
        why: "MSAL.NET does not try WS-Trust 2005 where that of 1.3 is switched off",
    },
    Difference {
        scenario: "no-mutual-reply",
        theirs: A_TOKEN,
        why: "MSAL.NET does not demand the server's proof, so that somebody else may have answered; \
              `--mutual-auth when-offered` does the same",
    },
    Difference {
        scenario: "mex-doctype",
        theirs: A_TOKEN,
        why: "MSAL.NET reads past a DOCTYPE, which may name files and entities without end; no AD FS sends one",
    },
    Difference {
        scenario: "mex-503",
        theirs: "service_not_available",
        why: "MSAL.NET has one code for every 503, whoever sent it",
    },
    Difference {
        scenario: "encrypted-assertion",
        theirs: "invalid_grant",
        why: "MSAL.NET sends an encrypted assertion on to Entra, which cannot read it and says so in words of its own",
    },
    Difference {
        scenario: "slow-drip",
        theirs: "TaskCanceledException",
        why: "MSAL.NET waits 100 seconds for a reply, twice; the program's own limit of a minute ended it",
    },
    one_code("foreign-mex-host"),
    anywhere("metadata-at-address"),
    anywhere("metadata-at-short-name"),
    anywhere("metadata-at-port"),
    one_code("no-ticket"),
    one_code("expired-ticket"),
    one_code("wrong-clock"),
    one_code("rc4-only-service"),
    one_code("unknown-spn"),
    one_code("kdc-down"),
    one_code("kdc-silent"),
    one_code("unauthorized-loop"),
    one_code("tls-inspection"),
    one_code("ntlm-only-401"),
    one_code("wrong-mutual-reply"),
    one_code("ticket-too-large"),
    one_code("rstr-fault"),
    one_code("redirect-on-post"),
    below("saml20-federation", "ArgumentNullException"),
    below("realm-html", "JsonReaderException"),
    below("token-html", "JsonReaderException"),
    below("adfs-down", "HttpRequestException"),
    below("mex-too-large", "HttpRequestException"),
];

/// Returns the difference that is known of a scenario.
pub(super) fn of(scenario: &str) -> Option<&'static Difference> {
    DIFFERENCES
        .iter()
        .find(|difference| difference.scenario == scenario)
}
