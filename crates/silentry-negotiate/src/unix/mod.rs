//! Tokens and names from the GSSAPI of the system, on Linux, macOS and other Unix systems.

mod abi;
mod configuration;
mod gssapi;
mod mechanism;
mod naming;
mod place;
mod status;
mod store;

use std::ffi::{CStr, CString};
use std::path::Path;

use silentry_files::Owners;

use crate::channel_binding::ChannelBinding;
use crate::deadline::Source;
use crate::leg::{Leg, ntlm_refused};
use crate::settings::Settings;
use crate::{Credentials, Error, MessageProtection, ServicePrincipal, SignedInUser, deadline};

use self::gssapi::{Credential, Library, SecurityContext};
use self::mechanism::{
    CHANNEL_BOUND, CONFIDENTIALITY, INTEGRITY, MUTUAL, Mechanism, NameType, REPLAY_AND_SEQUENCE,
};
use self::naming::Target;
use self::status::{Failure, Subject};

/// Where the library is looked for: Apple's own; else MIT Kerberos, then Heimdal.
const LIBRARIES: &[&str] = if cfg!(target_vendor = "apple") {
    &["/System/Library/Frameworks/GSS.framework/GSS"]
} else {
    &["libgssapi_krb5.so.2", "libgssapi.so.3"]
};

/// The client's side of a negotiation.
pub(crate) struct Initiator {
    context: SecurityContext,
    binding: Option<ChannelBinding>,
    protection: MessageProtection,
    subject: Box<Subject>,
}

impl Initiator {
    /// Gets the first token for a service.
    pub(crate) fn start(
        settings: &Settings,
        principal: &ServicePrincipal,
        binding: Option<&ChannelBinding>,
    ) -> Result<(Initiator, Leg), Error> {
        let call = Call::begin(settings)?;
        let library = call.library;
        let subject = Subject::service(principal, &settings.credentials, call.login_ccache());
        subject.check()?;
        let binding = binding.filter(|_| settings.passes_channel_binding());
        let begin = |mechanism, target: &Target| -> Result<(Initiator, Leg), Failure> {
            let credential = call.credential(mechanism)?;
            library.trust_host_names_as_given();
            let target = library.name(target.0, &target.1)?;
            let context = SecurityContext::new(mechanism, target, credential);
            let (binding, subject) = (binding.cloned(), Box::new(subject.clone()));
            let mut initiator = Initiator {
                context,
                binding,
                protection: settings.protection,
                subject,
            };
            let leg = initiator.advance(None)?;
            Ok((initiator, leg))
        };
        let source = subject.source();
        if settings.credentials != Credentials::Login || matches!(source, Some(Source::Service(_)))
        {
            // A keytab is tried here, and once: a wrong key counts towards the account's lock-out. A service that
            // keeps the ccache is asked here first, where it is known what is waited for.
            call.owner()?;
        } else if let Some(source) = source {
            deadline::check_not_awaited(source, settings.timeout)?;
        }
        let target = naming::target(principal, library.is_heimdal());
        // SPNEGO says no more than that no mechanism worked; Kerberos by itself says why.
        let kerberos = || begin(Mechanism::Kerberos, &target).err();
        let mut failure = match begin(Mechanism::Spnego, &target) {
            Ok((_, leg)) if leg.carries_ntlm() && !settings.ntlm_allowed => {
                let reason = kerberos().map(|failure| failure.into_error(&subject));
                return Err(ntlm_refused(reason));
            }
            Ok(begun) => return Ok(begun),
            Err(spnego) => kerberos().unwrap_or(spnego),
        };
        for elsewhere in [in_realm_of_host, in_own_realm] {
            if !failure.is_service_unknown() {
                break;
            }
            if let Some(target) = elsewhere(&call, principal) {
                let begun = begin(Mechanism::Spnego, &target);
                match begun.or_else(|_| begin(Mechanism::Kerberos, &target)) {
                    Ok(begun) => return Ok(begun),
                    Err(other) => failure = other,
                }
            }
        }
        Err(failure.into_error(&subject))
    }

    /// Takes the server's token.
    pub(crate) fn step(&mut self, token: &[u8]) -> Result<Leg, Error> {
        self.advance(Some(token))
            .map_err(|failure| failure.into_error(&self.subject))
    }

    /// Returns whose ticket it was, of a negotiation that is complete.
    pub(crate) fn user(&self) -> Option<String> {
        let name = self.context.initiator().and_then(|name| name.display());
        name.ok()
    }

