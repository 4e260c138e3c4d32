"""Uses a token cache in a file that other programs use, too: `cache.py FILE sign-in|silent|refresh USER`.

Prints one line of JSON: whose token it got, a hash of it, whether it came from the cache, and how many accounts the
cache has. The password is in INTEROP_PASSWORD.
"""

import hashlib
import json
import os
import platform
import sys
from pathlib import Path

import msal

SCOPE = [os.environ["SILENTRY_SCOPE"]]


def main() -> None:
    path, action, user = sys.argv[1:]
    cache = msal.SerializableTokenCache()
    file = Path(path)
    if file.exists():
        cache.deserialize(file.read_text())
    authority = "https://login.microsoftonline.com/" + os.environ["SILENTRY_TENANT"]
    app = msal.PublicClientApplication(os.environ["SILENTRY_CLIENT_ID"], authority=authority, token_cache=cache)
    if action == "sign-in":
        token = app.acquire_token_by_username_password(user, os.environ["INTEROP_PASSWORD"], SCOPE)
    else:
        [account] = app.get_accounts(user)
        token = app.acquire_token_silent(SCOPE, account, force_refresh=action == "refresh")
    if cache.has_state_changed:
        file.write_text(cache.serialize())
    accounts = app.get_accounts()
    print(
        json.dumps(
            {
                "version": f"{msal.__version__}, Python {platform.python_version()}",
                "user": accounts[0]["username"],
                "token": hashlib.sha256(token["access_token"].encode()).hexdigest(),
                "cached": token["token_source"] == "cache",
                "accounts": len(accounts),
            }
        )
    )


main()
