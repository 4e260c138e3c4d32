//! A password that is typed at a terminal (Unix), and the terminal given back however it ends.
//!
//! The terminal goes on to read lines and to send signals: it erases what was mistyped, Ctrl+C interrupts and Ctrl+Z
//! suspends, and the prompt never learns of either from what it reads. What it changes about the terminal, that is
//! what is typed not being shown, is undone by whoever takes the process away from it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// A terminal reads lines of 4095 bytes at most.
const MAX_LINE: usize = 4096;

/// The one prompt that there may be.
static PROMPT: Mutex<Prompt> = Mutex::new(Prompt::None);

enum Prompt {
    None,
    Shown(Shown),
    /// The process is about to end.
    Over,
}

struct Shown {
    terminal: File,
    before: Termios,
    text: String,
}

/// Asks for a line that is not shown.
pub(super) fn ask(text: String) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let shown = Shown {
        terminal: terminal.try_clone()?,
        before: tcgetattr(&terminal)?,
        text,
    };
    let mut prompt = prompt();
    if matches!(*prompt, Prompt::Over) {
        return Err(ErrorKind::Interrupted.into());
    }
    shown.hide()?;
    *prompt = Prompt::Shown(shown);
    drop(prompt);
    let line = read_line(&mut terminal);
    give_back(Prompt::None);
    line
}

/// Gives the terminal back before the process ends; nothing is asked from now on.
pub(super) fn leave() {
    if give_back(Prompt::Over) {
        // The cursor still stands behind the prompt.
        let _ = File::options()
            .write(true)
            .open("/dev/tty")
            .and_then(|mut terminal| terminal.write_all(b"\n"));
    }
}

/// Lets the process be suspended and resumed with the terminal as others need it, and returns the signal that is to end
/// it.
pub(super) async fn signals() -> io::Result<i32> {
    let kind = |signal: Signal| SignalKind::from_raw(signal.as_raw());
    let mut suspend = signal(kind(Signal::TSTP))?;
    let mut resume = signal(kind(Signal::CONT))?;
    let mut quit = signal(SignalKind::quit())?;
    let mut end = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = suspend.recv() => stop(),
            // Whoever had the terminal in between has made of it what it needed.
            _ = resume.recv() => if let Prompt::Shown(shown) = &*prompt() {
                let _ = shown.hide();
            },
            _ = quit.recv() => return Ok(Signal::QUIT.as_raw()),
            _ = end.recv() => return Ok(Signal::TERM.as_raw()),
            _ = hang_up.recv() => return Ok(Signal::HUP.as_raw()),
        }
    }
}

/// Stops the process, unless nobody could let it go on: without a shell that has jobs the session's leader is in the
/// same process group (POSIX's orphaned process group, which Ctrl+Z does not stop either).
fn stop() {
    if getsid(None) == Ok(getpgrp()) {
        return;
    }
    let prompt = prompt();
    if let Prompt::Shown(shown) = &*prompt {
        let _ = shown.show();
    }
    let _ = kill_process(getpid(), Signal::STOP);
}

impl Shown {
    /// Forgets what has been typed so far, as a terminal that changes hands may have shown it.
    fn hide(&self) -> io::Result<()> {
        let mut hidden = self.before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // The line end is shown, so that what comes next is on a line of its own.
        hidden
            .local_modes
            .insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&self.terminal, OptionalActions::Flush, &hidden)?;
        (&self.terminal).write_all(self.text.as_bytes())
    }

    fn show(&self) -> io::Result<()> {
        Ok(tcsetattr(
            &self.terminal,
            OptionalActions::Now,
            &self.before,
        )?)
    }
}

/// Returns whether a prompt had the terminal.
fn give_back(now: Prompt) -> bool {
    let mut prompt = prompt();
    let was = match &*prompt {
        Prompt::Shown(shown) => {
            let _ = shown.show();
            true
        }
        Prompt::Over => return false,
        Prompt::None => false,
    };
    *prompt = now;
    was
}

fn prompt() -> MutexGuard<'static, Prompt> {
    PROMPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads up to the line end, which is left out.
fn read_line(terminal: &mut File) -> io::Result<Zeroizing<Vec<u8>>> {
    // Reserved whole, so that no piece stays behind in a buffer that was outgrown.
    let mut line = Zeroizing::new(Vec::with_capacity(2 * MAX_LINE));
    let mut piece = Zeroizing::new([0; MAX_LINE]);
    while line.len() < MAX_LINE {
        let length = match terminal.read(&mut *piece) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        line.extend_from_slice(&piece[..length]);
        if length == 0 || line.last() == Some(&b'\n') {
            break;
        }
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(line)
}
