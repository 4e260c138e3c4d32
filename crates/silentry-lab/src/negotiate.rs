//! HTTP Negotiate as a web server on http.sys does it (RFC 4559, MS-N2HT).

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Reply, Request};
use crate::http_sys;
use crate::journal::PresentedTicket;
use crate::kerberos::acceptor::{Accepted, Acceptor, ChannelBinding, Opened};
use crate::scenario::switches::{Challenge, ExtendedProtection, Mutual};
use crate::tls::Certificates;

/// How one site authenticates its callers.
pub(crate) struct Negotiate {
    pub(crate) acceptor: Acceptor,
    pub(crate) challenge: Challenge,
    pub(crate) mutual: Mutual,
    pub(crate) binding: Binding,
}

/// What the site demands of channel bindings.
pub(crate) enum Binding {
    /// Nothing: tickets are opened far from where TLS ends.
    Ignored,
    /// That of the certificate the connection showed.
    OfConnection(ExtendedProtection),
    /// That of the certificate the server has, though something in between shows another.
    Inspected(ExtendedProtection, Arc<Certificates>),
}

/// A caller whose ticket was good.
pub(crate) struct Caller {
    /// `account@REALM`.
    pub(crate) principal: String,
    /// The server's proof that it could read the ticket.
    final_token: Option<String>,
    presented: PresentedTicket,
}

impl Caller {
    /// Adds the final token, which stands on whatever the request is answered with.
    pub(crate) fn proven(self, reply: Reply) -> Reply {
        let reply = reply.with_ticket(Some(self.presented));
        match &self.final_token {
            Some(token) => reply.header("www-authenticate", format!("Negotiate {token}")),
            None => reply,
        }
    }
}

impl Negotiate {
    /// Returns who calls, or the 401 to answer with.
    pub(crate) fn authenticate(
        &self,
        request: &Request,
        stage: &'static str,
    ) -> Result<Caller, Box<Reply>> {
        let Some(token) = token(request) else {
            return Err(Box::new(self.refusal(stage)));
        };
        if self.challenge == Challenge::TooLong {
            return Err(Box::new(too_long(stage)));
        }
        if self.challenge != Challenge::NegotiateAndNtlm {
            return Err(Box::new(self.refusal(stage)));
        }
        let refused = |why: String, presented: Option<PresentedTicket>| {
            tracing::info!(%why, "Negotiate refused");
            let presented = presented.map(|presented| PresentedTicket {
                refused: Some(why),
                ..presented
            });
            Box::new(self.refusal(stage).with_ticket(presented))
        };
        let opened = self
            .acceptor
            .open(&token, SystemTime::now())
            .map_err(|refusal| refused(refusal.to_string(), None))?;
        let presented = opened.presented();
        match self.accept(request, opened) {
            Ok(accepted) => Ok(Caller {
                principal: accepted.client.to_string(),
                final_token: self.final_token(accepted.reply),
                presented,
            }),
            Err(why) => Err(refused(why, Some(presented))),
        }
    }

    fn accept(&self, request: &Request, opened: Opened<'_>) -> Result<Accepted, String> {
        let (expected, protection) = match &self.binding {
            Binding::Ignored => (None, ExtendedProtection::Allow),
            Binding::OfConnection(protection) => (Some(request.leaf.clone()), *protection),
            Binding::Inspected(protection, certificates) => {
                (certificates.hidden(request.host), *protection)
            }
        };
        let expected = expected
            .as_ref()
            .map(|leaf| leaf.channel_binding.as_slice());
        let accepted = opened
            .check(expected)
            .map_err(|refusal| refusal.to_string())?;
        let bound = accepted.channel_binding == ChannelBinding::Matched;
        if protection == ExtendedProtection::Require && !bound {
            return Err("the token is not bound to the connection".to_owned());
        }
        Ok(accepted)
    }

    fn final_token(&self, mut token: Vec<u8>) -> Option<String> {
        match self.mutual {
            Mutual::Missing => return None,
            Mutual::Forged => {
                // The last byte belongs to the checksum of the encrypted part of the AP-REP.
                if let Some(last) = token.last_mut() {
                    *last ^= 0x55;
                }
            }
            Mutual::Honest => {}
        }
        (!token.is_empty()).then(|| STANDARD.encode(token))
    }

    fn refusal(&self, stage: &'static str) -> Reply {
        let reply = http_sys::reply(stage, 401, "Unauthorized");
        match self.challenge {
            Challenge::NtlmOnly => reply.header("www-authenticate", "NTLM"),
            Challenge::NegotiateAndNtlm | Challenge::Always | Challenge::TooLong => reply
                .header("www-authenticate", "Negotiate")
                .header("www-authenticate", "NTLM"),
        }
    }
}

/// The reply of http.sys to headers beyond MaxFieldLength or MaxRequestBytes (KB2020943).
fn too_long(stage: &'static str) -> Reply {
    http_sys::page(
        http_sys::reply(stage, 400, "Bad Request"),
        "Bad Request",
        " - Request Too Long",
        "400. The size of the request headers is too long.",
    )
    .closing()
}

fn token(request: &Request) -> Option<Vec<u8>> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    let negotiate = scheme.eq_ignore_ascii_case("negotiate");
    STANDARD
        .decode(token.trim())
        .ok()
        .filter(|token| negotiate && !token.is_empty())
}
