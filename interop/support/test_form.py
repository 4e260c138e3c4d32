"""The form and the types of what is written here."""

import sys
from pathlib import Path

import pytest

from support.processes import run

HOME = Path(__file__).parents[1]


@pytest.mark.parametrize("tool", [("ruff", "format", "--check"), ("ruff", "check"), ("mypy",)], ids=" ".join)
def test_form(tool: tuple[str, ...], folder: Path) -> None:
    name, *words = tool
    cache = folder / "cache"
    run(sys.executable, "-m", name, *words, "--cache-dir", cache, ".", cwd=HOME)
