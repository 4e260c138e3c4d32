//! What went wrong, who must act, and what to do about it.
//!
//! Every failure of this library is an [`Error`]; transport, TLS, JSON and XML failures arrive as one too. Its three
//! kinds say who must act: the user ([`Error::InteractionRequired`]), Microsoft, AD FS or an administrator
//! ([`Error::Service`]), or this program or machine ([`Error::Client`]).

mod accessors;
mod code;
mod details;
mod explain;
mod from_fault;
#[cfg(feature = "integrated")]
mod from_negotiate;
mod from_oauth;
mod from_status;
mod from_transport;
mod stage;

use code::Kind;

use crate::flow_name::Flow;

pub(crate) use from_status::first_line;

pub use code::{Category, Code, ServerCode};
pub(crate) use details::Details;
pub use explain::Explain;
pub(crate) use explain::reply::is_about_scopes;
pub use stage::Stage;

/// Why no token came.
///
/// The variant says who must act; [`code`](Error::code) names the failure, and is what programs decide by. Show
/// [`Display`](std::fmt::Display) and [`mitigation`](Error::mitigation) to people. Every method can be called on the
/// error itself and on what its variants hold:
///
/// | to find out | ask for |
/// |---|---|
/// | who must act | the variant |
/// | what exactly failed | [`code`](Error::code) |
/// | what kind of cure there is, as for an exit code | [`category`](Error::category) |
/// | whether to try again, and when | [`is_retryable`](Error::is_retryable), [`retry_after`](Error::retry_after) |
/// | what a flow that prompts must send | [`claims`](InteractionRequired::claims), [`login_hint`](InteractionRequired::login_hint) |
/// | what to tell the user | [`Display`](std::fmt::Display), [`mitigation`](Error::mitigation) |
/// | what to tell Microsoft's support | [`correlation_id`](Error::correlation_id), [`aadsts`](Error::aadsts) |
/// | what to write to a log | [`Debug`](std::fmt::Debug), which has no secret |
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// The user must act: MFA, consent, an expired password. Only a flow that can prompt cures it.
    InteractionRequired(InteractionRequired),
    /// Microsoft, the federation server or an administrator must act.
    Service(Failure),
    /// This program or this machine must act.
    Client(Failure),
}

/// A failure that no prompt cures.
#[derive(Clone)]
pub struct Failure(Box<Details>);

/// The user must act; what a flow that can prompt needs to know travels with it.
#[derive(Clone)]
pub struct InteractionRequired(Box<Details>);

/// A flow that was tried before the one that the error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which flow.
    pub flow: Flow,
    /// The [`code`](Error::code) of its error.
    pub code: Code,
    /// Its error in a sentence.
    pub message: String,
}

impl Error {
    /// Makes the error for a code, with that code's kind, category and advice. Where the code has no advice, the case
    /// must [give](Error::with_mitigation) it.
    pub(crate) fn new(code: Code, stage: Stage, message: impl Into<String>) -> Self {
        let kind = code.class().kind;
        Error::of_kind(kind, Details::new(code, stage, &message.into()))
    }

    fn of_kind(kind: Kind, details: Details) -> Self {
        let details = Box::new(details);
        match kind {
            Kind::User => Error::InteractionRequired(InteractionRequired(details)),
            Kind::Service => Error::Service(Failure(details)),
            Kind::Client => Error::Client(Failure(details)),
        }
    }

    fn details(&self) -> &Details {
        match self {
            Error::InteractionRequired(InteractionRequired(details))
            | Error::Service(Failure(details))
            | Error::Client(Failure(details)) => details,
        }
    }

    fn details_mut(&mut self) -> &mut Details {
        match self {
            Error::InteractionRequired(InteractionRequired(details))
            | Error::Service(Failure(details))
            | Error::Client(Failure(details)) => details,
        }
    }
}

impl InteractionRequired {
    /// Returns the claims that the flow which prompts must send, exactly as Entra gave them.
    pub fn claims(&self) -> Option<&str> {
        self.0.claims.as_deref()
    }

    /// Returns the user whom the request was about (a UPN), where that was known.
    pub fn login_hint(&self) -> Option<&str> {
        self.0.login_hint.as_deref()
    }

    /// Returns the tenant that the request named in place of the application's.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Returns what kind of action is needed, in MSAL's words: `basic_action`, `additional_action`, `message_only`,
    /// `consent_required`, `user_password_expired`; `None` when Entra did not say.
    pub fn classification(&self) -> Option<&str> {
        self.0.classification
    }

    /// Returns the pages where consent can be given: first the user's, then the administrator's. Empty when consent
    /// is not what is missing.
    pub fn consent_urls(&self) -> &[String] {
        &self.0.consent_urls
    }
}

#[cfg(test)]
mod tests {
    use super::details::MAX_MESSAGE;
    use super::*;

    #[test]
    fn every_error_has_advice() {
        for code in Code::ALL {
            let error = Error::new(code.clone(), Stage::Request, "why");
            error.advice().check(code.as_str());
        }
    }

    #[test]
    fn an_error_can_be_shared_between_threads() {
        fn check<T: Clone + Send + Sync + 'static>() {}
        check::<Error>();
    }

    #[test]
    fn whatever_a_server_says_is_fit_to_be_shown() {
        let said = format!(
            "a\u{1b}[2J\u{9b}31m\r\n\u{202e}b\u{2028}c {}",
            "x".repeat(1_000_000)
        );
        let error = Error::new(Code::UnknownUser, Stage::User, said);
        let shown = error.to_string();
        assert!(shown.starts_with("a[2J31m b c xxx"), "{shown}");
        assert!(!shown.contains(crate::text::is_invisible));
        assert!(shown.chars().count() <= MAX_MESSAGE + 1);
    }

    #[test]
    fn the_first_correlation_id_stays() {
        let error = Error::new(Code::UnknownUser, Stage::User, "who?")
            .with_correlation_id("first")
            .with_correlation_id("second");
        assert_eq!(error.correlation_id(), Some("first"));
    }
}
