"""Times tokens from a token cache with MSAL Python: `silent.py FILE`.

Prints one line of JSON: how long it took to read the cache, to list its accounts, and to get the token of the last one.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

import msal

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
AUTHORITY = "https://login.microsoftonline.com/99999999-0000-0000-0000-000000000000"
T = TypeVar("T")
SCOPES = ["https://graph.microsoft.com/User.Read"]


class Reply:
    """What MSAL looks at in a reply: the endpoints of the tenant."""

    status_code = 200
    headers: ClassVar = {}
    text = json.dumps(
        {
            "authorization_endpoint": AUTHORITY + "/oauth2/v2.0/authorize",
            "token_endpoint": AUTHORITY + "/oauth2/v2.0/token",
            "issuer": AUTHORITY + "/v2.0",
        }
    )

    def raise_for_status(self) -> None:
        pass


class NoNetwork:
    """Answers the one question that MSAL asks when it begins; a token must come from the cache."""

    def get(self, url: str, **_: object) -> Reply:  # noqa: ARG002
        return Reply()

    def post(self, url: str, **_: object) -> Reply:
        raise AssertionError(f"not from the cache: {url}")

    def close(self) -> None:
        pass


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def read(path: str) -> msal.SerializableTokenCache:
    cache = msal.SerializableTokenCache()
    cache.deserialize(Path(path).read_text())
    return cache


def main() -> None:
    load, cache = timed(lambda: read(sys.argv[1]))
    app = msal.PublicClientApplication(
        CLIENT_ID, authority=AUTHORITY, token_cache=cache, instance_discovery=False, http_client=NoNetwork()
    )
    listing, accounts = timed(app.get_accounts)
    hits = max(5, 2000 // len(accounts))
    times = []
    for _ in range(hits):
        silent, token = timed(lambda: app.acquire_token_silent(SCOPES, account=accounts[-1]))
        assert token["token_source"] == "cache"
        times.append(silent)
    median = sorted(times)[hits // 2]
    print(json.dumps({"load_ms": load * 1e3, "accounts_ms": listing * 1e3, "silent_us": median * 1e6}))


main()
