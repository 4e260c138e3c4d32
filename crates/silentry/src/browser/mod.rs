//! The user's browser, and the loopback address where it brings the answer back to (RFC 8252).

mod loopback;
mod page;

use std::fmt;

pub(crate) use loopback::LoopbackListener;

/// Opens addresses for the user. Implement it to show them another way than in the system's browser.
pub trait Browser: Send + Sync + 'static {
    /// Opens the address and returns at once.
    ///
    /// # Errors
    ///
    /// A sentence that says why nothing could be opened.
    fn open(&self, url: &str) -> Result<(), BrowserError>;
}

/// Why no browser could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserError(String);

impl BrowserError {
    /// Makes an error from a sentence; it never holds the address, which has the state in it.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BrowserError {}

/// The browser that the system opens addresses with; the sign-in uses it unless told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        #[cfg(all(unix, not(target_os = "macos")))]
        if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
            // The openers would start a browser for terminals, in the middle of the program's output.
            return Err(BrowserError::new(
                "there is no desktop: neither DISPLAY nor WAYLAND_DISPLAY is set",
            ));
        }
        open::that_detached(url).map_err(|error| BrowserError::new(error.to_string()))
    }
}
