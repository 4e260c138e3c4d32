"""A real Chromium, as a user of the desktop has it.

It trusts the authorities that are in the user's certificate store, reaches all servers through the proxy of the
environment, and the loopback address past it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright

from support.processes import LIMIT, Environment, run

_PROGRAM = "/usr/bin/chromium"


@contextmanager
def chromium(
    playwright: Playwright, home: Path, environment: Environment, *, localhost: str | None = None
) -> Iterator[BrowserContext]:
    """Run a Chromium of the user; `localhost` is the address that it takes the name for."""
    flags = [f"--proxy-server={environment['HTTPS_PROXY']}"] if "HTTPS_PROXY" in environment else []
    if localhost:
        flags.append(f"--host-resolver-rules=MAP localhost {localhost}")
    user: dict[str, str | float | bool] = {**environment, "HOME": str(home), "TMPDIR": str(home)}
    browser = playwright.chromium.launch_persistent_context(
        home / "profile", executable_path=_PROGRAM, args=flags, env=user, timeout=LIMIT * 1000
    )
    browser.set_default_timeout(LIMIT * 1000)
    try:
        yield browser
    finally:
        browser.close()


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
