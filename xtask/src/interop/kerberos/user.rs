//! A user at a machine, who signs in to Kerberos and then asks Silentry for a token.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Krb5Conf;
use crate::interop::Ground;
use crate::lab::Lab;

/// Bounds the programs of an encounter, in seconds.
const LIMIT: &str = "60";

/// Who signs in, and what the environment of the login says.
#[derive(Clone)]
pub(super) struct User {
    principal: String,
    conf: PathBuf,
    environment: Vec<(String, Option<String>)>,
    /// Programs that run every program of this user's, such as `faketime` with its arguments.
    wrapper: Vec<String>,
    /// Variables for Silentry alone.
    for_silentry: Vec<(String, String)>,
    /// What every call of Silentry is told besides.
    options: Vec<OsString>,
}

impl User {
    /// Returns a user whose tickets are to lie in the cache.
    pub(super) fn new(principal: &str, conf: &Krb5Conf, cache: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            conf: conf.path().to_owned(),
            environment: Vec::new(),
            wrapper: Vec::new(),
            for_silentry: Vec::new(),
            options: Vec::new(),
        }
        .with("KRB5CCNAME", cache)
    }

    /// Makes it another principal, at the same machine.
    pub(super) fn named(mut self, principal: &str) -> Self {
        self.principal = principal.to_owned();
        self
    }

    /// Gives the machine another configuration.
    pub(super) fn configured(mut self, conf: &Krb5Conf) -> Self {
        self.conf = conf.path().to_owned();
        self
    }

    /// Sets a variable for the programs of this user.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment
            .push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Sets a variable for Silentry alone.
    pub(super) fn for_silentry(mut self, name: &str, value: &str) -> Self {
        self.for_silentry.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes a variable.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.environment.push((name.to_owned(), None));
        self
    }

    /// Runs the programs of this user by another one.
    pub(super) fn wrapped<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.wrapper.extend(words.into_iter().map(Into::into));
        self
    }

    /// Gives Silentry an option.
    pub(super) fn option<S: Into<OsString>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(words.into_iter().map(Into::into));
        self
    }

    /// Signs in with the password, as a log-on does.
    pub(super) fn kinit(&self) -> Result<()> {
        self.kinit_with(&[], super::PASSWORD)
    }

    /// Signs in with options of kinit's, and what it asks for.
    pub(super) fn kinit_with(&self, options: &[&str], secret: &str) -> Result<()> {
        let mut kinit = self.command(Path::new("kinit"));
        kinit.args(options).arg(&self.principal);
        let output = finish(kinit, &format!("{secret}\n"))?;
        ensure!(output.status.success(), "kinit: {}", text(&output.stderr));
        Ok(())
    }

    /// Runs a program of this user's and returns what it prints.
    pub(super) fn read(&self, line: &str) -> Result<String> {
        let mut words = line.split(' ');
        let mut command = self.command(Path::new(words.next().unwrap_or_default()));
        let output = finish_quietly(command.args(words))?;
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        ensure!(output.status.success(), "{line}: {stdout}{stderr}");
        Ok(stdout)
    }

    /// Gets a token by integrated sign-in, for the user of that UPN.
    pub(super) fn gets_token(&self, ground: &Ground, lab: &Lab, upn: &str) -> Result<()> {
        let output = self.silentry(ground, lab)?;
        if !output.status.success() {
            bail!("{}: {}", output.status, text(&output.stderr));
        }
        let answer: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no JSON: {}", text(&output.stdout)))?;
        let token = answer["access_token"].as_str().unwrap_or_default();
        ensure!(!token.is_empty(), "no access token");
        let account = &answer["username"];
        ensure!(account == upn, "the token is of {account}");
        Ok(())
    }

    /// Fails to get a token, with this code, exit code and words in what is told to the user.
    pub(super) fn fails(
        &self,
        ground: &Ground,
        lab: &Lab,
        (code, exit): (&str, i32),
        words: &str,
    ) -> Result<()> {
        let output = self.silentry(ground, lab)?;
        let told = text(&output.stderr);
        let error: Value = told
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok())
            .with_context(|| format!("no error object: {told}"))?;
        ensure!(error["error"] == code, "{told}");
        ensure!(output.status.code() == Some(exit), "{}", output.status);
        let advice = [&error["message"], &error["mitigation"]];
        ensure!(
            advice
                .iter()
                .any(|text| text.as_str().is_some_and(|text| text.contains(words))),
            "nothing of `{words}` in {told}"
        );
        Ok(())
    }

    fn silentry(&self, ground: &Ground, lab: &Lab) -> Result<Output> {
        let mut command = self.command(Path::new(ground.silentry().get_program()));
        command.args(["token", "--mode", "iwa", "--output", "json"]);
        command.args(&self.options);
        lab.enter(&mut command);
        self.enter(&mut command);
        command.envs(self.for_silentry.iter().map(|(name, value)| (name, value)));
        finish_quietly(&mut command)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("timeout");
        command.arg(LIMIT).args(&self.wrapper).arg(program);
        self.enter(&mut command);
        command
    }

    fn enter(&self, command: &mut Command) {
        command.env("KRB5_CONFIG", &self.conf);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

fn finish_quietly(command: &mut Command) -> Result<Output> {
    Ok(command.stdin(Stdio::null()).output()?)
}

/// Runs a program that asks for something on its standard input.
fn finish(mut command: Command, input: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
