//! The signed-in user's ticket for a proxy that asks for it (RFC 4559).

use crate::error::{Code, Error};
use crate::kerberos_settings::NegotiateSettings;
use crate::transport::{
    BoxFuture, ProxyAuthenticator, ProxyNegotiation, TransportError, TransportErrorKind,
};

use super::kerberos::{self, Negotiation};

const UNKNOWN_PROXY: &str = "Name the proxy as the KDC knows it ({proxy}), or give its service principal name by \
    {proxy-spn}.";

/// Signs in to proxies with the credentials that sign in to the federation server.
pub(crate) struct ProxyTicket {
    settings: NegotiateSettings,
}

struct UnderWay {
    host: String,
    negotiation: Negotiation,
}

impl ProxyTicket {
    pub(crate) fn new(settings: NegotiateSettings) -> Self {
        ProxyTicket { settings }
    }
}

impl ProxyAuthenticator for ProxyTicket {
    fn begin<'a>(
        &'a self,
        host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn ProxyNegotiation>, TransportError>> {
        Box::pin(async move {
            match kerberos::begin_with_proxy(&self.settings, host).await {
                Ok(negotiation) => Ok(Box::new(UnderWay {
                    host: host.to_owned(),
                    negotiation,
                }) as Box<dyn ProxyNegotiation>),
                Err(error) => Err(unavailable(host, &error)),
            }
        })
    }
}

impl ProxyNegotiation for UnderWay {
    fn authorization(&self) -> &str {
        self.negotiation.authorization()
    }

    /// RFC 4559 lets proxies leave the proof out, and squid does.
    fn accepted(
        self: Box<Self>,
        proof: Option<Vec<u8>>,
    ) -> BoxFuture<'static, Result<(), TransportError>> {
        Box::pin(async move {
            let Err(error) = self.negotiation.finish(proof).await else {
                return Ok(());
            };
            let message = format!("the proxy {} does not prove itself: {error}", self.host);
            Err(TransportError::new(
                TransportErrorKind::ProxyNotProven,
                message,
            ))
        })
    }

    fn refused(self: Box<Self>, reason: Option<Vec<u8>>) -> BoxFuture<'static, TransportError> {
        Box::pin(async move {
            let mut message = format!("the proxy {} refused the Kerberos ticket", self.host);
            if let Some(reason) = reason
                && let Err(error) = self.negotiation.answer(reason).await
            {
                message.push_str(&format!(": {error}"));
            }
            TransportError::new(TransportErrorKind::ProxyTicketRefused, message)
        })
    }
}

fn unavailable(host: &str, error: &Error) -> TransportError {
    let message = format!("no ticket for the proxy {host}: {error}");
    let advice = match error.code() {
        Code::KerberosUnknownServicePrincipal => UNKNOWN_PROXY.into(),
        _ => error.advice().clone(),
    };
    TransportError::new(TransportErrorKind::ProxyTicketUnavailable, message).with_advice(advice)
}
