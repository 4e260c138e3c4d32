//! Every code that this library makes itself, in one table: who must act, and what to do where no better advice is
//! known from the case.

mod table;

use crate::advice::Advice;

pub use table::CODES;

/// What kind of cure an error has. The exit codes of the `silentry` command follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The user must act: MFA, consent, policy.
    UserMustAct,
    /// Nobody is signed in, or the Kerberos ticket is gone.
    NotSignedIn,
    /// Integrated sign-in cannot work for this user, tenant or federation server.
    IntegratedImpossible,
    /// A network, a time-out, a server that is down.
    Network,
    /// A server understood and refused.
    Refused,
    /// The program asked for something that cannot be.
    Usage,
    /// None of the others.
    Other,
}

/// One code of this library.
#[derive(Debug)]
#[non_exhaustive]
pub struct CodeEntry {
    /// The stable name.
    pub code: &'static str,
    /// What kind of cure it has.
    pub category: Category,
    /// `true` when Microsoft, the federation server or an administrator must act; `false` for this program or machine.
    pub service: bool,
    /// `true` when only a sign-in by the user helps ([`Error::InteractionRequired`](super::Error::InteractionRequired)).
    pub interaction: bool,
    /// Whether the same call may succeed later without anybody doing anything.
    pub retryable: bool,
    /// What to do, with [terms](crate::advice) left open; empty where the case itself says it.
    pub(crate) advice: &'static str,
}

impl CodeEntry {
    /// Returns what to do; `None` where the case itself says it.
    pub fn advice(&self) -> Option<Advice> {
        Some(Advice::from(self.advice)).filter(|advice| !advice.is_empty())
    }
}

/// Returns the entry of `code`.
pub(super) fn entry(code: &str) -> &'static CodeEntry {
    let entry = CODES.iter().find(|entry| entry.code == code);
    debug_assert!(entry.is_some(), "`{code}` is missing in the table of codes");
    entry.unwrap_or(&UNLISTED)
}

/// What to do about an error whose entry has no advice, and whose case says none.
pub(super) fn default_advice() -> Advice {
    UNLISTED.advice.into()
}

const fn here(code: &'static str, category: Category, advice: &'static str) -> CodeEntry {
    CodeEntry {
        code,
        category,
        service: false,
        interaction: false,
        retryable: false,
        advice,
    }
}

const fn there(code: &'static str, category: Category, advice: &'static str) -> CodeEntry {
    CodeEntry {
        code,
        category,
        service: true,
        interaction: false,
        retryable: false,
        advice,
    }
}

impl CodeEntry {
    const fn or_later(self) -> Self {
        CodeEntry {
            retryable: true,
            ..self
        }
    }

    const fn cured_by_sign_in(self) -> Self {
        CodeEntry {
            interaction: true,
            ..self
        }
    }
}

static UNLISTED: CodeEntry = here(
    "",
    Category::Other,
    "Report this with the code and the correlation id.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_advice_is_a_sentence() {
        for (at, entry) in CODES.iter().enumerate() {
            let code = entry.code;
            assert!(
                CODES[..at].iter().all(|other| other.code != code),
                "{code} twice"
            );
            if let Some(advice) = entry.advice() {
                advice.check(code);
            }
        }
    }
}
