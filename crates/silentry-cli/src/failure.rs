//! How a failure is told: to people in three lines, to programs as one JSON object, to shells as an exit code.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use silentry::{Category, Error};

use crate::arguments::Ladder;
use crate::output;

const USAGE: u8 = 2;
const OTHER: u8 = 1;
/// What shells add to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;

/// Why the command ends without its result.
pub(crate) struct Failure {
    exit: u8,
    code: String,
    message: String,
    mitigation: String,
    stage: String,
    /// What only some failures know.
    more: Vec<(&'static str, Value)>,
}

impl Failure {
    /// The command line or a file of the user's asks for something that cannot be.
    pub(crate) fn usage(code: &str, message: impl Into<String>, mitigation: &str) -> Self {
        Failure::new(USAGE, code, message, mitigation, "request")
    }

    /// Something else that the command itself met.
    pub(crate) fn other(
        code: &str,
        message: impl Into<String>,
        mitigation: &str,
        stage: &str,
    ) -> Self {
        Failure::new(OTHER, code, message, mitigation, stage)
    }

    /// No way of the ladder gave a token: the last one's error, with every one that was tried.
    pub(crate) fn of_ladder(error: Error, ladder: &Ladder) -> Self {
        let before = error.attempts().iter().map(|attempt| {
            json!({ "mode": attempt.way, "error": attempt.code, "message": attempt.message })
        });
        let mut attempts: Vec<_> = before.collect();
        if let Some(last) = ladder.modes().get(attempts.len()) {
            let message = error.to_string();
            attempts
                .push(json!({ "mode": last.as_str(), "error": error.code(), "message": message }));
        }
        let mut failure = Failure::from(error);
        failure.more.push(("attempts", Value::Array(attempts)));
        failure
    }

    /// A signal ended it: the exit code is that of shells, 130 for Ctrl+C.
    pub(crate) fn interrupted(signal: i32) -> Self {
        let mitigation = "Run it again when you are ready.";
        Failure::new(
            u8::try_from(signal)
                .unwrap_or_default()
                .saturating_add(SIGNALLED),
            "interrupted",
            "interrupted",
            mitigation,
            "request",
        )
    }

    fn new(
        exit: u8,
        code: &str,
        message: impl Into<String>,
        mitigation: &str,
        stage: &str,
    ) -> Self {
        Failure {
            exit,
            code: code.to_owned(),
            message: message.into(),
            mitigation: mitigation.to_owned(),
            stage: stage.to_owned(),
            more: Vec::new(),
        }
    }

    /// Returns the stable name of the failure.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Tells it on stderr and returns the exit code.
    pub(crate) fn report(&self, as_json: bool) -> ExitCode {
        let mut stderr = anstream::stderr().lock();
        // Nobody is left to be told when stderr is closed.
        let _ = if as_json {
            writeln!(stderr, "{}", output::json_text(&self.to_json()))
        } else {
            writeln!(stderr, "{}", self.to_text())
        };
        ExitCode::from(self.exit)
    }

    fn to_json(&self) -> Value {
        let mut object = json!({
            "error": self.code,
            "message": self.message,
            "mitigation": self.mitigation,
            "stage": self.stage,
            "correlation_id": null,
            "aadsts": [],
        });
        for (name, value) in &self.more {
            object[*name] = value.clone();
        }
        object
    }

    fn to_text(&self) -> String {
        let mut text = format!("error: {}\n\nhint: {}", self.message, self.mitigation);
        for (name, value) in &self.more {
            if let ("consent_urls", Value::Array(urls)) = (*name, value) {
                for url in urls.iter().filter_map(Value::as_str) {
                    text.push_str(&format!("\n      {url}"));
                }
            }
        }
        text.push_str(&self.tried());
        text.push_str(&format!("\n\n({} at {}", self.code, self.stage));
        if let Some((_, Value::String(id))) = self.more.iter().find(|(n, _)| *n == "correlation_id")
        {
            text.push_str(&format!(", correlation id {id}"));
        }
        text.push(')');
        text
    }
}

impl Failure {
    /// The ways that were tried, where they were several.
    fn tried(&self) -> String {
        let attempts = self.more.iter().find(|(name, _)| *name == "attempts");
        let Some((_, Value::Array(attempts))) = attempts.filter(|(_, tried)| tried[1].is_object())
        else {
            return String::new();
        };
        let word =
            |attempt: &Value, member: &str| attempt[member].as_str().unwrap_or_default().to_owned();
        let lines = attempts.iter().map(|attempt| {
            let (mode, code) = (word(attempt, "mode"), word(attempt, "error"));
            format!("  {mode:<10}  {code}: {}", word(attempt, "message"))
        });
        format!("\n\ntried:\n{}", lines.collect::<Vec<_>>().join("\n"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.category() {
            Category::Usage => USAGE,
            Category::UserMustAct => 3,
            Category::NotSignedIn => 4,
            Category::IntegratedImpossible => 5,
            Category::Network => 6,
            Category::Refused => 7,
            _ => OTHER,
        };
        let mut failure = Failure::new(
            exit,
            error.code(),
            error.to_string(),
            error.advice().for_command(),
            error.stage().as_str(),
        );
        failure.more = vec![
            ("correlation_id", json!(error.correlation_id())),
            ("aadsts", json!(error.aadsts())),
            ("retryable", json!(error.is_retryable())),
        ];
        if let Some(status) = error.http_status() {
            failure.more.push(("http_status", json!(status)));
        }
        if let Some(suberror) = error.suberror() {
            failure.more.push(("suberror", json!(suberror)));
        }
        if let Error::InteractionRequired(needed) = &error {
            failure
                .more
                .push(("classification", json!(needed.classification())));
            failure.more.push(("claims", json!(needed.claims())));
            if !needed.consent_urls().is_empty() {
                failure
                    .more
                    .push(("consent_urls", json!(needed.consent_urls())));
            }
        }
        failure
    }
}

/// Tells what is wrong with the command line; help and version are no failures.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let asks_for_json = {
        // What is no Unicode may be the very thing that is wrong.
        let arguments: Vec<_> = std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        arguments
            .windows(2)
            .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json")
            || arguments
                .iter()
                .any(|one| matches!(one.as_str(), "-ojson" | "-o=json" | "--output=json"))
            || std::env::var_os("SILENTRY_OUTPUT").is_some_and(|form| form == "json")
    };
    if error.use_stderr() && asks_for_json {
        let message = error.to_string();
        let message = message
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        let mitigation =
            "`silentry help` lists the commands, `silentry COMMAND --help` their flags.";
        return Failure::usage("usage", message, mitigation).report(true);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}
