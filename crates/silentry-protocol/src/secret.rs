//! Text that nobody may see: tokens, assertions, passwords and the bodies that carry them.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A secret text: wiped from memory when its last clone is dropped, never shown by `Debug`, and without `Display`.
///
/// Clones share the text: there is one copy to wipe, and handing it out costs nothing.
///
/// Reading it takes the word [`expose`](Secret::expose), so that every place where a secret leaves
/// the type can be found by searching for that word.
///
/// ```
/// use silentry_protocol::secret::Secret;
///
/// let token = Secret::from(String::from("eyJ0eXAi"));
/// assert_eq!(format!("{token:?}"), "Secret(8 bytes)");
/// assert_eq!(token.expose(), "eyJ0eXAi");
/// ```
#[derive(Clone, Default)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Returns the text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    /// Takes the text over without a copy; a `String` that has grown before may have left pieces of
    /// it in memory, so whoever builds a secret reserves its whole length first.
    fn from(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(String::from(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_length_and_nothing_else() {
        let shown = format!("{:?}", Some(Secret::from("hunter2")));
        assert_eq!(shown, "Some(Secret(7 bytes))");
    }
}
