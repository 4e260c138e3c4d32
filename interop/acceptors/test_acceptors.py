"""Web servers that check our tokens: Apache with mod_auth_gssapi, and two that demand a channel binding as AD FS does.

The client is the example `reqwest` of `silentry-negotiate`; curl, which binds its token to nothing, is the counterpart
that those two must refuse. xmlsec1 checks the assertion that a token earns.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from acceptors.servers import GOKRB5, HOST, MIT, SOURCES, Server, apache, apache_version, demanding
from support.certificates import Authority
from support.ground import Ground
from support.lab import Lab, lab
from support.page import Row
from support.processes import answer, give_away, run, wait_for

pytestmark = [
    pytest.mark.row(table="Acceptors that check our tokens"),
    pytest.mark.xdist_group("acceptors"),
]

USER = "alice@CORP.CONTOSO.TEST"
ENDPOINT = "https://sts.contoso.test/adfs/services/trust/13/windowstransport"


@dataclass
class Site:
    """What all servers of the host have, in a folder, and the lab whose KDC knows the host."""

    ground: Ground
    folder: Path
    lab: Lab

    def environment(self) -> dict[str, str]:
        """Return the lab's user and KDC, but neither its proxy nor its certificates."""
        environment = {**self.lab.environment}
        for name in ("HTTPS_PROXY", "https_proxy"):
            environment.pop(name, None)
        authority = str(self.folder / "ca.pem")
        return environment | {"SSL_CERT_FILE": authority, "CURL_CA_BUNDLE": authority}

    def ask(self) -> CompletedProcess[str]:
        """Ask for the page with our client, which prints the status, the server's proof and the page."""
        return answer(self.ground.examples / "reqwest", f"https://{HOST}/", env=self.environment())


@pytest.fixture(scope="module")
def site(ground: Ground, make_folder: Callable[[], Path], name_loopback: Callable[..., None]) -> Iterator[Site]:
    name_loopback(HOST)
    folder = make_folder()
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("hello\n")
    authority = Authority(folder)
    for name in ("web", "inspector"):
        authority.certify(name, HOST)
    service = f"HTTP/{HOST}={folder}/keytab"
    with lab(ground.programs / "silentry-lab", make_folder(), "--service", service) as running:
        shutil.copy(running.folder / "krb5.conf", folder)
        give_away(folder, "www-data")
        yield Site(ground, folder, running)


@pytest.mark.row(who="Apache with mod_auth_gssapi", what="the user, and the server proves itself")
def test_apache(site: Site, row: Row) -> None:
    row.version = apache_version()
    log = site.folder / "access.log"
    with apache(site.folder):
        said = site.ask()
        assert said.stdout.startswith("200 OK Verified\n"), said
        wait_for("line in the log", lambda: f"GET 200 {USER}\n" in log.read_text() or None)


@pytest.fixture(params=[MIT, GOKRB5], ids=lambda server: server.name)
def server(request: pytest.FixtureRequest, row: Row) -> Server:
    """Return a server that demands a channel binding."""
    server: Server = request.param
    row.who, row.version = server.name, server.version()
    return server


@pytest.mark.row(what="demands a channel binding: ours is right")
def test_bound(site: Site, server: Server) -> None:
    with demanding(server, site.ground.prepared, site.folder, "web"):
        said = site.ask()
        assert said.stdout.startswith(f"200 OK {server.proof}\n{USER}"), said


@pytest.mark.row(what="demands a channel binding: curl, which sends none, is refused")
def test_unbound(site: Site, server: Server) -> None:
    """curl 7.88 knows no channel bindings."""
    with demanding(server, site.ground.prepared, site.folder, "web"):
        options = ("--silent", "--show-error", "--negotiate", "--user", ":")
        assert "no channel binding" in run("curl", *options, f"https://{HOST}/", env=site.environment())


@pytest.mark.row(
    what="demands the channel binding of another certificate, as behind TLS inspection",
    red="the token is bound to the certificate that the client sees, and is refused",
)
def test_bound_elsewhere(site: Site, server: Server) -> None:
    with demanding(server, site.ground.prepared, site.folder, "inspector"):
        assert site.ask().returncode != 0
        assert server.wrong_binding in (site.folder / "server.log").read_text()


@pytest.mark.parametrize(("scenario", "saml"), [("default", "1.1"), ("saml2", "2.0")])
def test_xmlsec1(ground: Ground, folder: Path, scenario: str, saml: str, row: Row) -> None:
    """It verifies the assertion that curl was given by Negotiate, as `silentry inspect` cuts it out."""
    row.who, row.version = "xmlsec1", run("xmlsec1", "--version").split()[1]
    row.what = f"the SAML {saml} assertion that the lab signs and Silentry forwards"
    reply, assertion = folder / "reply.xml", folder / "assertion.xml"
    negotiate = ("curl", "--silent", "--show-error", "--fail", "--negotiate", "--user", ":", "--output", reply)
    request = ("--header", "content-type: application/soap+xml; charset=utf-8", "--data-binary")
    exec_in_lab = (ground.programs / "silentry-lab", "exec", "--scenario", scenario, "--")
    run(*exec_in_lab, *negotiate, *request, f"@{SOURCES}/rst.xml", ENDPOINT)
    run(ground.programs / "silentry", "inspect", "wstrust", reply, "--assertion-out", assertion)

    # By the certificate in the signature; the ids are those of both versions of SAML.
    verify = (
        *("xmlsec1", "--verify", "--insecure"),
        *("--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion"),
        *("--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"),
    )
    run(*verify, assertion)
    signed = assertion.read_text()
    assert "alice" in signed
    assertion.write_text(signed.replace("alice", "alicf", 1))
    assert answer(*verify, assertion).returncode != 0
