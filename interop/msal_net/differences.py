"""Where Silentry and MSAL.NET differ in what comes of a scenario, and why ours is right."""

A_TOKEN = "a token"
_ONE_CODE = (
    "parsing_wstrust_response_failed",
    "MSAL.NET has one code for whatever goes wrong at windowstransport",
)
_ANYWHERE = (
    "HttpRequestException",
    "MSAL.NET asks whatever address the realm answer names, where nobody answered here",
)


def _below(exception: str) -> tuple[str, str]:
    return exception, "an exception of a library below, which no handler of MsalException catches"


# By scenario: what MSAL.NET makes of it that Silentry makes something else of, and why.
DIFFERENCES = {
    "trust13-off": (_ONE_CODE[0], "MSAL.NET does not try WS-Trust 2005 where that of 1.3 is switched off"),
    "no-mutual-reply": (
        A_TOKEN,
        "MSAL.NET does not demand the server's proof, so that somebody else may have answered; "
        "`--mutual-auth when-offered` does the same",
    ),
    "mex-doctype": (
        A_TOKEN,
        "MSAL.NET reads past a DOCTYPE, which may name files and entities without end; no AD FS sends one",
    ),
    "mex-503": ("service_not_available", "MSAL.NET has one code for every 503, whoever sent it"),
    "encrypted-assertion": (
        "invalid_grant",
        "MSAL.NET sends an encrypted assertion on to Entra, which cannot read it and says so in words of its own",
    ),
    "slow-drip": (
        "TaskCanceledException",
        "MSAL.NET waits 100 seconds for a reply, twice; the program's own limit of a minute ended it",
    ),
    "foreign-mex-host": _ONE_CODE,
    "metadata-at-address": _ANYWHERE,
    "metadata-at-short-name": _ANYWHERE,
    "metadata-at-port": _ANYWHERE,
    "no-ticket": _ONE_CODE,
    "expired-ticket": _ONE_CODE,
    "wrong-clock": _ONE_CODE,
    "rc4-only-service": _ONE_CODE,
    "unknown-spn": _ONE_CODE,
    "kdc-down": _ONE_CODE,
    "kdc-silent": _ONE_CODE,
    "unauthorized-loop": _ONE_CODE,
    "tls-inspection": _ONE_CODE,
    "ntlm-only-401": _ONE_CODE,
    "wrong-mutual-reply": _ONE_CODE,
    "ticket-too-large": _ONE_CODE,
    "rstr-fault": _ONE_CODE,
    "redirect-on-post": _ONE_CODE,
    "saml20-federation": _below("ArgumentNullException"),
    "realm-html": _below("JsonReaderException"),
    "token-html": _below("JsonReaderException"),
    "adfs-down": _below("HttpRequestException"),
    "mex-too-large": _below("HttpRequestException"),
}
