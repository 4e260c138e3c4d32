"""One realm of MIT's KDC with alice and AD FS in it, its KDC, and a lab that takes its tickets.

The lab's AD FS has nothing of the KDC but a keytab. It also demands the channel binding, so that a library which loses
it is noticed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kerberos.conf import Krb5Conf
from kerberos.mit import Realm
from kerberos.user import User
from support.ground import Ground
from support.lab import Lab, lab
from support.processes import Word, debian_version
from support.silentry import Answer

# The realm and the account of the lab's alice, whom Entra knows by the UPN.
REALM = "CORP.CONTOSO.TEST"
ALICE = f"alice@{REALM}"
UPN = "alice@contoso.test"
# What AD FS answers Negotiate for.
SERVICE = "HTTP/sts.contoso.test"


@dataclass
class Site:
    """All of it, in a folder of its own."""

    ground: Ground
    folder: Path
    realm: Realm
    conf: Krb5Conf
    keytab: Path
    lab: Lab

    @property
    def alice(self) -> User:
        """Alice before her sign-in, with a file for her tickets."""
        return alice(self.conf)

    def asks(self, user: User, *options: Word) -> Answer:
        """Let a user ask for a token."""
        return user.asks(self.ground, self.lab, *options)

    def gives_token(self, user: User) -> None:
        """Let alice get a token."""
        self.asks(user).assert_token_of(UPN)


@contextmanager
def site(ground: Ground, make_folder: Callable[[], Path], service: str = SERVICE) -> Iterator[Site]:
    """Start all of it; AD FS has the key of the service."""
    folder = make_folder()
    realm = Realm(folder, REALM)
    realm.add_user("alice")
    keytab = realm.add_service(service)
    conf = Krb5Conf(folder, {REALM: realm.address})
    with realm.kdc(), demanding_lab(ground, make_folder(), keytab) as running:
        yield Site(ground, folder, realm, conf, keytab, running)


@contextmanager
def demanding_lab(ground: Ground, folder: Path, keytab: Path) -> Iterator[Lab]:
    """Run a lab whose AD FS opens tickets with the keytab and demands that they are bound to the TLS connection."""
    options = ("--scenario", "channel-binding-required", "--keytab", keytab)
    with lab(ground.programs / "silentry-lab", folder, *options) as running:
        yield running


def alice(conf: Krb5Conf) -> User:
    """Return alice before her sign-in, with a file for her tickets in the folder of the configuration."""
    return User(ALICE, conf, f"FILE:{conf.folder}/krb5cc")


def version(package: str) -> str:
    """Return the version of a package, without what Debian says of its source."""
    found = debian_version(package)
    for mark in ("+", "~", ".git"):
        found, _, _ = found.partition(mark)
    return found
