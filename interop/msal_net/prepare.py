"""Installs the runtime and MSAL.NET, and compiles the programs."""

import os
import platform
import shutil
from pathlib import Path

from msal_net.program import RUNTIME
from support.prepare import Preparation, pip, run

# Names a folder with another release of `Microsoft.Identity.Client.dll` and what it needs (`dotnet publish`).
_OTHER_RELEASE = "MSAL_NET_FOLDER"
# Where the packages of requirements.txt carry the reference assemblies and MSAL.NET.
_REFERENCES = "dotnetcore2/bin/shared/Microsoft.NETCore.App/3.1.23"
_MSAL = "sempy/lib"
_MSAL_AND_ITS_NEEDS = (
    "Microsoft.Identity.Client.dll",
    "Microsoft.IdentityModel.Abstractions.dll",
    "System.Diagnostics.DiagnosticSource.dll",
    "System.Formats.Asn1.dll",
)


def prepare(preparation: Preparation) -> None:
    if platform.machine() != "x86_64":
        raise RuntimeError("the runtime of .NET is packaged for x86-64 only")
    # The path of another release does not tell whether it is the one of the last time.
    preparation.once("msal_net/dotnet", _build, again=_OTHER_RELEASE in os.environ)


def _build(folder: Path) -> None:
    pip(folder)
    # Wheels carry no permissions that pip keeps.
    (folder / RUNTIME / "dotnet").chmod(0o755)
    other = os.environ.get(_OTHER_RELEASE)
    libraries = Path(other).glob("*.dll") if other else (folder / _MSAL / name for name in _MSAL_AND_ITS_NEEDS)
    for library in libraries:
        # Beside the programs, where the runtime looks for it.
        shutil.copy(library, folder)
    for name in ("Client", "Cache"):
        _compile(folder, name)
        shutil.copy(folder / "runtimeconfig.json", folder / f"{name}.runtimeconfig.json")


def _compile(folder: Path, name: str) -> None:
    """Compile a program against the reference assemblies instead of Mono's own."""
    options = ["-nostdlib", "-noconfig", "-langversion:latest", "-target:exe", f"-out:{name}.dll"]
    assemblies = (folder / _REFERENCES).glob("*.dll")
    managed = [path for path in assemblies if path.name.startswith("System") or path.name == "netstandard.dll"]
    references = [f"-reference:{path}" for path in ("Microsoft.Identity.Client.dll", *managed)]
    run("mcs", *options, *references, f"{name}.cs", cwd=folder)
