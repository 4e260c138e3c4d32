"""A running lab, and the environment of programs that are pointed at it."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import Environment, Word, running, wait_for


@dataclass
class Lab:
    """`silentry-lab up`."""

    folder: Path
    environment: Environment


@contextmanager
def lab(program: Path, folder: Path, *arguments: Word) -> Iterator[Lab]:
    """Run a lab that keeps its files in the folder, from when it answers until the end of the block."""
    script = folder / "env.sh"
    with running(program, "up", "--dir", folder, *arguments) as process:
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
