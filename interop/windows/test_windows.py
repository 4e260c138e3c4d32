"""The Windows programs, under Wine.

Wine's SSPI hands Kerberos to the host's GSSAPI library, so the ticket of a Samba Active Directory goes through
`AcquireCredentialsHandleW` and `InitializeSecurityContextW` of the programs that ship.
"""

import ctypes
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.ground import Ground
from support.lab import Lab, lab
from support.page import Row
from support.processes import answer, find, mounted, run
from support.samba import Domain
from windows.prepare import LIBRARY
from windows.programs import Place, Windows, built, is_token_line
from windows.wine import path, version, wine

pytestmark = [
    pytest.mark.row(table="The Windows programs, under Wine", who="Wine"),
    pytest.mark.xdist_group("wine"),
]

USER = "alice@contoso.test"
CLIENT = ("--tenant=contoso.test", "--scope=a/.default", "--client-id=11111111-2222-3333-4444-555555555555")
# Federation metadata of real AD FS servers, and broken ones, in the collection that `SILENTRY_TESTDATA` names.
DOCUMENTS = "azure-activedirectory-library-for-python/tests/mex"


def what(text: str, red: str | None = None) -> pytest.MarkDecorator:
    return pytest.mark.row(what=text, red=red)


@pytest.fixture(scope="module")
def windows(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Windows]:
    library = ground.prepared / "windows" / f"{LIBRARY}.dll"
    with wine(make_folder(), library) as running:
        yield Windows(ground, running, built(ground.prepared))


@pytest.fixture(autouse=True)
def _version(row: Row) -> None:
    row.version = version()
    if "Samba" in row.who:
        samba = run(find("samba"), "--version").strip().removeprefix("Version ")
        row.version += f", {samba.split('-')[0]}"


@pytest.fixture(scope="class")
def place(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Place]:
    """Return a lab with the ticket of a real Active Directory."""
    domain = Domain(make_folder())
    program = ground.programs / "silentry-lab"
    with domain.controller(), lab(program, make_folder(), "--keytab", domain.keytab) as running:
        domain.sign_in("alice")
        yield Place(running, domain)


@pytest.mark.row(who="Wine with a ticket of Samba AD")
class TestSamba:
    """A ticket of a real Active Directory, through to a token."""

    @what("`silentry.exe token -o json`, SSPI's Negotiate through to a token")
    def test_json(self, windows: Windows, place: Place) -> None:
        options = ("--mode", "iwa", "--output", "json", "--username", USER, "--ca-bundle", place.ca_bundle)
        said = windows.silentry("token", *options, place=place)
        assert (said.code, said.stderr) == (0, "")
        assert json.loads(said.stdout)["username"] == USER
        assert place.domain
        assert "HTTP/sts.contoso.test" in place.domain.tickets()

    @what("`silentry.exe token`: the token and a line feed on stdout, nothing on stderr")
    def test_token_alone(self, windows: Windows, place: Place) -> None:
        said = windows.silentry("token", "--username", USER, "--ca-bundle", place.ca_bundle, place=place)
        assert (said.code, said.stderr) == (0, "")
        assert is_token_line(said.stdout)

    @what("`silentry.exe token` with its settings in `%APPDATA%`, saved as by Windows PowerShell")
    def test_settings(self, windows: Windows, place: Place) -> None:
        folder = windows.wine.application_data / "silentry"
        folder.mkdir()
        settings = folder / "config.toml"
        # As `>` and Out-File save it: UTF-16 behind a byte order mark.
        text = f"\ufeffusername = '{USER}'\r\nca-bundle = '{place.ca_bundle}'\r\n"
        settings.write_bytes(text.encode("utf-16-le"))
        try:
            said = windows.silentry("token", place=place)
        finally:
            settings.unlink()
            folder.rmdir()
        assert said.code == 0, said.stderr
        assert is_token_line(said.stdout)

    @what("`silentry.exe token` without `--ca-bundle`: `tls_certificate_untrusted`, exit code 1")
    def test_untrusted(self, windows: Windows, place: Place) -> None:
        said = windows.silentry("token", "--output", "json", "--username", USER, place=place)
        said.assert_fails(1, "tls_certificate_untrusted", "--ca-bundle")

    @what("`token.exe` of `silentry-negotiate`: a token for AD FS")
    def test_example_token(self, windows: Windows, place: Place) -> None:
        said = windows.example("token", "sts.contoso.test", place=place)
        assert said.code == 0, said.stderr
        assert " bytes of token in " in said.stdout

    @what(
        "`reqwest.exe` of `silentry-negotiate`, with the authority in the system's store",
        red="Wine fails every certificate without revocation data (0x800B010E), which Windows is told to ignore; the"
        " example has no other trust than the system's",
    )
    def test_example_reqwest(self, windows: Windows, place: Place) -> None:
        """The authority of the lab stands in the host's store, from which Wine fills its own."""
        url = "https://sts.contoso.test/adfs/services/trust/13/windowstransport"
        with mounted(place.lab.folder / "ca.pem", "/etc/ssl/certs/ca-certificates.crt"):
            said = windows.example("reqwest", url, place=place)
        assert said.code == 1
        assert str(ctypes.c_int32(0x800B010E).value) in said.stderr

    @what(
        "`silentry.exe token` without `--username`",
        red="Wine's users are local: GetUserNameEx fails with 1332, and `get_user_name_failed` (exit code 4) tells the"
        " user to give the UPN",
    )
    def test_without_username(self, windows: Windows, place: Place) -> None:
        said = windows.silentry("token", "--output", "json", "--ca-bundle", place.ca_bundle, place=place)
        said.assert_fails(4, "get_user_name_failed", "1332", "--username")


