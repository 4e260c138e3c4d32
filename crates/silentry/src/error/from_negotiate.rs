//! Kerberos trouble: the reason and the advice are those of `silentry-negotiate`.

use silentry_negotiate as negotiate;

use super::{Error, Stage, codes};

impl Error {
    pub(crate) fn from_negotiate(stage: Stage, error: &negotiate::Error) -> Self {
        let code = error.code();
        let advice = codes::entry(code).mitigation;
        let advice = if advice.is_empty() {
            error.mitigation()
        } else {
            advice
        };
        Error::new(code, stage, error.to_string()).with_mitigation(advice)
    }
}
