//! The code and the advice for each error of the protocol parsers, which know neither.

mod oauth;
pub(crate) mod reply;
mod wstrust;

use std::fmt::Display;

use super::{Code, Error, Stage};
use crate::advice::Advice;

/// Why bytes are not what a protocol has, as an error of this library.
#[doc(hidden)]
pub trait Explain {
    /// Returns the code, MSAL's where MSAL has one.
    fn code(&self) -> Code;

    /// Returns what to do about it, with the [terms](crate::advice) left open; `None` where the code says it.
    fn advice(&self) -> Option<&'static str> {
        None
    }

    /// Returns what to do about it.
    fn mitigation(&self) -> Advice {
        let code = self.code();
        let of_code = || code.advice().unwrap_or_else(super::details::default_advice);
        self.advice().map_or_else(of_code, Advice::from)
    }
}

impl Error {
    /// Makes the error of what a parser refuses.
    pub(crate) fn of(stage: Stage, refused: &(impl Explain + Display)) -> Self {
        Error::new(refused.code(), stage, refused.to_string()).with_mitigation(refused.mitigation())
    }
}
