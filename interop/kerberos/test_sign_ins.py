"""How people sign in, in which realm, and what goes wrong on their way."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kerberos.conf import Krb5Conf
from kerberos.mit import Realm
from kerberos.pkinit import PIN, Certificates
from kerberos.site import REALM, SERVICE, UPN, Site, alice, demanding_lab, site, version
from kerberos.user import User
from support.ground import Ground
from support.lab import Lab
from support.page import Row
from support.processes import answer, mounted, wait_for

pytestmark = [
    pytest.mark.row(table="Sign-ins, realms and names", who="MIT Kerberos"),
    pytest.mark.xdist_group("kerberos"),
]

# The realm of the lab's ivan.
OTHER_REALM = "EMEA.CONTOSO.TEST"
IVAN = f"ivan@{OTHER_REALM}"
# The machine that the name of the federation service leads to.
BALANCER = "balancer.contoso.test"

MakeFolder = Callable[[], Path]


def what(text: str) -> pytest.MarkDecorator:
    return pytest.mark.row(what=text)


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = version("krb5-kdc")


@dataclass
class ByCertificate:
    """A realm in which alice has no password."""

    certificates: Certificates
    lab: Lab
    alice: User


@pytest.fixture
def by_certificate(ground: Ground, make_folder: MakeFolder) -> Iterator[ByCertificate]:
    folder = make_folder()
    certificates = Certificates(folder, REALM, "alice")
    realm = Realm(folder, REALM, lines=certificates.kdc_lines)
    realm.administer("addprinc", "-nokey", "+requires_preauth", "alice")
    keytab = realm.add_service(SERVICE)
    conf = Krb5Conf(folder, {REALM: realm.address}, settings=[certificates.client_line])
    with realm.kdc(), demanding_lab(ground, make_folder(), keytab) as lab:
        yield ByCertificate(certificates, lab, alice(conf))


@what("PKINIT with a key in a file")
def test_key_in_file(ground: Ground, by_certificate: ByCertificate) -> None:
    user = by_certificate.alice
    user.kinit("-X", by_certificate.certificates.in_files, secret="")
    user.asks(ground, by_certificate.lab).assert_token_of(UPN)


@what("PKINIT with a soft token (PKCS#11)")
def test_soft_token(ground: Ground, by_certificate: ByCertificate) -> None:
    variables, identity = by_certificate.certificates.in_token()
    user = replace(by_certificate.alice, variables=variables)
    user.kinit("-X", identity, secret=PIN)
    user.asks(ground, by_certificate.lab).assert_token_of(UPN)


@dataclass
class Forest:
    """Alice's realm and ivan's, which trust each other; AD FS is in ivan's."""

    ground: Ground
    lab: Lab
    alice: User

    def gives_token(self, user: User, upn: str = UPN) -> None:
        user.kinit()
        user.asks(self.ground, self.lab).assert_token_of(upn)


@contextmanager
def forest(ground: Ground, make_folder: MakeFolder, *, refers: bool) -> Iterator[Forest]:
    """Start it; alice's KDC may know that the hosts of `contoso.test` are in ivan's realm."""
    folder = make_folder()
    home = Realm(folder, REALM, domains={".contoso.test": OTHER_REALM} if refers else {})
    other = Realm(folder, OTHER_REALM, address="127.0.0.2")
    for realm in (home, other):
        realm.add_user(f"krbtgt/{OTHER_REALM}@{REALM}")
        realm.add_user(f"krbtgt/{REALM}@{OTHER_REALM}")
    home.add_user("alice")
    other.add_user("ivan")
    keytab = other.add_service(SERVICE)
    conf = Krb5Conf(folder, {REALM: home.address, OTHER_REALM: other.address})
    with home.kdc(), other.kdc(), demanding_lab(ground, make_folder(), keytab) as lab:
        yield Forest(ground, lab, alice(conf))


@pytest.fixture(scope="class")
def referring(ground: Ground, make_folder: MakeFolder) -> Iterator[Forest]:
    with forest(ground, make_folder, refers=True) as running:
        yield running


class TestForest:
    """In two realms, of which the first refers to the other."""

    @what("AD FS in a trusted realm, which the user's KDC refers to")
    def test_referral(self, referring: Forest) -> None:
        referring.gives_token(referring.alice)

    @what("default_realm that is not the user's")
    def test_another_default_realm(self, referring: Forest) -> None:
        referring.gives_token(replace(referring.alice, principal=IVAN), "ivan@contoso.test")

    @what("default_realm that does not exist")
    def test_unknown_default_realm(self, referring: Forest) -> None:
        referring.gives_token(referring.alice.at(name="nowhere.conf", default_realm="NOWHERE.TEST"))


