"""A running lab, and the environment of programs that are pointed at it."""

import json
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.processes import Environment, Word, running, wait_for


@dataclass
class Lab:
    """`silentry-lab up`."""

    folder: Path
    environment: Environment
    _marks: Iterator[int] = field(default_factory=count)

    def journal(self) -> list[dict[str, Any]]:
        """Return all exchanges so far, in their order.

        They are written down some time after they end, hence one more whose end tells that all others are there: the
        proxy refuses a name that it does not know.
        """
        mark = f"mark-{next(self._marks)}.invalid"
        proxy = urlsplit(self.environment["HTTPS_PROXY"])
        with socket.create_connection((proxy.hostname, proxy.port)) as client:
            client.sendall(f"CONNECT {mark}:443 HTTP/1.1\r\nHost: {mark}:443\r\n\r\n".encode())
            client.recv(1)
        file = self.folder / "journal"

        def before() -> str | None:
            text = file.read_text()
            return text[: text.index(mark)] if mark in text else None

        exchanges = [json.loads(line) for line in wait_for("mark", before).splitlines()[:-1]]
        return [exchange for exchange in exchanges if not exchange["url"].startswith("mark-")]


@contextmanager
def lab(program: Path, folder: Path, *arguments: Word) -> Iterator[Lab]:
    """Run a lab that keeps its files in the folder, from when it answers until the end of the block."""
    script = folder / "env.sh"
    with running(program, "up", "--dir", folder, "--journal", folder / "journal", *arguments) as process:
        wait_for("env.sh", lambda: (script.exists() and script.read_text()) or None, process)
        yield Lab(folder, entered(script.read_text(), os.environ))


def entered(script: str, environment: Environment) -> dict[str, str]:
    """Return the environment after the script, which has lines `unset NAME …` and `export NAME='VALUE'` alone."""
    result = dict(environment)
    for line in script.splitlines():
        match shlex.split(line):
            case ["unset", *names]:
                for name in names:
                    result.pop(name, None)
            case ["export", assignment]:
                name, _, value = assignment.partition("=")
                result[name] = value
            case _:
                raise ValueError(f"the lab's env.sh has the line {line!r}")
    return result
