"""Other programs, each within a generous limit, without a terminal."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar

# In seconds. No program of a test runs longer, however busy the machine is.
LIMIT = 120
_TICK = 0.02

_T = TypeVar("_T")
Word = str | Path
Environment = Mapping[str, str]


def run(*command: Word, env: Environment | None = None, cwd: Path | None = None, stdin: str = "") -> str:
    """Run a program to its successful end and return what it printed on stdout."""
    ended = subprocess.run(
        command, env=env, cwd=cwd, input=stdin, stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=False
    )
    if ended.returncode != 0:
        # For the report of the test.
        print(ended.stdout)
        ended.check_returncode()
    return ended.stdout


def answer(*command: Word, env: Environment | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, however it ends."""
    return subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
    )


@contextmanager
def running(
    *command: Word,
    env: Environment | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a program beside the test; it ends with the test, however that ends, and so does all that it started."""
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def find(program: str) -> str:
    """Return a program of `PATH` or of where Debian keeps those of the administrator, not in every user's `PATH`."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise FileNotFoundError(f"{program} is not installed")
    return found


@contextmanager
def mounted(source: Path, place: str) -> Iterator[None]:
    """Put a file or folder of ours in the place of the machine's, in the worker's mount namespace."""
    run("mount", "--bind", source, place)
    try:
        yield
    finally:
        run("umount", place)


def answers(port: int, address: str = "127.0.0.1") -> bool:
    """Return whether something listens there."""
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


def give_away(folder: Path, account: str) -> None:
    """Let the account of a daemon have a folder, and come to it."""
    run("chown", "-R", f"{account}:", folder)
    make_reachable(folder)


def make_reachable(folder: Path) -> None:
    """Let everybody come to what is in a folder."""
    for place in (folder, *folder.parents):
        mode = place.stat().st_mode
        if not mode & 0o001:
            place.chmod(mode | 0o001)


def debian_version(package: str, field: str = "source:Upstream-Version") -> str:
    """Return the version of an installed Debian package, upstream's or Debian's own."""
    return run("dpkg-query", "--show", f"--showformat=${{{field}}}", package)


def wait_for(what: str, look: Callable[[], _T | None], process: subprocess.Popen[str] | None = None) -> _T:
    """Look until there is something; the process, where one is named, must go on meanwhile."""
    end = time.monotonic() + LIMIT
    while (found := look()) is None:
        if process is not None and process.poll() is not None:
            raise ChildProcessError(f"{process.args!r} ended with {process.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"still no {what} after {LIMIT} s")
        time.sleep(_TICK)
    return found
