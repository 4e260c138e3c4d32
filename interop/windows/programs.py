"""The Windows programs that were built, and where they run."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ground import Ground
from support.lab import Lab
from support.processes import Environment, Word
from support.samba import Domain
from windows.wine import Said, Wine, path

# A JWT (RFC 7519) and a line feed, without a carriage return.
_TOKEN_LINE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\n", re.ASCII)


@dataclass
class Place:
    """Where a program runs: pointed at a lab, with the ticket of its KDC or of a domain's."""

    lab: Lab
    domain: Domain | None = None

    @property
    def ca_bundle(self) -> str:
        """The lab's authorities as Windows programs name the file."""
        return path(self.lab.folder / "ca.pem")

    def environment(self) -> Environment:
        """Return the environment, in which nothing names an authority to trust; each test signs in anew."""
        lab = self.lab.environment
        environment = self.domain.environment(lab) if self.domain else dict(lab)
        environment.pop("SILENTRY_CA_BUNDLE", None)
        return environment | {"SILENTRY_CACHE": "none"}


@dataclass
class Windows:
    """Wine and what was built to run in it."""

    ground: Ground
    wine: Wine
    built: dict[str, Any]

    def silentry(self, *words: Word, place: Place | None = None) -> Said:
        """Run `silentry.exe`."""
        return self.run(f"{self.built['programs']}/silentry.exe", *words, place=place)

    def example(self, name: str, *words: Word, place: Place) -> Said:
        """Run an example of `silentry-negotiate`."""
        return self.run(f"{self.built['programs']}/examples/{name}.exe", *words, place=place)

    def run(self, program: Word, *words: Word, place: Place | None = None) -> Said:
        """Run a Windows program."""
        return self.wine.run(program, *words, env=place.environment() if place else None)


def built(prepared: Path) -> dict[str, Any]:
    """Return what was built: the folder of the programs, and the unit tests of each package."""
    listed: dict[str, Any] = json.loads((prepared / "x86_64-pc-windows-gnu.json").read_text())
    return listed


def is_token_line(stdout: str) -> bool:
    """Return whether it is a token and a line feed."""
    return _TOKEN_LINE.fullmatch(stdout) is not None
