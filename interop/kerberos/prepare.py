"""Downloads what cannot be installed beside MIT's Kerberos of Debian: an older one, and Heimdal's servers."""

import platform
from pathlib import Path

from support.prepare import Preparation, pip, run

# The KDC, its libraries, and the daemon that keeps tickets; the libraries of clients are installed.
_HEIMDAL = (
    "heimdal-clients",
    "heimdal-kcm",
    "heimdal-kdc",
    "libhdb9-heimdal",
    "libkadm5clnt7-heimdal",
    "libkadm5srv8-heimdal",
    "libkdc2-heimdal",
    "libsl0-heimdal",
)


def prepare(preparation: Preparation) -> None:
    preparation.once("kerberos/mit_before_1_19", _old_mit)
    preparation.once("kerberos/heimdal", _heimdal)


def _old_mit(folder: Path) -> None:
    system = f"--platform=manylinux2014_{platform.machine()}"
    pip(folder, "--implementation=cp", "--python-version=311", "--abi=cp311", system)


def _heimdal(folder: Path) -> None:
    """Unpack packages, which apt verifies."""
    run("apt-get", "--quiet", "download", *_HEIMDAL, cwd=folder)
    for package in folder.glob("*.deb"):
        run("dpkg", "-x", package, folder, cwd=folder)
