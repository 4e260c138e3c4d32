"""A realm of MIT Kerberos's KDC, in a folder and on an address of its own."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kerberos.conf import Krb5Conf
from support.processes import Word, answers, find, run, running, wait_for
from support.samba import PASSWORD


class Realm:
    """A realm with its database; more lines are for its part of `kdc.conf`.

    The KDC refers clients to the realms of the domains, as a domain controller does for the service principals of its
    forest.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        address: str = "127.0.0.1",
        lines: Sequence[str] = (),
        domains: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.folder = folder / name
        self.folder.mkdir()
        conf = Krb5Conf(self.folder, {name: address}, domains=domains or {})
        profile = self.folder / "kdc.conf"
        profile.write_text(self._profile(lines))
        self._environment = os.environ | {"KRB5_CONFIG": str(conf.write()), "KRB5_KDC_PROFILE": str(profile)}
        self._run("kdb5_util", "create", "-s", "-P", PASSWORD)

    def add_user(self, name: str) -> None:
        """Add a user with the usual password."""
        self.administer("addprinc", "-pw", PASSWORD, name)

    def add_service(self, principal: str) -> Path:
        """Add a service with a random key and return a keytab with it."""
        self.administer("addprinc", "-randkey", principal)
        return self.keytab(principal)

    def keytab(self, principal: str) -> Path:
        """Return a keytab with the keys of a principal, which stay as they are."""
        file = self.folder / f"{principal.replace('/', '_')}.keytab"
        self.administer("ktadd", "-norandkey", "-k", file, principal)
        return file

    def administer(self, *command: Word) -> None:
        """Run a command of the administrator's."""
        self._run("kadmin.local", *command)

    @contextmanager
    def kdc(self) -> Iterator[None]:
        """Run the KDC, from when it answers."""
        with running(find("krb5kdc"), "-r", self.name, "-n", env=self._environment) as process:
            wait_for("answer of the KDC", lambda: answers(88, self.address) or None, process)
            yield

    def log(self) -> str:
        """Return what the KDC wrote into its log."""
        return (self.folder / "kdc.log").read_text()

    def _run(self, tool: str, *words: Word) -> None:
        run(find(tool), "-r", self.name, *words, env=self._environment)

    def _profile(self, lines: Sequence[str]) -> str:
        more = "".join(f"  {line}\n" for line in lines)
        folder, address = self.folder, self.address
        return (
            f"[kdcdefaults]\n kdc_listen = {address}:88\n kdc_tcp_listen = {address}:88\n"
            f"[realms]\n {self.name} = {{\n  database_name = {folder}/principal\n"
            f"  key_stash_file = {folder}/stash\n  acl_file = {folder}/acl\n  max_life = 10h\n"
            f"  supported_enctypes = aes256-cts:normal aes128-cts:normal\n{more} }}\n"
            f"[logging]\n kdc = FILE:{folder}/kdc.log\n admin_server = FILE:{folder}/kadmin.log\n"
        )
