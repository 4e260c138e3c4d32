"""The web servers, each on port 443 with a certificate, keys and logs of its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import Word, answers, debian_version, find, running, wait_for

HOST = "web.contoso.test"
SOURCES = Path(__file__).parent
_MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "ssl", "auth_gssapi")


@dataclass(frozen=True)
class Server:
    """A server that demands a channel binding."""

    name: str
    version: Callable[[], str]
    # The command line for a site: PORT CERTIFICATE KEY BOUND-CERTIFICATE follow, and more words last.
    command: Callable[[Path], Sequence[Word]]
    more: Callable[[Path], Sequence[Word]]
    # What it shows of itself, and what it says of a token that is bound to another certificate.
    proof: str
    wrong_binding: str


MIT = Server(
    "MIT Kerberos (python-gssapi)",
    version=lambda: debian_version("libgssapi-krb5-2"),
    command=lambda _: ("/usr/bin/python3", "-u", SOURCES / "mit.py"),
    more=lambda _: (),
    proof="Verified",
    wrong_binding="BadChannelBindingsError",
)
GOKRB5 = Server(
    "gokrb5",
    # As go/go.mod has it.
    version=lambda: "8.4.4",
    command=lambda prepared: (prepared / "acceptors/go/program",),
    more=lambda site: (site / "keytab",),
    proof="Absent",
    wrong_binding="another channel binding",
)


@contextmanager
def apache(site: Path) -> Iterator[None]:
    """Run Apache with mod_auth_gssapi."""
    config = site / "apache.conf"
    config.write_text(_apache_config(site))
    with _serving(site, find("apache2"), "-D", "FOREGROUND", "-f", config):
        yield


@contextmanager
def demanding(server: Server, prepared: Path, site: Path, bound: str) -> Iterator[None]:
    """Run a server that shows the host's certificate and wants tokens bound to the named one."""
    certificates = (site / "web.pem", site / "web.key", site / f"{bound}.pem")
    with _serving(site, *server.command(prepared), "443", *certificates, *server.more(site)):
        yield


def apache_version() -> str:
    """Return the versions of Apache and of its module."""
    return f"{debian_version('apache2-bin')}, {debian_version('libapache2-mod-auth-gssapi')}"


@contextmanager
def _serving(site: Path, *command: Word) -> Iterator[None]:
    """Run a server with the keys, from when it answers; what it says goes to `server.log`."""
    keys = {"KRB5_CONFIG": str(site / "krb5.conf"), "KRB5_KTNAME": str(site / "keytab")}
    log = site / "server.log"
    with log.open("w") as said, running(*command, env=os.environ | keys, stdout=said, stderr=said) as process:
        wait_for("web server on port 443", lambda: answers(443) or None, process)
        yield


def _apache_config(site: Path) -> str:
    modules = [f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n" for module in _MODULES]
    return "".join(modules) + (
        f"ServerRoot {site}\nServerName {HOST}\nPidFile {site}/apache.pid\n"
        "Listen 127.0.0.1:443\nUser www-data\nGroup www-data\nErrorLog /dev/stderr\n"
        f'LogFormat "%m %>s %u" short\nCustomLog {site}/access.log short\n'
        f"DocumentRoot {site}/www\nDirectoryIndex index.html\nSSLEngine on\n"
        f"SSLCertificateFile {site}/web.pem\nSSLCertificateKeyFile {site}/web.key\n"
        "<Location />\n AuthType GSSAPI\n AuthName intranet\n GssapiSSLonly On\n"
        f" GssapiAllowedMech krb5\n GssapiCredStore keytab:{site}/keytab\n"
        " Require valid-user\n</Location>\n"
    )
