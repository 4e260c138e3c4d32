//! How wide the terminal is, and text that fits it.

use std::io::IsTerminal;

/// Returns the width of the terminal that stderr is, in columns; `None` where it is none.
pub(crate) fn width() -> Option<usize> {
    // What a terminal without a size is taken for, as serial lines and some containers have it.
    const USUAL: usize = 80;
    let stderr = std::io::stderr();
    let told = || terminal_size::terminal_size_of(&stderr);
    stderr
        .is_terminal()
        .then(|| told().map_or(USUAL, |(width, _)| usize::from(width.0)))
}

/// Breaks each line of a text at blanks so that it fits `width`; what follows a break begins with `indent` blanks. A
/// word that is longer stays whole, as addresses are there to be copied.
pub(crate) fn wrapped(text: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let lines = text.lines().map(|line| wrapped_line(line, width, indent));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str, width: usize, indent: usize) -> String {
    let mut shown = String::new();
    let mut column = 0;
    for word in line.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if column > indent && column + length > width {
            shown.truncate(shown.trim_end().len());
            shown.push('\n');
            shown.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        shown.push_str(word);
        column += word.chars().count();
    }
    shown
}

/// Cuts a line off where the terminal ends.
pub(crate) fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept: String = line.chars().take(width.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_words_stay_whole() {
        let text = "hint: Open https://login.microsoftonline.com/contoso.test now, or later.";
        let shown = wrapped(text, Some(24), 6);
        assert_eq!(
            shown,
            "hint: Open\n      https://login.microsoftonline.com/contoso.test\n      now, or later."
        );
        assert_eq!(wrapped(text, None, 6), text);
        assert_eq!(wrapped(text, Some(200), 6), text);
        let long =
            "error: the answer of the server is one that nobody can make anything of ".repeat(5);
        for width in 20..100 {
            let shown = wrapped(&long, Some(width), 7);
            assert!(
                shown
                    .lines()
                    .all(|line| line.trim_end().chars().count() <= width)
            );
            let words = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&shown), words(&long));
        }
    }

    #[test]
    fn a_line_that_is_cut_off_says_so() {
        assert_eq!(cut("0123456789", Some(10)), "0123456789");
        assert_eq!(cut("0123456 89", Some(9)), "0123456…");
        assert_eq!(cut("0123456789", None), "0123456789");
    }
}
