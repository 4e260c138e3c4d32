"""The KDCs that issue the tickets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kerberos import heimdal
from kerberos.conf import Krb5Conf
from kerberos.site import REALM, SERVICE, UPN, alice, demanding_lab, site, version
from support.ground import Ground
from support.page import Row
from support.samba import Domain

pytestmark = [
    pytest.mark.row(table="KDCs that issue our tickets", what="a ticket by password, and from it a token"),
    pytest.mark.xdist_group("kerberos"),
]


def assert_token(ground: Ground, folder: Path, keytab: Path) -> None:
    """Sign alice in at the KDC on 127.0.0.1 and let her get a token."""
    user = alice(Krb5Conf(folder, {REALM: "127.0.0.1"}))
    user.kinit()
    lab_folder = folder / "lab"
    lab_folder.mkdir()
    with demanding_lab(ground, lab_folder, keytab) as lab:
        user.asks(ground, lab).assert_token_of(UPN)


@pytest.mark.row(who="MIT krb5kdc")
def test_mit(ground: Ground, make_folder: Callable[[], Path], row: Row) -> None:
    row.version = version("krb5-kdc")
    with site(ground, make_folder) as mit:
        mit.alice.kinit()
        mit.gives_token(mit.alice)


@pytest.mark.row(who="Heimdal kdc")
def test_heimdal(ground: Ground, folder: Path, row: Row) -> None:
    row.version = version("libkrb5-26-heimdal")
    realm = heimdal.Realm(heimdal.Heimdal(ground.prepared), folder, REALM)
    realm.add_user("alice")
    keytab = realm.add_service(SERVICE)
    with realm.kdc():
        assert_token(ground, folder, keytab)


@pytest.mark.row(who="Samba AD")
def test_samba(ground: Ground, make_folder: Callable[[], Path], folder: Path, row: Row) -> None:
    row.version = version("samba-ad-dc")
    domain = Domain(make_folder())
    with domain.controller():
        assert_token(ground, folder, domain.keytab)
