//! Kerberos trouble: the reason and the advice are those of `silentry-negotiate`.

use silentry_negotiate as negotiate;

use super::{Error, Stage, codes};

impl Error {
    pub(crate) fn from_negotiate(stage: Stage, error: &negotiate::Error) -> Self {
        let code = error.code();
        let made = Error::new(code, stage, error.to_string());
        match codes::entry(code).advice() {
            Some(_) => made,
            None => made.with_mitigation(error.mitigation()),
        }
    }

    /// The platform has UPNs on record (Windows, by `GetUserNameEx`) but tells none. The name of the error is
    /// MSAL.NET's.
    pub(crate) fn without_upn(principal: &str, failure: &negotiate::Error) -> Self {
        let message = format!("Windows does not tell the UPN of {principal}: {failure}");
        let error = Error::new("get_user_name_failed", Stage::User, message);
        match failure {
            negotiate::Error::KdcUnreachable { .. } => error.with_mitigation(
                "Connect to the corporate network or VPN, so that Windows can ask a domain controller; or give \
                 your UPN yourself by {username}.",
            ),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_upn_is_told_to_give_it_and_why() {
        let reason = || "said by Windows (os error 1)".to_owned();
        let unknown = negotiate::Error::UnknownUser { reason: reason() };
        let unreachable = negotiate::Error::KdcUnreachable { reason: reason() };
        let errors =
            [&unknown, &unreachable].map(|failure| Error::without_upn("WS01\\ana", failure));
        for error in &errors {
            assert_eq!(error.code(), "get_user_name_failed");
            assert_eq!(error.stage(), Stage::User);
            assert!(error.to_string().contains("WS01\\ana"), "{error}");
            assert!(error.to_string().contains("(os error 1)"), "{error}");
            assert!(error.mitigation().contains("your UPN"), "{error}");
        }
        assert!(errors[1].mitigation().contains("domain controller"));
    }
}
