//! Where in a sign-in something happened.

use std::fmt;

/// Where in a sign-in something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before any network: what the program asked for, or how it was configured.
    Request,
    /// Reading or writing the token cache.
    Cache,
    /// Asking which endpoints the authority has.
    Discovery,
    /// Finding out who the signed-in user is.
    User,
    /// Asking Entra who authenticates the user's domain.
    Realm,
    /// Reading the federation server's metadata.
    Mex,
    /// Getting the Kerberos service ticket for the federation server.
    Negotiate,
    /// Asking the federation server for a SAML assertion.
    WsTrust,
    /// Opening the browser, and waiting for it to come back.
    Browser,
    /// Asking Entra for a device code.
    DeviceCode,
    /// Exchanging what the sign-in gave for tokens at Entra.
    Token,
}

impl Stage {
    /// Returns the stage in one lower-case word, as the command prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Request => "request",
            Stage::Cache => "cache",
            Stage::Discovery => "discovery",
            Stage::User => "user",
            Stage::Realm => "realm",
            Stage::Mex => "mex",
            Stage::Negotiate => "negotiate",
            Stage::WsTrust => "wstrust",
            Stage::Browser => "browser",
            Stage::DeviceCode => "devicecode",
            Stage::Token => "token",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
