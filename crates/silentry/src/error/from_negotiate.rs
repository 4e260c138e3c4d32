//! Kerberos trouble: the reason and the advice are those of `silentry-negotiate`, which does not know how the command and
//! this library name what it is about.

use silentry_negotiate as negotiate;

use super::{Code, Error, Stage};
use crate::advice::Advice;

impl Error {
    pub(crate) fn from_negotiate(stage: Stage, error: &negotiate::Error) -> Self {
        let code = Code::from(error);
        let has_advice = code.advice().is_some();
        let made = Error::new(code, stage, error.to_string()).with_source(error.clone());
        match has_advice {
            true => made,
            false => {
                let advice = Advice::from(error.mitigation());
                made.with_mitigation(match how_to_name(error) {
                    Some(more) => advice.and(more),
                    None => advice,
                })
            }
        }
    }

    /// The platform has UPNs on record (Windows, by `GetUserNameEx`) but tells none. The name of the error is
    /// MSAL.NET's.
    pub(crate) fn without_upn(principal: &str, failure: &negotiate::Error) -> Self {
        let message = format!("Windows does not tell the UPN of {principal}: {failure}");
        let error = Error::new(Code::GetUserNameFailed, Stage::User, message);
        match failure {
            negotiate::Error::KdcUnreachable { .. } => error.with_mitigation(
                "Connect to the corporate network or VPN, so that Windows can ask a domain controller; or give \
                 your UPN yourself by {username}.",
            ),
            _ => error,
        }
    }
}

impl From<&negotiate::Error> for Code {
    fn from(error: &negotiate::Error) -> Self {
        use negotiate::Error::*;
        match error {
            LibraryMissing { .. } => Code::KerberosLibraryMissing,
            LibraryNotTrusted { .. } => Code::KerberosLibraryNotTrusted,
            ConfigurationUnreadable { .. } => Code::KerberosConfigurationUnreadable,
            ConfigurationTimeout { .. } => Code::KerberosConfigurationTimeout,
            CredentialsNotSupported { .. } => Code::KerberosCredentialsNotSupported,
            CredentialsUnreadable { .. } => Code::KerberosCredentialsUnreadable,
            CredentialsRefused { .. } => Code::KerberosCredentialsRefused,
            NoTicket { .. } => Code::KerberosNoTicket,
            TicketExpired { .. } => Code::KerberosTicketExpired,
            ClockSkew { .. } => Code::KerberosClockSkew,
            UnknownServicePrincipal { .. } => Code::KerberosUnknownServicePrincipal,
            EncryptionTypeNotSupported { .. } => Code::KerberosEtypeNotSupported,
            KdcUnreachable { .. } => Code::KerberosKdcUnreachable,
            RealmUnknown { .. } => Code::KerberosRealmUnknown,
            Timeout { .. } => Code::KerberosTimeout,
            CcacheTimeout { .. } => Code::KerberosCcacheTimeout,
            TooManyCalls { .. } => Code::KerberosTooManyCalls,
            NoThread { .. } => Code::KerberosNoThread,
            TicketRejected { .. } => Code::KerberosTicketRejected,
            NtlmRefused { .. } => Code::NtlmRefused,
            MutualAuthenticationFailed { .. } => Code::MutualAuthenticationFailed,
            InvalidServicePrincipal { .. } => Code::InvalidServicePrincipal,
            UnknownUser { .. } => Code::UnknownUser,
            // What protects messages and makes channel bindings has its own answer where it is used.
            _ => Code::KerberosFailed,
        }
    }
}

/// Says by what is named here what the advice speaks of.
fn how_to_name(error: &negotiate::Error) -> Option<&'static str> {
    use negotiate::Error::*;
    match error {
        LibraryMissing { .. } | LibraryNotTrusted { .. } => {
            Some("Choose the library with {gssapi-library}.")
        }
        // Windows has its own library, and the ticket of the logon session alone.
        CredentialsNotSupported { .. } if !cfg!(windows) => {
            Some("Choose another library with {gssapi-library}.")
        }
        CredentialsUnreadable { .. } => Some("{ccache} and {keytab} name them too."),
        CcacheTimeout { .. } => Some("{ccache} names it too."),
        InvalidServicePrincipal { .. } => {
            Some("Set it with {spn}, or with {proxy-spn} for a proxy.")
        }
        NtlmRefused { .. } => Some("{allow-ntlm} allows it."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn advice_names_the_flag_and_the_method() {
        let reason = || "why".to_owned();
        for (error, flag, method) in [
            (
                negotiate::Error::LibraryMissing { reason: reason() },
                "--gssapi-library",
                "with_gssapi_library",
            ),
            (
                negotiate::Error::LibraryNotTrusted { reason: reason() },
                "--gssapi-library",
                "with_gssapi_library",
            ),
            (
                negotiate::Error::CredentialsUnreadable { reason: reason() },
                "--ccache",
                "with_ticket_cache",
            ),
            (
                negotiate::Error::CcacheTimeout {
                    ccache: "KCM:".to_owned(),
                    limit: Duration::from_secs(15),
                },
                "--ccache",
                "with_ticket_cache",
            ),
            (
                negotiate::Error::InvalidServicePrincipal {
                    principal: "sts".to_owned(),
                },
                "--spn",
                "with_service_principal_name",
            ),
            (
                negotiate::Error::NtlmRefused { reason: reason() },
                "--allow-ntlm",
                "with_ntlm",
            ),
        ] {
            let made = Error::from_negotiate(Stage::User, &error);
            let advice = made.advice();
            advice.check(error.code());
            assert_eq!(*made.code(), error.code());
            for (text, name) in [(advice.for_command(), flag), (advice.for_library(), method)] {
                assert!(text.starts_with(error.mitigation()), "{text}");
                assert!(text.contains(name), "{text}");
            }
        }
    }

    #[test]
    fn what_has_no_other_name_has_the_advice_of_the_case() {
        let reason = "why".to_owned();
        let error = negotiate::Error::NoThread { reason };
        let made = Error::from_negotiate(Stage::Negotiate, &error);
        assert_eq!(made.mitigation(), error.mitigation());
    }

    #[test]
    fn whoever_has_no_upn_is_told_to_give_it_and_why() {
        let reason = || "said by Windows (os error 1)".to_owned();
        let unknown = negotiate::Error::UnknownUser { reason: reason() };
        let unreachable = negotiate::Error::KdcUnreachable { reason: reason() };
        let errors =
            [&unknown, &unreachable].map(|failure| Error::without_upn("WS01\\ana", failure));
        for error in &errors {
            assert_eq!(error.code(), "get_user_name_failed");
            assert_eq!(error.stage(), Stage::User);
            assert!(error.to_string().contains("WS01\\ana"), "{error}");
            assert!(error.to_string().contains("(os error 1)"), "{error}");
            assert!(error.mitigation().contains("your UPN"), "{error}");
        }
        assert!(errors[1].mitigation().contains("domain controller"));
    }
}
