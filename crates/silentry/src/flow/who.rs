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
    /// Returns whose ticket there is, or was when the call asked first; `None` when nobody is signed in that could be
    /// told. No lock is held while the Kerberos library is asked: who asks at the same time asks too.
    pub(super) async fn user(&self, application: &Application) -> Option<&User> {
        if self.user.get().is_none() {
            let user = signed_in::user(application).await;
            // Somebody else may have been faster, and the first answer counts.
            let _ = self.user.set(user);
        }
        self.user.get().and_then(Option::as_ref)
    }
}
