//! What the statuses of a GSSAPI library mean.
//!
//! The numbers decide, not the words, which are translated. They are those of the krb5 error table, the
//! same in MIT Kerberos and Heimdal (`krb5_err.et`): protocol errors of RFC 4120, 7.5.9, then the
//! libraries' own. Only the Kerberos mechanism reports them; SPNEGO's minor status is 100005 or so in MIT
//! Kerberos (a number dealt out when two mechanisms collide) and 0 in Heimdal.

use std::ffi::CStr;
use std::ops::RangeInclusive;

use silentry_text::printable;

use super::place::Place;
use crate::deadline::Source;
use crate::{Credentials, Error, ServicePrincipal};

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    major: u32,
    minor: u32,
    text: String,
}

/// What was being asked for when a call failed.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Nothing while it is about the user alone.
    service: Option<ServicePrincipal>,
    /// Whether the credentials come from a named place, not from the login.
    named: bool,
    /// The ccache that they are read from, where it is known.
    place: Option<Place>,
    /// The ccache or keytab that may not answer, where it is known.
    source: Option<Source>,
}

impl Subject {
    pub(super) fn user(credentials: &Credentials, login_ccache: Option<&CStr>) -> Subject {
        let place = Place::of(credentials, login_ccache);
        let source = match credentials {
            Credentials::Keytab { path, .. } => Some(Source::File(path.display().to_string())),
            _ => place.as_ref().map(Place::source),
        };
        Subject {
            service: None,
            named: *credentials != Credentials::Login,
            place,
            source,
        }
    }

    pub(super) fn service(
        service: &ServicePrincipal,
        credentials: &Credentials,
        login_ccache: Option<&CStr>,
    ) -> Subject {
        Subject {
            service: Some(service.clone()),
            ..Subject::user(credentials, login_ccache)
        }
    }

    /// Returns what the credentials are read from, which may not answer.
    pub(super) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Refuses a ccache that no library may open.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.place.as_ref().map_or(Ok(()), Place::check)
    }

    /// A place that was named must exist; a login need not have a ticket.
    fn nothing_found(&self, reason: String) -> Error {
        if self.named {
            Error::CredentialsUnreadable { reason }
        } else {
            Error::NoTicket { reason }
        }
    }
}

/// `ERROR_TABLE_BASE_krb5`.
const KRB5_BASE: i32 = -1_765_328_384;
/// Every code of the krb5 error table.
pub(super) const KRB5_CODES: RangeInclusive<i32> = KRB5_BASE..=KRB5_BASE + 255;
/// `ERROR_TABLE_BASE_k5g`, of MIT's Kerberos mechanism.
const K5G_BASE: i32 = 39_756_032;
const K5G_CCACHE_NOMATCH: i32 = K5G_BASE;
const K5G_KEYTAB_NOMATCH: i32 = K5G_BASE + 1;
const K5G_TGT_MISSING: i32 = K5G_BASE + 2;
const K5G_EMPTY_CCACHE: i32 = K5G_BASE + 12;

/// Routine errors of RFC 2744, 3.9.1, in the third byte of the major status.
const NO_CREDENTIAL: u32 = 7;
const DEFECTIVE_CREDENTIAL: u32 = 10;
const CREDENTIALS_EXPIRED: u32 = 11;
const UNSPECIFIED: u32 = 13;

impl Failure {
    /// Puts a failure together from the status and the library's words for both halves of it.
    pub(super) fn new(major: u32, minor: u32, general: &str, specific: &str) -> Failure {
        let (general, specific) = (printable(general, LONGEST), printable(specific, LONGEST));
        // "Unspecified GSS failure" and "unknown mech-code 0 for mech ..." tell nobody anything.
        let text = if minor == 0 || specific.is_empty() || specific == "Success" {
            general
        } else if routine_error(major) == UNSPECIFIED || routine_error(major) == NO_CREDENTIAL {
            specific
        } else {
            format!("{general}: {specific}")
        };
        Failure { major, minor, text }
    }

    /// Returns whether the KDC does not know the service, or the realm that it was looked for in.
    pub(super) fn is_service_unknown(&self) -> bool {
        // S_PRINCIPAL_UNKNOWN
        self.minor.cast_signed().wrapping_sub(KRB5_BASE) == 7
    }

    /// Returns the error for the caller.
    pub(super) fn into_error(self, subject: &Subject) -> Error {
        let error = self.classified(subject);
        match &subject.place {
            Some(place) => place.explain(error),
            None => error,
        }
    }

