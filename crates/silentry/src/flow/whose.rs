//! Whose token it must be.
//!
//! A name that is given binds: a token for somebody else is `user_mismatch`, whatever the flow, and nothing of it is
//! kept. A user may be named by what the token says (`upn`, `preferred_username`, `unique_name`, the home account id; an
//! e-mail address proves nothing) and by the names of the proof that the sign-in was made with: those of the ticket, or
//! the one that the password was for.

use silentry_protocol::oauth::id_token::IdToken;

use super::call::Call;
#[cfg(feature = "integrated")]
use super::{signed_in, upn};
use crate::error::{Code, Error, Stage};
use crate::identity::same_name;
use crate::request::RequestOptions;
use crate::result::AuthenticationResult;

/// What a sign-in was made with, as far as it tells names.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    /// The user signed in at the server, or a token of that user's did.
    Unnamed,
    /// A password for this name.
    Password(&'a str),
    /// This user's ticket.
    #[cfg(feature = "integrated")]
    Ticket(&'a signed_in::User),
}

impl Proof<'_> {
    /// Returns what the cache remembers the user of the ticket by: the user of the operating system, and the principal.
    #[cfg_attr(not(feature = "integrated"), allow(clippy::unused_self))] // there are no tickets
    pub(super) fn signed_in(self) -> Option<(String, String)> {
        match self {
            #[cfg(feature = "integrated")]
            Proof::Ticket(user) => Some((signed_in::os_user(), user.principal().to_owned())),
            Proof::Unnamed | Proof::Password(_) => None,
        }
    }
}

/// Checks that the token is for whom the request names. Returns the name that only the ticket proves, so that the cache
/// can find the user by it.
pub(super) async fn check(
    call: &Call<'_>,
    options: &RequestOptions,
    proof: Proof<'_>,
    given: &AuthenticationResult,
    claims: Option<&IdToken>,
) -> Result<Option<String>, Error> {
    let of_token: Vec<&str> = claims.into_iter().flat_map(IdToken::names).collect();
    let mut of_ticket = None;
    for name in options.names() {
        let is_id = given.account().has_home_account_id(name);
        if is_id || of_token.iter().any(|own| same_name(own, name)) {
            continue;
        }
        if !is_proven(call, proof, name, &of_token).await {
            return Err(mismatch(proof, name, claims));
        }
        of_ticket = Some(name.trim().to_owned());
    }
    Ok(of_ticket)
}

#[cfg_attr(
    not(feature = "integrated"),
    allow(unused_variables, reason = "no ticket tells further names")
)]
async fn is_proven(call: &Call<'_>, proof: Proof<'_>, name: &str, of_token: &[&str]) -> bool {
    match proof {
        Proof::Unnamed => false,
        Proof::Password(own) => same_name(own, name),
        #[cfg(feature = "integrated")]
        Proof::Ticket(user) => upn::is_called(call.application, user, name, of_token).await,
    }
}

fn mismatch(proof: Proof<'_>, name: &str, claims: Option<&IdToken>) -> Error {
    let given = match claims {
        Some(claims) => match (claims.names().next(), claims.addresses().next()) {
            (Some(own), _) => own,
            (None, Some(_)) => "somebody of whom it tells an e-mail address alone",
            (None, None) => "somebody whom it does not name",
        },
        None => "somebody whom no id token names",
    };
    let message = match proof {
        #[cfg(feature = "integrated")]
        Proof::Ticket(user) => format!(
            "the ticket of {} gives a token for {given}, not for {name}",
            user.principal()
        ),
        Proof::Unnamed | Proof::Password(_) => {
            format!("the token is for {given}, not for {name}")
        }
    };
    Error::new(Code::UserMismatch, Stage::Token, message)
}