    /// Protects a message for the peer.
    pub(crate) fn wrap(&mut self, message: &[u8], seal: bool) -> Result<Vec<u8>, Error> {
        let (wrapped, sealed) = self
            .context
            .wrap(message, seal)
            .map_err(|failure| failure.into_error(&self.subject))?;
        if seal && !sealed {
            let reason = "the library did not seal a message".to_owned();
            return Err(Error::MessageProtectionUnavailable { reason });
        }
        Ok(wrapped)
    }

    /// Returns the message that the peer has protected, if it is the next one.
    pub(crate) fn unwrap(
        &mut self,
        wrapped: &[u8],
        must_be_sealed: bool,
    ) -> Result<Vec<u8>, Error> {
        let rejected = |reason: String| Error::MessageRejected { reason };
        let (message, sealed, out_of_turn) = self
            .context
            .unwrap(wrapped)
            .map_err(|failure| rejected(failure.into_error(&self.subject).to_string()))?;
        if out_of_turn {
            return Err(rejected("it comes again, or not in its turn".to_owned()));
        }
        if must_be_sealed && !sealed {
            return Err(rejected("it is not sealed".to_owned()));
        }
        Ok(message)
    }

    fn advance(&mut self, token: Option<&[u8]>) -> Result<Leg, Failure> {
        let binding = self.binding.as_ref().map(ChannelBinding::application_data);
        let bound = if binding.is_some() { CHANNEL_BOUND } else { 0 };
        let flags = MUTUAL | REPLAY_AND_SEQUENCE | bound | protection_flags(self.protection);
        let leg = self.context.step(token, flags, binding)?;
        Ok(Leg {
            token: leg.token,
            complete: leg.complete,
            mutual: leg.flags & MUTUAL != 0,
            protection: protection_of(leg.flags),
            ntlm: false,
        })
    }
}

fn protection_flags(protection: MessageProtection) -> u32 {
    match protection {
        MessageProtection::None => 0,
        MessageProtection::Signed => INTEGRITY,
        MessageProtection::Sealed => INTEGRITY | CONFIDENTIALITY,
    }
}

fn protection_of(flags: u32) -> MessageProtection {
    match (flags & INTEGRITY != 0, flags & CONFIDENTIALITY != 0) {
        (true, true) => MessageProtection::Sealed,
        (true, false) => MessageProtection::Signed,
        (false, _) => MessageProtection::None,
    }
}

/// Returns whose credentials they are.
pub(crate) fn signed_in_user(settings: &Settings) -> Result<SignedInUser, Error> {
    let principal = Call::begin(settings)?.owner()?;
    let Some(realm) = naming::realm_of(&principal) else {
        return Err(Error::UnknownUser {
            reason: format!("{principal} has no realm"),
        });
    };
    Ok(SignedInUser::new(
        principal.clone(),
        realm.to_owned(),
        None,
        None,
    ))
}

/// Returns the principal in the realm that krb5.conf has for its host, when it has no realm of its own:
/// not every KDC refers to the realms that it trusts, and MIT's does so for the names of services on hosts only.
/// Heimdal has asked for a host-based name from the beginning.
fn in_realm_of_host(call: &Call<'_>, principal: &ServicePrincipal) -> Option<Target> {
    let library = call.library;
    let (_, host) = naming::service_and_host(principal).filter(|_| !library.is_heimdal())?;
    let realm = library.realm_of_host(host)?;
    naming::in_realm_of_host(principal, &realm)
}

/// Returns the principal in the realm of the user, when it has no realm of its own.
///
/// Refused a referral for any reason, MIT guesses a realm from the host's domain and then only says that
/// it does not know that realm. Asked in the user's own realm, the KDC tells what was wrong, or grants
/// the ticket where it knows no referrals.
fn in_own_realm(call: &Call<'_>, principal: &ServicePrincipal) -> Option<Target> {
    if principal.as_str().contains('@') {
        return None;
    }
    let owner = call.owner().ok()?;
    let realm = naming::realm_of(&owner)?;
    Some((NameType::Principal, format!("{principal}@{realm}")))
}

