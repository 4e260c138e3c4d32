"""Node, which comes as a package beside others."""

import platform
from pathlib import Path

_PROCESSORS = {"aarch64": "arm64", "x86_64": "x64"}


def node(folder: Path) -> Path:
    """Return the program in the folder of a package.json; there is one for each processor."""
    return folder / f"node_modules/node-linux-{_PROCESSORS[platform.machine()]}/bin/node"
