"""A `krb5.conf`, as the machine of a user has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Krb5Conf:
    """The configuration of the Kerberos library, which asks DNS nothing about realms."""

    folder: Path
    # The KDC of each realm.
    realms: Mapping[str, str] = field(default_factory=dict)
    name: str = "krb5.conf"
    # The first realm unless another one is named.
    default_realm: str | None = None
    # More lines of `[libdefaults]`.
    settings: Sequence[str] = ()
    # The realm of each domain.
    domains: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> Path:
        """Write the file and return where it is."""
        default = self.default_realm or next(iter(self.realms), None)
        lines = [
            "[libdefaults]",
            *([f" default_realm = {default}"] if default else []),
            *(f" {setting}" for setting in ("dns_lookup_kdc = false", "dns_lookup_realm = false", *self.settings)),
            "[realms]",
            *(f" {realm} = {{\n  kdc = {kdc}\n }}" for realm, kdc in self.realms.items()),
            "[domain_realm]",
            *(f" {domain} = {realm}" for domain, realm in self.domains.items()),
        ]
        path = self.folder / self.name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def without_kdcs(self) -> Mapping[str, str]:
        """Return the realms, with an address where no KDC is."""
        return dict.fromkeys(self.realms, "127.0.0.99")
