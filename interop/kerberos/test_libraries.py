"""The GSSAPI libraries that make the Negotiate token."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kerberos.site import UPN, Site, site, version
from kerberos.user import User
from support.ground import Ground
from support.lab import lab
from support.page import Row
from support.processes import mounted, run

pytestmark = [
    pytest.mark.row(table="GSSAPI libraries that make our tokens"),
    pytest.mark.xdist_group("kerberos"),
]

MIT = "libgssapi_krb5.so.2"
BOUND = pytest.mark.row(what="a token, from an AD FS that demands the channel binding")
UNKNOWN = pytest.mark.row(what="a service that no KDC knows is told from a KDC that is away")


@dataclass
class Library:
    """A library by its name or path, and the folder of those that it needs."""

    who: str
    version: str
    name: str
    needs: Path | None = None


@pytest.fixture(scope="module")
def mit_site(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Site]:
    with site(ground, make_folder) as running:
        yield running


@pytest.fixture
def mit() -> Library:
    return Library("MIT Kerberos", version("libgssapi-krb5-2"), MIT)


@pytest.fixture
def heimdal() -> Library:
    return Library("Heimdal", version("libgssapi3-heimdal"), "libgssapi.so.3")


@pytest.fixture
def old_mit(ground: Ground) -> Library:
    """Return MIT Kerberos 1.15 of CentOS 7, as many programs carry it, with the version that it says it has."""
    libraries = ground.prepared / "kerberos/mit_before_1_19/psycopg2_binary.libs"
    [gssapi] = libraries.glob("libgssapi_krb5-*")
    [krb5] = libraries.glob("libkrb5-*")
    brand = re.search(rb"KRB5_BRAND: krb5-([^-]+)-", krb5.read_bytes())
    assert brand
    return Library("MIT Kerberos before 1.19", brand[1].decode(), str(gssapi), libraries)


@pytest.fixture
def library(request: pytest.FixtureRequest, row: Row) -> Library:
    """Return the library of the fixture that the parameter names."""
    library: Library = request.getfixturevalue(request.param)
    row.who, row.version = library.who, library.version
    return library


@pytest.fixture
def alice(mit_site: Site, library: Library) -> User:
    """Return alice, signed in with a cache of her own, and Silentry with that library."""
    alice = replace(
        mit_site.alice,
        cache=f"FILE:{mit_site.folder}/krb5cc-{Path(library.name).name}",
        options=("--gssapi-library", library.name),
        for_silentry={"LD_LIBRARY_PATH": str(library.needs)} if library.needs else {},
    )
    alice.kinit()
    return alice


@BOUND
@pytest.mark.parametrize("library", ["mit", "heimdal"], indirect=True)
def test_bound(mit_site: Site, alice: User) -> None:
    mit_site.gives_token(alice)


@BOUND
@pytest.mark.row(red="its SPNEGO leaves the channel binding out, and AD FS refuses: `negotiate_rejected`")
@pytest.mark.parametrize("library", ["old_mit"], indirect=True)
def test_lost_binding(mit_site: Site, alice: User) -> None:
    mit_site.asks(alice).assert_fails("negotiate_rejected", "MIT Kerberos before 1.19", 7)


@pytest.mark.row(what="a token, from an AD FS with its default settings")
@pytest.mark.parametrize("library", ["old_mit"], indirect=True)
def test_unbound(ground: Ground, mit_site: Site, alice: User, folder: Path) -> None:
    with lab(ground.programs / "silentry-lab", folder, "--keytab", mit_site.keytab) as lenient:
        alice.asks(ground, lenient).assert_token_of(UPN)


@UNKNOWN
@pytest.mark.parametrize("library", ["mit", "heimdal", "old_mit"], indirect=True)
def test_unknown_service(mit_site: Site, alice: User) -> None:
    hosts = ("--federation-hosts", "sts.contoso.test")
    unknown = mit_site.asks(alice, *hosts, "--spn", "HTTP/nobody.contoso.test")
    unknown.assert_fails("kerberos_unknown_service_principal", "setspn", 5)
    away = alice.at(name="away.conf", realms=alice.conf.without_kdcs())
    unreachable = mit_site.asks(away, *hosts, "--spn", "HTTP/other.contoso.test")
    unreachable.assert_fails("kerberos_kdc_unreachable", "VPN", 6)


@pytest.mark.row(who="Heimdal", what="a token where MIT's is not installed")
def test_heimdal_alone(mit_site: Site, heimdal: Library, row: Row, folder: Path) -> None:
    row.version = heimdal.version
    mit_site.alice.kinit()
    nothing = folder / "nothing"
    nothing.touch()
    listed = [line for line in run("/sbin/ldconfig", "-p").splitlines() if line.strip().startswith(MIT)]
    with ExitStack() as hidden:
        for line in listed:
            hidden.enter_context(mounted(nothing, line.partition("=> ")[2]))
        mit_site.gives_token(mit_site.alice)
