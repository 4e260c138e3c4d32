"""Builds a library that Wine lacks."""

from pathlib import Path

from support.prepare import Preparation, run

LIBRARY = "bcryptprimitives"


def prepare(preparation: Preparation) -> None:
    preparation.once("windows", _build)


def _build(folder: Path) -> None:
    options = ("-Wall", "-Wextra", "-Werror", "-O2", "-s", "-shared", "-o", f"{LIBRARY}.dll")
    run("x86_64-w64-mingw32-gcc", *options, f"{LIBRARY}.c", "-ladvapi32", cwd=folder)
