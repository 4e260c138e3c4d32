"""One sign-in with MSAL Python: `client.py USER`, the password in INTEROP_PASSWORD.

Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the error as
MSAL reports it.
"""

import json
import os
import platform
import sys

import msal

SCOPE = [os.environ["SILENTRY_SCOPE"]]
OTHER_API = ["https://graph.microsoft.com/User.Read"]


def sign_in(app, user):
    first = app.acquire_token_by_username_password(user, os.environ["INTEROP_PASSWORD"], SCOPE)
    if "access_token" not in first:
        return {"error": first["error"], "description": first.get("error_description", ""),
                "suberror": first.get("suberror"), "claims": "claims" in first}
    [account] = app.get_accounts(user)
    cached = app.acquire_token_silent(SCOPE, account)
    fresh = app.acquire_token_silent(SCOPE, account, force_refresh=True)
    other = app.acquire_token_silent(OTHER_API, account)
    return {"user": account["username"],
            "cached": cached["access_token"] == first["access_token"],
            "refreshed": fresh["access_token"] != first["access_token"],
            "other_api": other["access_token"] not in (first["access_token"], fresh["access_token"])}


def main():
    [user] = sys.argv[1:]
    authority = "https://login.microsoftonline.com/" + os.environ["SILENTRY_TENANT"]
    app = msal.PublicClientApplication(os.environ["SILENTRY_CLIENT_ID"], authority=authority)
    try:
        answer = sign_in(app, user)
    except (RuntimeError, msal.exceptions.MsalServiceError) as error:
        # Not every refusal comes back as a value: AD FS's and a failing server's do not.
        answer = {"error": type(error).__name__, "description": str(error)}
    print(json.dumps({"version": f"{msal.__version__}, Python {platform.python_version()}", **answer}))


main()
