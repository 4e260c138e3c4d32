"""The programs with an MSAL of Microsoft's in them, and how they are started."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from msal_net.program import command as msal_net
from support.node import node


class Client(Enum):
    """A program with an MSAL; its value is the name on the page."""

    PYTHON = "MSAL Python"
    NODE = "MSAL Node"
    GO = "MSAL Go"
    JAVA = "MSAL Java"
    DOTNET = "MSAL.NET"

    def command(self, prepared: Path, java_options: Sequence[str] = ()) -> list[str]:
        """Return the words that start the program that signs a user in."""
        clients = prepared / "clients"
        match self:
            case Client.GO:
                return [f"{clients}/go/program"]
            case Client.JAVA:
                path = f"{clients}/java:{clients}/java/jars/*"
                return ["java", "-XX:TieredStopAtLevel=1", *java_options, "-cp", path, "Client"]
            case _:
                return self.script(prepared, "client")

    def script(self, prepared: Path, name: str) -> list[str]:
        """Return the words that start another program of Python's, Node's or .NET's."""
        clients = prepared / "clients"
        match self:
            case Client.PYTHON:
                return ["python3", f"{clients}/python/{name}.py"]
            case Client.NODE:
                return [str(node(clients / "node")), f"{clients}/node/{name}.js"]
            case Client.DOTNET:
                return msal_net(prepared, name.capitalize())
            case _:
                raise ValueError(f"{self.value} has no {name}")


def packages(prepared: Path) -> dict[str, str]:
    """Return what the environment must have for Python to find its MSAL."""
    return {"PYTHONPATH": f"{prepared}/clients/python"}
