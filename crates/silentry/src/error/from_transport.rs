//! Connection trouble in the words of a sign-in: the same closed port means one thing at Entra and another at AD FS.

use super::{Error, Stage};
use crate::transport::{TransportError, TransportErrorKind};

impl Error {
    pub(crate) fn from_transport(stage: Stage, error: &TransportError) -> Self {
        let federation = matches!(stage, Stage::Mex | Stage::WsTrust);
        let code = match error.kind() {
            TransportErrorKind::UnknownHost | TransportErrorKind::Unreachable if federation => {
                "federation_unreachable"
            }
            TransportErrorKind::Closed { .. } if federation => "federation_unreachable",
            TransportErrorKind::UnknownHost
            | TransportErrorKind::Unreachable
            | TransportErrorKind::Closed { .. } => "network_not_available",
            TransportErrorKind::ProxyRefused => "proxy_refused",
            TransportErrorKind::ProxyTicketUnavailable => "proxy_ticket_unavailable",
            TransportErrorKind::ProxyTicketRefused => "proxy_ticket_refused",
            TransportErrorKind::ProxyNotProven => "proxy_mutual_authentication_failed",
            TransportErrorKind::ProxySchemeUnknown => "proxy_scheme_not_supported",
            TransportErrorKind::TlsHandshake if federation => "federation_tls_handshake_failed",
            TransportErrorKind::TlsHandshake => "tls_handshake_failed",
            TransportErrorKind::TlsTrust => "tls_certificate_untrusted",
            TransportErrorKind::TimedOut => "request_timeout",
            TransportErrorKind::TooLarge => "response_too_large",
            TransportErrorKind::Protocol => "http_protocol_error",
            TransportErrorKind::Unusable => "transport_unusable",
        };
        let made = Error::new(code, stage, error.to_string());
        match error.advice() {
            Some(advice) => made.with_mitigation(advice.clone()),
            None => made,
        }
    }
}
