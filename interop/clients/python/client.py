"""One sign-in with MSAL Python: `client.py password|devicecode|web USER`, the password in INTEROP_PASSWORD.

For another device and in the browser, `silentry-lab sign-in` is the user.

Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the error as
MSAL reports it.
"""

import json
import os
import platform
import subprocess
import sys
import webbrowser
from typing import Any

import msal

SCOPE = [os.environ["SILENTRY_SCOPE"]]
OTHER_API = ["https://graph.microsoft.com/User.Read"]


def first_token(app: msal.PublicClientApplication, flow: str, user: str) -> dict[str, Any]:
    at_browser = ["silentry-lab", "sign-in", "--user", user]
    if flow == "devicecode":
        code = app.initiate_device_flow(SCOPE)
        subprocess.run([*at_browser, "--code", code["user_code"]], check=True)
        return app.acquire_token_by_device_flow(code)
    if flow == "web":
        # Ends by itself when the page has been filled in; MSAL listens for the answer meanwhile.
        webbrowser.register("lab", None, webbrowser.BackgroundBrowser([*at_browser, "%s"]), preferred=True)
        return app.acquire_token_interactive(SCOPE, timeout=30)
    return app.acquire_token_by_username_password(user, os.environ["INTEROP_PASSWORD"], SCOPE)


def sign_in(app: msal.PublicClientApplication, flow: str, user: str) -> dict[str, Any]:
    first = first_token(app, flow, user)
    if "access_token" not in first:
        return {
            "error": first["error"],
            "description": first.get("error_description", ""),
            "suberror": first.get("suberror"),
            "claims": "claims" in first,
        }
    [account] = app.get_accounts(user)
    cached = app.acquire_token_silent(SCOPE, account)
    fresh = app.acquire_token_silent(SCOPE, account, force_refresh=True)
    other = app.acquire_token_silent(OTHER_API, account)
    return {
        "user": account["username"],
        "cached": cached["access_token"] == first["access_token"],
        "refreshed": fresh["access_token"] != first["access_token"],
        "other_api": other["access_token"] not in (first["access_token"], fresh["access_token"]),
    }


def main() -> None:
    flow, user = sys.argv[1:]
    authority = "https://login.microsoftonline.com/" + os.environ["SILENTRY_TENANT"]
    app = msal.PublicClientApplication(os.environ["SILENTRY_CLIENT_ID"], authority=authority)
    try:
        answer = sign_in(app, flow, user)
    except (RuntimeError, msal.exceptions.MsalServiceError) as error:
        # Not every refusal comes back as a value: AD FS's and a failing server's do not.
        answer = {"error": type(error).__name__, "description": str(error)}
    print(json.dumps({"version": f"{msal.__version__}, Python {platform.python_version()}", **answer}))


main()
