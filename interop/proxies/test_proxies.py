"""Proxies between us and the world: squid in front of the lab, and `NO_PROXY` as people have it.

The real names lead to the lab's port 443 on the loopback address, so that squid finds it like any server, and so does a
program that goes past squid.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxies.squid import PASSWORD, Squid, Wants, squid, version
from support.ground import Ground
from support.lab import Lab, lab
from support.page import Row
from support.silentry import Answer, sign_in

pytestmark = [
    pytest.mark.row(table="Proxies between us and the world", who="squid"),
    pytest.mark.xdist_group("squid"),
]

SERVICE = "HTTP/proxy.contoso.test"
OTHER_SERVICE = "HTTP/other.contoso.test"
PROXY = "http://proxy.contoso.test:3128"
# Squid by a name that the KDC does not know.
ALIAS = "http://alias.contoso.test:3128"
ENTRA = "login.microsoftonline.com:443"
ADFS = "sts.contoso.test:443"
NAMES = ("login.microsoftonline.com", "sts.contoso.test", "proxy.contoso.test", "alias.contoso.test")

# Lists that exempt the federation server and nothing else.
EXEMPTING_ADFS = (
    "contoso.test",
    ".contoso.test",
    "*.contoso.test",
    "localhost,127.0.0.0/8, STS.Contoso.test",
    "localhost sts.contoso.test",
    "sts.contoso.test:443",
    "10.0.0.0/8,.contoso.test:443,",
)
# Lists that exempt neither.
EXEMPTING_NOBODY = (
    "toso.test",
    "sts.contoso.test:8443",
    # The names lead there, but are not looked up for it.
    "127.0.0.1,127.0.0.0/8",
    "www.contoso.test",
)
# The proxy as people write it.
SPELLINGS = (
    "http://proxy.contoso.test:3128/",
    "proxy.contoso.test:3128",
    "proxy.contoso.test:3128/",
    "HTTP://Proxy.Contoso.Test:3128",
)


# squid's lines: the status, the request, and who it was.
def denied(origin: str) -> str:
    return f"407 CONNECT {origin} -"


def tunnel(origin: str, who: str = "alice@CORP.CONTOSO.TEST") -> str:
    return f"200 CONNECT {origin} {who}"


BY_TICKET = (denied(ENTRA), tunnel(ENTRA), tunnel(ADFS))


@dataclass
class Network:
    """The lab behind its real names, and squid beside it."""

    ground: Ground
    lab: Lab
    make_folder: Callable[[], Path]
    keytabs: dict[str, Path]

    def squid(self, wants: Wants, service: str = SERVICE) -> AbstractContextManager[Squid]:
        """Run squid, which says that it is the usual service, with the key of one."""
        return squid(self.make_folder(), self.lab, service, self.keytabs[service], wants)

    def sign_in(self, **proxy: str) -> Answer:
        """Ask for a token with nothing of the lab's proxy."""
        mine = {"HTTPS_PROXY", "https_proxy"}
        environment = {name: value for name, value in self.lab.environment.items() if name not in mine}
        return sign_in(self.ground, environment | proxy)

    def signs_in(self, wants: Wants, *lines: str, **proxy: str) -> None:
        """Sign in through a squid, which must have served these lines."""
        with self.squid(wants) as running:
            self.sign_in(**proxy).assert_token_of("alice@contoso.test")
            assert running.served(len(lines)) == sorted(lines), proxy


@pytest.fixture(scope="module")
def network(ground: Ground, make_folder: Callable[[], Path], name_loopback: Callable[..., None]) -> Iterator[Network]:
    name_loopback(*NAMES)
    folder = make_folder()
    keytabs = {spn: folder / spn.replace("/", "_") for spn in (SERVICE, OTHER_SERVICE)}
    services = [word for spn, keytab in keytabs.items() for word in ("--service", f"{spn}={keytab}")]
    with lab(ground.programs / "silentry-lab", make_folder(), "--listen", "127.0.0.1:443", *services) as running:
        yield Network(ground, running, make_folder, keytabs)


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = version()


@pytest.mark.row(what="demands Negotiate: the ticket, from the second CONNECT on")
def test_negotiate(network: Network) -> None:
    network.signs_in(Wants.NEGOTIATE, *BY_TICKET, HTTPS_PROXY=PROXY)


