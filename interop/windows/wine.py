"""Wine, with a prefix of its own and no screen."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import Environment, Word

# Debian's `wine` begins by complaining that 32-bit programs cannot be run.
_PROGRAM = "/usr/lib/wine/wine64"
# In seconds. The first start of a prefix copies some 700 MB.
_LIMIT = 300


@dataclass
class Said:
    """How a Windows program ended and what it said, to the byte."""

    code: int
    stdout: str
    stderr: str

    def assert_fails(self, code: int, error: str, *words: str) -> None:
        """It is that failure, told as one JSON object on stderr and nothing on stdout."""
        assert self.stdout == ""
        told = json.loads(self.stderr)
        assert (self.code, told["error"]) == (code, error), told
        for text in words:
            assert text in f"{told.get('message')} {told.get('mitigation')}"


@dataclass
class Wine:
    """A Windows in a folder."""

    folder: Path

    @property
    def application_data(self) -> Path:
        """The user's folder for settings, `%APPDATA%`."""
        users = (self.folder / "wine/drive_c/users").glob("*/AppData/Roaming")
        return next(users)

    def run(self, program: Word, *words: Word, env: Environment | None = None) -> Said:
        """Run a Windows program to its end, however it ends."""
        ended = self._run(_PROGRAM, program, *words, env=env)
        return Said(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def boot(self, random_library: Path) -> None:
        """Set the prefix up, and add the library that Wine lacks."""
        (self.folder / "home").mkdir()
        for command in ((_PROGRAM, "wineboot", "--init"), ("wineserver", "--wait")):
            self._run(*command).check_returncode()
        shutil.copy(random_library, self.folder / "wine/drive_c/windows/system32")

    def end(self) -> None:
        """End Wine's server, which outlives the last program by seconds."""
        self._run("wineserver", "--kill")

    def _run(self, *command: Word, env: Environment | None = None) -> subprocess.CompletedProcess[bytes]:
        environment = {
            **(os.environ if env is None else env),
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            "WINEPREFIX": str(self.folder / "wine"),
            "WINEDEBUG": "-all",
            # What only desktops need, and what would ask for a download.
            "WINEDLLOVERRIDES": "winemenubuilder.exe,mscoree,mshtml=",
        }
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        )


@contextmanager
def wine(folder: Path, random_library: Path) -> Iterator[Wine]:
    """Run a Wine whose prefix is in the folder."""
    running = Wine(folder)
    running.boot(random_library)
    try:
        yield running
    finally:
        running.end()


def version() -> str:
    """Return Wine's version."""
    said = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().removeprefix("wine-").split()[0]


def path(file: Path) -> str:
    r"""Return how a Windows program calls a file of the host: `Z:\…`."""
    return "Z:" + str(file).replace("/", "\\")
