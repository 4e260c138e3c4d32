"""The pytest plugin that collects rows and holds them against the page, or writes it.

A test takes part by the fixture `row`, which markers `row(table=…, who=…, what=…, red=…)` of the module, the test and
the parameter fill in, the nearest last; what is known only later, the test sets. The row counts when the test passes.
"""

from collections import defaultdict
from collections.abc import Generator
from dataclasses import asdict
from typing import Any, cast

import pytest

from support.page import PAGE, Row, differences, written

_ROW = pytest.StashKey[Row]()
_PROPERTY = "row"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-page", action="store_true", help="write what was seen to the page")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(table, who, what, red): the line of the page that the test is about")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Collector(config))


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """Return the row of the test."""
    fields: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("row"))):
        fields |= marker.kwargs
    row = request.node.stash[_ROW] = Row(**{"what": request.node.name} | fields)
    return row


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and report.passed and _ROW in item.stash:
        position = item.session.items.index(item)
        report.user_properties.append((_PROPERTY, [position, asdict(item.stash[_ROW])]))
    return report


class _Collector:
    """Has the rows of all workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.write = config.getoption("--write-page")
        # Whoever chooses single tests has no whole table.
        self.whole = not config.option.keyword and not any("::" in argument for argument in config.args)
        self.rows: list[tuple[int, Row]] = []
        self.differences: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if report.when == "call" and name == _PROPERTY:
                position, fields = cast(tuple[int, dict[str, Any]], value)
                self.rows.append((position, Row(**fields)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        tables = defaultdict(list)
        for _, row in sorted(self.rows, key=lambda numbered: numbered[0]):
            tables[row.table].append(row)
        page = PAGE.read_text()
        if self.write:
            PAGE.write_text(written(page, tables))
        elif self.whole:
            self.differences = differences(page, tables)
        if self.differences and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.differences:
            terminalreporter.section(f"{PAGE.name} differs (`cargo xtask interop --write` writes it)")
            for difference in self.differences:
                terminalreporter.line(difference)
        terminalreporter.line(f"{len(self.rows)} rows")
