"""Browsers in which people sign in for a program of ours, on the pages of the lab.

The program opens the address as on any desktop. Each test has a lab and a browser of its own.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Error

from browsers.chromium import chromium, trust, version
from browsers.person import Person, Visit, sign_in
from support.desktop import Desktop
from support.ground import Ground
from support.lab import Lab
from support.page import Row

pytestmark = pytest.mark.row(table="Browsers that people sign in with", who="Chromium")

ALICE = Person("alice@contoso.test", ("Alice-Passw0rd",))
CAROL = Person("carol@contoso.test", ("Carol-Passw0rd",), code="246810")
DAVE = Person("dave@contoso.test", ("Dave-Passw0rd",))
NOBODY = Person()
SIGNED_IN = "You can close this window and return to the application."


def what(text: str) -> pytest.MarkDecorator:
    return pytest.mark.row(what=text)


@dataclass
class User:
    """A user of a desktop with a browser, and the program that wants a sign-in."""

    desktop: Desktop
    browser: BrowserContext
    example: Path

    def visit(self, person: Person, *words: str, comes_back_by: str = "form_post") -> tuple[Visit, dict[str, Any]]:
        """Sign in by the browser; return what was seen, and what the program answered."""
        with self.desktop.program(self.example, "web", *words) as program:
            page = self.browser.new_page()
            # Some servers answer by GET whatever was asked for.
            page.goto(program.address().replace("response_mode=form_post", f"response_mode={comes_back_by}"))
            visit = sign_in(page, person)
            return visit, json.loads(program.ending())

    def visit_with_device_code(self, person: Person) -> tuple[Visit, dict[str, Any]]:
        """Sign in on another device."""
        with self.desktop.program(self.example, "device") as program:
            shown = json.loads(program.line())
            page = self.browser.new_page()
            page.goto(shown["verification_uri"])
            visit = sign_in(page, person, device_code=shown["user_code"])
            return visit, json.loads(program.ending())


@pytest.fixture
def desktop(start_lab: Callable[..., Lab], folder: Path) -> Desktop:
    home = folder / "home"
    home.mkdir()
    return Desktop(home, start_lab().environment)


@pytest.fixture
def user(ground: Ground, desktop: Desktop, row: Row, request: pytest.FixtureRequest) -> Iterator[User]:
    """Return a user who trusts the lab; a parameter is the address that the browser takes `localhost` for."""
    trust(desktop.home, Path(desktop.environment["SILENTRY_CA_BUNDLE"]))
    localhost = getattr(request, "param", None)
    with chromium(desktop.home, desktop.environment, localhost=localhost) as browser:
        row.version = version()
        yield User(desktop, browser, ground.examples / "sign_in")


def assert_signed_in(seen: tuple[Visit, dict[str, Any]], person: Person, *headings: str) -> None:
    visit, answer = seen
    assert answer == {"user": person.user}
    assert SIGNED_IN in visit.text
    assert visit.host == "localhost"
    if headings:
        assert visit.headings == list(headings)


@pytest.mark.parametrize(
    ("user", "comes_back_by"),
    [
        pytest.param("127.0.0.1", "form_post", marks=what("signs in; back by POST over IPv4")),
        pytest.param("[::1]", "form_post", marks=what("signs in; back by POST over IPv6")),
        pytest.param("127.0.0.1", "query", marks=what("signs in; back by GET over IPv4")),
        pytest.param("[::1]", "query", marks=what("signs in; back by GET over IPv6")),
    ],
    indirect=["user"],
)
def test_ways_back(user: User, comes_back_by: str) -> None:
    assert_signed_in(user.visit(ALICE, comes_back_by=comes_back_by), ALICE)


@what("a wrong password, then the right one")
def test_wrong_password(user: User) -> None:
    person = Person(ALICE.user, ("wrong", *ALICE.passwords))
    assert_signed_in(user.visit(person), ALICE, "Sign in", "Enter password", "Enter password", "Signed in")


@what("a second factor")
def test_second_factor(user: User) -> None:
    assert_signed_in(user.visit(CAROL), CAROL, "Sign in", "Enter password", "Enter code", "Signed in")


@what("consents")
def test_consent(user: User) -> None:
    assert_signed_in(user.visit(DAVE), DAVE, "Sign in", "Enter password", "Permissions requested", "Signed in")


@what("does not consent: access_denied")
def test_no_consent(user: User) -> None:
    visit, answer = user.visit(Person(DAVE.user, DAVE.passwords, cancels_at="Permissions requested"))
    assert answer == {"error": "access_denied"}
    assert visit.host == "localhost"
    assert "Not signed in" in visit.text


@what("cancels: authentication_canceled")
def test_cancel(user: User) -> None:
    visit, answer = user.visit(Person(ALICE.user, cancels_at="Enter password"))
    assert answer == {"error": "authentication_canceled"}
    assert visit.host == "localhost"
    assert "You have not signed in" in visit.text


@what("is signed in already: nothing is asked")
def test_signed_in_already(user: User) -> None:
    assert_signed_in(user.visit(ALICE), ALICE)
    assert_signed_in(user.visit(NOBODY), ALICE, "Signed in")


@what("is signed in already, prompt=select_account: picks the account")
def test_account_is_picked(user: User) -> None:
    assert_signed_in(user.visit(ALICE), ALICE)
    again = user.visit(Person(account=ALICE.user), "--prompt", "select_account")
    assert_signed_in(again, ALICE, "Pick an account", "Signed in")


@what("is signed in already, prompt=login: the password again")
def test_password_again(user: User) -> None:
    assert_signed_in(user.visit(ALICE), ALICE)
    again = user.visit(ALICE, "--prompt", "login", "--login-hint", ALICE.user)
    assert_signed_in(again, ALICE, "Enter password", "Signed in")


@what("prompt=select_account with a login hint: the name is filled in")
def test_login_hint(user: User) -> None:
    seen = user.visit(Person(passwords=ALICE.passwords), "--prompt", "select_account", "--login-hint", ALICE.user)
    assert_signed_in(seen, ALICE)
    assert seen[0].hint == ALICE.user


@what("prompt=none, nobody is signed in: the program is told that somebody must")
def test_no_prompt(user: User) -> None:
    visit, answer = user.visit(NOBODY, "--prompt", "none")
    assert answer == {"error": "login_required"}
    assert "Not signed in" in visit.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param(
            "code=forged&state=guessed",
            "belongs to another sign-in",
            marks=what("another page forges an answer: it is not taken, and the sign-in goes on"),
        ),
        pytest.param(
            "state=guessed",
            "Nothing to sign in with",
            marks=what("another page finds the port: the sign-in goes on"),
        ),
    ],
)
def test_another_page(user: User, query: str, says: str) -> None:
    with user.desktop.program(user.example, "web") as program:
        page, another_page = user.browser.new_page(), user.browser.new_page()
        page.goto(program.address())
        [redirect_uri] = parse_qs(urlsplit(program.address()).query)["redirect_uri"]
        another_page.goto(f"{redirect_uri}/?{query}")
        assert says in another_page.locator("body").inner_text()
        visit = sign_in(page, ALICE)
        assert_signed_in((visit, json.loads(program.ending())), ALICE)


@what("does not trust the lab: no page, and the program's time runs out")
def test_lab_is_not_trusted(ground: Ground, desktop: Desktop, row: Row) -> None:
    row.version = version()
    with (
        chromium(desktop.home, desktop.environment) as browser,
        desktop.program(ground.examples / "sign_in", "web", "--timeout", "2") as program,
    ):
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            browser.new_page().goto(program.address())
        assert json.loads(program.ending()) == {"error": "authentication_timed_out"}


@what("types a device code and approves")
def test_device_code(user: User) -> None:
    visit, answer = user.visit_with_device_code(ALICE)
    assert answer == {"user": ALICE.user}
    assert "You have signed in" in visit.text


@what("types a device code, and a second factor")
def test_device_code_and_second_factor(user: User) -> None:
    visit, answer = user.visit_with_device_code(CAROL)
    assert answer == {"user": CAROL.user}
    assert "You have signed in" in visit.text


@what("types a device code and declines")
def test_device_code_declined(user: User) -> None:
    asked = "Are you trying to sign in to Silentry Lab Client?"
    visit, answer = user.visit_with_device_code(Person(ALICE.user, ALICE.passwords, cancels_at=asked))
    assert answer == {"error": "authorization_declined"}
    assert "You have cancelled" in visit.text
