"""The ticket ledger: what a KDC's log, a capture of the network and the server's keytab tell of a sign-in."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.binding import binding
from ledger.realm import ledger
from ledger.site import ENTRA, KDC, LAB, STS, UPN, Seen, Site
from support.ground import Ground
from support.page import Row
from support.processes import answer, debian_version, make_reachable, run

pytestmark = [
    pytest.mark.row(table="The ticket ledger: what network and KDC see of a sign-in"),
    pytest.mark.xdist_group("ledger"),
]

SERVICE = "HTTP/sts.contoso.test"
# The same, as Wireshark writes names of several parts.
SERVICE_PARTS = "HTTP,sts.contoso.test"
# A library that the caller's environment names.
LIBRARY = "/nonexistent/chosen-by-the-caller.so"

KRB5KDC = pytest.mark.row(who="MIT krb5kdc")
WIRESHARK = pytest.mark.row(who="Wireshark")
KEYTAB = pytest.mark.row(who="AD FS, with the KDC's keytab")
IN_BETWEEN = pytest.mark.row(who="a man in the middle whom the client trusts")


@pytest.fixture(scope="module")
def site(ground: Ground, make_folder: Callable[[], Path], name_loopback: Callable[..., None]) -> Iterator[Site]:
    name_loopback(ENTRA, STS, "sts.fabrikam.test")
    # Somebody else's federation server has a principal, too.
    with ledger(make_folder(), SERVICE, "HTTP/sts.fabrikam.test") as running:
        yield Site(ground, make_folder, running)


@pytest.fixture(scope="module")
def signed_in(site: Site) -> Seen:
    seen = site.meet("channel-binding-required")
    seen.answer.assert_token_of(UPN)
    return seen


@pytest.fixture(autouse=True)
def _version(ground: Ground, row: Row) -> None:
    match row.who:
        case "MIT krb5kdc":
            row.version = debian_version("krb5-kdc", "Version")
        case "Wireshark":
            row.version = debian_version("tshark", "Version")
        case "setpriv":
            row.version = debian_version("util-linux", "Version")
        case "AD FS, with the KDC's keytab":
            row.version = run(ground.programs / "silentry-lab", "--version").strip()
        case _:
            row.version = f"python3 {debian_version('python3', 'Version')}"


@KRB5KDC
@pytest.mark.row(what=f"its log: a sign-in asks for one ticket, for {SERVICE}")
def test_one_ticket_in_log(signed_in: Seen) -> None:
    assert signed_in.tickets == [SERVICE]


@WIRESHARK
@pytest.mark.row(what=f"a sign-in asks for one ticket, for {SERVICE}")
def test_one_ticket_in_capture(signed_in: Seen) -> None:
    [ticket] = signed_in.traffic.tickets
    assert ticket.endswith(SERVICE_PARTS)


@WIRESHARK
@pytest.mark.row(what="a sign-in opens three connections: to Entra, AD FS and the KDC; no DNS, nothing else")
def test_three_connections(signed_in: Seen) -> None:
    traffic = signed_in.traffic
    assert sorted(traffic.connections) == [LAB, LAB, KDC]
    assert traffic.tls_names == [ENTRA, STS]
    assert traffic.others == 0


@KEYTAB
@pytest.mark.row(what="the AP-REQ is bound to the certificate that was shown and demands mutual authentication")
def test_binding(signed_in: Seen) -> None:
    ticket = signed_in.ticket
    assert ticket["channel_binding"] == binding(signed_in.certificate)
    assert ticket["service"].startswith(SERVICE)
    assert "mutual" in ticket["flags"]


@KEYTAB
@pytest.mark.row(what="the AP-REQ delegates nothing, although ticket and KDC allow it")
def test_delegation(signed_in: Seen) -> None:
    assert signed_in.ticket["delegated"] is False
    assert "delegate" not in signed_in.ticket["flags"]


@KRB5KDC
@pytest.mark.row(what="its log and the capture: metadata that names a foreign host causes no ticket request")
def test_foreign_host(site: Site) -> None:
    seen = site.meet("foreign-mex-host")
    seen.answer.assert_fails("federation_host_not_trusted", exit_code=5)
    assert seen.stages == ["realm", "mex"]
    assert seen.tickets == []
    assert seen.traffic.tickets == []
    assert set(seen.traffic.tls_names) <= {ENTRA, STS}
    assert set(seen.traffic.connections) == {LAB}


@IN_BETWEEN
@pytest.mark.row(what="gets 401 from AD FS, as the ticket is bound to his certificate; no token")
def test_man_in_the_middle(site: Site) -> None:
    seen = site.meet_in_between("channel-binding-required")
    seen.answer.assert_fails("negotiate_rejected", exit_code=7)
    assert seen.stages[:2] == ["mex", "wstrust"]
    first, *more = [line["status"] for line in seen.journal]
    assert first == 200
    assert set(more) == {401}
    assert seen.ticket["channel_binding"] == binding(seen.certificate)
    assert seen.ticket["refused"]


@IN_BETWEEN
@pytest.mark.row(
    what="is kept out with --no-channel-binding, where AD FS demands no binding",
    red="he gets the token: nothing but the channel binding tells his connection from AD FS's own",
)
def test_man_in_the_middle_without_binding(site: Site) -> None:
    seen = site.meet_in_between("default", SILENTRY_NO_CHANNEL_BINDING="1")
    seen.answer.assert_token_of(UPN)


@pytest.mark.row(
    who="setpriv",
    what="a set-user-ID copy of the command loads no GSSAPI library that its caller's environment names",
)
def test_elevated_rights(ground: Ground, folder: Path) -> None:
    make_reachable(folder)

    def said(mode: int) -> dict[str, Any]:
        """Run a copy as nobody, without a ticket, and return the error that it must end with."""
        copy = Path(shutil.copy(ground.programs / "silentry", folder))
        copy.chmod(mode)
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", copy)
        command = ("token", "--mode", "iwa", "--cache", "none", "-o", "json", "--tenant", "contoso.test")
        application = ("--scope", "api://test/.default", "--client-id", "11111111-1111-1111-1111-111111111111")
        ended = answer(*nobody, *command, *application, env={"SILENTRY_GSSAPI_LIBRARY": LIBRARY})
        [*_, error] = [line for line in ended.stderr.splitlines() if line.startswith("{")]
        told: dict[str, Any] = json.loads(error)
        return told

    plain = said(0o755)
    assert plain["error"] == "kerberos_library_missing"
    assert LIBRARY in plain["message"]
    elevated = said(0o4755)
    assert elevated["error"]
    assert LIBRARY not in json.dumps(elevated)
