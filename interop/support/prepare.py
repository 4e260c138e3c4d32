"""Downloads and builds for the tests while the network is there: `python3 -m support.prepare SOURCES PREPARED FOLDER…`.

A folder that needs more than Debian packages has a `prepare.py` with `prepare(Preparation)`. It must be quick when
everything is there.
"""

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.processes import Environment, Word


@dataclass
class Preparation:
    """Where to prepare, and from what."""

    # Of the checkout: `interop/`.
    sources: Path
    # Keeps what was prepared, from one run to the next.
    prepared: Path

    def once(self, source: str, fill: Callable[[Path], None], *, again: bool = False) -> None:
        """Fill `prepared/SOURCE`, at first a copy of the folder, unless that was done the very same way.

        What is to be done `again` is done again the next time, too.
        """
        files = sorted(path for path in (self.sources / source).glob("*") if path.is_file())
        # How it is filled counts, too.
        recipes = [Path(__file__), self.sources / Path(source).parts[0] / "prepare.py"]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*files, *recipes])).hexdigest()
        folder = self.prepared / source
        done = folder / ".done"
        if not again and done.exists() and done.read_text() == digest:
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in files:
            shutil.copy(path, folder)
        fill(folder)
        if not again:
            done.write_text(digest)


def run(*command: Word, cwd: Path, env: Environment | None = None) -> None:
    """Run a program to its successful end."""
    subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=True)


def pip(folder: Path, *system: str) -> None:
    """Install what requirements.txt pins, for this system unless another one is named."""
    options = ["--quiet", "--no-cache-dir", "--root-user-action=ignore", "--no-deps", "--only-binary=:all:"]
    source = ["--require-hashes", "--requirement", "requirements.txt"]
    run("python3", "-m", "pip", "install", *options, *source, *system, "--target", ".", cwd=folder)


def npm(folder: Path) -> None:
    """Install what package-lock.json pins. Node comes as a package too, for this processor, without install scripts."""
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--cache", "cache"]
    run("npm", "ci", *options, cwd=folder)
    shutil.rmtree(folder / "cache")


def go(folder: Path) -> None:
    """Build `program`; Go compares the modules with go.sum."""
    cache, modules = folder / "cache", folder / "modules"
    settings = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache),
        "GOMODCACHE": str(modules),
        # The modules stay deletable; the checkout around is not asked for its version.
        "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
    }
    run("go", "build", "-o", "program", ".", cwd=folder, env=os.environ | settings)
    shutil.rmtree(cache)
    shutil.rmtree(modules)


def main() -> None:
    sources, prepared, *folders = sys.argv[1:]
    for folder in folders:
        if (Path(sources) / folder / "prepare.py").exists():
            module = importlib.import_module(f"{folder}.prepare")
            module.prepare(Preparation(Path(sources), Path(prepared)))


if __name__ == "__main__":
    main()
