//! What the statuses of SSPI mean.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_NO_LOGON_SERVERS, ERROR_NO_SUCH_DOMAIN, SEC_E_CONTEXT_EXPIRED, SEC_E_DOWNGRADE_DETECTED,
    SEC_E_KDC_UNABLE_TO_REFER, SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_LOGON_DENIED,
    SEC_E_MAX_REFERRALS_EXCEEDED, SEC_E_MESSAGE_ALTERED, SEC_E_MULTIPLE_ACCOUNTS,
    SEC_E_MUTUAL_AUTH_FAILED, SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_CREDENTIALS,
    SEC_E_NO_KERB_KEY, SEC_E_NO_TGT_REPLY, SEC_E_POLICY_NLTM_ONLY, SEC_E_SMARTCARD_LOGON_REQUIRED,
    SEC_E_STRONG_CRYPTO_NOT_SUPPORTED, SEC_E_TARGET_UNKNOWN, SEC_E_TIME_SKEW,
    SEC_E_UNKNOWN_CREDENTIALS, SEC_E_WRONG_PRINCIPAL,
};

use crate::{Error, ServicePrincipal};

use super::sspi::Status;

/// Returns the error for the caller, with the text of Windows and the number as everybody writes it.
pub(super) fn error(status: Status, principal: &ServicePrincipal) -> Error {
    let reason = io::Error::from_raw_os_error(status).to_string().replace(
        &format!("os error {status}"),
        &format!("0x{:08X}", status.cast_unsigned()),
    );
    match status {
        SEC_E_NO_CREDENTIALS | SEC_E_UNKNOWN_CREDENTIALS | SEC_E_NO_TGT_REPLY => {
            Error::NoTicket { reason }
        }
        SEC_E_CONTEXT_EXPIRED => Error::TicketExpired { reason },
        SEC_E_LOGON_DENIED | SEC_E_SMARTCARD_LOGON_REQUIRED => Error::CredentialsRefused { reason },
        SEC_E_TARGET_UNKNOWN | SEC_E_MULTIPLE_ACCOUNTS => Error::UnknownServicePrincipal {
            principal: principal.clone(),
            reason,
        },
        SEC_E_KDC_UNKNOWN_ETYPE | SEC_E_STRONG_CRYPTO_NOT_SUPPORTED | SEC_E_NO_KERB_KEY => {
            Error::EncryptionTypeNotSupported { reason }
        }
        SEC_E_TIME_SKEW => Error::ClockSkew { reason },
        // Negotiate calls it a downgrade when no domain controller answers a domain account.
        SEC_E_NO_AUTHENTICATING_AUTHORITY | SEC_E_DOWNGRADE_DETECTED => {
            Error::KdcUnreachable { reason }
        }
        SEC_E_KDC_UNABLE_TO_REFER | SEC_E_MAX_REFERRALS_EXCEEDED => Error::RealmUnknown { reason },
        SEC_E_WRONG_PRINCIPAL | SEC_E_MESSAGE_ALTERED => Error::TicketRejected { reason },
        SEC_E_MUTUAL_AUTH_FAILED => Error::MutualAuthenticationFailed { reason },
        SEC_E_POLICY_NLTM_ONLY => Error::NtlmRefused { reason },
        _ => Error::Failed { reason },
    }
}

/// Returns the error for the caller when `GetUserNameExW` failed.
///
/// Seen in the field: 1332 (`ERROR_NONE_MAPPED`, for local accounts and with two work accounts), 1355
/// (`ERROR_NO_SUCH_DOMAIN`, no domain controller could be asked), 5 (`ERROR_ACCESS_DENIED`, in an AppContainer
/// without the capabilities).
pub(super) fn name_error(error: &io::Error) -> Error {
    let reason = error.to_string();
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_NO_SUCH_DOMAIN | ERROR_NO_LOGON_SERVERS) => Error::KdcUnreachable { reason },
        _ => Error::UnknownUser { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_domain_controller_could_tell_is_another_matter_than_none() {
        for (number, code) in [
            (1332, "unknown_user"),
            (1355, "kerberos_kdc_unreachable"),
            (1311, "kerberos_kdc_unreachable"),
            (5, "unknown_user"),
        ] {
            let error = name_error(&io::Error::from_raw_os_error(number));
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(&number.to_string()), "{error}");
        }
    }

    #[test]
    fn statuses_have_their_codes_and_the_number_is_shown() {
        let principal = ServicePrincipal::http("sts.contoso.com").unwrap();
        for (status, code, number) in [
            (SEC_E_NO_CREDENTIALS, "kerberos_no_ticket", "0x8009030E"),
            (
                SEC_E_TARGET_UNKNOWN,
                "kerberos_unknown_service_principal",
                "0x80090303",
            ),
            (SEC_E_TIME_SKEW, "kerberos_clock_skew", "0x80090324"),
            (
                SEC_E_NO_AUTHENTICATING_AUTHORITY,
                "kerberos_kdc_unreachable",
                "0x80090311",
            ),
            (-1, "kerberos_failed", "0xFFFFFFFF"),
        ] {
            let error = error(status, &principal);
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(number), "{error}");
        }
    }
}
