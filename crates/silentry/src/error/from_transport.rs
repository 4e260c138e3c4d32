//! Connection trouble in the words of a sign-in: the same closed port means one thing at Entra and another at AD FS.

use super::{Code, Error, Stage};
use crate::transport::{TransportError, TransportErrorKind};

impl Error {
    pub(crate) fn from_transport(stage: Stage, error: &TransportError) -> Self {
        let federation = matches!(stage, Stage::Mex | Stage::WsTrust);
        let code = match error.kind() {
            TransportErrorKind::UnknownHost | TransportErrorKind::Unreachable if federation => {
                Code::FederationUnreachable
            }
            TransportErrorKind::Closed { .. } if federation => Code::FederationUnreachable,
            TransportErrorKind::UnknownHost
            | TransportErrorKind::Unreachable
            | TransportErrorKind::Closed { .. } => Code::NetworkNotAvailable,
            TransportErrorKind::ProxyRefused => Code::ProxyRefused,
            TransportErrorKind::ProxyTicketUnavailable => Code::ProxyTicketUnavailable,
            TransportErrorKind::ProxyTicketRefused => Code::ProxyTicketRefused,
            TransportErrorKind::ProxyNotProven => Code::ProxyMutualAuthenticationFailed,
            TransportErrorKind::ProxySchemeUnknown => Code::ProxySchemeNotSupported,
            TransportErrorKind::TlsHandshake if federation => Code::FederationTlsHandshakeFailed,
            TransportErrorKind::TlsHandshake => Code::TlsHandshakeFailed,
            TransportErrorKind::TlsTrust => Code::TlsCertificateUntrusted,
            TransportErrorKind::TimedOut => Code::RequestTimeout,
            TransportErrorKind::TooLarge => Code::ResponseTooLarge,
            TransportErrorKind::Protocol => Code::HttpProtocolError,
            TransportErrorKind::Unusable => Code::TransportUnusable,
        };
        let made = Error::new(code, stage, error.to_string()).with_source(error.clone());
        match error.advice() {
            Some(advice) => made.with_mitigation(advice.clone()),
            None => made,
        }
    }
}