    fn classified(self, subject: &Subject) -> Error {
        let reason = self.text;
        match (
            self.minor.cast_signed().wrapping_sub(KRB5_BASE),
            &subject.service,
        ) {
            // NAME_EXP, C_PRINCIPAL_UNKNOWN, POLICY, CLIENT_REVOKED, TGT_REVOKED, CLIENT_NOTYET,
            // KEY_EXP, PREAUTH_FAILED, KRB5_PREAUTH_FAILED
            (1 | 6 | 12 | 18 | 20 | 21 | 23 | 24 | 210, _) => Error::CredentialsRefused { reason },
            // BAD_INTEGRITY: with the key of a keytab, or by the server with its own
            (31, None) => Error::CredentialsRefused { reason },
            // SERVICE_EXP, S_PRINCIPAL_UNKNOWN, PRINCIPAL_NOT_UNIQUE, SERVICE_REVOKED, SERVICE_NOTYET,
            // SERVER_NOMATCH, MUST_USE_USER2USER, KRB5_SERVICE_UNKNOWN
            (2 | 7 | 8 | 19 | 22 | 26 | 27 | 155, Some(principal)) => {
                Error::UnknownServicePrincipal {
                    principal: principal.clone(),
                    reason,
                }
            }
            // NULL_KEY, ETYPE_NOSUPP, KRB5_PROG_ETYPE_NOSUPP, KRB5_PROG_KEYTYPE_NOSUPP, KRB5_WRONG_ETYPE,
            // KRB5_BAD_ENCTYPE, KRB5_CC_NOT_KTYPE, KRB5_NOPERM_ETYPE, KRB5_CONFIG_ETYPE_NOSUPP
            (9 | 14 | 150 | 151 | 152 | 188 | 200 | 236 | 237, _) => {
                Error::EncryptionTypeNotSupported { reason }
            }
            // NEVER_VALID, TKT_EXPIRED
            (11 | 32, _) => Error::TicketExpired { reason },
            // TKT_NYV, SKEW, KRB5_KDCREP_SKEW
            (33 | 37 | 148, _) => Error::ClockSkew { reason },
            // SVC_UNAVAILABLE, KRB5_KDC_UNREACH
            (29 | 156, _) => Error::KdcUnreachable { reason },
            // S_PRINCIPAL_UNKNOWN for the realm's own krbtgt, WRONG_REALM, KRB5_REALM_UNKNOWN,
            // KRB5_ERR_HOST_REALM_UNKNOWN, KRB5_REALM_CANT_RESOLVE, KRB5_CONFIG_NODEFREALM
            (7 | 68 | 154 | 216 | 220 | 224, _) => Error::RealmUnknown { reason },
            // BAD_INTEGRITY, REPEAT, NOT_US, BADMATCH, MODIFIED, BADKEYVER, NOKEY, INAPP_CKSUM,
            // KRB5KRB_AP_WRONG_PRINC, KRB5KRB_AP_ERR_TKT_INVALID
            (31 | 34 | 35 | 36 | 41 | 44 | 45 | 50 | 144 | 145, _) => {
                Error::TicketRejected { reason }
            }
            // MUT_FAIL, KRB5_MUTUAL_FAILED
            (46 | 158, _) => Error::MutualAuthenticationFailed { reason },
            // KRB5_CC_NOTFOUND, KRB5_CC_END, KRB5_NO_TKT_SUPPLIED, KRB5_FCC_NOFILE,
            // KRB5_NOCREDS_SUPPLIED
            (141 | 142 | 143 | 195 | 203, _) => subject.nothing_found(reason),
            // KRB5_CC_BADNAME, _UNKNOWN_TYPE, the KRB5_KT_ family, KRB5_CC_IO, KRB5_FCC_PERM, _INTERNAL,
            // KRB5_CC_FORMAT, ..., KRB5_KEYTAB_BADVNO, KRB5_KT_NAME_TOOLONG, _KVNONOTFOUND, _FORMAT
            (139 | 140 | 179..=184 | 193 | 194 | 196..=199 | 212 | 213 | 229 | 230 | 235, _) => {
                Error::CredentialsUnreadable { reason }
            }
            _ => match (routine_error(self.major), self.minor.cast_signed()) {
                (_, K5G_CCACHE_NOMATCH | K5G_KEYTAB_NOMATCH) => {
                    Error::CredentialsUnreadable { reason }
                }
                (_, K5G_TGT_MISSING | K5G_EMPTY_CCACHE) => Error::NoTicket { reason },
                // Heimdal passes on errno: EPERM ("Refuses to open ..."), ENOENT, EACCES.
                (UNSPECIFIED, 2) => subject.nothing_found(reason),
                (UNSPECIFIED, 1 | 13) => Error::CredentialsUnreadable { reason },
                (CREDENTIALS_EXPIRED, _) => Error::TicketExpired { reason },
                (NO_CREDENTIAL | DEFECTIVE_CREDENTIAL, _) => subject.nothing_found(reason),
                _ => Error::Failed { reason },
            },
        }
    }
}

fn routine_error(major: u32) -> u32 {
    major >> 16 & 0xff
}

