"""Builds the acceptor with gokrb5."""

from support.prepare import Preparation, go


def prepare(preparation: Preparation) -> None:
    preparation.once("acceptors/go", go)
