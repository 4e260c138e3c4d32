"""A user at a machine, who signs in to Kerberos and then asks Silentry for a token."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kerberos.conf import Krb5Conf
from support.ground import Ground
from support.lab import Lab
from support.processes import Environment, Word, run
from support.samba import PASSWORD
from support.silentry import Answer, sign_in


@dataclass(frozen=True)
class User:
    """Who signs in, and what the environment of the login says."""

    principal: str
    conf: Krb5Conf
    # Where the tickets are to lie; without it, where the configuration says.
    cache: str | None
    # More variables, and those of Silentry alone.
    variables: Mapping[str, str] = field(default_factory=dict)
    for_silentry: Mapping[str, str] = field(default_factory=dict)
    # A program that runs every program of this user's, such as `faketime` with its arguments.
    wrapper: Sequence[str] = ()
    # What Silentry is told besides.
    options: Sequence[Word] = ()

    def kinit(self, *options: Word, secret: str = PASSWORD) -> None:
        """Sign in, as a log-on does, with what kinit asks for."""
        self._run("kinit", *options, self.principal, stdin=f"{secret}\n")

    def read(self, *command: Word) -> str:
        """Run a program of this user's and return what it prints."""
        return self._run(*command)

    def asks(self, ground: Ground, lab: Lab, *options: Word) -> Answer:
        """Ask for a token by integrated sign-in."""
        environment = {**self.environment(lab.environment), **self.for_silentry}
        return sign_in(ground, environment, *self.options, *options, wrapper=self.wrapper)

    def at(self, **changes: object) -> "User":
        """Return the user at a machine with another configuration."""
        return replace(self, conf=replace(self.conf, **changes))  # type: ignore[arg-type]

    def environment(self, environment: Environment) -> dict[str, str]:
        """Return the environment of the user's programs."""
        result = {**environment, "KRB5_CONFIG": str(self.conf.write()), **self.variables}
        if self.cache is None:
            result.pop("KRB5CCNAME", None)
        else:
            result["KRB5CCNAME"] = self.cache
        return result

    def _run(self, *command: Word, stdin: str = "") -> str:
        return run(*self.wrapper, *command, env=self.environment(os.environ), stdin=stdin)
