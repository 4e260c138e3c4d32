"""The desktop of a user: programs open addresses by `xdg-open`, which leaves them to the person of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

from support.processes import LIMIT, Environment, Word, running, wait_for


@dataclass
class Program:
    """A program that wants somebody to sign in."""

    process: Popen[str]
    # Where the address is when it is opened, and what the program prints on stderr.
    opened: Path
    said: Path

    def address(self) -> str:
        """Return the address that the program opens."""
        return wait_for("address", lambda: self.opened.read_text() if self.opened.exists() else None, self.process)

    def line(self) -> str:
        """Return the next line that the program prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ending(self) -> str:
        """Return the rest that the program prints to its successful end."""
        printed, _ = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, self.said.read_text()
        return printed

    def failure(self) -> str:
        """Return what the program says when it fails."""
        assert self.process.wait(LIMIT) != 0
        return self.said.read_text()


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
        environment = {**self.environment, "DISPLAY": ":0", "PATH": path}
        said = self.home / "said"
        with said.open("w") as stderr, running(*command, env=environment, stdout=PIPE, stderr=stderr) as process:
            yield Program(process, opened, said)
