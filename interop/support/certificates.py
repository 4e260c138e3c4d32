"""Certificates, made by OpenSSL."""

from pathlib import Path

from support.processes import run


class Authority:
    """An authority that keeps its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.pem"
        self._request("-subj /CN=Authority -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem")

    def certify(self, name: str, *hosts: str) -> None:
        """Make `NAME.pem` and `NAME.key` for the hosts."""
        names = ",".join(f"DNS:{host}" for host in hosts)
        self._request(
            f"-subj /CN={hosts[0]} -CA ca.pem -CAkey ca.key -addext basicConstraints=critical,CA:FALSE"
            f" -addext subjectAltName={names} -addext extendedKeyUsage=serverAuth -days 30 -sha256"
            f" -keyout {name}.key -out {name}.pem"
        )

    def _request(self, line: str) -> None:
        words = f"req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 {line}".split()
        run("openssl", *words, cwd=self.folder)
