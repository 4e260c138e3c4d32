"""What all folders have: the built programs, a folder, a lab, names that mean the loopback address."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.ground import Ground
from support.lab import Lab, lab
from support.processes import Word, mounted, run

pytest_plugins = ["support.rows"]


def pytest_addoption(parser: pytest.Parser) -> None:
    for name in ("programs", "examples", "prepared"):
        parser.addoption(f"--{name}", type=Path, metavar="FOLDER", help=f"where the {name} are")


def pytest_runtest_setup() -> None:
    """Give a worker in a network namespace of its own the loopback interface."""
    run("ip", "link", "set", "lo", "up")


@pytest.fixture(scope="session")
def ground(pytestconfig: pytest.Config) -> Ground:
    return Ground(*(pytestconfig.getoption(name) for name in ("programs", "examples", "prepared")))


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return what makes an empty folder with a short path: sockets have room for 108 bytes."""
    return lambda: tmp_path_factory.mktemp("f")


@pytest.fixture
def folder(make_folder: Callable[[], Path]) -> Path:
    """Return an empty folder."""
    return make_folder()


@pytest.fixture
def start_lab(ground: Ground, make_folder: Callable[[], Path]) -> Iterator[Callable[..., Lab]]:
    """Return what starts a lab, with arguments of `silentry-lab up`."""
    with ExitStack() as labs:

        def start(*arguments: Word) -> Lab:
            return labs.enter_context(lab(ground.programs / "silentry-lab", make_folder(), *arguments))

        yield start


@pytest.fixture(scope="module")
def name_loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Return what makes names mean 127.0.0.1, each its own canonical name, in the worker's mount namespace."""
    with ExitStack() as mounts:

        def name(*names: str) -> None:
            hosts = tmp_path_factory.mktemp("hosts") / "hosts"
            hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names)))
            mounts.enter_context(mounted(hosts, "/etc/hosts"))

        yield name
