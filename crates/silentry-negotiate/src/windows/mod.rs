//! Tokens and names from Windows: SSPI's Negotiate package with the logon session's credentials.

mod sspi;
mod status;

use windows_sys::Win32::Security::Authentication::Identity::{
    EXTENDED_NAME_FORMAT, ISC_REQ_FLAGS, ISC_REQ_MUTUAL_AUTH, ISC_REQ_REPLAY_DETECT,
    ISC_REQ_SEQUENCE_DETECT, ISC_RET_MUTUAL_AUTH, NameDnsDomain, NameSamCompatible,
    NameUserPrincipal,
};

use crate::channel_binding::ChannelBinding;
use crate::leg::{Leg, ntlm_refused};
use crate::settings::Settings;
use crate::{Credentials, Error, MessageProtection, ServicePrincipal, SignedInUser};

use self::sspi::SecurityContext;

/// Never `ISC_REQ_DELEGATE`: the ticket-granting ticket stays here.
const REQUEST: ISC_REQ_FLAGS =
    ISC_REQ_MUTUAL_AUTH | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT;

/// The client's side of a negotiation.
pub(crate) struct Initiator {
    context: SecurityContext,
    binding: Option<ChannelBinding>,
    principal: ServicePrincipal,
}

impl Initiator {
    /// Returns no name: a logon session has one user, whom `signed_in_user` names.
    #[allow(clippy::unused_self, reason = "on Unix it is asked of the context")]
    pub(crate) fn user(&self) -> Option<String> {
        None
    }

    /// Gets the first token for a service.
    pub(crate) fn start(
        settings: &Settings,
        principal: &ServicePrincipal,
        binding: Option<&ChannelBinding>,
    ) -> Result<(Initiator, Leg), Error> {
        only_login(&settings.credentials)?;
        if settings.protection != MessageProtection::None {
            return Err(protection_unavailable());
        }
        let begin = |package| -> Result<(Initiator, Leg), Error> {
            let context = SecurityContext::new(package, principal.as_str())
                .map_err(|status| status::error(status, principal))?;
            let (binding, principal) = (binding.cloned(), principal.clone());
            let mut initiator = Initiator {
                context,
                binding,
                principal,
            };
            let leg = initiator.advance(None)?;
            Ok((initiator, leg))
        };
        // Negotiate hides why Kerberos was not possible, most of all when it turns to NTLM; the Kerberos
        // package by itself tells.
        let kerberos = || begin("Kerberos").err();
        match begin("Negotiate") {
            Ok((_, leg)) if leg.carries_ntlm() && !settings.ntlm_allowed => {
                Err(ntlm_refused(kerberos()))
            }
            Ok(begun) => Ok(begun),
            Err(negotiate) => Err(match kerberos() {
                None | Some(Error::Failed { .. }) => negotiate,
                Some(reason) => reason,
            }),
        }
    }

    /// Takes the server's token.
    pub(crate) fn step(&mut self, token: &[u8]) -> Result<Leg, Error> {
        self.advance(Some(token))
    }

    /// Never gets here: no protection is granted.
    pub(crate) fn wrap(&mut self, _message: &[u8], _seal: bool) -> Result<Vec<u8>, Error> {
        Err(protection_unavailable())
    }

    /// Never gets here either.
    pub(crate) fn unwrap(
        &mut self,
        _wrapped: &[u8],
        _must_be_sealed: bool,
    ) -> Result<Vec<u8>, Error> {
        Err(protection_unavailable())
    }

    fn advance(&mut self, token: Option<&[u8]>) -> Result<Leg, Error> {
        let binding = self.binding.as_ref().map(ChannelBinding::application_data);
        let leg = self
            .context
            .step(token, REQUEST, binding)
            .map_err(|status| status::error(status, &self.principal))?;
        let package = self.context.negotiated_package();
        Ok(Leg {
            token: leg.token,
            complete: leg.complete,
            mutual: leg.flags & ISC_RET_MUTUAL_AUTH != 0,
            protection: MessageProtection::None,
            ntlm: package.is_some_and(|name| name.eq_ignore_ascii_case("NTLM")),
        })
    }
}

/// Returns whose logon session it is.
pub(crate) fn signed_in_user(settings: &Settings) -> Result<SignedInUser, Error> {
    only_login(&settings.credentials)?;
    let principal = name(NameSamCompatible)?;
    let domain = name(NameDnsDomain).unwrap_or_else(|_| principal.clone());
    let realm = domain.split('\\').next().unwrap_or_default().to_owned();
    let (upn, upn_failure) = match name(NameUserPrincipal) {
        Ok(upn) => (Some(upn), None),
        Err(error) => (None, Some(error)),
    };
    Ok(SignedInUser::new(principal, realm, upn, upn_failure))
}

fn name(format: EXTENDED_NAME_FORMAT) -> Result<String, Error> {
    sspi::user_name(format).map_err(|error| status::name_error(&error))
}

/// Windows programs have LDAP, RPC and SMB of the system's, which protect their messages themselves.
fn protection_unavailable() -> Error {
    let reason = "not built for Windows".to_owned();
    Error::MessageProtectionUnavailable { reason }
}

fn only_login(credentials: &Credentials) -> Result<(), Error> {
    if *credentials == Credentials::Login {
        return Ok(());
    }
    let reason = "Windows cannot use a named ccache or keytab".to_owned();
    Err(Error::CredentialsNotSupported { reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Negotiator;

    #[test]
    fn a_ccache_is_refused_not_ignored() {
        let negotiator = Negotiator::new().with_credentials(Credentials::ccache("FILE:cc"));
        let principal = ServicePrincipal::http("sts.contoso.com").unwrap();
        let error = negotiator.initiate(&principal, None).unwrap_err();
        assert_eq!(error.code(), "kerberos_credentials_not_supported");
        assert_eq!(
            negotiator.signed_in_user().unwrap_err().code(),
            error.code()
        );
    }

    #[test]
    fn a_missing_upn_does_not_hide_the_user() {
        let user = Negotiator::new().signed_in_user().unwrap();
        assert!(user.principal().contains('\\'), "{user:?}");
        assert!(!user.realm().is_empty());
        match (user.upn(), user.upn_failure()) {
            (Some(upn), None) => assert!(upn.contains('@')),
            (None, Some(error)) => assert!(
                ["unknown_user", "kerberos_kdc_unreachable"].contains(&error.code()),
                "{error}"
            ),
            other => panic!("{other:?}"),
        }
    }
}
