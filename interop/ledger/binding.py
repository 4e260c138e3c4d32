"""Channel bindings, computed here once more."""

import hashlib
import re
import ssl
import struct

from support.processes import run


def shown(address: str, name: str) -> str:
    """Return the certificate that a server shows, as PEM."""
    said = run("openssl", "s_client", "-connect", address, "-servername", name)
    certificate = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.DOTALL)
    assert certificate, said
    return certificate[0]


def binding(certificate: str) -> str:
    """Return the hash that Kerberos has of a connection with this certificate.

    MD5 (RFC 4121 section 4.1.1.2) over `tls-server-end-point` (RFC 5929 section 4.1), with SHA-256, as the certificate
    is signed with it.
    """
    assert "with-SHA256" in run("openssl", "x509", "-noout", "-text", stdin=certificate)
    data = b"tls-server-end-point:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).digest()
    # No addresses, twice: four zeros for the type, four for the length.
    return hashlib.md5(bytes(16) + struct.pack("<I", len(data)) + data).hexdigest()
