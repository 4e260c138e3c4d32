//! Text that a server, a file or another program wrote, made fit to be shown.

#![forbid(unsafe_code)]

/// Returns foreign text on one line, without anything that could steer a terminal or hide what is shown.
///
/// White space of any kind, line ends included, becomes one blank; [invisible](is_invisible) characters are left out. Of
/// more than `limit` characters the rest becomes `…`.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = length > 0;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        if length + usize::from(blank) >= limit {
            shown.push('…');
            break;
        }
        if std::mem::take(&mut blank) {
            shown.push(' ');
            length += 1;
        }
        shown.push(c);
        length += 1;
    }
    shown
}

/// Returns whether a character shows nothing itself but may change what others look like: controls, separators of
/// lines and paragraphs, bidirectional overrides and isolates, zero-width characters, tags (Unicode's general
/// categories `Cc`, `Zl` and `Zp`, and `Default_Ignorable_Code_Point`).
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out_and_white_space_is_one_blank() {
        for (text, shown) in [
            ("a\u{1b}[31m\u{9b}2Jb\u{7f}", "a[31m2Jb"),
            (
                "\u{202e}a\u{2066}b\u{2069}\u{200b}c\u{feff}\u{e0041}",
                "abc",
            ),
            (
                "  a\u{2028}b\u{2029}c\u{85}d\r\n\te\u{3000}f ",
                "a b c d e f",
            ),
            ("\u{1b}\u{200b}", ""),
            (
                "schön, 日本語, \u{645}\u{631}",
                "schön, 日本語, \u{645}\u{631}",
            ),
        ] {
            assert_eq!(printable(text, 100), shown, "{text:?}");
        }
    }

    #[test]
    fn a_megabyte_is_bounded_and_what_fits_is_whole() {
        let long = "ä ".repeat(500_000);
        assert_eq!(printable(&long, 10).chars().count(), 10);
        assert_eq!(
            printable(&"x".repeat(1_000_000), 10),
            format!("{}…", "x".repeat(10))
        );
        assert_eq!(printable("abc  ", 3), "abc");
        assert_eq!(printable("ab c", 3), "ab…");
    }
}
