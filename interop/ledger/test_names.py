"""A name server that says of the federation server, or of a proxy, that it is an alias of an internal host.

For which principal the ticket is then asked: what DNS says of a host chooses nobody else's ticket.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket

import pytest

from kerberos.user import User
from ledger.realm import Ledger, ledger
from ledger.site import LAB, STS
from support.ground import Ground
from support.lab import Lab, lab
from support.page import Row
from support.processes import Word, answer, debian_version, mounted, running, wait_for
from support.silentry import sign_in

# The internal host, whose service has a principal; the alias has none.
INTERNAL = "intranet.contoso.test"

pytestmark = [
    pytest.mark.row(
        table="The ticket ledger: what network and KDC see of a sign-in",
        who=f"a name server for which {STS} is an alias of {INTERNAL}",
    ),
    pytest.mark.xdist_group("ledger"),
]

# What MIT Kerberos makes of a host's name (krb5.conf(5), `dns_canonicalize_hostname`).
SETTINGS = ("true", "fallback", "false")
# The same of Heimdal's, whose rules can ask for DNS by themselves.
HEIMDALS = (
    "true",
    "true\n name_canon_rules = nss:",
    "true\n name_canon_rules = as-is:\n name_canon_rules = nss:",
)
# Which of the answers have the internal host in them: a check of one does not hold for the next.
LIES = ("every", "odd", "even")


class Proxy(BaseHTTPRequestHandler):
    """A proxy that demands a ticket and remembers what it gets."""

    credentials: list[str] = []  # noqa: RUF012

    def do_CONNECT(self) -> None:
        if given := self.headers.get("Proxy-Authorization"):
            self.credentials.append(given)
        self.send_response(407)
        self.send_header("Proxy-Authenticate", "Negotiate")
        self.send_header("Content-Length", "0")
        self.end_headers()


@dataclass
class Network:
    """The realm without a principal of the federation server, a lab that has the key of the internal host, a proxy."""

    ground: Ground
    ledger: Ledger
    lab: Lab
    proxy: str
    credentials: list[str] = field(default_factory=list)

    def assert_refused(self, user: User, code: str, *options: Word, **variables: str) -> None:
        """The sign-in fails so, the KDC's log has the alias alone, and the user's ccache no ticket."""
        user.kinit("-f")
        before = len(self.ledger.asked())
        environment = user.environment(self.lab.environment)
        for name in ("HTTPS_PROXY", "https_proxy"):
            environment.pop(name, None)
        environment |= {"SILENTRY_CA_BUNDLE": str(self.lab.folder / "ca.pem"), **variables}
        asks = ("--cache", "none", "--username", "alice@contoso.test", *options)
        told = sign_in(self.ground, environment, *asks)
        asked = self.ledger.asked()[before:]
        told.assert_fails(code)
        assert f"HTTP/{STS}" in asked
        # Realms may be looked for, one being named as the host's domain.
        assert all(service == f"HTTP/{STS}" or service.startswith("krbtgt/") for service in asked), asked
        assert "HTTP/" not in user.read("klist")

    def assert_adfs_saw_no_ticket(self) -> None:
        assert not [line for line in self.lab.journal() if line.get("ticket")]


@pytest.fixture(scope="module")
def network(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Network]:
    folder = make_folder()
    hosts, resolver = folder / "hosts", folder / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n")
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
    program = ground.programs / "silentry-lab"
    with (
        ledger(make_folder(), f"HTTP/{INTERNAL}") as realm,
        lab(program, make_folder(), "--listen", LAB, "--keytab", realm.keytab) as running_lab,
        HTTPServer(("127.0.0.1", 0), Proxy) as proxy,
        mounted(hosts, "/etc/hosts"),
        mounted(resolver, "/etc/resolv.conf"),
    ):
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield Network(ground, realm, running_lab, f"http://{STS}:{proxy.server_port}", Proxy.credentials)
        proxy.shutdown()


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = debian_version("python3", "Version")


@contextmanager
def dns(lies: str) -> Iterator[None]:
    """Run the name server."""

    def listens() -> bool | None:
        """Nobody else can have the port once it listens."""
        with socket(AF_INET, SOCK_DGRAM) as other:
            try:
                other.bind(("127.0.0.1", 53))
            except OSError:
                return True
            return None

    with running(sys.executable, Path(__file__).with_name("dns.py"), STS, INTERNAL, lies) as process:
        wait_for("name server", listens, process)
        yield


def assert_library_is_led_astray(network: Network, setting: str) -> None:
    """The library itself, given a host-based name, asks for the internal host: the lie works."""
    user = network.ledger.user(setting)
    user.kinit("-f")
    before = len(network.ledger.asked())
    # It ends with the right code or, where the library asks for the name as it is, with that of an unknown name.
    answer("kvno", "-S", "HTTP", STS, env=user.environment(network.lab.environment))
    internal = any(INTERNAL in service for service in network.ledger.asked()[before:])
    assert internal == (setting != "false")


def assert_no_other_ticket(network: Network, setting: str, *options: Word) -> None:
    """A sign-in asks for the federation server by its own name alone, whatever DNS says."""
    for lies in LIES:
        with dns(lies):
            for mapped in (True, False):
                user = network.ledger.user(setting, mapped=mapped)
                network.assert_refused(user, "kerberos_unknown_service_principal", *options)
    network.assert_adfs_saw_no_ticket()


@pytest.mark.parametrize("of", ["host", "proxy"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_alias(network: Network, setting: str, of: str, row: Row) -> None:
    row.what = f"dns_canonicalize_hostname = {setting}: "
    if of == "host":
        row.what += "no ticket for another host than that of the URL, in the KDC's log, at AD FS and in the ccache"
        with dns("every"):
            assert_library_is_led_astray(network, setting)
        assert_no_other_ticket(network, setting)
    else:
        row.what += "a proxy gets no ticket for another host than itself"
        for lies in LIES:
            with dns(lies):
                user = network.ledger.user(setting)
                network.assert_refused(user, "proxy_ticket_unavailable", HTTPS_PROXY=network.proxy)
        assert network.credentials == []


@pytest.mark.row(what="Heimdal asks for no ticket for another host than that of the URL")
def test_heimdal(network: Network) -> None:
    for setting in HEIMDALS:
        assert_no_other_ticket(network, setting, "--gssapi-library", "libgssapi.so.3")
