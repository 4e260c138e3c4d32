"""Labs whose AD FS belongs to a realm of MIT's, with or without a man in the middle, and what is seen of a sign-in."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.binding import shown
from ledger.capture import Traffic, capture
from ledger.realm import Ledger
from support.certificates import Authority
from support.ground import Ground
from support.lab import Lab, lab
from support.processes import Word, answers, running, wait_for
from support.silentry import Answer, sign_in

ENTRA = "login.microsoftonline.com"
STS = "sts.contoso.test"
# Where a program finds the lab that knows no proxy, and where its KDC.
LAB = "127.0.0.1:443"
KDC = "127.0.0.1:88"
UPN = "alice@contoso.test"
# Where the man in the middle listens, and where the real AD FS is then.
_BETWEEN_PORT = 8443
_BEHIND_PORT = 9443


@dataclass
class Seen:
    """What was seen of one sign-in."""

    answer: Answer
    # For which services the KDC's log has a request.
    tickets: list[str]
    traffic: Traffic
    # The exchanges of AD FS's lab.
    journal: list[dict[str, Any]]
    # The certificate that the user saw of AD FS.
    certificate: str

    @property
    def ticket(self) -> dict[str, Any]:
        """What AD FS found in the first ticket that it was shown; the sign-in may have failed."""
        tickets: list[dict[str, Any]] = [line["ticket"] for line in self.journal if line.get("ticket")]
        assert tickets, self.journal
        return tickets[0]

    @property
    def stages(self) -> list[str]:
        """The stages of the exchanges."""
        return [line["stage"] for line in self.journal]


@dataclass
class Site:
    """A realm, and labs whose AD FS belongs to it."""

    ground: Ground
    make_folder: Callable[[], Path]
    ledger: Ledger

    def meet(self, scenario: str) -> Seen:
        """Sign in to a lab in this scenario, from a ticket-granting ticket alone."""
        with self.lab(scenario, "--listen", LAB) as running:
            return self._sign_in(running, running, shown(LAB, STS), running.folder / "ca.pem")

    def meet_in_between(self, scenario: str, **variables: str) -> Seen:
        """The same with a man in the middle whom the user trusts; the scenario is that of AD FS behind him."""
        authority = Authority(self.make_folder())
        authority.certify("between", STS)
        certificate = (authority.folder / "between.pem").read_text()
        identity = authority.folder / "both.pem"
        identity.write_text(certificate + (authority.folder / "between.key").read_text())
        mapped = ("--listen", LAB, "--map", f"{STS}=127.0.0.1:{_BETWEEN_PORT}")
        with (
            self.lab(scenario, "--proxy", f"127.0.0.1:{_BEHIND_PORT}") as behind,
            self._relay(identity, behind),
            self.lab("default", *mapped) as front,
        ):
            bundle = authority.folder / "bundle.pem"
            bundle.write_text((front.folder / "ca.pem").read_text() + authority.certificate.read_text())
            return self._sign_in(front, behind, certificate, bundle, **variables)

    def lab(self, scenario: str, *arguments: Word) -> AbstractContextManager[Lab]:
        """Run a lab whose AD FS has the keys of the realm."""
        program, keytab = self.ground.programs / "silentry-lab", self.ledger.keytab
        return lab(program, self.make_folder(), "--scenario", scenario, "--keytab", keytab, *arguments)

    def _sign_in(self, front: Lab, adfs: Lab, certificate: str, bundle: Path, **variables: str) -> Seen:
        user = self.ledger.user()
        user.kinit("-f")
        before = len(self.ledger.asked())
        environment = user.environment(front.environment) | {"SILENTRY_CA_BUNDLE": str(bundle)} | variables
        # As where the real names lead to the real servers.
        for name in ("HTTPS_PROXY", "https_proxy"):
            environment.pop(name, None)
        with capture(self.make_folder() / "capture.pcap") as captured:
            answer = sign_in(self.ground, environment, "--username", UPN)
            traffic = captured()
        return Seen(answer, self.ledger.asked()[before:], traffic, adfs.journal(), certificate)

    @contextmanager
    def _relay(self, identity: Path, behind: Lab) -> Iterator[None]:
        """Run somebody in front of an AD FS."""
        words = (str(_BETWEEN_PORT), identity, str(_BEHIND_PORT), STS, behind.folder / "ca.pem")
        with running(sys.executable, Path(__file__).with_name("relay.py"), *words) as process:
            wait_for("answer of the relay", lambda: answers(_BETWEEN_PORT) or None, process)
            yield
