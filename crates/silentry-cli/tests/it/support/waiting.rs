//! A command that waits for somebody to act.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use super::Said;

/// A command that waits for its user.
#[allow(dead_code, reason = "each test file uses a part")]
pub(crate) struct Waiting {
    pub(crate) child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    told: String,
}

#[allow(dead_code, reason = "each test file uses a part")]
impl Waiting {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stderr,
            told: String::new(),
        }
    }

    /// Reads stderr up to the device code.
    pub(crate) fn code(&mut self) -> String {
        self.word_after("enter the code ")
    }

    /// Reads stderr up to the address for the browser.
    pub(crate) fn address(&mut self) -> String {
        format!("https://{}", self.word_after("\nhttps://"))
    }

    pub(crate) fn word_after(&mut self, mark: &str) -> String {
        loop {
            assert_ne!(
                self.stderr.read_line(&mut self.told).unwrap(),
                0,
                "{}",
                self.told
            );
            if let Some((_, rest)) = self.told.split_once(mark) {
                return rest.split_whitespace().next().unwrap().to_owned();
            }
        }
    }

    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn end(mut self) -> Said {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut self.told).unwrap();
        Said {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr: self.told,
        }
    }
}
