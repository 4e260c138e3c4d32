//! What the statuses of SSPI mean.

use std::io;

use windows_sys::Win32::Foundation::{
    SEC_E_CONTEXT_EXPIRED, SEC_E_DOWNGRADE_DETECTED, SEC_E_KDC_UNABLE_TO_REFER,
    SEC_E_KDC_UNKNOWN_ETYPE, SEC_E_LOGON_DENIED, SEC_E_MAX_REFERRALS_EXCEEDED,
    SEC_E_MESSAGE_ALTERED, SEC_E_MULTIPLE_ACCOUNTS, SEC_E_MUTUAL_AUTH_FAILED,
    SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_CREDENTIALS, SEC_E_NO_KERB_KEY, SEC_E_NO_TGT_REPLY,
    SEC_E_POLICY_NLTM_ONLY, SEC_E_SMARTCARD_LOGON_REQUIRED, SEC_E_STRONG_CRYPTO_NOT_SUPPORTED,
    SEC_E_TARGET_UNKNOWN, SEC_E_TIME_SKEW, SEC_E_UNKNOWN_CREDENTIALS, SEC_E_WRONG_PRINCIPAL,
};

use crate::{Error, ServicePrincipal};

use super::sspi::Status;

/// Returns the error for the caller, with the text of Windows.
pub(super) fn error(status: Status, principal: &ServicePrincipal) -> Error {
    let reason = io::Error::from_raw_os_error(status).to_string();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_their_codes_and_the_number_is_shown() {
        let principal = ServicePrincipal::http("sts.contoso.com").unwrap();
        for (status, code, number) in [
            (SEC_E_NO_CREDENTIALS, "kerberos_no_ticket", "-2146893042"),
            (
                SEC_E_TARGET_UNKNOWN,
                "kerberos_unknown_service_principal",
                "-2146893053",
            ),
            (SEC_E_TIME_SKEW, "kerberos_clock_skew", "-2146893020"),
            (
                SEC_E_NO_AUTHENTICATING_AUTHORITY,
                "kerberos_kdc_unreachable",
                "-2146893039",
            ),
            (-1, "kerberos_failed", "-1"),
        ] {
            let error = error(status, &principal);
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(number), "{error}");
        }
    }
}
