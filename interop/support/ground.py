"""What was there before the tests."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Ground:
    """Where everything is that was built and prepared before."""

    # `silentry` and `silentry-lab`.
    programs: Path
    # The built examples of the crates.
    examples: Path
    # What the folders' `prepare.py` made.
    prepared: Path
