"""squid with a configuration, keys and logs of its own."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from subprocess import Popen

from support.lab import Lab
from support.processes import LIMIT, answers, find, give_away, run, running, wait_for

_PORT = 3128
_REALM = "CORP.CONTOSO.TEST"
# What alice tells squid where it wants Basic, and how squid keeps it (`openssl passwd -apr1`).
PASSWORD = "Passw0rd"
_PASSWORDS = "alice:$apr1$silentry$sJ/clKa5MGUUgQ37pD/Ol1\n"
# The account that Debian's squid runs as.
_ACCOUNT = "proxy"


class Wants(Enum):
    """What squid asks for."""

    NOTHING = auto()
    NEGOTIATE = auto()
    NEGOTIATE_OR_BASIC = auto()
    BASIC = auto()
    NTLM = auto()


@dataclass
class Squid:
    """A running squid."""

    process: Popen[str]
    access_log: Path

    def served(self, count: int) -> list[str]:
        """End it, and return what it was asked for and how it answered, in the order of the words.

        A tunnel is logged when it ends; the count is how many are waited for.
        """
        log = self.access_log
        if count:
            wait_for(
                f"{count} tunnels",
                lambda: (log.exists() and log.read_text().count("\n") >= count) or None,
                self.process,
            )
        self.process.terminate()
        self.process.wait(LIMIT)
        return sorted(log.read_text().splitlines())


@contextmanager
def squid(folder: Path, lab: Lab, spn: str, keytab: Path, wants: Wants) -> Iterator[Squid]:
    """Run squid, which opens the tickets of a service."""
    shutil.copy(lab.folder / "krb5.conf", folder)
    shutil.copy(keytab, folder / "squid.keytab")
    (folder / "passwords").write_text(_PASSWORDS)
    config = folder / "squid.conf"
    config.write_text(_config(folder, spn, wants))
    give_away(folder, _ACCOUNT)
    environment = os.environ | {"KRB5_CONFIG": str(folder / "krb5.conf")}
    with running(find("squid"), "-N", "-f", config, env=environment) as process:
        wait_for("answer of squid", lambda: answers(_PORT) or None, process)
        yield Squid(process, folder / "access.log")


def version() -> str:
    """Return squid's version."""
    found = re.search(r"Version (\S+)", run(find("squid"), "-v"))
    assert found
    return found[1]


def _config(folder: Path, spn: str, wants: Wants) -> str:
    negotiate = (
        f"auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k {folder}/squid.keytab"
        f" -s {spn}@{_REALM}\nauth_param negotiate children 1\n"
    )
    basic = (
        f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/passwords\n"
        "auth_param basic children 1\nauth_param basic realm proxy\n"
    )
    ntlm = "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth\nauth_param ntlm children 1\n"
    schemes = {
        Wants.NOTHING: "",
        Wants.NEGOTIATE: negotiate,
        Wants.NEGOTIATE_OR_BASIC: negotiate + basic,
        Wants.BASIC: basic,
        Wants.NTLM: ntlm,
    }
    access = "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n"
    return (
        f"{schemes[wants]}{'http_access allow all' if wants is Wants.NOTHING else access}\n"
        f"http_port 127.0.0.1:{_PORT}\nvisible_hostname proxy.contoso.test\n"
        "acl tunnels method CONNECT\nlogformat short %>Hs %rm %ru %un\n"
        f"access_log stdio:{folder}/access.log logformat=short tunnels\n"
        f"cache_log {folder}/cache.log\ncache deny all\npid_filename none\npinger_enable off\n"
        f"coredump_dir {folder}\ndns_nameservers 127.0.0.1\nshutdown_lifetime 0 seconds\n"
    )
