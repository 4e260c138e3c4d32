"""Installs oidc-provider."""

from support.prepare import Preparation, npm


def prepare(preparation: Preparation) -> None:
    preparation.once("openid/provider", npm)
