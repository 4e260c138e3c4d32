//! The user's browser, and the loopback address where it brings the answer back to (RFC 8252).

mod launch;
mod loopback;
mod page;
mod peer;

use std::fmt;

pub(crate) use loopback::LoopbackListener;

/// Opens addresses for the user. Implement it to show them by other means than in the system's browser.
pub trait Browser: Send + Sync + 'static {
    /// Opens the address. It is called on a thread of its own, while the answer is waited for already, so it may take
    /// its time.
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
///
/// On Unix the programs that `$BROWSER` lists come first: a list with colons between, where `%s` stands for the address,
/// which is otherwise added at the end. They are started without a shell. Then comes the browser of Windows, inside WSL,
/// and then the openers of the desktop.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

impl SystemBrowser {
    /// Returns whether there is anything to try: `$BROWSER`, WSL or a desktop. MSAL.NET calls it
    /// `IsSystemWebViewAvailable`.
    #[must_use]
    pub fn is_available(&self) -> bool {
        launch::is_available()
    }
}

impl Browser for SystemBrowser {
    /// Opens the address, and watches for some seconds whether the program that does it fails.
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        launch::open(url)
    }
}
