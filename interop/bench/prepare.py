"""Installs those that the silent call is compared with, where the tests of the clients have them too."""

from clients.prepare import prepare_python_and_node as prepare

__all__ = ["prepare"]
