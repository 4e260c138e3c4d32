"""Programs with an MSAL of Microsoft's in them, unmodified, against the lab.

The programs sign one user in, ask for tokens again from the cache and the refresh token, and print one line of JSON.
`silentry-lab exec` is all that leads them to the lab.
"""

import json
import os
from typing import Any

import pytest

from clients.cases import CASES, Case
from clients.programs import Client, packages
from support.ground import Ground
from support.page import Row
from support.processes import run

pytestmark = pytest.mark.row(table="Third-party programs against the lab")


def sign_in(ground: Ground, case: Case, client: Client) -> dict[str, Any]:
    """Run the program in a lab of its own and return what it prints."""
    settings = {
        **packages(ground.prepared),
        # Off the command line.
        "INTEROP_PASSWORD": case.password,
        # Java reads the environment in the encoding of the locale.
        "LC_ALL": "C.UTF-8",
    }
    lab = (ground.programs / "silentry-lab", "exec", "--scenario", case.scenario, "--user", case.account, "--")
    words = client.command(ground.prepared, case.java_options)
    answer: dict[str, Any] = json.loads(run(*lab, *words, case.flow, case.user, env=os.environ | settings))
    return answer


@pytest.mark.parametrize(
    ("case", "client"),
    [
        pytest.param(
            case,
            client,
            marks=pytest.mark.row(who=client.value, what=case.what, red=case.red),
            id=f"{client.value}: {case.what}",
        )
        for case in CASES
        for client in case.clients
    ],
)
def test_client(ground: Ground, case: Case, client: Client, row: Row) -> None:
    answer = sign_in(ground, case, client)
    row.version = answer["version"]
    if case.reports is None:
        assert answer["user"] == case.user, answer
        assert answer["cached"], answer
        assert answer["refreshed"], answer
        assert answer["other_api"], answer
    else:
        assert answer.get("user") is None, answer
        assert case.reports in f"{answer['error']}: {answer.get('description')}", answer
        if case.claims:
            assert answer["claims"], answer
