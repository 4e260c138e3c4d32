"""Certificates for a sign-in without a password (PKINIT, RFC 4556), in files and in a soft token."""

import os
from pathlib import Path

from support.processes import run

# What a smart card asks its holder for.
PIN = "2468"
_TOKEN_LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"


class Certificates:
    """An authority with the certificates of a realm's KDC and of one account."""

    def __init__(self, folder: Path, realm: str, account: str) -> None:
        self.folder = folder
        # Lines for the realm of MIT's KDC, and for a client.
        self.client_line = f"pkinit_anchors = FILE:{folder}/ca.pem"
        self.kdc_lines = (f"pkinit_identity = FILE:{folder}/kdc.pem,{folder}/kdc.key", self.client_line)
        # What kinit must be told to use the files.
        self.in_files = f"X509_user_identity=FILE:{folder}/user.pem,{folder}/user.key"
        self._openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=CA -keyout ca.key -out ca.pem")
        # Key purposes and name types of RFC 4556, 3.2.4 and 3.2.2.
        self._certify("kdc", "1.3.6.1.5.2.3.5", realm, 2, "krbtgt", realm)
        self._certify("user", "1.3.6.1.5.2.3.4", realm, 1, account)

    def in_token(self) -> tuple[dict[str, str], str]:
        """Put key and certificate into a new soft token; return the variable and what kinit must be told to use it."""
        tokens = self.folder / "tokens"
        tokens.mkdir()
        conf = self.folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {tokens}\n")
        variables = {"SOFTHSM2_CONF": str(conf)}

        def administer(line: str) -> None:
            run(*line.split(), "--pin", PIN, env=os.environ | variables, cwd=self.folder)

        administer(f"softhsm2-util --init-token --free --label card --so-pin {PIN}")
        administer("softhsm2-util --import user.key --token card --label user --id 01")
        self._openssl("x509 -in user.pem -outform DER -out user.der")
        written = "--write-object user.der --type cert --label user --id 01"
        administer(f"pkcs11-tool --module {_TOKEN_LIBRARY} --login {written}")
        return variables, f"X509_user_identity=PKCS11:module_name={_TOKEN_LIBRARY}"

    def _certify(self, name: str, purpose: str, realm: str, name_type: int, *components: str) -> None:
        """Issue a certificate that names a principal (RFC 4556, 3.2.2) in its alternative names."""
        parts = "".join(f"part{place} = GeneralString:{text}\n" for place, text in enumerate(components))
        (self.folder / f"{name}.cnf").write_text(
            "basicConstraints = CA:FALSE\nkeyUsage = digitalSignature, keyEncipherment\n"
            f"extendedKeyUsage = {purpose}\n"
            "subjectAltName = otherName:1.3.6.1.5.2.2;SEQUENCE:principal\n"
            f"[principal]\nrealm = EXP:0, GeneralString:{realm}\nname = EXP:1, SEQUENCE:name\n"
            f"[name]\ntype = EXP:0, INTEGER:{name_type}\nparts = EXP:1, SEQUENCE:parts\n"
            f"[parts]\n{parts}"
        )
        self._openssl(f"req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr")
        signed = f"-in {name}.csr -out {name}.pem -extfile {name}.cnf"
        self._openssl(f"x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial {signed}")

    def _openssl(self, line: str) -> None:
        run("openssl", *line.split(), cwd=self.folder)
