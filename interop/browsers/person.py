"""Somebody at a browser who knows a name and passwords, and does what the pages of the lab ask for."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Page

from browsers.chromium import press

_NEXT = "#idSIButton9"
_CANCEL = "#idBtn_Back"
# What only a page has that asks for something, with the way to answer it.
_NAME, _PASSWORD, _FACTOR, _DEVICE_CODE = "#i0116", "#i0118", "#idTxtBx_SAOTCC_OTC", "#otc"
_ACCOUNTS = "#otherTile"


@dataclass(frozen=True)
class Person:
    """What somebody knows and does."""

    user: str = ""
    passwords: tuple[str, ...] = ()
    # Of a second factor.
    code: str = ""
    # The one to pick among those that are signed in.
    account: str = ""
    # The heading of the page to cancel at.
    cancels_at: str | None = None


@dataclass
class Visit:
    """What was seen on the way."""

    headings: list[str] = field(default_factory=list)
    # The user's name that was filled in already.
    hint: str | None = None
    # What the last page says, and whose it is.
    text: str = ""
    host: str | None = None


def sign_in(page: Page, person: Person, device_code: str = "") -> Visit:
    """Go on until no page asks for anything more."""
    visit = Visit()
    passwords = list(person.passwords)
    while True:
        # Not the page that sends itself off.
        heading = page.locator("h1").filter(has_not_text="Working...")
        heading.wait_for()
        visit.headings.append(heading.inner_text())
        if visit.headings[-1] == person.cancels_at:
            press(page.locator(_CANCEL))
        elif page.locator(_NAME).count():
            name = page.locator(_NAME)
            visit.hint = name.input_value()
            if not visit.hint:
                name.fill(person.user)
            press(page.locator(_NEXT))
        elif page.locator(_PASSWORD).count():
            page.locator(_PASSWORD).fill(passwords.pop(0))
            press(page.locator(_NEXT))
        elif page.locator(_FACTOR).count():
            page.locator(_FACTOR).fill(person.code)
            press(page.locator("#idSubmit_SAOTCC_Continue"))
        elif page.locator(_DEVICE_CODE).count():
            page.locator(_DEVICE_CODE).fill(device_code)
            press(page.locator(_NEXT))
        elif page.locator(_ACCOUNTS).count():
            press(page.locator(f".tile[value='{person.account}']"))
        elif page.locator(_NEXT).count():
            press(page.locator(_NEXT))
        else:
            visit.text = page.locator("body").inner_text()
            visit.host = urlsplit(page.url).hostname
            return visit
