//! What a page for browsers shows, as far as an error quotes it.
//!
//! Pages are read by the rules of HTML, which accept any text (WHATWG HTML, 13.2.5). Each function passes over its text
//! once, however hostile it is.

use silentry_text::is_invisible;

use super::content::{ends_name, strip_prefix_ignoring_case};
use super::encoding::windows_1252;

/// Elements that pages begin with: most of those by which browsers tell HTML from other text (WHATWG MIME Sniffing,
/// 7.1), and more that error pages have been seen with.
const FIRST_ELEMENTS: [&str; 24] = [
    "head", "title", "meta", "link", "base", "script", "style", "noscript", "body", "iframe",
    "div", "table", "center", "font", "form", "pre", "span", "p", "br", "hr", "h1", "h2", "h3",
    "h4",
];

/// Elements whose text is for programs, for browsers without scripts, or what somebody has entered.
const NOT_SHOWN: [&str; 8] = [
    "script", "style", "noscript", "template", "textarea", "iframe", "noembed", "noframes",
];

/// Characters that pages write by name.
const NAMED: [(&str, char); 35] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{A0}'),
    ("shy", '\u{AD}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("middot", '·'),
    ("bull", '•'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
];

/// Returns whether a text begins with an element of HTML.
pub(crate) fn begins_with_html(text: &str) -> bool {
    let tag = text.strip_prefix('<').unwrap_or_default();
    FIRST_ELEMENTS.iter().any(|name| is_tag(tag, name))
}

/// Returns the first line that a page shows, which is its title where it has one, and at most `limit` characters of it;
/// empty when it shows none.
pub(crate) fn first_text(page: &str, limit: usize) -> String {
    let mut rest = page;
    while !rest.is_empty() {
        let (text, markup) = rest.split_at(start_of_markup(rest));
        let mut lines = text.lines().map(|line| decoded(line.trim(), limit));
        if let Some(line) = lines.find(|line| shows_something(line)) {
            return line.trim().to_owned();
        }
        rest = after_hidden(markup);
    }
    String::new()
}

/// Returns a line that may contain markup, of whose tags it keeps the name alone, and at most `limit` characters of it.
pub(crate) fn without_attributes(line: &str, limit: usize) -> String {
    let mut rest = line;
    let mut shown = String::new();
    let mut left = limit;
    while !rest.is_empty() && left > 0 {
        let (text, markup) = rest.split_at(start_of_markup(rest));
        let (end, is_closed) = match end_of_markup(markup) {
            Some(end) => (end, true),
            None => (markup.len(), false),
        };
        let (tag, after) = markup.split_at(end);
        let name = tag
            .chars()
            .enumerate()
            .take_while(|(at, c)| *at == 0 || c.is_alphanumeric() || "/!?-:_.@".contains(*c));
        let close = is_closed.then_some('>');
        let kept = text.chars().chain(name.map(|(_, c)| c)).chain(close);
        for c in kept.take(left) {
            shown.push(c);
            left -= 1;
        }
        rest = after;
    }
    shown
}

fn shows_something(line: &str) -> bool {
    line.chars().any(|c| !c.is_whitespace() && !is_invisible(c))
}

/// Returns where a tag, a comment or the like begins. `<` before anything else is a character.
fn start_of_markup(text: &str) -> usize {
    let begins = |after: &str| {
        after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    };
    text.match_indices('<')
        .find(|(at, _)| begins(&text[at + 1..]))
        .map_or(text.len(), |(at, _)| at)
}

/// Returns what follows a tag or a comment, and with it the text of an element that is not shown.
fn after_hidden(markup: &str) -> &str {
    let Some(end) = end_of_markup(markup) else {
        return "";
    };
    let after = &markup[end..];
    let tag = markup.strip_prefix('<').unwrap_or_default();
    let Some(hidden) = NOT_SHOWN.iter().find(|name| is_tag(tag, name)) else {
        return after;
    };
    after
        .match_indices("</")
        .find(|(at, _)| is_tag(&after[at + 2..], hidden))
        .map_or("", |(at, _)| &after[at..])
}

/// Returns where the tag or the comment that a text begins with has ended, if it does.
fn end_of_markup(markup: &str) -> Option<usize> {
    if markup.starts_with("<!--") {
        // `<!-->` is a whole comment.
        return Some(2 + markup[2..].find("-->")? + 3);
    }
    let tag = markup.strip_prefix('<')?;
    if !tag
        .trim_start_matches('/')
        .starts_with(|c: char| c.is_ascii_alphabetic())
    {
        return Some(markup.find('>')? + 1);
    }
    // Where a tag has a value, `>` ends only one without quotes.
    let mut at = Within::Names;
    for (offset, byte) in markup.bytes().enumerate() {
        at = match (at, byte) {
            (Within::Quotes(quote), _) if byte == quote => Within::Names,
            (Within::Quotes(_), _) => at,
            (_, b'>') => return Some(offset + 1),
            (Within::Names, b'=') => Within::Equals,
            (Within::Equals, b'"' | b'\'') => Within::Quotes(byte),
            (Within::Equals, _) if !byte.is_ascii_whitespace() => Within::Value,
            (Within::Value, _) if byte.is_ascii_whitespace() => Within::Names,
            _ => at,
        };
    }
    None
}

/// Where in a tag.
#[derive(Clone, Copy)]
enum Within {
    Names,
    /// After `=`, before the value.
    Equals,
    Quotes(u8),
    /// A value without quotes.
    Value,
}

fn is_tag(text: &str, name: &str) -> bool {
    strip_prefix_ignoring_case(text, name).is_some_and(ends_name)
}

/// Returns a text with its character references replaced, without blanks at its start, and at most `limit` characters of
/// it. A word that the limit would cut in two is left out, as nobody could judge it.
fn decoded(text: &str, limit: usize) -> String {
    let (mut shown, mut length) = (String::new(), 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let reference = rest.strip_prefix('&').and_then(reference);
        let (c, after) = reference.unwrap_or((first, &rest[first.len_utf8()..]));
        rest = after;
        if length == 0 && (c.is_whitespace() || is_invisible(c)) {
            continue;
        }
        if length == limit {
            let whole = shown.rfind(|c: char| c.is_whitespace() || is_invisible(c));
            shown.truncate(whole.unwrap_or(0));
            shown.push_str(" …");
            break;
        }
        shown.push(c);
        length += 1;
    }
    shown
}

/// Reads what follows `&`: a character and what comes after it.
fn reference(text: &str) -> Option<(char, &str)> {
    let Some(number) = text.strip_prefix('#') else {
        return NAMED.iter().find_map(|(name, c)| {
            let after = text.strip_prefix(name)?.strip_prefix(';')?;
            Some((*c, after))
        });
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let length = digits.find(|c: char| !c.is_digit(radix));
    let (digits, after) = digits.split_at(length.unwrap_or(digits.len()));
    let code = u32::from_str_radix(digits, radix).ok()?;
    let c = match u8::try_from(code) {
        // Pages number characters of windows-1252, and browsers understand them so.
        Ok(byte) => windows_1252(byte),
        Err(_) => char::from_u32(code),
    };
    Some((c?, after.strip_prefix(';').unwrap_or(after)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_first_line_of_text_is_what_the_page_shows() {
        for (page, shown) in [
            (
                "<!DOCTYPE html>\n<html><head>\n<TITLE> 503 Service Unavailable\n</TITLE></head>",
                "503 Service Unavailable",
            ),
            (
                "<html><title></title><style>p { x: 1 }</style><script>f('<b>')</script><p>Blocked.</p>",
                "Blocked.",
            ),
            (
                "<html><!-- generated --><body><h1 class='a'>Access denied</h1>",
                "Access denied",
            ),
            (
                "<html><body data-x=\"a>pin=1234 secret\"><title>Blocked</title>",
                "Blocked",
            ),
            ("<p data-x = 'a>pin'>Blocked", "Blocked"),
            ("<p a=b\"c d='>e'>Blocked", "Blocked"),
            ("<p it's>Blocked", "Blocked"),
            ("<p a=>Blocked", "Blocked"),
            ("<p a=\"x>pin", ""),
            ("<!-->Blocked<!-- pin -->", "Blocked"),
            ("<!-- a > pin -->Blocked", "Blocked"),
            ("<![CDATA[ x ]]></>Blocked", "Blocked"),
            (
                "<noscript>Enable JavaScript</NoScript ><p>Blocked",
                "Blocked",
            ),
            ("<textarea>pin</textareas></textarea>Blocked", "Blocked"),
            ("<td>&nbsp;&#160;&shy;</td><td>Blocked", "Blocked"),
            ("1 < 2 <b>", "1 < 2"),
            ("<html><script>var a = 1;", ""),
            ("<html", ""),
        ] {
            assert_eq!(first_text(page, 100), shown, "{page}");
        }
        // Where it is cut, the word that was begun is left out.
        assert_eq!(first_text("<p>abc", 3), "abc");
        assert_eq!(first_text("<p>abcdef", 3), "…");
        assert_eq!(first_text("<p>&nbsp; ab cdef", 4), "ab …");
    }

    #[test]
    fn references_are_the_characters_that_they_mean() {
        for (text, shown) in [
            ("403 &#8211; Zugriff f&uuml;r", "403 – Zugriff für"),
            ("&#x2013; &#X2013 &#150; &#0000000065; &#66", "– – – A B"),
            ("a&nbsp;b &lt;c&gt; R&amp;D &quot;", "a\u{A0}b <c> R&D \""),
            (
                "& &; &x; &#; &#x; &#xD800; &#1114112; &#99999999999; &amp",
                "& &; &x; &#; &#x; &#xD800; &#1114112; &#99999999999; &amp",
            ),
        ] {
            assert_eq!(decoded(text, 100), shown);
        }
    }

    #[test]
    fn of_tags_in_a_line_the_name_is_kept() {
        for (line, shown) in [
            (
                "Sorry <input value='a>pin' b> <br/> done",
                "Sorry <input> <br/> done",
            ),
            ("<a/href=pin><p\tx=pin>", "<a/href><p>"),
            (
                "<!-- a > b --> <alice@contoso.com> 1 < 2",
                "<!--> <alice@contoso.com> 1 < 2",
            ),
            ("Sorry <input value=pin", "Sorry <input"),
        ] {
            assert_eq!(without_attributes(line, 100), shown, "{line}");
        }
        assert_eq!(without_attributes("a <input value=pin> b", 5), "a <in");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_page(parts in proptest::collection::vec(
            proptest::sample::select(&[
                "<", "</", "<!--", "-->", "<p", ">", "=", "\"", "'", "/", " ", "\n", "&", "#", "x", "1", ";", "&nbsp;",
                "script", "é", "\u{A0}", "\u{202E}", "𝄞",
            ][..]), 0..40), limit in 0_usize..20,
        ) {
            let page = parts.concat();
            let cut = " …".chars().count();
            proptest::prop_assert!(first_text(&page, limit).chars().count() <= limit + cut);
            proptest::prop_assert!(without_attributes(&page, limit).chars().count() <= limit);
        }
    }

    #[test]
    fn a_page_costs_no_more_than_its_size() {
        let started = Instant::now();
        for part in [
            "<p a=\"",
            "<",
            "</",
            "<!--",
            "<script>",
            "<script></",
            "&#",
            "&#1",
            "<!",
            "\n",
            "&nbsp;\n",
            "<p>",
            "<p a='>'>",
        ] {
            let page = part.repeat(1024 * 1024 / part.len());
            first_text(&page, 200);
            without_attributes(&page, 200);
        }
        // Anything quadratic takes minutes.
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
