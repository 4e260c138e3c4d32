"""The desktop of a user: programs open addresses by `xdg-open`, which leaves them to the person of the test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from support.processes import LIMIT, Environment, Word, running, wait_for


@dataclass
class Program:
    """A program that wants somebody to sign in."""

    process: Popen[str]
    opened: Path

    def address(self) -> str:
        """Return the address that the program opens."""
        return wait_for("address", lambda: self.opened.read_text() if self.opened.exists() else None, self.process)

    def line(self) -> dict[str, str]:
        """Return the next line of JSON that the program prints."""
        assert self.process.stdout is not None
        shown: dict[str, str] = json.loads(self.process.stdout.readline())
        return shown

    def ending(self) -> str:
        """Return the rest that the program prints."""
        printed, _ = self.process.communicate(timeout=LIMIT)
        return printed


@dataclass
class Desktop:
    """Of one user, in an empty folder."""

    home: Path
    environment: Environment

    @contextmanager
    def program(self, *command: Word) -> Iterator[Program]:
        """Run a program on the desktop."""
        opened = self.home / "opened"
        opened.unlink(missing_ok=True)
        programs = self.home / "bin"
        programs.mkdir(exist_ok=True)
        opener = programs / "xdg-open"
        # Whoever looks must not see half an address.
        opener.write_text(f'#!/bin/sh\nprintf %s "$1" >{opened}.new && mv {opened}.new {opened}\n')
        opener.chmod(0o755)
        path = f"{programs}:{self.environment['PATH']}"
        with running(*command, env={**self.environment, "DISPLAY": ":0", "PATH": path}) as process:
            yield Program(process, opened)
