//! What went wrong, who must act, and what to do about it.
//!
//! Every failure of this library is an [`Error`]; transport, TLS, JSON and XML failures arrive as one too. Its three
//! kinds say who must act: the user ([`Error::InteractionRequired`]), Microsoft, AD FS or an administrator
//! ([`Error::Service`]), or this program or machine ([`Error::Client`]).

mod codes;
mod from_fault;
#[cfg(feature = "integrated")]
mod from_negotiate;
mod from_oauth;
mod from_status;
mod from_transport;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::advice::Advice;
use crate::text::printable;

pub(crate) use from_status::first_line;

pub use codes::{CODES, Category, CodeEntry};

/// Where in a sign-in something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before any network: what the program asked for, or how it was configured.
    Request,
    /// Reading or writing the token cache.
    Cache,
    /// Asking which endpoints the authority has.
    Discovery,
    /// Finding out who the signed-in user is.
    User,
    /// Asking Entra who authenticates the user's domain.
    Realm,
    /// Reading the federation server's metadata.
    Mex,
    /// Getting the Kerberos service ticket for the federation server.
    Negotiate,
    /// Asking the federation server for a SAML assertion.
    WsTrust,
    /// Opening the browser, and waiting for it to come back.
    Browser,
    /// Asking Entra for a device code.
    DeviceCode,
    /// Exchanging what the sign-in gave for tokens at Entra.
    Token,
}

impl Stage {
    /// Returns the stage in one lower-case word, as the command prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Request => "request",
            Stage::Cache => "cache",
            Stage::Discovery => "discovery",
            Stage::User => "user",
            Stage::Realm => "realm",
            Stage::Mex => "mex",
            Stage::Negotiate => "negotiate",
            Stage::WsTrust => "wstrust",
            Stage::Browser => "browser",
            Stage::DeviceCode => "devicecode",
            Stage::Token => "token",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no token came.
///
/// Decide by the variant and by [`code`](Error::code); show [`Display`](fmt::Display) and
/// [`mitigation`](Error::mitigation) to people.
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// The user must act: MFA, consent, an expired password. Only a flow that can prompt cures it.
    InteractionRequired(InteractionRequired),
    /// Microsoft, the federation server or an administrator must act.
    Service(ServiceError),
    /// This program or this machine must act.
    Client(ClientError),
}

/// The user must act; what a flow that can prompt needs to know travels with it.
#[derive(Clone)]
pub struct InteractionRequired(Box<Details>);

/// Microsoft, the federation server or an administrator must act.
#[derive(Clone)]
pub struct ServiceError(Box<Details>);

/// This program or this machine must act.
#[derive(Clone)]
pub struct ClientError(Box<Details>);

/// Characters of a message that are kept; the longest of Entra have some 1000.
const MAX_MESSAGE: usize = 2400;

/// What all three kinds know. What may come from a server is made fit to be shown when it is put in.
#[derive(Clone)]
pub(crate) struct Details {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) mitigation: Advice,
    pub(crate) stage: Stage,
    pub(crate) category: Category,
    pub(crate) retryable: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) throttled: bool,
    pub(crate) correlation_id: Option<String>,
    pub(crate) http_status: Option<u16>,
    pub(crate) aadsts: Vec<u32>,
    pub(crate) suberror: Option<String>,
    pub(crate) classification: Option<&'static str>,
    pub(crate) claims: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) consent_urls: Vec<String>,
    pub(crate) attempts: Vec<Attempt>,
}

/// A flow that was tried before the one that the error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which flow, in one word: `silent`, `iwa`, `devicecode`, `web`, `password`.
    pub flow: &'static str,
    /// The [`code`](Error::code) of its error.
    pub code: String,
    /// Its error in a sentence.
    pub message: String,
}

impl Details {
    fn new(
        code: Cow<'static, str>,
        stage: Stage,
        category: Category,
        message: &str,
        mitigation: Advice,
    ) -> Self {
        Details {
            code,
            message: printable(message, MAX_MESSAGE),
            mitigation,
            stage,
            category,
            retryable: false,
            retry_after: None,
            throttled: false,
            correlation_id: None,
            http_status: None,
            aadsts: Vec::new(),
            suberror: None,
            classification: None,
            claims: None,
            login_hint: None,
            tenant: None,
            consent_urls: Vec::new(),
            attempts: Vec::new(),
        }
    }
}

