//! Why there is no token, in words that say who must act.

use std::time::Duration;

use crate::ServicePrincipal;

/// Why a token could not be made, or a server's answer not be believed.
///
/// `Display` carries the reason as the Kerberos library or Windows gave it, [`Error::code`] a string that
/// never changes, [`Error::mitigation`] what to do. None of them holds a token, a ticket or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No GSSAPI library could be loaded.
    #[error("no Kerberos library on this machine ({reason})")]
    LibraryMissing {
        /// What was tried, and what the loader said.
        reason: String,
    },

    /// The GSSAPI library that was named can be changed by others than the user and root.
    #[error("the GSSAPI library is not loaded: {reason}")]
    LibraryNotTrusted {
        /// Which file or folder, and who can write it.
        reason: String,
    },

    /// A file of the Kerberos configuration is a pipe or a device, too large, or included without end; the library would
    /// wait for it, or end the process. Looked at are the files of `KRB5_CONFIG` and what they include, no more than ten
    /// deep and no more than 1000 files and 16 MiB altogether, `GSS_MECH_CONFIG` and `KRB5_TRACE`.
    #[error("cannot use the Kerberos configuration: {reason}")]
    ConfigurationUnreadable {
        /// Which file, and what is wrong with it.
        reason: String,
    },

    /// The library did not read its configuration in time, now or when an earlier call began that still waits for it.
    #[error("the Kerberos configuration ({files}) could not be read within {} s", limit.as_secs_f32())]
    ConfigurationTimeout {
        /// Which files were to be read, as the environment names them.
        files: String,
        /// The limit.
        limit: Duration,
    },

    /// The library, or Windows, cannot take credentials from a named ccache or keytab.
    #[error("{reason}")]
    CredentialsNotSupported {
        /// Which library lacks what.
        reason: String,
    },

    /// The named ccache or keytab does not exist, cannot be read, or holds no such principal; or the login's ccache
    /// cannot be read.
    #[error("cannot use the Kerberos credentials: {reason}")]
    CredentialsUnreadable {
        /// The library's text.
        reason: String,
    },

    /// The KDC does not accept the client: keytab outdated, account locked, disabled or gone.
    #[error("the KDC refuses the user: {reason}")]
    CredentialsRefused {
        /// The library's text.
        reason: String,
    },

    /// The user has no Kerberos ticket.
    #[error("no Kerberos ticket: {reason}")]
    NoTicket {
        /// The library's text; it names the ccache where it can.
        reason: String,
    },

    /// The user's ticket-granting ticket has expired.
    #[error("the Kerberos ticket has expired: {reason}")]
    TicketExpired {
        /// The library's text.
        reason: String,
    },

    /// The clocks of this machine and of the KDC or server differ too much.
    #[error("the clocks differ too much for Kerberos: {reason}")]
    ClockSkew {
        /// The library's text.
        reason: String,
    },

    /// No account of the directory has this service principal name.
    #[error("no account has the service principal {principal}: {reason}")]
    UnknownServicePrincipal {
        /// Whom the ticket was asked for.
        principal: ServicePrincipal,
        /// The library's text.
        reason: String,
    },

    /// KDC, service account and this machine have no encryption type in common.
    #[error("no common Kerberos encryption type: {reason}")]
    EncryptionTypeNotSupported {
        /// The library's text.
        reason: String,
    },

    /// No KDC could be reached.
    #[error("no KDC can be reached: {reason}")]
    KdcUnreachable {
        /// The library's text.
        reason: String,
    },

    /// The realm, or the KDCs of the realm, cannot be found.
    #[error("the Kerberos realm cannot be found: {reason}")]
    RealmUnknown {
        /// The library's text.
        reason: String,
    },

    /// The call took longer than its limit.
    #[error("Kerberos gave no answer within {} s", limit.as_secs_f32())]
    Timeout {
        /// The limit.
        limit: Duration,
    },

    /// The service that keeps the ccache (KCM) did not answer in time, now or when an earlier call asked that still
    /// waits for it.
    #[error("the credential cache {ccache} gave no answer within {} s", limit.as_secs_f32())]
    CcacheTimeout {
        /// The name of the ccache.
        ccache: String,
        /// The limit.
        limit: Duration,
    },

    /// Too many earlier calls have not returned from the library, which cannot be cancelled.
    #[error("{running} calls of the Kerberos library have not returned, and none did within {} s", limit.as_secs_f32())]
    TooManyCalls {
        /// How many.
        running: usize,
        /// The limit.
        limit: Duration,
    },

    /// The system gave no thread to run the call on.
    #[error("no thread for the Kerberos library: {reason}")]
    NoThread {
        /// What the system said.
        reason: String,
    },

    /// The server could not use the ticket: made with another key, for another account, used before.
    #[error("the server refuses the Kerberos ticket: {reason}")]
    TicketRejected {
        /// The library's text.
        reason: String,
    },

    /// Only NTLM was to be had, and NTLM was not allowed.
    #[error("Negotiate fell back to NTLM, which is not allowed: {reason}")]
    NtlmRefused {
        /// Where NTLM came up.
        reason: String,
    },

    /// The server did not prove that it is the service the ticket is for.
    #[error("the server did not prove its identity: {reason}")]
    MutualAuthenticationFailed {
        /// What was wrong with its answer.
        reason: String,
    },

    /// The certificate's signature has no hash of which RFC 5929 defines a binding, or the bytes are no
    /// certificate.
    #[error("no tls-server-end-point channel binding: {reason}")]
    ChannelBindingUndefined {
        /// The signature algorithm, or what is malformed.
        reason: String,
    },

    /// The text is not a service principal.
    #[error("not a service principal: {principal:?}")]
    InvalidServicePrincipal {
        /// The text.
        principal: String,
    },

    /// The system does not know who is signed in, or not by that kind of name.
    #[error("the signed-in user cannot be determined: {reason}")]
    UnknownUser {
        /// What the system said.
        reason: String,
    },

    /// Messages cannot be protected: that was not asked for, not granted, or is not built for this system.
    #[error("no protection of messages: {reason}")]
    MessageProtectionUnavailable {
        /// What was asked for, and what was granted.
        reason: String,
    },

    /// A message does not come from the peer unchanged, or not in its turn.
    #[error("a message of the server is not to be trusted: {reason}")]
    MessageRejected {
        /// The library's text.
        reason: String,
    },

    /// Any other failure.
    #[error("Kerberos failed: {reason}")]
    Failed {
        /// The library's text.
        reason: String,
    },
}

