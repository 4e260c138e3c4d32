"""Installs the MSALs, where the tests of the clients have them too."""

from clients.prepare import prepare_python_and_node
from msal_net.prepare import prepare as prepare_msal_net
from support.prepare import Preparation


def prepare(preparation: Preparation) -> None:
    prepare_python_and_node(preparation)
    prepare_msal_net(preparation)