/// Characters of each of the library's texts that are kept. The KDC, the server (`e-text`) or the environment may have
/// chosen parts of them.
const LONGEST: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(routine: u32, minor: i32, specific: &str) -> Failure {
        Failure::new(routine << 16, minor.cast_unsigned(), "general", specific)
    }

    fn user(credentials: &Credentials) -> Subject {
        Subject {
            service: None,
            named: *credentials != Credentials::Login,
            place: None,
            source: None,
        }
    }

    fn code(routine: u32, minor: i32, credentials: &Credentials) -> &'static str {
        let service = ServicePrincipal::http("sts.contoso.com").unwrap();
        let subject = Subject {
            service: Some(service),
            ..user(credentials)
        };
        failure(routine, minor, "specific")
            .into_error(&subject)
            .code()
    }

    #[test]
    fn statuses_seen_with_mit_kerberos() {
        let named = Credentials::ccache("FILE:/tmp/cc");
        for (routine, minor, login, elsewhere) in [
            (
                13,
                -1_765_328_377,
                "kerberos_unknown_service_principal",
                "kerberos_unknown_service_principal",
            ),
            (
                13,
                -1_765_328_370,
                "kerberos_etype_not_supported",
                "kerberos_etype_not_supported",
            ),
            (
                13,
                -1_765_328_352,
                "kerberos_ticket_expired",
                "kerberos_ticket_expired",
            ),
            (
                13,
                -1_765_328_347,
                "kerberos_clock_skew",
                "kerberos_clock_skew",
            ),
            (
                13,
                -1_765_328_228,
                "kerberos_kdc_unreachable",
                "kerberos_kdc_unreachable",
            ),
            (
                13,
                -1_765_328_230,
                "kerberos_realm_unknown",
                "kerberos_realm_unknown",
            ),
            (
                13,
                -1_765_328_164,
                "kerberos_realm_unknown",
                "kerberos_realm_unknown",
            ),
            (
                7,
                -1_765_328_366,
                "kerberos_credentials_refused",
                "kerberos_credentials_refused",
            ),
            (
                7,
                -1_765_328_243,
                "kerberos_no_ticket",
                "kerberos_credentials_unreadable",
            ),
            (
                7,
                -1_765_328_189,
                "kerberos_no_ticket",
                "kerberos_credentials_unreadable",
            ),
            (
                7,
                -1_765_328_172,
                "kerberos_credentials_unreadable",
                "kerberos_credentials_unreadable",
            ),
            (7, 39_756_044, "kerberos_no_ticket", "kerberos_no_ticket"),
            (
                11,
                100_001,
                "kerberos_ticket_expired",
                "kerberos_ticket_expired",
            ),
            (
                13,
                -1_765_328_343,
                "kerberos_ticket_rejected",
                "kerberos_ticket_rejected",
            ),
            (13, -1_765_328_248, "kerberos_failed", "kerberos_failed"),
        ] {
            assert_eq!(code(routine, minor, &Credentials::Login), login, "{minor}");
            assert_eq!(code(routine, minor, &named), elsewhere, "{minor}");
        }
    }

    #[test]
    fn statuses_seen_with_heimdal() {
        for (routine, minor, expected) in [
            (7, 0, "kerberos_no_ticket"),
            (13, 2, "kerberos_no_ticket"),
            (13, 13, "kerberos_credentials_unreadable"),
            (13, -1_765_328_243, "kerberos_no_ticket"),
            (1, 0, "kerberos_failed"),
        ] {
            assert_eq!(
                code(routine, minor, &Credentials::Login),
                expected,
                "{routine} {minor}"
            );
        }
    }

    #[test]
    fn a_bad_key_is_the_keytabs_or_the_servers() {
        let bad_integrity = || failure(13, -1_765_328_353, "Decrypt integrity check failed");
        let subject = user(&Credentials::keytab("/etc/svc.keytab"));
        assert_eq!(
            bad_integrity().into_error(&subject).code(),
            "kerberos_credentials_refused"
        );
        assert_eq!(
            code(13, -1_765_328_353, &Credentials::Login),
            "kerberos_ticket_rejected"
        );
    }

    #[test]
    fn every_status_has_an_error_and_no_text_escapes() {
        let hidden = "\u{202e}\u{ad}\u{180e}\u{fe0f}\u{e0041}";
        let text = format!("\x1b[31m\u{9b}2J{hidden}{}\r\n", "x".repeat(500));
        for minor in -20..260 {
            for base in [0, KRB5_BASE, K5G_BASE] {
                for routine in [0, 1, 7, 11, 13, 255] {
                    let subject = user(&Credentials::Login);
                    let error = failure(routine, base + minor, &text).into_error(&subject);
                    let shown = error.to_string();
                    assert!(
                        !shown.contains(|c: char| c.is_control() || hidden.contains(c))
                            && shown.len() < 600,
                        "{shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let text = |routine, minor, specific| failure(routine, minor, specific).text;
        assert_eq!(text(13, 7, "Clock skew too great"), "Clock skew too great");
        assert_eq!(text(11, 100_001, "Success"), "general");
        assert_eq!(
            text(7, 0, "unknown mech-code 0 for mech 1 2 840"),
            "general"
        );
        assert_eq!(text(2, 7, "no such name"), "general: no such name");
    }
}