@pytest.fixture
def assert_scenario_fails(windows: Windows, start_lab: Callable[..., Lab]) -> Callable[..., None]:
    """Return what signs in where the lab does that wrong."""

    def check(name: str, user: str, code: int, error: str, *words: str) -> None:
        place = Place(start_lab("--scenario", name))
        options = ("--output", "json", "--username", user, "--ca-bundle", place.ca_bundle)
        windows.silentry("token", *options, place=place).assert_fails(code, error, *words)

    return check


@what("the exit codes 2 to 7, each with its code")
def test_exit_codes(windows: Windows, assert_scenario_fails: Callable[..., None]) -> None:
    windows.silentry("token", "--output", "json", "--nonsense").assert_fails(2, "usage")
    assert_scenario_fails("mfa", "carol@contoso.test", 3, "interaction_required")
    assert_scenario_fails("no-ticket", USER, 4, "kerberos_no_ticket")
    managed = "integrated_windows_auth_not_supported_managed_user"
    assert_scenario_fails("managed-user", "bob@managed.test", 5, managed)
    assert_scenario_fails("unauthorized-loop", USER, 7, "negotiate_rejected")
    # Nothing can be reached from here but by the lab's proxy.
    said = windows.silentry("token", "--output=json", *CLIENT, "--username", USER)
    said.assert_fails(6, "network_not_available")


@what(
    "scenario `channel-binding-required`",
    red="Wine passes no channel binding on to the GSSAPI library, as Windows does to its own: `negotiate_rejected`",
)
def test_channel_binding(assert_scenario_fails: Callable[..., None]) -> None:
    assert_scenario_fails("channel-binding-required", USER, 7, "negotiate_rejected")


@what(
    "scenario `unknown-spn`",
    red="Wine has one status for all that can go wrong with Kerberos, SEC_E_INVALID_TOKEN: `kerberos_failed`",
)
def test_unknown_spn(assert_scenario_fails: Callable[..., None]) -> None:
    assert_scenario_fails("unknown-spn", USER, 1, "kerberos_failed", "0x80090308")


@what("`silentry.exe inspect mex`: the same as on Linux, for metadata of real servers")
def test_inspect(ground: Ground, windows: Windows) -> None:
    collection = os.environ.get("SILENTRY_TESTDATA", "none")
    documents = [] if collection == "none" else sorted((Path(collection) / DOCUMENTS).iterdir())
    for document in documents:
        here = answer(ground.programs / "silentry", "inspect", "mex", document)
        there = windows.silentry("inspect", "mex", path(document))
        assert (here.returncode, here.stdout) == (there.code, there.stdout), document


@what("`silentry.exe`: names outside ASCII come in and go out as UTF-8")
def test_unicode(windows: Windows) -> None:
    name = "größe 𝄞"
    options = ("--output=json", "--scope=a/.default", "--client-id=a", "--tenant", name)
    windows.silentry("token", *options).assert_fails(2, "invalid_authority", name)


@what(r"`silentry.exe token` under a policy in `HKLM\SOFTWARE\Policies`")
def test_policy(windows: Windows) -> None:
    """The policy stands where Group Policy writes it."""
    key = r"HKLM\SOFTWARE\Policies\Silentry"

    def registry(*words: str) -> None:
        said = windows.run("reg", *words)
        assert said.code == 0, said.stderr

    @contextmanager
    def value(name: str, kind: str, data: str) -> Iterator[None]:
        registry("add", key, "/f", "/v", name, "/t", kind, "/d", data)
        yield
        registry("delete", key, "/f", "/v", name)

    def assert_fails(code: int, error: str, *words: str) -> None:
        said = windows.silentry("token", "--output=json", "--mode=iwa", *CLIENT, "--username", USER)
        said.assert_fails(code, error, *words)

    with value("Flows", "REG_MULTI_SZ", r"silent\0web"):
        assert_fails(2, "policy_forbids_flow", "silent, web")
    with value("flows", "REG_SZ", "iwa"), value("AllowNtlm", "REG_DWORD", "0"):
        # It is allowed, and nothing can be reached from here.
        assert_fails(6, "network_not_available")
        with value("RequireChannelBinding", "REG_SZ", "yes"):
            assert_fails(1, "policy_not_readable", key)
        with value("Tenant", "REG_SZ", "contoso.test"):
            assert_fails(1, "policy_not_readable", "`Tenant`")
    registry("delete", key, "/f")
    assert_fails(6, "network_not_available")


@pytest.mark.parametrize("package", ["silentry", "silentry-cli", "silentry-negotiate"])
def test_unit_tests(windows: Windows, package: str, row: Row) -> None:
    row.what = f"the unit tests of `{package}`"
    programs = windows.built["tests"][package]
    assert programs
    for program in programs:
        said = windows.run(program, "--test-threads=2")
        assert said.code == 0, said.stdout + said.stderr
        assert "test result: ok." in said.stdout
