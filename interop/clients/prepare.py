"""Installs and builds the programs, from the registries of their languages, pinned by version and hash."""

import shutil
from pathlib import Path

from msal_net.prepare import prepare as prepare_msal_net
from support.prepare import Preparation, go, npm, pip, run

# Copies the jars of the POM's dependencies; Maven has no way of its own to do so.
_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def prepare(preparation: Preparation) -> None:
    prepare_python_and_node(preparation)
    preparation.once("clients/go", go)
    preparation.once("clients/java", _java)
    prepare_msal_net(preparation)


def prepare_python_and_node(preparation: Preparation) -> None:
    """Prepare those two alone."""
    preparation.once("clients/python", pip)
    preparation.once("clients/node", npm)


def _java(folder: Path) -> None:
    """Maven compares the jars with checksums of the registry only, hence the file of our own."""
    jars, repository = folder / "jars", folder / "repository"
    options = ["--batch-mode", "--quiet", "--strict-checksums", "-DincludeScope=runtime"]
    places = [f"-DoutputDirectory={jars}", f"-Dmaven.repo.local={repository}"]
    run("mvn", *options, _COPY_DEPENDENCIES, *places, cwd=folder)
    shutil.rmtree(repository)
    run("sha256sum", "--check", "--strict", "--quiet", "../jars.sha256", cwd=jars)
    run("javac", "-Xlint:-deprecation", "-cp", "jars/*", "-d", ".", "Client.java", cwd=folder)