impl Details {
    /// Notes how long the server wants to be left alone.
    fn wait(&mut self, retry_after: Option<Duration>) {
        self.retry_after = retry_after;
        if let Some(wait) = retry_after {
            let seconds = wait.as_secs();
            self.message = format!("{} (the server asks to wait {seconds} s)", self.message);
        }
    }
}

impl Error {
    /// Returns the stable name of the failure: MSAL's string where MSAL has one, such as `unknown_user`, else one of
    /// [`CODES`], else the `error` of the server's reply.
    pub fn code(&self) -> &str {
        &self.details().code
    }

    /// Returns where in the sign-in it happened.
    pub fn stage(&self) -> Stage {
        self.details().stage
    }

    /// Returns what kind of cure there is; the exit codes of the command follow it.
    pub fn category(&self) -> Category {
        self.details().category
    }

    /// Returns what to do about it, in one or two plain sentences for whoever writes the program.
    pub fn mitigation(&self) -> &str {
        self.advice().for_library()
    }

    /// Returns what to do about it, for whoever writes the program and for whoever runs the command.
    pub fn advice(&self) -> &Advice {
        &self.details().mitigation
    }

    /// Returns the correlation id of the call, which Microsoft's support asks for; `None` when it failed before any
    /// network.
    pub fn correlation_id(&self) -> Option<&str> {
        self.details().correlation_id.as_deref()
    }

