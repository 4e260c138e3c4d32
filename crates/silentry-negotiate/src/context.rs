//! One negotiation with one server.

use std::fmt;
use std::time::Duration;

use crate::leg::Leg;
use crate::platform::Initiator;
use crate::settings::Settings;
use crate::{Error, MessageProtection, Token, deadline};

/// Servers send tokens in a header; http.sys allows headers of 64 KiB at most (KB2020943).
const LONGEST_TOKEN: usize = 64 * 1024;

/// A negotiation in progress, made by [`Negotiator::initiate`](crate::Negotiator::initiate).
///
/// With Kerberos the server's answer to the first token ends it: pass what stands behind `Negotiate` in
/// the answer's `WWW-Authenticate` to [`Context::finish`], or `None` if there is nothing. Only NTLM takes
/// more legs: [`Context::step`], on the same connection.
pub struct Context {
    initiator: Option<Initiator>,
    complete: bool,
    server_verified: bool,
    asked: MessageProtection,
    granted: MessageProtection,
    ntlm_allowed: bool,
    timeout: Duration,
}

/// What follows from a server's token.
#[derive(Debug)]
pub enum Step {
    /// Send this token, on the same connection.
    Send(Token),
    /// The negotiation is complete.
    Done,
}

/// What the server's answer proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerProof {
    /// The server has the key of the service principal: it is the service, and the answer is its own
    /// (as far as TLS protects it).
    Verified,
    /// The server sent no final token, or NTLM was used, which cannot prove anything. The caller
    /// decides whether that will do.
    Absent,
}

impl Context {
    pub(crate) fn begin(
        initiator: Initiator,
        leg: Leg,
        settings: &Settings,
    ) -> Result<(Context, Token), Error> {
        let mut context = Context {
            initiator: Some(initiator),
            complete: false,
            server_verified: false,
            asked: settings.protection,
            granted: MessageProtection::None,
            ntlm_allowed: settings.ntlm_allowed,
            timeout: settings.timeout,
        };
        match context.accept(leg)? {
            Step::Send(token) => Ok((context, token)),
            Step::Done => Err(Error::Failed {
                reason: "the library made no token".to_owned(),
            }),
        }
    }

    /// Takes a token with which the server asks for more (`401` with data behind `Negotiate`).
    ///
    /// # Errors
    ///
    /// The Kerberos error that the server's token carries ([`Error::ClockSkew`],
    /// [`Error::TicketRejected`], ...); [`Error::MutualAuthenticationFailed`] if the token does not
    /// belong to this negotiation; [`Error::NtlmRefused`]; [`Error::Timeout`]. After an error the context
    /// is of no more use.
    pub fn step(&mut self, server_token: &[u8]) -> Result<Step, Error> {
        if server_token.is_empty() || server_token.len() > LONGEST_TOKEN {
            let reason = format!("a token of {} bytes", server_token.len());
            return Err(Error::MutualAuthenticationFailed { reason });
        }
        let Some(mut initiator) = self.initiator.take().filter(|_| !self.complete) else {
            return Err(Error::MutualAuthenticationFailed {
                reason: "a token after the negotiation had ended".to_owned(),
            });
        };
        let token = Token::new(server_token.to_vec());
        let (initiator, leg) = deadline::run(self.timeout, move || {
            let leg = initiator.step(token.as_bytes())?;
            Ok((initiator, leg))
        })
        .map_err(|error| match error {
            // What the library cannot name more precisely is an answer that does not verify.
            Error::Failed { reason } => Error::MutualAuthenticationFailed { reason },
            other => other,
        })?;
        self.initiator = Some(initiator);
        self.accept(leg)
    }

    /// Ends the negotiation with the final token of the server's answer, if it has one.
    ///
    /// A final token that is there must be right. That none is there is reported, not judged: RFC 4559
    /// lets servers leave it out, AD FS sends it.
    ///
    /// # Errors
    ///
    /// [`Error::MutualAuthenticationFailed`] if the token does not prove that the server is the service;
    /// [`Error::Timeout`].
    pub fn finish(mut self, final_token: Option<&[u8]>) -> Result<ServerProof, Error> {
        self.take_final(final_token)
    }

    /// Ends the negotiation as [`Context::finish`] does, and returns whose ticket it was made with (RFC 2743,
    /// 2.2.6), however often the login's ticket changed meanwhile.
    ///
    /// The principal is `None` on Windows, where a logon session has one user, and for a negotiation that is not
    /// complete since the server sent no final token.
    ///
    /// # Errors
    ///
    /// As [`Context::finish`].
    pub fn finish_naming_user(
        mut self,
        final_token: Option<&[u8]>,
    ) -> Result<(ServerProof, Option<String>), Error> {
        let proof = self.take_final(final_token)?;
        let initiator = self.initiator.as_ref().filter(|_| self.complete);
        Ok((proof, initiator.and_then(Initiator::user)))
    }

    fn take_final(&mut self, final_token: Option<&[u8]>) -> Result<ServerProof, Error> {
        if let Some(token) = final_token.filter(|_| !self.complete) {
            let step = self.step(token).map_err(|error| match error {
                Error::MutualAuthenticationFailed { .. } | Error::Timeout { .. } => error,
                // The key with which the proof must open did not open it.
                Error::TicketRejected { reason } => Error::MutualAuthenticationFailed { reason },
                other => Error::MutualAuthenticationFailed {
                    reason: other.to_string(),
                },
            })?;
            if matches!(step, Step::Send(_)) && !self.complete {
                return Err(Error::MutualAuthenticationFailed {
                    reason: "the final answer asks for another token".to_owned(),
                });
            }
        }
        Ok(if self.server_verified() {
            ServerProof::Verified
        } else {
            ServerProof::Absent
        })
    }

