//! What an error holds, and how it is filled in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, Category, Code, Error, Stage, code};
use crate::advice::Advice;
use crate::text::printable;

/// Characters of a message that are kept; the longest of Entra have some 1000.
pub(super) const MAX_MESSAGE: usize = 2400;

/// For a code without advice, whose case says none.
pub(super) fn default_advice() -> Advice {
    "Report this with the code and the correlation id.".into()
}

/// What all kinds of errors know. What may come from a server is made fit to be shown when it is put in.
#[derive(Clone)]
pub(crate) struct Details {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) mitigation: Advice,
    pub(super) stage: Stage,
    pub(super) category: Category,
    pub(super) retryable: bool,
    pub(super) retry_after: Option<Duration>,
    pub(super) throttled: bool,
    pub(super) correlation_id: Option<String>,
    pub(super) http_status: Option<u16>,
    pub(super) aadsts: Vec<u32>,
    pub(super) suberror: Option<String>,
    pub(super) classification: Option<&'static str>,
    pub(super) claims: Option<String>,
    pub(super) login_hint: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) consent_urls: Vec<String>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Details {
    pub(super) fn new(code: Code, stage: Stage, message: &str) -> Self {
        let code::Class {
            category,
            retryable,
            ..
        } = code.class();
        Details {
            mitigation: code.advice().unwrap_or_else(default_advice),
            code,
            message: printable(message, MAX_MESSAGE),
            stage,
            category,
            retryable,
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
            source: None,
        }
    }

    /// Notes how long the server wants to be left alone.
    pub(super) fn wait(&mut self, retry_after: Option<Duration>) {
        self.retry_after = retry_after;
        if let Some(wait) = retry_after {
            let seconds = wait.as_secs();
            self.message = format!("{} (the server asks to wait {seconds} s)", self.message);
        }
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }

    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("code", &self.code.as_str())
            .field("message", &self.message)
            .field("stage", &self.stage)
            .field("correlation_id", &self.correlation_id)
            .field("http_status", &self.http_status)
            .field("aadsts", &self.aadsts)
            .finish_non_exhaustive()
    }
}

impl Error {
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

    /// Notes what the failure comes from. It must hold no secret, whatever it quotes.
    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.details_mut().source = Some(Arc::new(source));
        self
    }
}
