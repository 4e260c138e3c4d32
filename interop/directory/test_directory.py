"""The UPN from Active Directory: Samba's, which refuses binds that do not sign."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.ground import Ground
from support.lab import Lab, lab
from support.page import Row
from support.processes import Word, answer, run
from support.samba import PASSWORD, Domain
from support.silentry import Answer, sign_in

pytestmark = [
    pytest.mark.row(table="Directories that know the UPN", who="Samba AD"),
    pytest.mark.xdist_group("samba"),
]

CONTROLLER = "dc1.corp.contoso.test"
ALICE = "alice@contoso.test"
# Without the tenant's domain there is no guess but the realm, of which Entra knows nothing.
NO_GUESS = ("--tenant", "organizations")
# `strongerAuthRequired` (RFC 4511 4.1.9), which ldapsearch ends with.
STRONGER_AUTH_REQUIRED = 8
# In seconds. Far beyond the two that a silent directory may cost, far below what a silent server may.
PATIENCE = 20


@dataclass
class Site:
    """A domain with its controller, and a lab that takes its tickets."""

    ground: Ground
    domain: Domain
    lab: Lab

    def sign_in(self, account: str, *options: Word) -> Answer:
        """Sign in to the domain, and then ask for a token."""
        self.domain.sign_in(account)
        environment = self.domain.environment(self.lab.environment)
        # The lab has no directory, but the domain has.
        environment.pop("SILENTRY_DIRECTORY", None)
        return sign_in(self.ground, environment, *options)

    def has_ticket_of_directory(self) -> bool:
        return f"ldap/{CONTROLLER}" in self.domain.tickets()


@pytest.fixture(scope="module")
def site(ground: Ground, make_folder: Callable[[], Path], name_loopback: Callable[..., None]) -> Iterator[Site]:
    # The domain controller finds itself by these names; so does who looks for one.
    name_loopback(CONTROLLER, "corp.contoso.test")
    domain = Domain(make_folder())
    domain.add_user("erin", "erin@corp.internal")
    domain.set("erin", "mail", "erin@contoso.test")
    domain.add_user("judy", None)
    program = ground.programs / "silentry-lab"
    with domain.controller(), lab(program, make_folder(), "--keytab", domain.keytab) as running:
        yield Site(ground, domain, running)


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = run("samba", "--version").strip().removeprefix("Version ")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), marks=pytest.mark.row(what="UPN suffix that is neither the realm nor the tenant's domain")),
        pytest.param(
            ("--gssapi-library", "libgssapi.so.3"),
            marks=pytest.mark.row(what="the same through Heimdal's GSSAPI library"),
        ),
        pytest.param(
            ("--directory", CONTROLLER),
            marks=pytest.mark.row(what="the same, asking a domain controller by name"),
        ),
    ],
)
def test_suffix(site: Site, options: tuple[str, ...]) -> None:
    site.sign_in("alice", *NO_GUESS, *options).assert_token_of(ALICE)
    assert site.has_ticket_of_directory()


@pytest.mark.row(what="alternate login id in `mail`")
def test_alternate_id(site: Site) -> None:
    by_upn = site.sign_in("erin", *NO_GUESS)
    assert "erin@corp.internal" in by_upn.members["message"]
    site.sign_in("erin", *NO_GUESS, "--upn-attribute", "mail").assert_token_of("erin@contoso.test")


@pytest.mark.row(what="NetBIOS name, `CONTOSO\\alice`")
def test_netbios_name(site: Site) -> None:
    site.sign_in("alice", "--username", "CONTOSO\\alice").assert_token_of(ALICE)


@pytest.mark.row(what="another user's NetBIOS name or alternate login id gives no token")
def test_another_user(site: Site) -> None:
    """The directory tells whom the names mean, and the ticket is somebody else's."""
    for name in ("CONTOSO\\erin", "erin@contoso.test"):
        told = site.sign_in("alice", "--username", name, "--upn-attribute", "mail")
        told.assert_fails("user_mismatch", ALICE)
    own = site.sign_in("erin", "--username", "CONTOSO\\erin", "--upn-attribute", "mail")
    own.assert_token_of("erin@contoso.test")


@pytest.mark.row(what="account without a UPN has the implicit one")
def test_implicit_upn(site: Site) -> None:
    """Entra knows no user by it in this lab, so only the tenant's domain leads further."""
    by_account = site.sign_in("judy", "--username", "CONTOSO\\judy")
    assert "judy@corp.contoso.test" in by_account.members["message"]
    site.sign_in("judy", "--directory", CONTROLLER).assert_token_of("judy@contoso.test")


@pytest.mark.row(what="a guess that leads to AD FS asks no directory")
def test_guess(site: Site) -> None:
    site.sign_in("alice").assert_token_of(ALICE)
    assert not site.has_ticket_of_directory()


@pytest.mark.row(what="a directory that never answers delays a sign-in by two seconds")
def test_silence(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        told = site.sign_in("alice", "--directory", f"{CONTROLLER}:{silent.getsockname()[1]}")
        took = time.monotonic() - begun
    told.assert_token_of(ALICE)
    assert took < PATIENCE


@pytest.mark.row(
    what="NetBIOS name of a domain that the forest does not have",
    red="nobody can tell who that is; Silentry says so",
)
def test_foreign_netbios_name(site: Site) -> None:
    told = site.sign_in("alice", "--username", "FABRIKAM\\alice")
    told.assert_fails("invalid_username", "the forest has no domain FABRIKAM")


@pytest.mark.row(
    who="ldapsearch",
    what="bind with a password that signs nothing",
    red="a domain controller refuses binds that do not sign (strongerAuthRequired): that ours is accepted shows that we"
    " sign",
)
@pytest.mark.usefixtures("site")
def test_unsigned_bind(row: Row) -> None:
    # ldapsearch: @(#) $OpenLDAP: ldapsearch 2.5.13+dfsg-5 (Feb  8 2023 01:56:12) $
    version = re.search(r"\$OpenLDAP: ldapsearch (\S+)", answer("ldapsearch", "-VV").stderr)
    assert version
    row.version = version[1]
    bind = ("-D", ALICE, "-w", PASSWORD, "-b", "")
    ended = answer("ldapsearch", "-x", "-H", f"ldap://{CONTROLLER}", "-s", "base", *bind)
    assert ended.returncode == STRONGER_AUTH_REQUIRED, ended.stderr
