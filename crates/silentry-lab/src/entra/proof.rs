//! What a grant proves of a user.

use crate::directory::User;

/// A user who was proven, and how.
pub(super) struct Proof {
    pub(super) user: &'static User,
    /// Whether this was a sign-in, as opposed to a refresh that lives off an earlier one.
    pub(super) first_factor: bool,
    pub(super) by_password: bool,
    pub(super) inside_network: bool,
    /// Whether there was a second factor.
    pub(super) mfa: bool,
    /// What the client said earlier, where the sign-in took several requests.
    pub(super) scope: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) claims: Option<String>,
}

impl Proof {
    /// A user of whom nothing is proven but who it is; whoever signed in with a browser was asked
    /// for the rest there.
    pub(super) fn of(user: &'static User) -> Self {
        Self {
            user,
            first_factor: false,
            by_password: false,
            inside_network: false,
            mfa: false,
            scope: None,
            nonce: None,
            claims: None,
        }
    }
}
