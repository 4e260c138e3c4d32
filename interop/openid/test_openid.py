"""An OpenID Connect server of others in place of Entra: the certified `oidc-provider`.

The example `openid` of the library signs in, and a person at a browser on the development pages of the server, which
sign anybody in who types a name and a password.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browsers.chromium import chromium, press, trust
from support.certificates import Authority
from support.desktop import Desktop
from support.ground import Ground
from support.node import node
from support.page import Row
from support.processes import answers, run, running, wait_for

pytestmark = [
    pytest.mark.row(table="OpenID Connect servers in place of Entra", who="oidc-provider"),
    pytest.mark.xdist_group("openid"),
]

HOST = "id.contoso.test"
# The same server by a name that it does not call itself.
ALIAS = "alias.contoso.test"
ISSUER = f"https://{HOST}"
USER = "ana"
# What the example prints when everything went well.
SIGNED_IN = ["signed in: ana, IdentityProvider, ", "silent: ana, Cache, ", "renewed: ana, IdentityProvider, "]


@pytest.fixture(scope="module")
def authority(make_folder: Callable[[], Path]) -> Authority:
    """Return an authority with a certificate for both names."""
    authority = Authority(make_folder())
    authority.certify("web", HOST, ALIAS)
    return authority


@pytest.fixture(scope="module")
def server(ground: Ground, authority: Authority, name_loopback: Callable[..., None]) -> Iterator[str]:
    """Return the version of the running server."""
    name_loopback(HOST, ALIAS)
    folder = ground.prepared / "openid" / "provider"
    program = node(folder)
    package = json.loads((folder / "node_modules/oidc-provider/package.json").read_text())
    words = (folder / "provider.js", ISSUER, authority.folder / "web.pem", authority.folder / "web.key")
    with running(program, *words) as process:
        wait_for("answer of oidc-provider", lambda: answers(443) or None, process)
        yield f"{package['version']}, Node {run(program, '--version').strip()}"


@pytest.fixture
def desktop(folder: Path, authority: Authority, server: str, row: Row) -> Desktop:
    """Return the desktop of a user who trusts the authority."""
    row.version = server
    trust(folder, authority.certificate)
    removed = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in removed}
    return Desktop(folder, environment | {"SSL_CERT_FILE": str(authority.certificate)})


@pytest.fixture
def page(desktop: Desktop) -> Iterator[Page]:
    with chromium(desktop.home, desktop.environment) as browser:
        yield browser.new_page()


def sign_in(page: Page) -> None:
    """Type a name and any password, and agree to everything."""
    page.locator("[name=login]").fill(USER)
    page.locator("[name=password]").fill("any password")
    press(page.get_by_role("button", name="Sign-in"))
    press(page.get_by_role("button", name="Continue"))


def assert_signed_in(printed: str) -> None:
    lines = [line for line in printed.splitlines() if not line.startswith("To sign in")]
    assert len(lines) == len(SIGNED_IN)
    for line, start in zip(lines, SIGNED_IN, strict=True):
        assert line.startswith(start)
        assert "offline_access" in line


@pytest.mark.row(what="the browser: authorization code with PKCE, then the cache and the refresh token")
def test_browser(ground: Ground, desktop: Desktop, page: Page) -> None:
    with desktop.program(ground.examples / "openid", ISSUER, "silentry", "browser") as program:
        page.goto(program.address())
        sign_in(page)
        assert_signed_in(program.ending())


@pytest.mark.row(what="a device code, then the cache and the refresh token")
def test_device_code(ground: Ground, desktop: Desktop, page: Page) -> None:
    with desktop.program(ground.examples / "openid", ISSUER, "silentry", "device-code") as program:
        shown = program.line()
        found = re.search(r"open (\S+) in a web browser and enter the code (\S+)\.$", shown)
        assert found, shown
        page.goto(found[1])
        page.locator("[name=user_code]").fill(found[2])
        press(page.get_by_role("button", name="Continue"))
        press(page.get_by_role("button", name="Continue"))
        sign_in(page)
        page.get_by_text("Sign-in Success").wait_for()
        assert_signed_in(program.ending())


@pytest.mark.row(what="a person who cancels: `access_denied`")
def test_cancel(ground: Ground, desktop: Desktop, page: Page) -> None:
    with desktop.program(ground.examples / "openid", ISSUER, "silentry", "browser") as program:
        page.goto(program.address())
        page.get_by_text("[ Cancel ]").click()
        assert program.failure().startswith("access_denied: ")


@pytest.mark.row(
    what="asked by another name than it calls itself",
    red="the issuer is another: `authority_validation_failed`",
)
def test_another_name(ground: Ground, desktop: Desktop) -> None:
    with desktop.program(ground.examples / "openid", f"https://{ALIAS}", "silentry", "browser") as program:
        assert program.failure().startswith("authority_validation_failed: ")
