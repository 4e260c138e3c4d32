//! What people are told on stderr while a sign-in is under way.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use silentry::{Browser, BrowserError, DeviceCode, SystemBrowser};
use tokio::sync::watch;

/// After this long a person at a terminal is told that something is still happening.
const PATIENCE: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);

/// Where the ways in say what they are about.
#[derive(Clone)]
pub(crate) struct Progress(watch::Sender<Doing>);

/// Tells it.
pub(crate) struct Telling(watch::Receiver<Doing>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Something that takes as long as machines take.
    Working,
    /// It is the user's turn.
    WaitingForUser,
    /// It is the user's turn, until then.
    WaitingUntil(SystemTime),
}

/// Returns both ends.
pub(crate) fn progress() -> (Progress, Telling) {
    let (sender, receiver) = watch::channel(Doing::Working);
    (Progress(sender), Telling(receiver))
}

impl Progress {
    /// Shows a device code. It is all that the user has to go by, so it is shown whatever stderr is.
    pub(crate) fn show(&self, code: &DeviceCode) {
        anstream::eprintln!("{}", printable(code.message()));
        if let Some(address) = code.verification_uri_complete() {
            anstream::eprintln!("or open {}", printable(address));
        }
        self.0.send_replace(Doing::WaitingUntil(code.expires_on()));
    }

    /// Says that whatever comes next is the user's turn.
    pub(crate) fn wait_for_user(&self) {
        self.0.send_replace(Doing::WaitingForUser);
    }
}

/// The system's browser, and a word to the user that it has something to show.
pub(crate) struct AnnouncedBrowser(pub(crate) Progress);

impl Browser for AnnouncedBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        SystemBrowser.open(url)?;
        anstream::eprintln!("sign in in the browser window that has opened; Ctrl+C stops");
        self.0.wait_for_user();
        Ok(())
    }
}

impl Telling {
    /// Tells until it is dropped.
    pub(crate) async fn tell(mut self) -> Infallible {
        if !std::io::stderr().is_terminal() {
            return std::future::pending().await;
        }
        if tokio::time::timeout(PATIENCE, self.change()).await.is_err() {
            anstream::eprintln!("still signing in; -v tells each step, Ctrl+C stops");
        }
        loop {
            let doing = *self.0.borrow();
            if let Doing::WaitingUntil(end) = doing {
                self.count_down(end).await;
            } else {
                self.change().await;
            }
        }
    }

    /// Counts down on one line, until something else is the matter. Where each step is told the line would only be
    /// torn apart.
    async fn count_down(&mut self, end: SystemTime) {
        let line = Line;
        let told = tracing::enabled!(tracing::Level::DEBUG);
        while let Ok(left) = end.duration_since(SystemTime::now()) {
            if !told {
                let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
                line.write(&format!(
                    "waiting, the code is good for {minutes}:{seconds:02} "
                ));
            }
            if tokio::time::timeout(SECOND, self.change()).await.is_ok() {
                return;
            }
        }
        // The sign-in itself says that the code has expired.
        self.change().await;
    }

    /// Waits until something else is the matter; for ever where nobody is left to say so.
    async fn change(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The last line of the terminal; it is empty again when this is dropped.
struct Line;

impl Line {
    fn write(&self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        // Nobody is left to be told when stderr is closed.
        let _ = write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.write("");
    }
}

/// The server's words without what could steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .take(2000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        assert_eq!(
            printable("code\u{1b}[2J\r\u{7}AB\nC\u{9b}1m"),
            "code[2JAB\nC1m"
        );
        assert_eq!(printable(&"x".repeat(9000)).len(), 2000);
    }
}
