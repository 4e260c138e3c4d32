//! The settings of a program, and the two questions it asks.

use std::path::PathBuf;
use std::time::Duration;

use crate::channel_binding::ChannelBinding;
use crate::context::Context;
use crate::settings::Settings;
use crate::{
    Credentials, Error, MessageProtection, ServicePrincipal, SignedInUser, Token, deadline,
    platform,
};

/// Gets Negotiate tokens for the signed-in user. Cheap to clone; holds settings, no tickets.
///
/// All calls block, each for at most the [time-out](Negotiator::with_timeout). An async program calls
/// them from a blocking thread (`spawn_blocking`, `blocking::unblock`). The work is done on threads of this
/// crate's own, so on Windows it is the process's logon session that counts, not an impersonation of the
/// calling thread.
#[derive(Clone, Debug)]
pub struct Negotiator {
    settings: Settings,
}

impl Negotiator {
    /// Returns a negotiator with the login's credentials and the system's library, without NTLM, without
    /// message protection, and with ten seconds for each call.
    pub fn new() -> Negotiator {
        Negotiator {
            settings: Settings {
                credentials: Credentials::Login,
                library: None,
                ntlm_allowed: false,
                protection: MessageProtection::None,
                timeout: Duration::from_secs(10),
            },
        }
    }

    /// Uses other credentials than the login's.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Negotiator {
        self.settings.credentials = credentials;
        self
    }

    /// Loads this GSSAPI library and no other. Windows ignores it.
    ///
    /// Loading it runs its code in this process, with this user's rights and tickets, and its functions are called as
    /// RFC 2744 declares them: whoever names it trusts it as much as the program itself. So the path must not come from
    /// anybody who is less trusted, such as the environment of a set-user-ID program. A path is refused
    /// ([`Error::LibraryNotTrusted`]) when anybody but root and this user owns or can write the file, or a folder or link
    /// that leads to it. A name without a folder (`libgssapi.so.3`) is looked for where the system's loader looks.
    #[must_use]
    pub fn with_library(mut self, path: impl Into<PathBuf>) -> Negotiator {
        self.settings.library = Some(path.into());
        self
    }

    /// Returns whether a channel binding that is given reaches the token. macOS's own library takes none: its SPNEGO fails
    /// when given one (curl #19109).
    pub fn passes_channel_binding(&self) -> bool {
        self.settings.passes_channel_binding()
    }

    /// Allows Negotiate to fall back to NTLM, which proves nothing about the server and can be relayed.
    ///
    /// That happens on Windows, and with Heimdal where it knows an NTLM password. With MIT Kerberos it
    /// never does: the NTLM plugin takes no Kerberos principal for a name.
    #[must_use]
    pub fn with_ntlm_allowed(mut self, allowed: bool) -> Negotiator {
        self.settings.ntlm_allowed = allowed;
        self
    }

    /// Asks for protection of the messages that follow the negotiation, for protocols that have no TLS.
    ///
    /// What was granted is known when the negotiation is [complete](Context::message_protection). Windows
    /// does not protect messages with this crate yet: [`Error::MessageProtectionUnavailable`].
    #[must_use]
    pub fn with_message_protection(mut self, protection: MessageProtection) -> Negotiator {
        self.settings.protection = protection;
        self
    }

    /// Sets how long each call may take. A call that takes longer is left behind on its thread until the
    /// library returns. At most 64 are there at once in a process ([`Error::TooManyCalls`]).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Negotiator {
        self.settings.timeout = timeout;
        self
    }

    /// Gets the first token for a service, and the context that judges the server's answer to it.
    ///
    /// The token is good for one request. `binding` belongs to the very TLS connection that will carry
    /// it; without TLS, or where the certificate defines none, there is none. Mutual authentication is
    /// always asked for, delegation never.
    ///
    /// # Errors
    ///
    /// Every [`Error`] of Kerberos; [`Error::NtlmRefused`] if only NTLM is to be had;
    /// [`Error::Timeout`].
    pub fn initiate(
        &self,
        principal: &ServicePrincipal,
        binding: Option<&ChannelBinding>,
    ) -> Result<(Context, Token), Error> {
        let (settings, principal_owned) = (self.settings.clone(), principal.clone());
        let binding = binding.cloned();
        tracing::debug!(%principal, bound = binding.is_some(), "asking for a Negotiate token");
        let (initiator, leg) = deadline::run(self.settings.timeout, move || {
            platform::Initiator::start(&settings, &principal_owned, binding.as_ref())
        })?;
        Context::begin(initiator, leg, &self.settings)
    }

    /// Returns whose credentials they are.
    ///
    /// # Errors
    ///
    /// [`Error::NoTicket`] and its kin on Unix; [`Error::UnknownUser`] where the system cannot tell.
    pub fn signed_in_user(&self) -> Result<SignedInUser, Error> {
        let settings = self.settings.clone();
        deadline::run(self.settings.timeout, move || {
            platform::signed_in_user(&settings)
        })
    }
}

impl Default for Negotiator {
    fn default() -> Negotiator {
        Negotiator::new()
    }
}
