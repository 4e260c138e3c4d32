"""A real Active Directory: Samba's domain controller, provisioned in seconds.

As in most real forests the users' UPN suffix is not the name of the Kerberos realm.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import Environment, Word, answers, find, run, running, wait_for

# The Kerberos realm, which is the DNS name of the domain in capitals.
_REALM = "CORP.CONTOSO.TEST"
_DOMAIN_DN = "DC=corp,DC=contoso,DC=test"
_UPN_SUFFIX = "contoso.test"
# The service that AD FS answers Negotiate for.
_SERVICE = "HTTP/sts.contoso.test"
# The domain controller's own service, by which LDAP clients know it.
_DIRECTORY = "ldap/dc1.corp.contoso.test"
_SERVICE_ACCOUNT = "adfs-svc"
# AES128 and AES256 (MS-KILE 2.2.7). Without it Samba makes RC4 keys only.
_AES = 24
# These passwords protect nothing: the domain lives in its own network for some seconds.
PASSWORD = "Passw0rd-of-the-test"


class Domain:
    """A domain in a folder, with the user alice and the account of AD FS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keytab = folder / "adfs.keytab"
        self._config = folder / "etc" / "smb.conf"
        self._database = folder / "private" / "sam.ldb"
        self._provision()
        self._create_accounts()
        self._export_keytab()

    def environment(self, environment: Environment) -> dict[str, str]:
        """Return the environment of the signed-in user's programs."""
        cache = f"FILE:{self.folder}/krb5cc"
        return {**environment, "KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5CCNAME": cache}

    @contextmanager
    def controller(self) -> Iterator[None]:
        """Run the domain controller on the loopback address, from when it answers."""
        services = "--option=server services=ldap cldap kdc rpc"
        options = ("--interactive", "--debug-stdout", "--configfile", self._config, services)
        with running(find("samba"), *options, "--option=ldap server require strong auth=yes") as process:
            wait_for("answer of the controller", lambda: (answers(88) and answers(389)) or None, process)
            yield

    def add_user(self, account: str, upn: str | None) -> None:
        """Add a user with this UPN; without one the account has the implicit `account@domain` alone."""
        self._samba_tool("user", "create", account, PASSWORD)
        self._change(account, "replace" if upn else "delete", "userPrincipalName", upn)

    def set(self, account: str, attribute: str, value: str) -> None:
        """Set an attribute of a user."""
        self._change(account, "replace", attribute, value)

    def sign_in(self, account: str) -> None:
        """Sign a user in, as a log-on to a domain member does: a ticket-granting ticket in a cache."""
        run("kinit", f"{account}@{_REALM}", env=self.environment(os.environ), stdin=f"{PASSWORD}\n")

    def tickets(self) -> str:
        """Return the tickets of the signed-in user, as klist lists them with their encryption types."""
        return run("klist", "-e", env=self.environment(os.environ))

    def _provision(self) -> None:
        # An empty configuration, or the one of the system would be taken as the beginning.
        empty = self.folder / "empty.conf"
        empty.touch()
        (self.folder / "run").mkdir()
        options = {
            "interfaces": "lo",
            "bind interfaces only": "yes",
            "pid directory": self.folder / "run",
            "ncalrpc dir": self.folder / "ncalrpc",
            "log file": self.folder / "samba.log",
        }
        machine = ("--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1", "--dns-backend=SAMBA_INTERNAL")
        names = ("--domain=CONTOSO", f"--realm={_REALM}", f"--adminpass={PASSWORD}", f"--targetdir={self.folder}")
        settings = [f"--option={name}={value}" for name, value in options.items()]
        run("samba-tool", "domain", "provision", *machine, *names, "--configfile", empty, *settings)
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {_REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            " rdns = false\n dns_canonicalize_hostname = false\n"
            f"[realms]\n {_REALM} = {{\n  kdc = 127.0.0.1\n }}\n"
            f"[domain_realm]\n .{_UPN_SUFFIX} = {_REALM}\n"
        )

    def _create_accounts(self) -> None:
        self._modify(
            f"dn: CN=Partitions,CN=Configuration,{_DOMAIN_DN}\nchangetype: modify\n"
            f"add: uPNSuffixes\nuPNSuffixes: {_UPN_SUFFIX}\n"
        )
        self._samba_tool("user", "create", "alice", PASSWORD)
        self._samba_tool("user", "rename", "alice", f"--upn=alice@{_UPN_SUFFIX}")
        self._samba_tool("user", "create", _SERVICE_ACCOUNT, PASSWORD)
        self._samba_tool("spn", "add", _SERVICE, _SERVICE_ACCOUNT)
        # A controller that has its DNS registers this by itself.
        self._samba_tool("spn", "add", _DIRECTORY, "DC1$")
        self._change(_SERVICE_ACCOUNT, "replace", "msDS-SupportedEncryptionTypes", str(_AES))
        # The keys are made when the password is set.
        self._samba_tool("user", "setpassword", _SERVICE_ACCOUNT, f"--newpassword={PASSWORD}")

    def _export_keytab(self) -> None:
        service = f"--principal={_SERVICE}"
        run("samba-tool", "domain", "exportkeytab", self.keytab, service, "--configfile", self._config)
        assert "aes256-cts" in run("klist", "-ke", self.keytab)

    def _samba_tool(self, *words: Word) -> None:
        run("samba-tool", *words, "-H", self._database, "--configfile", self._config)

    def _change(self, account: str, how: str, attribute: str, value: str | None) -> None:
        line = f"{attribute}: {value}\n" if value else ""
        self._modify(f"dn: CN={account},CN=Users,{_DOMAIN_DN}\nchangetype: modify\n{how}: {attribute}\n{line}")

    def _modify(self, change: str) -> None:
        """Change the directory by LDIF (RFC 2849)."""
        run("ldbmodify", "-H", self._database, stdin=change)
