//! Text that a server, a file or another program wrote, made fit to be shown.
//!
//! Errors are made through this, so that nobody who shows one has to think of it. Names that are compared, such as
//! [`Account::username`](crate::Account::username), stay as they came: who shows them calls [`printable`].

/// Returns foreign text on one line, without anything that could steer a terminal or hide what is shown.
///
/// White space of any kind, line ends included, becomes one blank; controls (C0, DEL and C1) and
/// [invisible](is_invisible) characters are left out. Of more than `limit` characters the rest becomes `…`.
///
/// ```
/// use silentry::text::printable;
///
/// assert_eq!(printable("two\r\n lines\u{1b}[2J \u{202e}gnp.exe", 100), "two lines[2J gnp.exe");
/// assert_eq!(printable("abcdef", 3), "abc…");
/// ```
pub fn printable(text: &str, limit: usize) -> String {
    silentry_text::printable(text, limit)
}

/// Returns whether a character shows nothing itself but may change what others look like: controls, separators of
/// lines and paragraphs, bidirectional overrides and isolates, zero-width characters, tags (Unicode's general
/// categories `Cc`, `Zl` and `Zp`, and `Default_Ignorable_Code_Point`).
pub fn is_invisible(c: char) -> bool {
    silentry_text::is_invisible(c)
}