    /// Returns `true` when the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        self.details().retryable
    }

    /// Returns how long the server asked to wait before the next try; of an error that
    /// [is given again](Error::is_throttled), how long it still is.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details().retry_after
    }

    /// Returns `true` when nothing was sent: the server refused the same request a moment ago, and this is the error of
    /// then, with its correlation id. Entra asks clients to do so, and counts who does not (AADSTS50196).
    ///
    /// A server that is busy (429, 5xx, `Retry-After`) is left alone for as long as it says, a minute when it does not
    /// say; a refresh token with which the user must act, for two minutes.
    pub fn is_throttled(&self) -> bool {
        self.details().throttled
    }

    /// Returns the HTTP status of the reply that carried the failure.
    pub fn http_status(&self) -> Option<u16> {
        self.details().http_status
    }

    /// Returns the AADSTS numbers of the reply. They choose words only: Microsoft advises against deciding by them.
    pub fn aadsts(&self) -> &[u32] {
        &self.details().aadsts
    }

    /// Returns Entra's `suberror`.
    pub fn suberror(&self) -> Option<&str> {
        self.details().suberror.as_deref()
    }

    pub(crate) fn details(&self) -> &Details {
        match self {
            Error::InteractionRequired(InteractionRequired(details))
            | Error::Service(ServiceError(details))
            | Error::Client(ClientError(details)) => details,
        }
    }

    fn details_mut(&mut self) -> &mut Details {
        match self {
            Error::InteractionRequired(InteractionRequired(details))
            | Error::Service(ServiceError(details))
            | Error::Client(ClientError(details)) => details,
        }
    }

    /// Makes the error for one of [`CODES`], with that entry's kind, category and advice. Where the entry has no advice,
    /// the case must [give](Error::with_mitigation) it.
    pub(crate) fn new(code: &'static str, stage: Stage, message: impl Into<String>) -> Self {
        let entry = codes::entry(code);
        let details = Details {
            retryable: entry.retryable,
            ..Details::new(
                Cow::Borrowed(code),
                stage,
                entry.category,
                &message.into(),
                entry.advice().unwrap_or_else(codes::default_advice),
            )
        };
        let details = Box::new(details);
        if entry.interaction {
            Error::InteractionRequired(InteractionRequired(details))
        } else if entry.service {
            Error::Service(ServiceError(details))
        } else {
            Error::Client(ClientError(details))
        }
    }

    /// Returns the flows that were tried before, in their order; only [`acquire_token`] tries several.
    ///
    /// [`acquire_token`]: crate::PublicClientApplication::acquire_token
    pub fn attempts(&self) -> &[Attempt] {
        &self.details().attempts
    }

    pub(crate) fn after(mut self, attempts: Vec<Attempt>) -> Self {
        self.details_mut().attempts = attempts;
        self
    }

    pub(crate) fn with_mitigation(mut self, mitigation: impl Into<Advice>) -> Self {
        self.details_mut().mitigation = mitigation.into();
        self
    }

    /// The same error, given again instead of asking; `left` is until when.
    pub(crate) fn throttled(mut self, left: Duration) -> Self {
        let details = self.details_mut();
        let seconds = left.as_secs().max(1);
        details.message = format!(
            "{} (not asked again: the same request was refused just now, and may be repeated in {seconds} s)",
            details.message
        );
        details.retry_after = Some(left);
        details.throttled = true;
        self
    }

    /// The same error, found out so long ago and not looked for again.
    #[cfg(feature = "integrated")]
    pub(crate) fn found_out_before(mut self, age: Duration) -> Self {
        let details = self.details_mut();
        let seconds = age.as_secs();
        details.message = format!(
            "{} (found out {seconds} s ago, not tried again yet)",
            details.message
        );
        self
    }

    pub(crate) fn with_category(mut self, category: Category) -> Self {
        self.details_mut().category = category;
        self
    }

    #[cfg(test)]
    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.details_mut().retry_after = retry_after;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.details_mut().http_status = Some(status);
        self
    }

    /// Takes over what the server's answer told, under another name.
    pub(crate) fn with_answer_of(mut self, other: &Error) -> Self {
        let (details, other) = (self.details_mut(), other.details());
        details.http_status = other.http_status;
        details.aadsts.clone_from(&other.aadsts);
        details.suberror.clone_from(&other.suberror);
        self
    }

    /// Notes whom the request was about, and in which tenant other than the application's, for the flow that goes on.
    pub(crate) fn about(mut self, login_hint: Option<&str>, tenant: Option<&str>) -> Self {
        let details = self.details_mut();
        details.login_hint = login_hint.filter(|hint| !hint.is_empty()).map(Into::into);
        details.tenant = tenant.map(Into::into);
        self
    }

    pub(crate) fn with_aadsts(mut self, codes: impl IntoIterator<Item = u32>) -> Self {
        self.details_mut().aadsts = codes.into_iter().collect();
        self
    }

    pub(crate) fn with_correlation_id(mut self, correlation_id: &str) -> Self {
        let details = self.details_mut();
        details
            .correlation_id
            .get_or_insert_with(|| correlation_id.to_owned());
        self
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

    /// Returns what to do about it, in one or two plain sentences.
    pub fn mitigation(&self) -> &str {
        self.0.mitigation.for_library()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details().message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Error::InteractionRequired(_) => "InteractionRequired",
            Error::Service(_) => "Service",
            Error::Client(_) => "Client",
        };
        let Details {
            code,
            message,
            stage,
            correlation_id,
            http_status,
            aadsts,
            ..
        } = self.details();
        f.debug_struct(kind)
            .field("code", code)
            .field("message", message)
            .field("stage", stage)
            .field("correlation_id", correlation_id)
            .field("http_status", http_status)
            .field("aadsts", aadsts)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_advice() {
        for entry in CODES {
            let error = Error::new(entry.code, Stage::Request, "why");
            error.advice().check(entry.code);
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
        let error = Error::new("unknown_user", Stage::User, said);
        let shown = error.to_string();
        assert!(shown.starts_with("a[2J31m b c xxx"), "{shown}");
        assert!(!shown.contains(crate::text::is_invisible));
        assert!(shown.chars().count() <= MAX_MESSAGE + 1);
    }

    #[test]
    fn the_first_correlation_id_stays() {
        let error = Error::new("unknown_user", Stage::User, "who?")
            .with_correlation_id("first")
            .with_correlation_id("second");
        assert_eq!(error.correlation_id(), Some("first"));
    }
}
