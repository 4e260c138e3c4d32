//! How a failure is told: to people in three lines, to programs as one JSON object, to shells as an exit code.

use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::error::{ContextKind, ContextValue};
use serde_json::{Value, json};
use silentry::text::{is_invisible, printable};
use silentry::{Category, Error};

use crate::terminal;
use crate::values::{json_text, rfc3339};

const USAGE: u8 = 2;
const OTHER: u8 = 1;
/// Characters of a wrong argument that are shown.
const LONGEST_VALUE: usize = 200;
/// No word of the command line has as many characters: it may be a token that was pasted.
const LONGEST_WORD: usize = 64;
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

    /// Adds what only such failures know.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
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
            writeln!(stderr, "{}", json_text(&self.to_json()))
        } else {
            writeln!(stderr, "{}", self.to_text(terminal::width()))
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

    fn to_text(&self, width: Option<usize>) -> String {
        let mut hint = format!("hint: {}", self.mitigation);
        if let Some(Value::String(time)) = self.member("retry_at") {
            hint.push_str(&format!(" The next try is due at {time}."));
        }
        let mut text = terminal::wrapped(&format!("error: {}", self.message), width, 7);
        text.push_str("\n\n");
        text.push_str(&terminal::wrapped(&hint, width, 6));
        // What is to be copied stays on one line.
        if let Some(Value::Array(urls)) = self.member("consent_urls") {
            for url in urls.iter().filter_map(Value::as_str) {
                text.push_str(&format!("\n      {url}"));
            }
        }
        if let Some(Value::String(command)) = self.member("command") {
            text.push_str(&format!("\n\n      {command}"));
        }
        text.push_str(&self.tried(width));
        let mut place = format!("({} at {}", self.code, self.stage);
        if let Some(Value::String(id)) = self.member("correlation_id") {
            place.push_str(&format!(", correlation id {id}"));
        }
        text.push_str("\n\n");
        text.push_str(&terminal::wrapped(&format!("{place})"), width, 1));
        // The library's words are fit to be shown; those of files and arguments may not be.
        text.retain(|c| c == '\n' || !is_invisible(c));
        text
    }

    fn member(&self, wanted: &str) -> Option<&Value> {
        let found = self.more.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value)
    }

    /// The ways that were tried, where they were several, a line each. The last one's error stands above.
    fn tried(&self, width: Option<usize>) -> String {
        let Some(Value::Array(attempts)) = self.member("attempts") else {
            return String::new();
        };
        let Some((last, before)) = attempts
            .split_last()
            .filter(|(_, before)| !before.is_empty())
        else {
            return String::new();
        };
        let line = |attempt: &Value, message: &str| {
            let word = |member: &str| attempt[member].as_str().unwrap_or_default();
            let line = format!("  {:<10}  {}{message}", word("mode"), word("error"));
            format!("\n{}", terminal::cut(&line, width))
        };
        let mut text = "\n\ntried:".to_owned();
        for attempt in before {
            let message = attempt["message"].as_str().unwrap_or_default();
            text.push_str(&line(attempt, &format!(": {message}")));
        }
        text.push_str(&line(last, ", as said above"));
        text
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
            error.code().as_str(),
            error.to_string(),
            error.advice().for_command(),
            error.stage().as_str(),
        );
        failure.more = vec![
            ("correlation_id", json!(error.correlation_id())),
            ("aadsts", json!(error.aadsts())),
            ("retryable", json!(error.is_retryable())),
        ];
        if let Some(wait) = error.retry_after() {
            failure.more.push(("retry_after", json!(wait.as_secs())));
            let at = SystemTime::now().checked_add(wait).and_then(rfc3339);
            failure.more.push(("retry_at", json!(at)));
        }
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
pub(crate) fn report_usage(mut error: clap::Error) -> ExitCode {
    clean(&mut error);
    let asks_for_json = {
        // What is not Unicode may be the very thing that is wrong.
        let arguments: Vec<_> = std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        arguments
            .windows(2)
            .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json")
            || arguments
                .iter()
                .any(|one| matches!(one.as_str(), "-ojson" | "-o=json" | "--output=json"))
            || std::env::var("SILENTRY_OUTPUT").is_ok_and(|form| form.trim() == "json")
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

/// Returns what somebody typed as an error may repeat it.
pub(crate) fn shown(typed: &str) -> String {
    let longest_word = typed.split(' ').map(str::len).max();
    match longest_word.is_some_and(|length| length > LONGEST_WORD) {
        true => "...".to_owned(),
        false => printable(typed, LONGEST_VALUE),
    }
}

/// Makes what somebody typed, or a variable has, fit to be shown: it may steer the terminal, and be a password.
fn clean(error: &mut clap::Error) {
    let texts: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, shown(text))),
            _ => None,
        })
        .collect();
    let is_of_password = |(kind, text): &(ContextKind, String)| {
        *kind == ContextKind::InvalidArg && text.starts_with("--password")
    };
    let of_password = texts.iter().any(is_of_password);
    for (kind, text) in texts {
        let text = match kind {
            ContextKind::InvalidValue if of_password => "...".to_owned(),
            _ => text,
        };
        error.insert(kind, ContextValue::String(text));
    }
}
