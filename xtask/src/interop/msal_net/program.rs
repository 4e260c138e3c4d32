//! Where MSAL.NET and the runtime are, and how its programs are started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::super::Preparation;
use super::super::clients::prepare::once;
use crate::process::command;

/// The folder below `target/interop`, which several parts share.
const FOLDER: &str = "msal-net";
/// Names a folder with another release of `Microsoft.Identity.Client.dll` and what it needs (`dotnet publish`).
const OTHER_RELEASE: &str = "MSAL_NET_FOLDER";
/// Where the packages of `interop/dotnet/requirements.txt` carry the runtime, the reference assemblies and MSAL.NET.
const RUNTIME: &str = "dnv/net/runtime/.net";
const REFERENCES: &str = "dotnetcore2/bin/shared/Microsoft.NETCore.App/3.1.23";
const MSAL: &str = "sempy/lib";
const MSAL_AND_ITS_NEEDS: [&str; 4] = [
    "Microsoft.Identity.Client.dll",
    "Microsoft.IdentityModel.Abstractions.dll",
    "System.Diagnostics.DiagnosticSource.dll",
    "System.Formats.Asn1.dll",
];

pub(in crate::interop) const PACKAGES: [(&str, &str); 2] = [
    ("libssl3", "the TLS of .NET"),
    ("mono-mcs", "compiles the programs with MSAL.NET"),
];

/// Installs the runtime and MSAL.NET, and compiles the programs.
pub(in crate::interop) fn prepare(preparation: &Preparation) -> Result<()> {
    ensure!(
        cfg!(target_arch = "x86_64"),
        "the runtime of .NET is packaged for x86-64 only"
    );
    let shared = folder(preparation.prepared);
    fs::create_dir_all(&shared)?;
    if std::env::var_os(OTHER_RELEASE).is_some() {
        // Its path does not tell whether it is the one of the last time; what `once` has noted must not count.
        fs::write(shared.join("dotnet.done"), "")?;
    }
    once(&preparation.with_folder(&shared), "dotnet", build)
}

/// Returns the command that runs a program of `interop/dotnet`, for any part.
pub(in crate::interop) fn program(prepared: &Path, name: &str) -> Command {
    let words = line(prepared, name);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// The same as words.
pub(in crate::interop) fn line(prepared: &Path, name: &str) -> [String; 2] {
    let built = folder(prepared).join("dotnet");
    [
        built.join(RUNTIME).join("dotnet"),
        built.join(name).with_extension("dll"),
    ]
    .map(|path| path.display().to_string())
}

fn folder(prepared: &Path) -> PathBuf {
    prepared.with_file_name(FOLDER)
}

fn build(preparation: &Preparation, folder: &Path) -> Result<()> {
    let mut pip = command(
        "python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --no-deps \
         --require-hashes --only-binary=:all: --target . --requirement requirements.txt",
    );
    preparation.run(pip.current_dir(folder))?;
    // Wheels carry no permissions that pip keeps.
    preparation.run(command("chmod +x dotnet").current_dir(folder.join(RUNTIME)))?;
    take_msal(folder)?;
    for name in ["Client", "Cache"] {
        compile(preparation, folder, name)?;
        let settings = folder.join(name).with_extension("runtimeconfig.json");
        fs::copy(folder.join("runtimeconfig.json"), settings)?;
    }
    Ok(())
}

/// Puts MSAL beside the programs, where the runtime looks for it.
fn take_msal(folder: &Path) -> Result<()> {
    if let Some(other) = std::env::var_os(OTHER_RELEASE) {
        let libraries = fs::read_dir(&other).with_context(|| OTHER_RELEASE)?;
        for library in libraries {
            let library = library?.path();
            let name = library.file_name().unwrap_or_default();
            if library.extension().is_some_and(|suffix| suffix == "dll") {
                fs::copy(&library, folder.join(name))?;
            }
        }
        return Ok(());
    }
    for name in MSAL_AND_ITS_NEEDS {
        fs::copy(folder.join(MSAL).join(name), folder.join(name)).context(name)?;
    }
    Ok(())
}

/// Compiles a program against the reference assemblies instead of Mono's own.
fn compile(preparation: &Preparation, folder: &Path, name: &str) -> Result<()> {
    let mut mcs = command("mcs -nostdlib -noconfig -langversion:latest -target:exe");
    mcs.arg(format!("-out:{name}.dll"))
        .arg("-reference:Microsoft.Identity.Client.dll");
    for reference in fs::read_dir(folder.join(REFERENCES))? {
        let reference = reference?;
        let file = reference.file_name();
        let file = file.to_string_lossy();
        let is_managed = file.starts_with("System") || file == "netstandard.dll";
        if is_managed && file.ends_with(".dll") {
            mcs.arg(format!("-reference:{}", reference.path().display()));
        }
    }
    mcs.arg(format!("{name}.cs"));
    preparation.run(mcs.current_dir(folder))
}
