//! Programs with an MSAL of Microsoft's in them, unmodified, against the lab.
//!
//! The small programs in `interop/python`, `node`, `go`, `java` and `dotnet` sign one user in, ask for tokens again
//! from the cache and the refresh token, and print one line of JSON. `silentry-lab exec` is all that leads
//! them to the lab.

mod cases;
pub(super) mod prepare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

use self::cases::{CASES, Case, Expected};
use super::msal_net::program as dotnet;
use super::{Ground, Part, Preparation, Rows, Table};
use crate::report::Step;
use crate::workspace::Workspace;

pub(super) const PART: Part = Part {
    name: "clients",
    packages: &[
        ("default-jdk-headless", "MSAL Java and the JDK's Kerberos"),
        ("golang-go", "MSAL Go"),
        ("maven", "MSAL Java"),
        ("npm", "MSAL Node, and the Node that runs it"),
    ],
    prepare: prepare::all,
    run,
};

/// How many programs run side by side, each in a lab of its own.
const AT_ONCE: usize = 2;

/// A program with an MSAL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Client {
    Python,
    Node,
    Go,
    Java,
    DotNet,
}

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::Python => "MSAL Python",
            Self::Node => "MSAL Node",
            Self::Go => "MSAL Go",
            Self::Java => "MSAL Java",
            Self::DotNet => "MSAL.NET",
        }
    }

    /// Returns the words that start the program for a user.
    fn line(self, prepared: &Path, case: &Case) -> Vec<String> {
        let inside = |path: &str| prepared.join(path).display().to_string();
        let java = || {
            let mut words = vec!["java".to_owned(), "-XX:TieredStopAtLevel=1".to_owned()];
            words.extend(case.java_options.iter().copied().map(str::to_owned));
            words.push("-cp".into());
            words.push(format!("{}:{}", inside("java"), inside("java/jars/*")));
            words.push("Client".into());
            words
        };
        let mut words = match self {
            Self::Python => vec!["python3".into(), inside("python/client.py")],
            Self::Node => vec![node(&prepared.join("node")), inside("node/client.js")],
            Self::Go => vec![inside("go/client")],
            Self::Java => java(),
            Self::DotNet => dotnet::line(prepared, "Client").into(),
        };
        words.extend([case.flow, case.user].map(str::to_owned));
        words
    }
}

/// Returns the Node that came as a package, which has one for each processor; not every npm links both
/// into `.bin`.
pub(super) fn node(folder: &Path) -> String {
    let processor = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let program = format!("node_modules/node-linux-{processor}/bin/node");
    folder.join(program).display().to_string()
}

/// MSAL Python and MSAL Node, for others who want to compare.
pub(crate) struct Msals {
    prepared: PathBuf,
}

/// One of them.
pub(crate) struct Msal<'a> {
    client: Client,
    prepared: &'a Path,
}

impl Msals {
    /// Installs both where this part has them, too.
    pub(crate) fn prepare(workspace: &Workspace, step: &Step) -> Result<Self> {
        let prepared = workspace.target.join("interop").join(PART.name);
        fs::create_dir_all(&prepared)?;
        Self::install(&Preparation::new(workspace, step, &prepared))?;
        Ok(Self { prepared })
    }

    /// Installs both for another part.
    pub(super) fn install(preparation: &Preparation) -> Result<()> {
        prepare::python_and_node(preparation)
    }

    /// Those that a part has installed.
    pub(super) fn at(prepared: &Path) -> Self {
        Self {
            prepared: prepared.to_owned(),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Msal<'_>> {
        [Client::Python, Client::Node]
            .into_iter()
            .map(|client| Msal {
                client,
                prepared: &self.prepared,
            })
    }
}

impl Msal<'_> {
    pub(crate) fn name(&self) -> &'static str {
        self.client.name()
    }

    /// Returns the program that times tokens from a cache.
    pub(crate) fn silent(&self) -> Command {
        self.program("silent")
    }

    /// Returns the program that uses a cache in a file.
    pub(super) fn cache(&self) -> Command {
        self.program("cache")
    }

    fn program(&self, name: &str) -> Command {
        let (program, script) = match self.client {
            Client::Node => (node(&self.prepared.join("node")), format!("node/{name}.js")),
            _ => ("python3".to_owned(), format!("python/{name}.py")),
        };
        let mut command = Command::new(program);
        command
            .arg(self.prepared.join(script))
            .env("PYTHONPATH", self.prepared.join("python"));
        command
    }
}

