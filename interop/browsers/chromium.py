"""A real Chromium, as a user of the desktop has it.

It trusts the authorities that are in the user's certificate store, reaches all servers through the proxy of the
environment, and the loopback address past it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, sync_playwright

from support.processes import LIMIT, Environment, run

_PROGRAM = "/usr/bin/chromium"


@contextmanager
def chromium(home: Path, environment: Environment, *, localhost: str | None = None) -> Iterator[BrowserContext]:
    """Run a Chromium of the user; `localhost` is the address that it takes the name for."""
    flags = [f"--proxy-server={environment['HTTPS_PROXY']}"] if "HTTPS_PROXY" in environment else []
    if localhost:
        flags.append(f"--host-resolver-rules=MAP localhost {localhost}")
    user: dict[str, str | float | bool] = {**environment, "HOME": str(home), "TMPDIR": str(home)}
    limit = LIMIT * 1000
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            home / "profile", executable_path=_PROGRAM, args=flags, env=user, timeout=limit
        )
        browser.set_default_timeout(limit)
        try:
            yield browser
        finally:
            browser.close()


def press(button: Locator) -> None:
    """Press a button and wait until its page is gone."""
    with button.page.expect_navigation(wait_until="commit"):
        button.click()


def trust(home: Path, authorities: Path) -> None:
    """Put the authorities of a PEM file where Chromium looks for those of the user."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    run("certutil", "-N", "-d", database, "--empty-password")
    for number, authority in enumerate(authorities.read_text().split("-----BEGIN")[1:]):
        certificate = "-----BEGIN" + authority
        run("certutil", "-A", "-d", database, "-n", f"authority {number}", "-t", "C,,", stdin=certificate)


def version() -> str:
    """Return the version of the browser."""
    _, number, *_ = run(_PROGRAM, "--version").split()
    return number
