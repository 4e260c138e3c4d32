"""A realm of MIT's KDC, with a log of what it was asked, and alice in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kerberos.conf import Krb5Conf
from kerberos.mit import Realm
from kerberos.site import REALM, alice
from kerberos.user import User


@dataclass
class Ledger:
    """The realm, and what was asked of it."""

    folder: Path
    realm: Realm
    keytab: Path

    def user(self, canonicalize: str = "false", *, mapped: bool = True) -> User:
        """Return alice: what DNS may make of a host's name, and whether hosts have a realm.

        Requests go over TCP, so that a capture has each once.
        """
        settings = (f"dns_canonicalize_hostname = {canonicalize}", "rdns = false", "udp_preference_limit = 1")
        domains = {".contoso.test": REALM, ".fabrikam.test": REALM} if mapped else {}
        conf = Krb5Conf(self.folder, {REALM: self.realm.address}, settings=settings, domains=domains)
        return alice(conf)

    def asked(self) -> list[str]:
        """Return for which services the KDC's log says that a ticket was asked, oldest first."""
        # ... TGS_REQ ... ISSUE: authtime 1, etypes {...}, alice@REALM for HTTP/host@REALM
        requests = [line for line in self.realm.log().splitlines() if " TGS_REQ " in line]
        services = [line.rpartition(" for ")[2] for line in requests]
        return [service.split(",")[0].split("@")[0].strip() for service in services]


@contextmanager
def ledger(folder: Path, *services: str) -> Iterator[Ledger]:
    """Run the realm; the keys of the services are in one keytab."""
    realm = Realm(folder, REALM)
    realm.add_user("alice")
    keytab = folder / "keytab"
    for service in services:
        # Delegation would be allowed: that none happens is then the client's doing.
        realm.administer("addprinc", "-randkey", "+ok_as_delegate", service)
        realm.administer("ktadd", "-norandkey", "-k", keytab, service)
    with realm.kdc():
        yield Ledger(folder, realm, keytab)
