//! What every request can be told, whatever the flow.

use std::sync::Arc;

use crate::error::{Code, Error, InteractionRequired, Stage};
use crate::result::Account;

/// What every request can be told.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct RequestOptions {
    pub(crate) tenant: Option<String>,
    /// The name of the user whom the token must be for.
    pub(crate) username: Option<String>,
    /// The names that the account of the token must all match: home account ids, or user names where no id is known.
    pub(crate) account_names: Vec<String>,
    /// The environment of the account that was set by [`bind_to`](Self::bind_to): another server may give the same id to
    /// another user.
    pub(crate) account_environment: Option<Arc<str>>,
    pub(crate) claims: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) extra_query_parameters: Vec<(String, String)>,
    pub(crate) extra_headers: Vec<(String, String)>,
}

impl RequestOptions {
    /// Requires the token to be for this account.
    pub(crate) fn bind_to(&mut self, account: &Account) {
        self.account_names = vec![account.binding_name().to_owned()];
        self.account_environment = Some(Arc::clone(&account.environment));
    }

    /// Goes on from an error that asked for the user.
    pub(crate) fn go_on_from(&mut self, needed: &InteractionRequired) {
        if let Some(claims) = needed.claims() {
            self.claims = Some(claims.to_owned());
        }
        if let Some(tenant) = needed.tenant() {
            self.tenant = Some(tenant.to_owned());
        }
    }

    /// Returns every name that the user must match.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.username.iter().chain(&self.account_names)
    }

    /// Refuses a name that names nobody.
    pub(crate) fn check_username(&self) -> Result<(), Error> {
        match &self.username {
            Some(name) if name.trim().is_empty() => Err(Error::new(
                Code::InvalidUsername,
                Stage::Request,
                "the user name is empty",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses headers that would break the request or replace what the flow itself says.
    pub(crate) fn check_extra_headers(&self) -> Result<(), Error> {
        for (name, value) in &self.extra_headers {
            let well_formed = !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
                && value
                    .bytes()
                    .all(|b| b == b'\t' || (b >= b' ' && b != 0x7f));
            let reserved = [
                "authorization",
                "content-length",
                "content-type",
                "host",
                "transfer-encoding",
            ];
            let is_reserved = reserved
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved));
            // What is not well-formed is not shown: it may be a secret that was meant to be the value.
            let why = match (well_formed, is_reserved) {
                (true, false) => continue,
                (_, true) => {
                    format!("the extra header `{name}` is one that the request itself has")
                }
                (false, false) => {
                    "an extra header has a name or a value that cannot be sent".to_owned()
                }
            };
            return Err(Error::new(Code::InvalidRequestOptions, Stage::Request, why));
        }
        Ok(())
    }
}
