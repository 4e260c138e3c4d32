"""`silentry token` with integrated sign-in, and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from support.ground import Ground
from support.processes import Environment, Word, answer


@dataclass
class Answer:
    """What became of a sign-in."""

    exit_code: int
    # The answer without its token, which nobody may see, or the error object.
    members: dict[str, Any]

    @property
    def advice(self) -> str:
        """What the user is told of an error."""
        return f"{self.members.get('message')}\n{self.members.get('mitigation')}"

    def assert_token_of(self, upn: str) -> None:
        assert self.exit_code == 0, self.members
        assert self.members["username"] == upn

    def assert_fails(self, code: str, words: str = "", exit_code: int | None = None) -> None:
        assert self.members.get("error") == code, self.members
        assert words in self.advice
        assert exit_code in (None, self.exit_code)


def sign_in(ground: Ground, environment: Environment, *options: Word, wrapper: Sequence[Word] = ()) -> Answer:
    """Ask for a token by the ticket; a wrapper is a program that runs others."""
    command = (ground.programs / "silentry", "token", "--mode", "iwa", "--output", "json")
    ended = answer(*wrapper, *command, *options, env=environment)
    if ended.returncode == 0:
        members = json.loads(ended.stdout)
        assert members.pop("access_token")
    else:
        objects = [line for line in ended.stderr.splitlines() if line.startswith("{")]
        assert objects, ended.stderr
        assert ended.stdout == ""
        members = json.loads(objects[-1])
    return Answer(ended.returncode, members)