/// What a program prints.
#[derive(Debug, Deserialize)]
struct Answer {
    /// Of the MSAL and of what runs it.
    version: String,
    user: Option<String>,
    /// Whether the second token was the first one, from the cache.
    #[serde(default)]
    cached: bool,
    /// Whether a refresh brought another token.
    #[serde(default)]
    refreshed: bool,
    /// Whether the refresh token was good for another API.
    #[serde(default)]
    other_api: bool,
    /// What MSAL calls the error, where it has a name for it.
    error: Option<String>,
    #[serde(default)]
    description: String,
    /// Whether MSAL hands over what the next sign-in must satisfy.
    #[serde(default)]
    claims: bool,
}

fn run(ground: &Ground) -> Result<Rows> {
    let meetings: Vec<_> = CASES
        .iter()
        .flat_map(|case| case.clients.iter().map(move |client| (*client, case)))
        .collect();
    let mut rows = Rows::default();
    for some in meetings.chunks(AT_ONCE) {
        let answers = thread::scope(|scope| {
            let asking: Vec<_> = some
                .iter()
                .map(|(client, case)| scope.spawn(|| ask(ground, *client, case)))
                .collect();
            asking
                .into_iter()
                .map(|asked| {
                    asked
                        .join()
                        .unwrap_or_else(|_| Err(anyhow!("asking panicked")))
                })
                .collect::<Vec<_>>()
        });
        for ((client, case), answer) in some.iter().zip(answers) {
            tell(*client, case, answer, &mut rows);
        }
    }
    Ok(rows)
}

fn tell(client: Client, case: &Case, answer: Result<Answer>, rows: &mut Rows) {
    let version = answer
        .as_ref()
        .map_or("?", |answer| &answer.version)
        .to_owned();
    let who = (client.name(), version.as_str());
    let seen = answer.and_then(|answer| case.expected.check(&answer, case.user));
    match case.expected {
        Expected::SignsIn | Expected::Reports(_) | Expected::ReportsClaims(_) => {
            rows.works(Table::Clients, who, case.what, seen);
        }
        Expected::Fails { why, .. } => rows.cannot_work(Table::Clients, who, case.what, why, seen),
    }
}

/// Runs the program in a lab of its own.
fn ask(ground: &Ground, client: Client, case: &Case) -> Result<Answer> {
    let mut lab = ground.lab();
    lab.args(["exec", "--scenario", case.scenario, "--user", case.account]);
    lab.arg("--").args(client.line(&ground.prepared, case));
    enter(&mut lab, &ground.prepared, case);
    let printed = ground.read(&mut lab)?;
    serde_json::from_str(&printed).with_context(|| format!("not the one line of JSON: {printed:?}"))
}

/// Where the programs find their packages, and the password, which stays off the command line.
fn enter(command: &mut Command, prepared: &Path, case: &Case) {
    command
        .env("PYTHONPATH", prepared.join("python"))
        .env("INTEROP_PASSWORD", case.password)
        // Java reads the environment in the encoding of the locale.
        .env("LC_ALL", "C.UTF-8");
}

impl Expected {
    fn check(&self, answer: &Answer, user: &str) -> Result<()> {
        let reported = |words: &str| {
            let error = answer.error.as_deref().unwrap_or_default();
            error.contains(words) || answer.description.contains(words)
        };
        match *self {
            Self::SignsIn => ensure!(
                answer.user.as_deref() == Some(user)
                    && answer.cached
                    && answer.refreshed
                    && answer.other_api,
                "{answer:?}"
            ),
            Self::Reports(words) | Self::Fails { words, .. } => {
                ensure!(answer.user.is_none() && reported(words), "{answer:?}");
            }
            Self::ReportsClaims(words) => {
                ensure!(reported(words) && answer.claims, "{answer:?}");
            }
        }
        Ok(())
    }
}
