//! One token cache in a file, which Silentry and the MSALs use in turn.
//!
//! Whoever comes second takes the other's access token without asking Entra for one, renews it with the other's
//! refresh token, and the first goes on with what the second wrote.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::msal_net::program as dotnet;
use super::{Ground, Msals, Part, Preparation, Rows, Table};
use crate::lab::{self, Lab};

pub(super) const PART: Part = Part {
    name: "token-caches",
    packages: &[("npm", "MSAL Node, and the Node that runs it")],
    prepare,
    run,
};

const USER: &str = "bob@managed.test";
const PASSWORD: &str = "Bob-Passw0rd";
/// Of the lab. MSAL Python finds what others wrote under the tenant's id alone.
const TENANT_ID: &str = "100e3a02-371f-4666-9e23-748a511ebf64";

/// What a program prints.
#[derive(Debug, Deserialize)]
struct Answer {
    version: String,
    user: String,
    /// A hash of it.
    token: String,
    cached: bool,
    accounts: usize,
}

fn prepare(preparation: &Preparation) -> Result<()> {
    let workspace = preparation.workspace;
    preparation.run(&mut workspace.cargo("build --package silentry --example shared_cache"))?;
    let built = workspace.target.join("debug/examples/shared_cache");
    fs::copy(&built, preparation.prepared.join("shared_cache")).context("shared_cache")?;
    Msals::install(preparation)?;
    dotnet::prepare(preparation)
}

fn run(ground: &Ground) -> Result<Rows> {
    let msals = Msals::at(&ground.prepared);
    let mut rows = Rows::default();
    let python_and_node = msals.all().map(|client| {
        (
            client.name(),
            Box::new(move || client.cache()) as Box<dyn Fn() -> Command>,
        )
    });
    let net = || dotnet::program(&ground.prepared, "Cache");
    for (name, theirs) in python_and_node.chain([("MSAL.NET", Box::new(net) as _)]) {
        let ours = || Command::new(ground.prepared.join("shared_cache"));
        let mut version = "?".to_owned();
        let outcomes = [
            (
                "takes our access token with no token call, renews with our refresh token, and we with its",
                Shared::new(ground, &format!("{name}-reads"))
                    .and_then(|shared| shared.in_turn(&ours, &theirs)),
            ),
            (
                "we take its access token with no token call, renew with its refresh token, and it with ours",
                Shared::new(ground, &format!("{name}-writes"))
                    .and_then(|shared| shared.in_turn(&theirs, &ours)),
            ),
        ];
        for (_, outcome) in &outcomes {
            if let Ok(answers) = outcome {
                // Ours is one number alone.
                let longest = answers.iter().max_by_key(|answer| answer.version.len());
                version = longest.map_or(version, |answer| answer.version.clone());
            }
        }
        for (what, outcome) in outcomes {
            let who = (name, version.as_str());
            rows.works(Table::TokenCaches, who, what, outcome.map(|_| ()));
        }
    }
    Ok(rows)
}

/// A cache that is shared, in a lab of its own.
struct Shared<'g> {
    ground: &'g Ground,
    lab: Lab,
    file: PathBuf,
    journal: PathBuf,
}

impl<'g> Shared<'g> {
    fn new(ground: &'g Ground, name: &str) -> Result<Self> {
        let folder = ground.folder.join(name.replace(' ', "-"));
        fs::create_dir_all(&folder)?;
        let journal = folder.join("journal");
        let arguments = ["--journal".as_ref(), journal.as_os_str()];
        let lab = Lab::start(
            &ground.programs.join("silentry-lab"),
            &folder.join("lab"),
            arguments,
            &ground.log,
        )?;
        Ok(Self {
            ground,
            lab,
            file: folder.join("msal.cache"),
            journal,
        })
    }

    /// The second takes and renews what the first got, and the first what the second got.
    fn in_turn(
        &self,
        first: &dyn Fn() -> Command,
        second: &dyn Fn() -> Command,
    ) -> Result<Vec<Answer>> {
        let signed_in = self.ask(first(), "sign-in").context("signing in")?;
        let taken = self
            .take(second(), &signed_in)
            .context("the second takes")?;
        let renewed = self.renew(second(), &taken).context("the second renews")?;
        let taken_again = self.take(first(), &renewed).context("the first takes")?;
        let renewed_again = self
            .renew(first(), &taken_again)
            .context("the first renews")?;
        self.take(second(), &renewed_again)
            .context("the second takes again")?;
        Ok(vec![signed_in, taken])
    }

    fn take(&self, program: Command, known: &Answer) -> Result<Answer> {
        let before = self.token_calls()?;
        let answer = self.ask(program, "silent")?;
        let calls = self.token_calls()? - before;
        ensure!(
            answer.token == known.token && answer.cached && calls == 0,
            "{answer:?} after {known:?}, {calls} token calls"
        );
        Ok(answer)
    }

    fn renew(&self, program: Command, known: &Answer) -> Result<Answer> {
        let answer = self.ask(program, "refresh")?;
        ensure!(
            answer.token != known.token && !answer.cached,
            "{answer:?} after {known:?}"
        );
        Ok(answer)
    }

    fn ask(&self, mut program: Command, action: &str) -> Result<Answer> {
        program.arg(&self.file).args([action, USER]);
        self.lab.enter(&mut program);
        program
            .env("SILENTRY_TENANT", TENANT_ID)
            .env("INTEROP_PASSWORD", PASSWORD);
        let printed = self.ground.read(&mut program)?;
        let answer: Answer = serde_json::from_str(&printed)
            .with_context(|| format!("not the one line of JSON: {printed:?}"))?;
        ensure!(answer.user == USER && answer.accounts == 1, "{answer:?}");
        Ok(answer)
    }

    /// How often Entra was asked for a token so far.
    fn token_calls(&self) -> Result<usize> {
        let journal = lab::journal(&self.journal)?;
        Ok(journal
            .iter()
            .filter(|line| line["stage"] == "token")
            .count())
    }
}