@what("AD FS in a trusted realm, which only domain_realm of krb5.conf names")
def test_domain_realm(ground: Ground, make_folder: MakeFolder) -> None:
    with forest(ground, make_folder, refers=False) as silent:
        silent.gives_token(silent.alice.at(name="mapped.conf", domains={".contoso.test": OTHER_REALM}))


@pytest.fixture
def alias(folder: Path) -> Iterator[None]:
    """Make the federation service's name an alias of a balancer's: the first name is the canonical one."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n127.0.0.7 {BALANCER} sts.contoso.test\n")
    with mounted(hosts, "/etc/hosts"):
        yield


@pytest.mark.usefixtures("alias")
@pytest.mark.parametrize("canonical", ["true", "fallback"])
def test_alias(ground: Ground, make_folder: MakeFolder, canonical: str, row: Row) -> None:
    setting = f"dns_canonicalize_hostname = {canonical}"
    row.what = f"federation host is an alias, {setting}"
    with site(ground, make_folder) as running:
        user = running.alice.at(name="canonical.conf", settings=[setting])
        user.kinit()
        running.gives_token(user)
        assert SERVICE in user.read("klist")
        assert BALANCER not in running.realm.log()


@what("federation host is an alias, only its target has an SPN, which --spn names")
@pytest.mark.usefixtures("alias")
def test_spn_of_target(ground: Ground, make_folder: MakeFolder) -> None:
    spn = f"HTTP/{BALANCER}"
    with site(ground, make_folder, spn) as running:
        user = running.alice
        user.kinit()
        running.asks(user).assert_fails("kerberos_unknown_service_principal", "alias", 5)
        told = running.asks(user, "--federation-hosts", "sts.contoso.test", "--spn", spn)
        told.assert_token_of(UPN)


@pytest.fixture(scope="class")
def mit_site(ground: Ground, make_folder: MakeFolder) -> Iterator[Site]:
    with site(ground, make_folder) as running:
        yield running


class TestTrouble:
    """What goes wrong at a machine of the realm."""

    @what("no sign-in: kerberos_no_ticket")
    def test_no_sign_in(self, mit_site: Site, folder: Path) -> None:
        user = replace(mit_site.alice, cache=f"FILE:{folder}/krb5cc")
        mit_site.asks(user).assert_fails("kerberos_no_ticket", "kinit", 4)

    @what("a ticket that has ended: kerberos_ticket_expired")
    def test_ended_ticket(self, mit_site: Site) -> None:
        user = mit_site.alice
        user.kinit("-l", "2s")
        environment = user.environment(os.environ)
        wait_for("end of the ticket", lambda: answer("klist", "-s", env=environment).returncode or None)
        mit_site.asks(user).assert_fails("kerberos_ticket_expired", "kinit", 4)

    @what("no KDC in reach, a ticket-granting ticket alone: kerberos_kdc_unreachable")
    def test_no_kdc(self, mit_site: Site) -> None:
        mit_site.alice.kinit()
        away = mit_site.alice.at(name="away.conf", realms=mit_site.conf.without_kdcs())
        mit_site.asks(away).assert_fails("kerberos_kdc_unreachable", "VPN", 6)

    @what("a krb5.conf without the realm, no DNS: kerberos_realm_unknown")
    def test_unknown_realm(self, mit_site: Site) -> None:
        mit_site.alice.kinit()
        empty = mit_site.alice.at(name="empty.conf", realms={})
        mit_site.asks(empty).assert_fails("kerberos_realm_unknown", "krb5.conf", 6)

    @pytest.mark.parametrize(("ahead", "how"), [("+30m", "ahead"), ("-30m", "back")], ids=["ahead", "back"])
    def test_clock_after_sign_in(self, mit_site: Site, ahead: str, how: str, row: Row) -> None:
        row.what = f"a clock that went half an hour {how} after the sign-in: kerberos_clock_skew"
        mit_site.alice.kinit()
        late = replace(mit_site.alice, wrapper=("faketime", "-f", ahead))
        mit_site.asks(late).assert_fails("kerberos_clock_skew", "clock", 5)

    @what("a clock that is half an hour ahead since before the sign-in")
    def test_clock_before_sign_in(self, mit_site: Site) -> None:
        ahead = replace(mit_site.alice, wrapper=("faketime", "-f", "+30m"))
        ahead.kinit()
        mit_site.gives_token(ahead)
