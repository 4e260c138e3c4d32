"""Where the tickets lie."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kerberos.heimdal import Heimdal
from kerberos.site import ALICE, Site, site, version
from kerberos.user import User
from support.ground import Ground
from support.page import Row
from support.processes import Environment, Word, mounted, run, running, wait_for

pytestmark = [
    pytest.mark.row(table="Credential caches that keep our tickets", who="MIT Kerberos"),
    pytest.mark.xdist_group("kerberos"),
]

# Whom the lab knows as a user of her own.
CAROL = "carol@CORP.CONTOSO.TEST"


@pytest.fixture(scope="module")
def mit_site(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Site]:
    with site(ground, make_folder) as running:
        running.realm.add_user("carol")
        yield running


@pytest.fixture
def keytab(mit_site: Site) -> Path:
    return mit_site.realm.keytab("alice")


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = version("libkrb5-3")


def assert_token(mit_site: Site, alice: User) -> None:
    """A log-on, and from its ticket a token."""
    alice.kinit()
    mit_site.gives_token(alice)


def assert_primary_counts(mit_site: Site, alice: User) -> None:
    """Another user's tickets lie in the same collection; whoever is primary counts."""
    alice.kinit()
    replace(alice, principal=CAROL).kinit()
    alice.read("kswitch", "-p", CAROL)
    # Entra demands of carol what a ticket cannot give: it knows that it is her.
    mit_site.asks(alice).assert_fails("interaction_required", exit_code=3)
    alice.read("kswitch", "-p", ALICE)
    mit_site.gives_token(alice)


@contextmanager
def keeper(*command: Word, socket: Path, env: Environment | None = None) -> Iterator[None]:
    """Run a daemon that keeps tickets, from when its socket is there."""
    with running(*command, env=env) as process:
        wait_for("socket", lambda: socket.exists() or None, process)
        yield


def kcm_user(mit_site: Site, socket: Path) -> User:
    user = mit_site.alice.at(name="kcm.conf", settings=[f"kcm_socket = {socket}"])
    return replace(user, cache="KCM:")


@pytest.mark.row(what="FILE")
def test_file(mit_site: Site) -> None:
    assert_token(mit_site, mit_site.alice)


@pytest.mark.row(what="DIR, the primary of two users' tickets")
def test_dir(mit_site: Site, folder: Path) -> None:
    assert_primary_counts(mit_site, replace(mit_site.alice, cache=f"DIR:{folder}"))


@pytest.mark.row(what="KEYRING, persistent")
def test_keyring(mit_site: Site) -> None:
    """What RHEL 7 and 8 have for everybody; the user number is nobody's, so that nobody's tickets are touched."""
    alice = replace(mit_site.alice, cache="KEYRING:persistent:2147480000")
    try:
        assert_primary_counts(mit_site, alice)
    finally:
        alice.read("kdestroy", "-A")


@pytest.mark.row(who="sssd-kcm", what="KCM, the primary of two users' tickets")
def test_sssd_kcm(mit_site: Site, folder: Path, row: Row) -> None:
    """The default of RHEL 9 and Fedora."""
    row.version = version("sssd-kcm")
    for name in ("db", "secrets", "conf/conf.d", "log"):
        (folder / name).mkdir(parents=True)
    socket = folder / "kcm"
    settings = folder / "conf" / "sssd.conf"
    settings.write_text(f"[sssd]\nservices =\n[kcm]\nsocket_path = {socket}\n")
    settings.chmod(0o600)
    with (
        mounted(folder, "/var/lib/sss"),
        mounted(folder / "conf", "/etc/sssd"),
        mounted(folder / "log", "/var/log/sssd"),
    ):
        run("/usr/sbin/sssd", "--genconf-section=kcm")
        options = ("--uid", "0", "--gid", "0", "--logger=stderr")
        with keeper("/usr/libexec/sssd/sssd_kcm", *options, socket=socket):
            assert_primary_counts(mit_site, kcm_user(mit_site, socket))


@pytest.mark.row(who="Heimdal kcm", what="KCM")
def test_heimdal_kcm(ground: Ground, mit_site: Site, folder: Path, row: Row) -> None:
    row.version = version("libkrb5-26-heimdal")
    heimdal = Heimdal(ground.prepared)
    # It always opens its socket there.
    socket = Path("/run/.heim_org.h5l.kcm-socket")
    with (
        mounted(folder, "/run"),
        keeper(heimdal.root / "usr/sbin/kcm", socket=socket, env=heimdal.environment()),
    ):
        assert_token(mit_site, kcm_user(mit_site, socket))


@pytest.mark.row(what="MEMORY, which is another process's: kerberos_no_ticket")
def test_memory(mit_site: Site) -> None:
    """A cache in the memory of another process is of no use."""
    alice = replace(mit_site.alice, cache="MEMORY:login")
    mit_site.asks(alice).assert_fails("kerberos_no_ticket", "kinit", 4)


@pytest.mark.row(what="KRB5CCNAME unset, the default of krb5.conf")
def test_default_cache(mit_site: Site, folder: Path) -> None:
    setting = f"default_ccache_name = FILE:{folder}/of-%{{uid}}"
    assert_token(mit_site, replace(mit_site.alice.at(name="default.conf", settings=[setting]), cache=None))


@pytest.mark.row(what="a client keytab by --keytab, no login")
def test_keytab_option(mit_site: Site, keytab: Path, folder: Path) -> None:
    service = replace(mit_site.alice, cache=f"FILE:{folder}/krb5cc", options=("--keytab", keytab))
    mit_site.gives_token(service)
    # The tickets of the service are not written to the login's cache.
    assert not (folder / "krb5cc").exists()


@pytest.mark.row(what="a client keytab by KRB5_CLIENT_KTNAME")
def test_keytab_variable(mit_site: Site, keytab: Path, folder: Path) -> None:
    variables = {"KRB5_CLIENT_KTNAME": f"FILE:{keytab}"}
    mit_site.gives_token(replace(mit_site.alice, cache=f"FILE:{folder}/krb5cc", variables=variables))


@pytest.mark.row(what="default_client_keytab_name of krb5.conf")
def test_keytab_of_configuration(mit_site: Site, keytab: Path, folder: Path) -> None:
    setting = f"default_client_keytab_name = FILE:{keytab}"
    service = mit_site.alice.at(name="keytab.conf", settings=[setting])
    mit_site.gives_token(replace(service, cache=f"FILE:{folder}/krb5cc"))
