//! Who is signed in to the machine, asked once for a call.

#[cfg(feature = "integrated")]
use std::sync::OnceLock;

#[cfg(feature = "integrated")]
use super::signed_in::{self, User};
#[cfg(feature = "integrated")]
use crate::application::Application;

/// What is known of who is signed in: nothing, until the first flow needs it.
#[derive(Default)]
pub(crate) struct Who {
    #[cfg(feature = "integrated")]
    user: OnceLock<Option<User>>,
}

#[cfg(feature = "integrated")]
impl Who {
    /// Returns the user of the ticket, as of the first time that the call asked; `None` when there is none, or the
    /// Kerberos library cannot name one. No lock is held while the library is asked: concurrent callers ask it as well.
    pub(super) async fn user(&self, application: &Application) -> Option<&User> {
        if self.user.get().is_none() {
            let user = signed_in::user(application).await;
            // Where another caller was faster, the first answer counts.
            let _ = self.user.set(user);
        }
        self.user.get().and_then(Option::as_ref)
    }
}
