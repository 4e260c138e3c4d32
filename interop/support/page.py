"""The page of the third-party programs: who was met, in which version, and how it went.

The page is the expectation: a cell that changes fails the tests until somebody has looked at it and written the page
again. Versions differ between machines and are not compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "interoperability.md"

_HEAD = "\n| who | version | what | result |\n|---|---|---|---|\n"


@dataclass
class Row:
    """One third-party program and how it went."""

    table: str
    what: str
    who: str = "?"
    version: str = "?"
    # Why it cannot work, where it does not: the test has seen this very failure.
    red: str | None = None

    def key(self) -> tuple[str, str, str]:
        """Return what is compared."""
        return self.who, self.what, self.red or "works"


def written(page: str, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the page with these tables; all others stay as they are, and new ones come last."""
    for title, rows in tables.items():
        heading = f"\n## {title}\n"
        if heading not in page:
            page += heading
        before, _, rest = page.partition(heading)
        _, mark, after = rest.partition("\n## ")
        page = before + heading + _rendered(rows) + mark + after
    return page


def differences(page: str, tables: Mapping[str, Iterable[Row]]) -> list[str]:
    """Return where the page differs from the rows, in their tables alone."""
    found = []
    for title, rows in tables.items():
        seen = {row.key() for row in rows}
        told = _told(page, title)
        found += [f"seen, not on the page: {key}" for key in sorted(seen - told)]
        found += [f"on the page, not seen: {key}" for key in sorted(told - seen)]
    return found


def _rendered(rows: Iterable[Row]) -> str:
    def line(row: Row) -> str:
        who, what, result = row.key()
        return f"| {who} | {row.version} | {what} | {result} |\n"

    return _HEAD + "".join(map(line, rows))


def _told(page: str, title: str) -> set[tuple[str, str, str]]:
    _, _, rest = page.partition(f"\n## {title}\n")
    body, _, _ = rest.partition("\n## ")
    lines = [line for line in body.splitlines() if line.startswith("| ") and line.endswith(" |")]
    cells = [line[2:-2].split(" | ") for line in lines]
    return {(who, what, result) for who, _, what, result in cells if who != "who"}
