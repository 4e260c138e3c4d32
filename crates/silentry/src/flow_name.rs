//! The flows, by name.

use std::fmt;

/// How a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flow {
    /// The token cache, and the refresh token in it.
    Silent,
    /// The Kerberos ticket of the user who is signed in to the machine.
    IntegratedWindowsAuth,
    /// A code to enter on another device.
    DeviceCode,
    /// The system's browser.
    Interactive,
    /// A user name and a password.
    UsernamePassword,
    /// A refresh token that another library kept.
    RefreshToken,
}

impl Flow {
    const ALL: [Flow; 6] = [
        Flow::Silent,
        Flow::IntegratedWindowsAuth,
        Flow::DeviceCode,
        Flow::Interactive,
        Flow::UsernamePassword,
        Flow::RefreshToken,
    ];

    /// Returns the flow in one word, as the command's `--mode` and the policy of the machine spell it: `silent`, `iwa`,
    /// `devicecode`, `web`, `password`, `refresh_token`.
    pub fn as_str(self) -> &'static str {
        match self {
            Flow::Silent => "silent",
            Flow::IntegratedWindowsAuth => "iwa",
            Flow::DeviceCode => "devicecode",
            Flow::Interactive => "web",
            Flow::UsernamePassword => "password",
            Flow::RefreshToken => "refresh_token",
        }
    }

    /// Reads the word of [`as_str`](Self::as_str).
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Flow::ALL.into_iter().find(|flow| flow.as_str() == word)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