@pytest.mark.row(what="offers Negotiate and Basic: the ticket")
def test_negotiate_or_basic(network: Network) -> None:
    network.signs_in(Wants.NEGOTIATE_OR_BASIC, *BY_TICKET, HTTPS_PROXY=PROXY)


@pytest.mark.row(what="demands Negotiate, named by an alias whose principal `--proxy-spn` names: the ticket")
def test_alias_with_spn(network: Network) -> None:
    network.signs_in(Wants.NEGOTIATE, *BY_TICKET, HTTPS_PROXY=ALIAS, SILENTRY_PROXY_SPN=SERVICE)


@pytest.mark.row(what="demands Basic: the credentials of its URL")
def test_basic(network: Network) -> None:
    def url(password: str) -> str:
        return f"http://alice:{password}@proxy.contoso.test:3128"

    network.signs_in(Wants.BASIC, tunnel(ENTRA, "alice"), tunnel(ADFS, "alice"), HTTPS_PROXY=url(PASSWORD))
    with network.squid(Wants.BASIC):
        network.sign_in(HTTPS_PROXY=url("wrong")).assert_fails("proxy_refused", "407")
        network.sign_in(HTTPS_PROXY=PROXY).assert_fails("proxy_refused", "asks for credentials")


@pytest.mark.row(what="named without scheme, with a slash, in capitals")
def test_spellings(network: Network) -> None:
    for spelling in SPELLINGS:
        network.signs_in(Wants.NEGOTIATE, *BY_TICKET, https_proxy=spelling)


@pytest.mark.parametrize(
    ("lists", "through"),
    [
        pytest.param(
            EXEMPTING_ADFS,
            [ENTRA],
            marks=pytest.mark.row(what="`NO_PROXY`, in seven ways, leads past it to AD FS"),
            id="AD FS",
        ),
        pytest.param(
            EXEMPTING_NOBODY,
            [ENTRA, ADFS],
            marks=pytest.mark.row(what="`NO_PROXY` that means others leads nowhere else"),
            id="nobody",
        ),
        pytest.param(
            ("*", "localhost, *"), [], marks=pytest.mark.row(what="`NO_PROXY=*` leads past it"), id="everybody"
        ),
    ],
)
def test_exempting(network: Network, lists: tuple[str, ...], through: list[str]) -> None:
    for exempted in lists:
        lines = [tunnel(origin, "-") for origin in through]
        network.signs_in(Wants.NOTHING, *lines, HTTPS_PROXY=PROXY, NO_PROXY=exempted)


@pytest.mark.row(what="variables in both cases: the lower one counts")
def test_both_cases(network: Network) -> None:
    upper = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}
    network.signs_in(Wants.NOTHING, tunnel(ENTRA, "-"), https_proxy=PROXY, no_proxy="sts.contoso.test", **upper)


@pytest.mark.row(
    what="demands Negotiate, named by an alias",
    red="the KDC has no service of that name: `proxy_ticket_unavailable`",
)
def test_alias(network: Network) -> None:
    with network.squid(Wants.NEGOTIATE):
        words = "no account has the service principal HTTP/alias.contoso.test"
        network.sign_in(HTTPS_PROXY=ALIAS).assert_fails("proxy_ticket_unavailable", words)


@pytest.mark.row(
    what="demands Negotiate, with the key of another service",
    red="squid cannot open the ticket: `proxy_ticket_refused`",
)
def test_wrong_key(network: Network) -> None:
    with network.squid(Wants.NEGOTIATE, OTHER_SERVICE) as running:
        network.sign_in(HTTPS_PROXY=PROXY).assert_fails("proxy_ticket_refused", "proxy.contoso.test")
        assert running.served(2) == [denied(ENTRA), denied(ENTRA)]


@pytest.mark.row(what="demands NTLM", red="NTLM is never spoken: `proxy_scheme_not_supported`")
def test_ntlm(network: Network) -> None:
    with network.squid(Wants.NTLM) as running:
        network.sign_in(HTTPS_PROXY=PROXY).assert_fails("proxy_scheme_not_supported", "wants NTLM")
        assert running.served(1) == [denied(ENTRA)]