impl Error {
    /// Returns a string that names the kind of failure, the same in every version and language.
    pub fn code(&self) -> &'static str {
        match self {
            Error::LibraryMissing { .. } => "kerberos_library_missing",
            Error::LibraryNotTrusted { .. } => "kerberos_library_not_trusted",
            Error::ConfigurationUnreadable { .. } => "kerberos_configuration_unreadable",
            Error::ConfigurationTimeout { .. } => "kerberos_configuration_timeout",
            Error::CredentialsNotSupported { .. } => "kerberos_credentials_not_supported",
            Error::CredentialsUnreadable { .. } => "kerberos_credentials_unreadable",
            Error::CredentialsRefused { .. } => "kerberos_credentials_refused",
            Error::NoTicket { .. } => "kerberos_no_ticket",
            Error::TicketExpired { .. } => "kerberos_ticket_expired",
            Error::ClockSkew { .. } => "kerberos_clock_skew",
            Error::UnknownServicePrincipal { .. } => "kerberos_unknown_service_principal",
            Error::EncryptionTypeNotSupported { .. } => "kerberos_etype_not_supported",
            Error::KdcUnreachable { .. } => "kerberos_kdc_unreachable",
            Error::RealmUnknown { .. } => "kerberos_realm_unknown",
            Error::Timeout { .. } => "kerberos_timeout",
            Error::CcacheTimeout { .. } => "kerberos_ccache_timeout",
            Error::TooManyCalls { .. } => "kerberos_too_many_calls",
            Error::NoThread { .. } => "kerberos_no_thread",
            Error::TicketRejected { .. } => "kerberos_ticket_rejected",
            Error::NtlmRefused { .. } => "ntlm_refused",
            Error::MutualAuthenticationFailed { .. } => "mutual_authentication_failed",
            Error::ChannelBindingUndefined { .. } => "channel_binding_undefined",
            Error::InvalidServicePrincipal { .. } => "invalid_service_principal",
            Error::UnknownUser { .. } => "unknown_user",
            Error::MessageProtectionUnavailable { .. } => "message_protection_unavailable",
            Error::MessageRejected { .. } => "message_rejected",
            Error::Failed { .. } => "kerberos_failed",
        }
    }

    /// Returns what to do about it, in one or two sentences.
    pub fn mitigation(&self) -> &'static str {
        match self {
            Error::LibraryMissing { .. } => {
                "Install the Kerberos library: libgssapi-krb5-2 on Debian and Ubuntu, krb5-libs on Fedora \
                 and RHEL, krb5 on Arch, SUSE and others. Or name the path of another GSSAPI library."
            }
            Error::LibraryNotTrusted { .. } => {
                "Name a library that root or this user owns, in folders that nobody else can write, or leave it to the \
                 system's."
            }
            Error::ConfigurationUnreadable { .. } => {
                "Name regular files in KRB5_CONFIG, in what they include, in GSS_MECH_CONFIG and in KRB5_TRACE, or unset \
                 the variable: then the library reads the system's files."
            }
            Error::ConfigurationTimeout { .. } => {
                "Look at the files of KRB5_CONFIG (else the system's krb5.conf), at what they include and at KRB5_TRACE: \
                 one of them is not a regular file, or is on a file system that does not answer."
            }
            Error::CredentialsNotSupported { .. } if cfg!(windows) => {
                "Windows uses the ticket of the logon session: run the program as that user (runas, a \
                 service account, a scheduled task)."
            }
            Error::CredentialsNotSupported { .. } => {
                "Use MIT Kerberos 1.11 or later (or Heimdal 8), or set KRB5CCNAME or \
                 KRB5_CLIENT_KTNAME for the whole program instead."
            }
            Error::CredentialsUnreadable { .. } => {
                "Check the name of the ccache (KRB5CCNAME, krb5.conf) or keytab, that this user may read it, \
                 and that it holds the principal: klist FILE, klist -k FILE."
            }
            Error::CredentialsRefused { .. } => {
                "Check that the account is neither locked, disabled nor expired, and export the keytab \
                 again if its password was changed."
            }
            Error::NoTicket { .. } if cfg!(windows) => {
                "Log on to Windows with the domain account, with a domain controller in reach; klist shows \
                 the tickets."
            }
            Error::NoTicket { .. } => {
                "Run kinit, or log on again with the domain account; klist shows the tickets."
            }
            Error::TicketExpired { .. } if cfg!(windows) => {
                "Lock and unlock the session with a domain controller in reach, or log on again."
            }
            Error::TicketExpired { .. } => "Run kinit (or kinit -R), or log on again.",
            Error::ClockSkew { .. } => {
                "Set this machine's clock from the domain's time service; Kerberos allows five minutes of \
                 difference."
            }
            Error::UnknownServicePrincipal { .. } => {
                "Check the host name in the URL, which must be the service's own name and not an alias. \
                 An administrator registers the principal with setspn -S on the service's account."
            }
            Error::EncryptionTypeNotSupported { .. } => {
                "Domain controllers issue AES tickets only since KB5073381: an administrator sets \
                 msDS-SupportedEncryptionTypes to AES on the service's account and resets its password \
                 (for AZUREADSSOACC: rolls the key), so that AES keys exist."
            }
            Error::KdcUnreachable { .. } | Error::Timeout { .. } => {
                "Connect to the corporate network or VPN; the domain controllers must answer on port 88."
            }
            Error::RealmUnknown { .. } => {
                "Check the realm in krb5.conf ([realms], [domain_realm], default_realm) and that the corporate DNS \
                 answers for it; a VPN may be needed."
            }
            Error::CcacheTimeout { .. } => {
                "Restart the credential cache service that keeps the tickets (systemctl restart sssd-kcm), or name \
                 another ccache (KRB5CCNAME)."
            }
            Error::TooManyCalls { .. } => {
                "Find out what the Kerberos library waits for, a domain controller or a credential cache service \
                 (KCM): KRB5_TRACE=/dev/stderr shows it. Then start the program again."
            }
            Error::NoThread { .. } => {
                "Close programs, or raise the limit on processes and threads (ulimit -u)."
            }
            Error::TicketRejected { .. } => {
                "Drop the stale service ticket (kdestroy and kinit, or klist purge on Windows) and try \
                 again. If it persists, look for two accounts with the same SPN: setspn -X."
            }
            Error::NtlmRefused { .. } => {
                "Check that the machine is joined to the domain, that a domain controller is in reach and \
                 that the host has an SPN, so that Kerberos can be used. Allow NTLM only if you must."
            }
            Error::MutualAuthenticationFailed { .. } => {
                "Check that the answer came from the service itself and not from a proxy or another host. \
                 Do not use what the answer says."
            }
            Error::ChannelBindingUndefined { .. } => {
                "Go on without a channel binding, or give the server a certificate signed with a SHA-2 \
                 hash."
            }
            Error::InvalidServicePrincipal { .. } => {
                "Give a service principal as HTTP/host or HTTP/host@REALM, the host in its ASCII form."
            }
            Error::UnknownUser { .. } if cfg!(windows) => {
                "Pass the UPN yourself (whoami /upn shows it). The machine must be joined to Active \
                 Directory or Entra ID, not only registered with a work account; inside an AppContainer \
                 the capabilities Enterprise Authentication, Private Networks and User Account Information \
                 are needed."
            }
            Error::UnknownUser { .. } => "Run kinit, or pass the UPN yourself.",
            Error::MessageProtectionUnavailable { .. } => {
                "Ask for message protection before the negotiation, and use a service that grants it."
            }
            Error::MessageRejected { .. } => {
                "Somebody on the way may be changing messages; end the connection."
            }
            Error::Failed { .. } if cfg!(windows) => {
                "Look at klist, at whether nltest /dsgetdc: finds a domain controller, and at the Kerberos \
                 events in the System event log."
            }
            Error::Failed { .. } => {
                "Run the program again with KRB5_TRACE=/dev/stderr to see what the Kerberos library does."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_callers_need_of_an_error() {
        fn check<E: std::error::Error + Clone + Send + Sync + 'static>() {}
        check::<Error>();
    }

    #[test]
    fn a_time_out_names_its_limit() {
        let error = Error::Timeout {
            limit: Duration::from_millis(1500),
        };
        assert_eq!(error.to_string(), "Kerberos gave no answer within 1.5 s");
        assert_eq!(error.code(), "kerberos_timeout");
    }

    #[test]
    fn a_missing_library_names_the_packages() {
        let error = Error::LibraryMissing {
            reason: String::new(),
        };
        for package in ["libgssapi-krb5-2", "krb5-libs", "krb5"] {
            assert!(error.mitigation().contains(package));
        }
    }
}
