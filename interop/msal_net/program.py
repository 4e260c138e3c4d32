"""Where the runtime and the programs are, and how they are started."""

from pathlib import Path

# Where a package of requirements.txt carries the runtime.
RUNTIME = Path("dnv/net/runtime/.net")


def command(prepared: Path, name: str) -> list[str]:
    """Return the words that start a program."""
    built = prepared / "msal_net" / "dotnet"
    return [f"{built / RUNTIME}/dotnet", f"{built}/{name}.dll"]
