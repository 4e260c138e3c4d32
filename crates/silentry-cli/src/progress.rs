//! What people are told on stderr while a sign-in is under way.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use silentry::{Browser, BrowserError, DeviceCode, SystemBrowser};
use tokio::sync::watch;

use crate::process;

/// After this long a person at a terminal is told that something is still happening.
const PATIENCE: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);

/// Where the modes say what they are about.
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
    /// It is the user's turn with a device code, which is good until then.
    WaitingForCode(SystemTime),
    /// It is the user's turn in the browser, until then.
    WaitingForBrowser(SystemTime),
}

/// Returns both ends.
pub(crate) fn progress() -> (Progress, Telling) {
    let (sender, receiver) = watch::channel(Doing::Working);
    (Progress(sender), Telling(receiver))
}

impl Progress {
    /// Shows a device code. It is all that the user has to go by, so it is shown whatever stderr is.
    pub(crate) fn show(&self, code: &DeviceCode) {
        anstream::eprintln!("{}", code.message());
        if let Some(address) = code.verification_uri_complete() {
            anstream::eprintln!("or open {}", address);
        }
        self.0
            .send_replace(Doing::WaitingForCode(code.expires_on()));
    }

    /// Says that the browser is waited for, this long.
    fn wait_for_browser(&self, limit: Duration) {
        let doing = match SystemTime::now().checked_add(limit) {
            Some(end) => Doing::WaitingForBrowser(end),
            None => Doing::WaitingForUser,
        };
        self.0.send_replace(doing);
    }

    /// Says that whatever comes next is the user's turn.
    pub(crate) fn wait_for_user(&self) {
        self.0.send_replace(Doing::WaitingForUser);
    }
}

/// The system's browser, and a word to the user that it has something to show, with the address, which may have to be
/// opened by hand.
pub(crate) struct AnnouncedBrowser {
    pub(crate) progress: Progress,
    /// How long the user is waited for.
    pub(crate) limit: Duration,
    /// Whether the user opens the address by hand.
    pub(crate) only_told: bool,
    /// Whether nothing else is tried when no browser can be opened.
    pub(crate) is_last_way: bool,
}

impl Browser for AnnouncedBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        let somebody_reads = self.is_last_way && std::io::stderr().is_terminal();
        if !self.only_told && !SystemBrowser.is_available() && !somebody_reads {
            return process::with_limits_of_caller(|| SystemBrowser.open(url));
        }
        let limit = in_words(self.limit);
        let what = match self.only_told {
            true => "open this address in a browser to sign in",
            false => "sign in in the browser window that opens, or open this address in one",
        };
        // On a line of its own, so that it can be clicked on and copied.
        anstream::eprintln!("{what}, within {limit}; Ctrl+C stops\n{url}");
        self.progress.wait_for_browser(self.limit);
        if self.only_told {
            return Ok(());
        }
        match process::with_limits_of_caller(|| SystemBrowser.open(url)) {
            Err(error) if self.is_last_way => {
                anstream::eprintln!("no browser could be opened: {error}");
                Ok(())
            }
            opened => opened,
        }
    }
}

fn in_words(limit: Duration) -> String {
    match limit.as_secs() {
        60 => "a minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
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
            match doing {
                Doing::WaitingForCode(end) => self.count_down("the code is good for", end).await,
                Doing::WaitingForBrowser(end) => self.count_down("the browser has", end).await,
                Doing::Working | Doing::WaitingForUser => self.change().await,
            }
        }
    }

    /// Counts down on one line, until something else is the matter. Where each step is told the line would only be
    /// torn apart.
    async fn count_down(&mut self, what: &str, end: SystemTime) {
        let line = Line;
        let told = tracing::enabled!(tracing::Level::DEBUG);
        while let Ok(left) = end.duration_since(SystemTime::now()) {
            if !told {
                let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
                line.write(&format!("waiting, {what} {minutes}:{seconds:02} "));
            }
            if tokio::time::timeout(SECOND, self.change()).await.is_ok() {
                return;
            }
        }
        // The sign-in itself says that the time is over.
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
