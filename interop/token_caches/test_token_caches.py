"""One token cache in a file, which Silentry and the MSALs use in turn.

Whoever comes second takes the other's access token without asking Entra for one, renews it with the other's refresh
token, and the first goes on with what the second wrote.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from clients.programs import Client, packages
from support.ground import Ground
from support.lab import Lab
from support.page import Row
from support.processes import Word, run

pytestmark = pytest.mark.row(table="Programs that share our token cache")

USER = "bob@managed.test"
PASSWORD = "Bob-Passw0rd"
# Of the lab. MSAL Python finds what others wrote under the tenant's id alone.
TENANT_ID = "100e3a02-371f-4666-9e23-748a511ebf64"
OURS_FIRST = "takes our access token with no token call, renews with our refresh token, and we with its"
THEIRS_FIRST = "we take its access token with no token call, renew with its refresh token, and it with ours"


@dataclass
class Answer:
    """What a program prints."""

    version: str
    user: str
    # A hash of it.
    token: str
    cached: bool
    accounts: int


@dataclass
class Shared:
    """A cache that is shared, in a lab of its own."""

    lab: Lab
    packages: dict[str, str]

    def in_turn(self, first: Sequence[Word], second: Sequence[Word]) -> None:
        """Let the second take and renew what the first got, and the first what the second got."""
        token = self.ask(first, "sign-in").token
        for program in (second, first):
            self.take(program, token)
            renewed = self.ask(program, "refresh")
            assert not renewed.cached
            assert renewed.token != token
            token = renewed.token
        self.take(second, token)

    def take(self, program: Sequence[Word], token: str) -> None:
        before = self.token_calls()
        taken = self.ask(program, "silent")
        assert taken.cached
        assert taken.token == token
        assert self.token_calls() == before

    def ask(self, program: Sequence[Word], action: str) -> Answer:
        environment = {
            **self.lab.environment,
            **self.packages,
            "SILENTRY_TENANT": TENANT_ID,
            "INTEROP_PASSWORD": PASSWORD,
        }
        printed = run(*program, self.lab.folder / "msal.cache", action, USER, env=environment)
        answer = Answer(**json.loads(printed))
        assert answer.user == USER
        assert answer.accounts == 1
        return answer

    def token_calls(self) -> int:
        """Return how often Entra was asked for a token so far."""
        return sum(exchange["stage"] == "token" for exchange in self.lab.journal())


@pytest.mark.parametrize("what", [OURS_FIRST, THEIRS_FIRST], ids=["ours first", "theirs first"])
@pytest.mark.parametrize("client", [Client.PYTHON, Client.NODE, Client.DOTNET], ids=lambda client: client.value)
def test_in_turn(ground: Ground, start_lab: Callable[..., Lab], client: Client, what: str, row: Row) -> None:
    row.who, row.what = client.value, what
    shared = Shared(start_lab(), packages(ground.prepared))
    ours, theirs = [ground.examples / "shared_cache"], client.script(ground.prepared, "cache")
    shared.in_turn(*(ours, theirs) if what == OURS_FIRST else (theirs, ours))
    row.version = shared.ask(theirs, "silent").version