/// Loads the library that was chosen, or the system's.
fn library(chosen: Option<&Path>) -> Result<&'static Library, Error> {
    if let Some(path) = chosen {
        check_trusted(path)?;
        return Library::open(path).map_err(|reason| Error::LibraryMissing { reason });
    }
    let mut reasons = Vec::new();
    for name in LIBRARIES {
        match Library::open(Path::new(name)) {
            Ok(library) => return Ok(library),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(Error::LibraryMissing {
        reason: reasons.join("; "),
    })
}

/// Refuses a library by its path that others can write or replace: its code would run with the user's tickets. A name
/// without a folder is looked for by the loader, where the system's libraries are.
fn check_trusted(path: &Path) -> Result<(), Error> {
    if path.components().count() < 2 {
        return Ok(());
    }
    match silentry_files::check(path, Owners::RootOrUser) {
        // The loader says so itself; it also has libraries that are in no folder (macOS).
        Err(untrusted) if untrusted.is_absent() => Ok(()),
        Err(untrusted) => Err(Error::LibraryNotTrusted {
            reason: untrusted.to_string(),
        }),
        // The loader would wait for a pipe, or a file of the kernel.
        Ok(()) => match silentry_files::read_start(path, 1) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::LibraryMissing {
                reason: format!("{} cannot be read: {error}", path.display()),
            }),
        },
    }
}

/// A call of this crate: the library, which has read its configuration, and what it is asked with.
struct Call<'a> {
    library: &'static Library,
    settings: &'a Settings,
    /// The login's ccache, where the library tells.
    login_ccache: Option<CString>,
}

impl<'a> Call<'a> {
    /// Loads the library and lets it read its configuration, where neither would be waited for as far as can be seen.
    fn begin(settings: &'a Settings) -> Result<Self, Error> {
        let library = library(settings.library.as_deref())?;
        let read = || {
            configuration::check()?;
            Ok(library.defaults())
        };
        let source = configuration::source();
        let defaults = deadline::read_from(&source, settings.timeout, read)??;
        store::check(library, &settings.credentials, &defaults)?;
        Ok(Call {
            library,
            settings,
            login_ccache: defaults.ccache,
        })
    }

    fn login_ccache(&self) -> Option<&CStr> {
        self.login_ccache.as_deref()
    }

    /// Acquires the credentials and returns whose they are.
    fn owner(&self) -> Result<String, Error> {
        let credentials = &self.settings.credentials;
        let subject = Subject::user(credentials, self.login_ccache());
        subject.check()?;
        let read = || {
            self.acquire(Mechanism::Kerberos)
                .and_then(|credential| credential.name())
                .and_then(|name| name.display())
        };
        let name = match subject.source() {
            Some(source) => deadline::read_from(source, self.settings.timeout, read)?,
            None => read(),
        };
        name.map_err(|failure| failure.into_error(&subject))
    }

    /// Returns the credential for a security context; none where the library is left to find the login's.
    fn credential(&self, mechanism: Mechanism) -> Result<Option<Credential>, Failure> {
        if self.settings.credentials == Credentials::Login && !self.library.has_credential_stores()
        {
            return Ok(None);
        }
        self.acquire(mechanism).map(Some)
    }

    fn acquire(&self, mechanism: Mechanism) -> Result<Credential, Failure> {
        let credentials = &self.settings.credentials;
        let owner = match credentials {
            Credentials::Keytab {
                principal: Some(principal),
                ..
            } => Some(self.library.name(NameType::Principal, principal)?),
            _ => None,
        };
        let store = store::elements(self.library, credentials, self.login_ccache());
        self.library.credential(mechanism, owner.as_ref(), &store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let error = library(Some(Path::new("/nonexistent/libgssapi.so")))
            .err()
            .unwrap();
        assert_eq!(error.code(), "kerberos_library_missing");
        assert!(
            error.to_string().contains("/nonexistent/libgssapi.so"),
            "{error}"
        );
    }

    /// On the wire MIT Kerberos and Heimdal offer both to every server, asked or not.
    #[test]
    fn a_negotiation_without_protection_asks_as_before() {
        assert_eq!(protection_flags(MessageProtection::None), 0);
        for protection in [MessageProtection::Signed, MessageProtection::Sealed] {
            assert_eq!(protection_of(protection_flags(protection)), protection);
        }
        assert_eq!(protection_of(CONFIDENTIALITY), MessageProtection::None);
    }

    #[test]
    fn a_library_without_the_gss_api_is_refused() {
        let other = if cfg!(target_vendor = "apple") {
            "/usr/lib/libSystem.B.dylib"
        } else {
            "libc.so.6"
        };
        let error = library(Some(Path::new(other))).err().unwrap();
        assert_eq!(error.code(), "kerberos_library_missing");
        assert!(error.to_string().contains("gss_"), "{error}");
    }
}
