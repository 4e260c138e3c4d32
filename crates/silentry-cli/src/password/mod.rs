//! Passwords: from a prompt, stdin or a file descriptor, and from nowhere else. Other users of the machine can see
//! command lines, and whatever runs below this process the environment.

#[cfg(unix)]
mod descriptor;
#[cfg(unix)]
mod terminal;

use std::io::{IsTerminal, Read};

use clap::Args;
use silentry::Secret;
use silentry::text::printable;
use zeroize::{Zeroize, Zeroizing};

use crate::failure::Failure;
use crate::progress::Progress;

/// Entra takes up to 256 characters, Active Directory up to 127 of its own.
const MAX_BYTES: usize = 4096;

/// Characters of a user name that the prompt shows; the environment may have chosen it.
const LONGEST_NAME: usize = 200;

/// Where the password for `password` in --mode comes from, other than the prompt.
#[derive(Args)]
#[command(next_help_heading = "Password")]
pub(crate) struct PasswordArguments {
    /// Read the password for `password` in --mode from stdin, instead of asking at the terminal. One line end at its
    /// end is left out.
    #[arg(long)]
    password_stdin: bool,

    /// The same, from this open file descriptor.
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "password_stdin")]
    password_fd: Option<u32>,
}

/// A password, or that it must be asked for.
pub(crate) enum Password {
    Given(Secret),
    ToAsk,
}

impl PasswordArguments {
    /// Reads the password where the arguments name a place; `wanted` says whether the ladder has a use for one.
    pub(crate) fn read(&self, wanted: bool) -> Result<Password, Failure> {
        let Some((flag, read)) = self.place() else {
            return Ok(Password::ToAsk);
        };
        if !wanted {
            return Err(Failure::usage(
                "usage",
                format!("{flag} is given, but `password` is not among the modes"),
                "Add `password` to --mode, or leave the password out.",
            ));
        }
        let bad = |why: &str| {
            Failure::usage(
                "password_required",
                format!("the password of {flag} cannot be used: {why}"),
                "Give the password alone, in UTF-8, and from a file, a pipe or a socket that is open.",
            )
        };
        let mut bytes = read.map_err(|error| bad(&error.to_string()))?;
        if bytes.len() > MAX_BYTES {
            return Err(bad("it is too long"));
        }
        let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
            error.into_bytes().zeroize();
            bad("it is not UTF-8")
        })?;
        let password = without_line_end(text);
        if password.is_empty() {
            return Err(bad("it is empty"));
        }
        Ok(Password::Given(password))
    }

    fn place(&self) -> Option<(String, std::io::Result<Zeroizing<Vec<u8>>>)> {
        if self.password_stdin {
            return Some(("--password-stdin".to_owned(), read_stdin()));
        }
        #[cfg(unix)]
        if let Some(number) = self.password_fd {
            let read = descriptor::duplicate(number).and_then(read);
            return Some((format!("--password-fd {number}"), read));
        }
        None
    }
}

impl Password {
    /// Returns what gets the password when it comes to that.
    pub(crate) fn asker(
        self,
        username: &str,
        progress: Progress,
    ) -> impl FnOnce() -> Result<Secret, String> + Send + use<> {
        let username = username.to_owned();
        move || match self {
            Password::Given(password) => Ok(password),
            Password::ToAsk => {
                progress.wait_for_user();
                prompt(&username)
            }
        }
    }
}

/// Gives back the terminal that a prompt may have, before the process ends.
pub(crate) fn leave_prompt() {
    #[cfg(unix)]
    terminal::leave();
}

/// Waits for a signal that is to end the process, besides the one of Ctrl+C; lets it be suspended meanwhile.
pub(crate) async fn signals() -> i32 {
    #[cfg(unix)]
    if std::io::stdin().is_terminal() {
        match terminal::signals().await {
            Ok(signal) => return signal,
            Err(error) => tracing::debug!(%error, "signals cannot be listened to"),
        }
    }
    std::future::pending().await
}

fn prompt(username: &str) -> Result<Secret, String> {
    let username = printable(username, LONGEST_NAME);
    if !std::io::stdin().is_terminal() {
        return Err(format!(
            "there is no terminal to ask for the password of {username} at: use --password-stdin or --password-fd"
        ));
    }
    let typed = ask(format!("Password of {username}: "));
    let password = typed.map_err(|error| format!("no password was typed: {error}"))?;
    if password.is_empty() {
        return Err("no password was typed".to_owned());
    }
    Ok(password)
}

#[cfg(unix)]
fn ask(text: String) -> std::io::Result<Secret> {
    let mut line = terminal::ask(text)?;
    let text = String::from_utf8(std::mem::take(&mut *line)).map_err(|error| {
        error.into_bytes().zeroize();
        std::io::Error::other("it is not UTF-8")
    })?;
    Ok(Secret::from(text))
}

#[cfg(windows)]
fn ask(text: String) -> std::io::Result<Secret> {
    match rpassword::prompt_password(text) {
        // Ctrl+C: the signal that rpassword has raised ends the process, and not what is read here.
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => loop {
            std::thread::park();
        },
        typed => typed.map(Secret::from),
    }
}

/// Not through the standard library's stdin, which keeps what it has read in a buffer.
fn read_stdin() -> std::io::Result<Zeroizing<Vec<u8>>> {
    let stdin = std::io::stdin();
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&stdin).try_clone_to_owned()?;
    read(std::fs::File::from(own))
}

/// Reserved whole, so that no piece stays behind in a buffer that was outgrown.
fn read(file: std::fs::File) -> std::io::Result<Zeroizing<Vec<u8>>> {
    if file.is_terminal() {
        let shown = "it is a terminal, which would show it; leave the flag out to be asked";
        return Err(std::io::Error::other(shown));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_BYTES));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn without_line_end(mut text: String) -> Secret {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Secret::from(text)
}

#[cfg(test)]
mod tests {
    use super::without_line_end;

    #[test]
    fn one_line_end_is_no_part_of_a_password() {
        for (given, password) in [
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret", "secret"),
            ("secret\n\n", "secret\n"),
            (" secret ", " secret "),
            ("\n", ""),
        ] {
            assert_eq!(without_line_end(given.to_owned()).expose(), password);
        }
    }
}
