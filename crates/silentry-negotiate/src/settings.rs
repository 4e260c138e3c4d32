//! What a negotiator was told, as the calls of each system need it.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Credentials, MessageProtection};

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) credentials: Credentials,
    /// The GSSAPI library, where it is not the system's.
    pub(crate) library: Option<PathBuf>,
    pub(crate) ntlm_allowed: bool,
    pub(crate) protection: MessageProtection,
    /// How long each call may take.
    pub(crate) timeout: Duration,
}

impl Settings {
    /// Returns whether a channel binding that is given reaches the token.
    pub(crate) fn passes_channel_binding(&self) -> bool {
        let is_apples = |path: &PathBuf| path.to_string_lossy().contains("/GSS.framework/");
        !(cfg!(target_vendor = "apple") && self.library.as_ref().is_none_or(is_apples))
    }
}
