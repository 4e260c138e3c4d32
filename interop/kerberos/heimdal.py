"""Heimdal's servers. Their packages cannot be installed beside those of MIT, so they are unpacked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import Environment, Word, answers, run, running, wait_for
from support.samba import PASSWORD


class Heimdal:
    """The unpacked packages."""

    def __init__(self, prepared: Path) -> None:
        self.root = prepared / "kerberos" / "heimdal"

    def environment(self) -> Environment:
        """Return the environment of the programs: their libraries lie in two folders."""
        folders = ":".join(str(folder) for folder in (self.root / "usr/lib").iterdir())
        return os.environ | {"LD_LIBRARY_PATH": folders}


class Realm:
    """A realm of Heimdal's KDC on 127.0.0.1, with its database in a folder."""

    def __init__(self, heimdal: Heimdal, folder: Path, name: str) -> None:
        self.heimdal = heimdal
        self.folder = folder
        self.name = name
        self._config = folder / "kdc.conf"
        self._config.write_text(
            f"[libdefaults]\n default_realm = {name}\n"
            f"[kdc]\n database = {{\n  dbname = {folder}/heimdal\n  realm = {name}\n"
            f"  mkey_file = {folder}/mkey\n  acl_file = {folder}/acl\n  log_file = {folder}/hdb.log\n }}\n"
            f"[logging]\n kdc = FILE:{folder}/kdc.log\n"
        )
        lives = ("--realm-max-ticket-life=unlimited", "--realm-max-renewable-life=unlimited")
        self._administer("init", *lives, name)

    def add_user(self, name: str) -> None:
        """Add a user with the usual password."""
        self._administer("add", "--use-defaults", f"--password={PASSWORD}", name)

    def add_service(self, principal: str) -> Path:
        """Add a principal with a random key and return a keytab with it."""
        file = self.folder / "service.keytab"
        self._administer("add", "--use-defaults", "--random-key", principal)
        self._administer("ext_keytab", f"--keytab={file}", principal)
        return file

    @contextmanager
    def kdc(self) -> Iterator[None]:
        """Run the KDC, from when it answers."""
        program = self.heimdal.root / "usr/lib/heimdal-servers/kdc"
        options = (f"--config-file={self._config}", "--addresses=127.0.0.1")
        with running(program, *options, env=self.heimdal.environment()) as process:
            wait_for("answer of the KDC", lambda: answers(88) or None, process)
            yield

    def _administer(self, *command: Word) -> None:
        options = ("--local", f"--realm={self.name}", f"--config-file={self._config}")
        run(self.heimdal.root / "usr/bin/kadmin.heimdal", *options, *command, env=self.heimdal.environment())