    /// Returns whether nothing more is expected from the server.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Returns whether the server has proven that it is the service.
    pub fn server_verified(&self) -> bool {
        self.complete && self.server_verified
    }

    /// Returns how messages are protected: what was [asked
    /// for](crate::Negotiator::with_message_protection) or less, and nothing before the negotiation is
    /// complete.
    pub fn message_protection(&self) -> MessageProtection {
        self.granted
    }

    /// Protects a message for the peer (`gss_wrap`, RFC 2743, 2.3.3): signed, and if `confidential` also
    /// sealed. The peer must get what was wrapped in the order in which it was.
    ///
    /// # Errors
    ///
    /// [`Error::MessageProtectionUnavailable`] if that protection was not asked for or not granted.
    pub fn wrap(&mut self, message: &[u8], confidential: bool) -> Result<Vec<u8>, Error> {
        let needed = if confidential {
            MessageProtection::Sealed
        } else {
            MessageProtection::Signed
        };
        self.protecting(needed)?.wrap(message, confidential)
    }

    /// Returns the message that the peer has wrapped, if it is the peer's, unchanged and the next one
    /// (`gss_unwrap`, RFC 2743, 2.3.4).
    ///
    /// # Errors
    ///
    /// [`Error::MessageRejected`] if it is not, after which the context is of no more use;
    /// [`Error::MessageProtectionUnavailable`] if none was asked for or granted.
    pub fn unwrap(&mut self, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        let must_be_sealed = self.granted == MessageProtection::Sealed;
        let initiator = self.protecting(MessageProtection::Signed)?;
        let message = initiator.unwrap(wrapped, must_be_sealed);
        if message.is_err() {
            self.initiator = None;
        }
        message
    }

    fn protecting(&mut self, needed: MessageProtection) -> Result<&mut Initiator, Error> {
        match &mut self.initiator {
            Some(initiator) if self.complete && self.granted >= needed => Ok(initiator),
            _ => Err(Error::MessageProtectionUnavailable {
                reason: format!("asked for {:?}, granted {:?}", self.asked, self.granted),
            }),
        }
    }

    fn accept(&mut self, leg: Leg) -> Result<Step, Error> {
        let ntlm = leg.carries_ntlm();
        if ntlm && !self.ntlm_allowed {
            self.initiator = None;
            return Err(Error::NtlmRefused {
                reason: "the server chose it".to_owned(),
            });
        }
        let token = Token::new(leg.token);
        self.complete = leg.complete;
        self.server_verified = leg.mutual && !ntlm;
        if leg.complete {
            // MIT Kerberos offers more than it was asked for.
            self.granted = leg.protection.min(self.asked);
        }
        tracing::debug!(
            bytes = token.as_bytes().len(),
            complete = leg.complete,
            mutual = leg.mutual,
            ntlm,
            "negotiated"
        );
        Ok(if token.as_bytes().is_empty() {
            Step::Done
        } else {
            Step::Send(token)
        })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("complete", &self.complete)
            .field("server_verified", &self.server_verified())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(ntlm_allowed: bool) -> Context {
        Context {
            initiator: None,
            complete: false,
            server_verified: false,
            asked: MessageProtection::None,
            granted: MessageProtection::None,
            ntlm_allowed,
            timeout: Duration::from_secs(1),
        }
    }

    fn leg(token: &[u8], mutual: bool, ntlm: bool) -> Leg {
        Leg {
            token: token.to_vec(),
            complete: true,
            mutual,
            protection: MessageProtection::Sealed,
            ntlm,
        }
    }

    #[test]
    fn completion_alone_proves_nothing() {
        for (mutual, proof) in [(true, ServerProof::Verified), (false, ServerProof::Absent)] {
            let mut context = context(false);
            assert!(matches!(
                context.accept(leg(b"", mutual, false)),
                Ok(Step::Done)
            ));
            assert!(context.is_complete());
            assert_eq!(context.finish(None).unwrap(), proof);
        }
    }

    #[test]
    fn ntlm_never_proves_the_server() {
        let mut context = context(true);
        let step = context
            .accept(leg(b"NTLMSSP\0\x03\0\0\0", true, true))
            .unwrap();
        assert!(matches!(step, Step::Send(_)));
        assert!(context.is_complete() && !context.server_verified());
        assert_eq!(
            context.finish(Some(b"whatever")).unwrap(),
            ServerProof::Absent
        );
    }

    #[test]
    fn ntlm_is_refused_by_the_systems_word_and_by_the_tokens_bytes() {
        for leg in [
            leg(b"opaque", true, true),
            leg(b"\xa1\x0cNTLMSSP\0\x01", true, false),
        ] {
            let error = context(false).accept(leg).unwrap_err();
            assert_eq!(error.code(), "ntlm_refused");
        }
    }

    #[test]
    fn protection_that_was_not_asked_for_is_not_had() {
        let mut context = context(false);
        context.accept(leg(b"", true, false)).unwrap();
        assert_eq!(context.message_protection(), MessageProtection::None);
        for error in [
            context.wrap(b"message", false).unwrap_err(),
            context.unwrap(b"message").unwrap_err(),
        ] {
            assert_eq!(error.code(), "message_protection_unavailable");
        }
    }

    #[test]
    fn a_context_that_failed_takes_no_more_tokens() {
        let error = context(false).step(b"token").unwrap_err();
        assert_eq!(error.code(), "mutual_authentication_failed");
    }
}
