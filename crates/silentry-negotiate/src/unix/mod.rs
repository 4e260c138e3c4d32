//! Tokens and names from the GSS-API of the system, on Linux, macOS and other Unix systems.

mod abi;
mod gssapi;
mod mechanism;
mod status;
mod store;

use std::path::Path;

use crate::channel_binding::ChannelBinding;
use crate::platform::{self, Leg};
use crate::{Credentials, Error, Negotiator, ServicePrincipal, SignedInUser};

use self::gssapi::{Credential, Library, SecurityContext};
use self::mechanism::{CHANNEL_BOUND, MUTUAL, Mechanism, REPLAY_AND_SEQUENCE};
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
    subject: Subject,
}

impl Initiator {
    /// Gets the first token for a service.
    pub(crate) fn start(
        negotiator: &Negotiator,
        principal: &ServicePrincipal,
        binding: Option<&ChannelBinding>,
    ) -> Result<(Initiator, Leg), Error> {
        let library = library(negotiator.library())?;
        let subject = Subject::service(principal, negotiator.credentials());
        // Apple's SPNEGO fails with "unsupported mechanism" when given bindings (curl #19109).
        let binding = binding.filter(|_| !cfg!(target_vendor = "apple"));
        let begin = |mechanism| -> Result<(Initiator, Leg), Failure> {
            let credential = match negotiator.credentials() {
                Credentials::Login => None,
                named => Some(acquire(library, mechanism, named)?),
            };
            let target = library.principal(&with_realm(principal))?;
            let context = SecurityContext::new(mechanism, target, credential);
            let (binding, subject) = (binding.cloned(), subject.clone());
            let mut initiator = Initiator {
                context,
                binding,
                subject,
            };
            let leg = initiator.advance(None)?;
            Ok((initiator, leg))
        };
        if *negotiator.credentials() != Credentials::Login {
            // A keytab is tried here, and once: a wrong key counts towards the account's lock-out.
            owner(library, negotiator.credentials())?;
        }
        // SPNEGO says no more than that no mechanism worked; Kerberos by itself says why.
        let kerberos = || begin(Mechanism::Kerberos).err();
        match begin(Mechanism::Spnego) {
            Ok((_, leg)) if leg.carries_ntlm() && !negotiator.ntlm_allowed() => {
                let reason = kerberos().map(|failure| failure.into_error(&subject));
                Err(platform::ntlm_refused(reason))
            }
            Ok(begun) => Ok(begun),
            Err(spnego) => Err(kerberos().unwrap_or(spnego).into_error(&subject)),
        }
    }

    /// Takes the server's token.
    pub(crate) fn step(&mut self, token: &[u8]) -> Result<Leg, Error> {
        self.advance(Some(token))
            .map_err(|failure| failure.into_error(&self.subject))
    }

    fn advance(&mut self, token: Option<&[u8]>) -> Result<Leg, Failure> {
        let binding = self.binding.as_ref().map(ChannelBinding::application_data);
        let bound = if binding.is_some() { CHANNEL_BOUND } else { 0 };
        let flags = MUTUAL | REPLAY_AND_SEQUENCE | bound;
        let leg = self.context.step(token, flags, binding)?;
        Ok(Leg {
            token: leg.token,
            complete: leg.complete,
            mutual: leg.flags & MUTUAL != 0,
            ntlm: false,
        })
    }
}

/// Returns whose credentials they are.
pub(crate) fn signed_in_user(negotiator: &Negotiator) -> Result<SignedInUser, Error> {
    let library = library(negotiator.library())?;
    let principal = owner(library, negotiator.credentials())?;
    let Some(realm) = realm_of(&principal) else {
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

fn library(chosen: Option<&Path>) -> Result<&'static Library, Error> {
    if let Some(path) = chosen {
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

/// Acquires the credentials and returns whose they are.
fn owner(library: &'static Library, credentials: &Credentials) -> Result<String, Error> {
    store::check(library, credentials)?;
    acquire(library, Mechanism::Kerberos, credentials)
        .and_then(|credential| credential.name())
        .and_then(|name| name.display())
        .map_err(|failure| failure.into_error(&Subject::user(credentials)))
}

fn acquire(
    library: &'static Library,
    mechanism: Mechanism,
    credentials: &Credentials,
) -> Result<Credential, Failure> {
    let owner = match credentials {
        Credentials::Keytab {
            principal: Some(principal),
            ..
        } => Some(library.principal(principal)?),
        _ => None,
    };
    library.credential(mechanism, owner.as_ref(), &store::elements(credentials))
}

/// Returns the name as it is imported. An empty realm makes the library ask the user's own KDC and
/// follow its referrals; without the `@` the name would get `default_realm`, which need not be the
/// service's nor the user's.
fn with_realm(principal: &ServicePrincipal) -> String {
    let name = principal.as_str();
    if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@")
    }
}

/// Returns what stands behind the last `@` that no backslash quotes (RFC 1964, 2.1.1).
fn realm_of(principal: &str) -> Option<&str> {
    let mut quoted = false;
    let mut realm = None;
    for (place, character) in principal.char_indices() {
        match character {
            '\\' if !quoted => {
                quoted = true;
                continue;
            }
            '@' if !quoted => realm = Some(&principal[place + 1..]),
            _ => {}
        }
        quoted = false;
    }
    realm.filter(|realm| !realm.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_without_realm_gets_the_empty_one() {
        let principal = ServicePrincipal::http("sts.contoso.com").unwrap();
        assert_eq!(with_realm(&principal), "HTTP/sts.contoso.com@");
        let principal = "HTTP/sts.contoso.com@CORP".parse().unwrap();
        assert_eq!(with_realm(&principal), "HTTP/sts.contoso.com@CORP");
    }

    #[test]
    fn the_realm_is_behind_the_last_bare_at_sign() {
        assert_eq!(realm_of("alice@CORP.CONTOSO.COM"), Some("CORP.CONTOSO.COM"));
        assert_eq!(realm_of(r"alice\@contoso.com@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"odd\\@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"alice\@contoso.com"), None);
        assert_eq!(realm_of("alice@"), None);
        assert_eq!(realm_of("alice"), None);
    }

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

    #[test]
    fn a_library_without_the_gss_api_is_refused() {
        let error = library(Some(Path::new("libc.so.6"))).err().unwrap();
        assert_eq!(error.code(), "kerberos_library_missing");
        assert!(error.to_string().contains("gss_"), "{error}");
    }
}
