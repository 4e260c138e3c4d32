"""MSAL.NET, the library that Microsoft documents for integrated sign-in, beside Silentry.

Every scenario of the lab, what each makes of it, and in how many exchanges.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from msal_net.differences import A_TOKEN, DIFFERENCES
from msal_net.program import command
from support.ground import Ground
from support.lab import Lab
from support.page import Row
from support.processes import Word, answer, run

pytestmark = [
    pytest.mark.row(table="MSAL.NET beside Silentry", who="MSAL.NET"),
    pytest.mark.xdist_group("msal_net"),
]

ALICE = "alice@contoso.test"
# Most of the time a scenario waits for something.
AT_ONCE = 6


@dataclass(frozen=True)
class Scenario:
    name: str
    user: str


@dataclass
class Outcome:
    """What both made of a scenario: a token, or the name of the error."""

    theirs: str
    ours: str
    version: str


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the scenarios of integrated sign-in, as the lab lists them."""
    if "scenario" in metafunc.fixturenames:
        lab = metafunc.config.getoption("programs") / "silentry-lab"
        listed = json.loads(run(lab, "scenarios", "-o", "json"))
        scenarios = [Scenario(one["name"], one["user"]) for one in listed if one["flow"] == "integrated_windows"]
        metafunc.parametrize("scenario", scenarios, ids=[scenario.name for scenario in scenarios])


def in_lab(ground: Ground, scenario: Scenario, *words: Word) -> tuple[Word, ...]:
    return (
        ground.programs / "silentry-lab",
        "exec",
        "--scenario",
        scenario.name,
        "--user",
        scenario.user,
        "--",
        *words,
    )


def sign_in(ground: Ground, scenario: Scenario, flow: str) -> dict[str, Any]:
    """Sign in with MSAL.NET."""
    words = in_lab(ground, scenario, *command(ground.prepared, "Client"), flow, scenario.user)
    printed: dict[str, Any] = json.loads(run(*words))
    return printed


def play(ground: Ground, scenario: Scenario) -> Outcome:
    """Sign in with both; Silentry is told the UPN too, so that both are asked the same."""
    theirs = sign_in(ground, scenario, "integrated")
    options = ("--mode", "iwa", "--cache", "none", "-o", "json", "--username", scenario.user)
    ours = answer(*in_lab(ground, scenario, ground.programs / "silentry", "token", *options))
    if ours.returncode == 0:
        code = A_TOKEN
    else:
        [*_, told] = [line for line in ours.stderr.splitlines() if line.startswith("{")]
        code = json.loads(told)["error"]
    their_code = A_TOKEN if theirs.get("user") else theirs.get("error") or theirs["exception"]
    return Outcome(their_code, code, theirs["version"])


@pytest.fixture(scope="module")
def outcomes(
    ground: Ground, request: pytest.FixtureRequest, name_loopback: Callable[..., None]
) -> Iterator[dict[Scenario, Future[Outcome]]]:
    """Play all scenarios, some of them at the same time."""
    # .NET asks the resolver for the canonical name of the federation server even behind a proxy.
    name_loopback("sts.contoso.test", "autologon.microsoftazuread-sso.com")
    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = [item.callspec.params.get("scenario") for item in tests if hasattr(item, "callspec")]
    scenarios = [scenario for scenario in chosen if isinstance(scenario, Scenario)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {scenario: pool.submit(play, ground, scenario) for scenario in scenarios}
        pool.shutdown(cancel_futures=True)


def test_scenario(outcomes: dict[Scenario, Future[Outcome]], scenario: Scenario, row: Row) -> None:
    outcome = outcomes[scenario].result()

    def told(code: str) -> str:
        return code if code == A_TOKEN else f"`{code}`"

    row.version = outcome.version
    row.what = f"integrated, `{scenario.name}`: {told(outcome.theirs)}"
    if scenario.name in DIFFERENCES:
        theirs, row.red = DIFFERENCES[scenario.name]
        row.what += f"; Silentry: {told(outcome.ours)}"
        assert outcome.theirs == theirs
        assert outcome.theirs != outcome.ours
    else:
        row.what += ", as Silentry"
        assert outcome.theirs == outcome.ours


@pytest.mark.row(
    what="integrated, without a name: `PlatformNotSupportedException`; Silentry: a token",
    red="MSAL.NET asks Windows alone who is signed in",
)
def test_without_a_name(ground: Ground, row: Row) -> None:
    printed = sign_in(ground, Scenario("default", ALICE), "integrated-unnamed")
    row.version = printed["version"]
    assert printed["exception"] == "PlatformNotSupportedException"


@pytest.mark.row(
    what="integrated: 6 exchanges for the first sign-in, 5 for the second; Silentry: 4 and 2",
    red="MSAL.NET asks where the authority's endpoints are, keeps neither realm nor metadata, and sends the ticket only"
    " after a 401",
)
def test_exchanges(ground: Ground, start_lab: Callable[..., Lab], row: Row) -> None:
    def count(*words: Word) -> int:
        """Return how many exchanges the sign-ins of one process take."""
        lab = start_lab()
        printed = json.loads(run(*words, env=lab.environment))
        assert printed["user"] == ALICE
        row.version = printed.get("version", row.version)
        return len(lab.journal())

    ours, ours_twice = (count(ground.examples / "sign_in", "integrated", times) for times in ("1", "2"))
    client = command(ground.prepared, "Client")
    theirs, theirs_twice = (count(*client, flow, ALICE) for flow in ("integrated-once", "integrated-twice"))
    assert (theirs, theirs_twice - theirs) == (6, 5)
    assert (ours, ours_twice - ours) == (4, 2)
