//! From bytes to text: byte order mark, XML declaration, Content-Type, UTF-8.

use std::ops::Deref;

use silentry_text::printable;
use zeroize::Zeroizing;

use super::document::DocumentError;
use super::markup;

/// That of UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A document's text. What had to be re-encoded is wiped: a reply contains an assertion.
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Owned(text) => text,
        }
    }
}

/// Decodes a document that came over HTTP or from a file.
///
/// The byte order mark decides, else the XML declaration, else the charset of `content_type`, else
/// UTF-8. UTF-16 is seen from the bytes themselves (XML 1.0 appendix F), so a label that says
/// UTF-16 for bytes that are not is passed over: .NET's `StringWriter` writes that declaration into
/// text which is then sent as UTF-8.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    content_type: Option<&str>,
) -> Result<Text<'a>, DocumentError> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Err(unsupported("UTF-32")),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => Err(unsupported("UTF-32")),
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        _ => eight_bit(bytes, content_type),
    }
}

fn eight_bit<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Result<Text<'a>, DocumentError> {
    let label = label(bytes, content_type).unwrap_or("utf-8");
    match label.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => utf8(bytes),
        "us-ascii" | "ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => utf8(bytes),
            Some(offset) => Err(undecodable("US-ASCII", offset)),
        },
        "iso-8859-1" | "iso_8859-1" | "iso8859-1" | "latin1" | "latin-1" | "l1" => {
            one_byte_each(bytes, 2, |byte| Some(char::from(byte)))
                .map_err(|at| undecodable("ISO-8859-1", at))
        }
        "windows-1252" | "cp1252" | "cp-1252" | "x-cp1252" => {
            one_byte_each(bytes, 3, windows_1252).map_err(|at| undecodable("windows-1252", at))
        }
        _ => Err(unsupported(label)),
    }
}

/// Decodes text of which an error quotes a line, whatever its bytes are; `None` for what is no text.
///
/// Never for a document that decides anything: what is not understood becomes another character. Pages are rarely
/// labelled, or in an encoding of their country, whose ASCII is the same. Where UTF-8 is neither promised nor there,
/// windows-1252 is what browsers fall back to as well.
pub(crate) fn decode_lossily<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Option<Text<'a>> {
    if let Ok(text) = decode(bytes, content_type) {
        return Some(text);
    }
    if bytes.iter().any(is_binary) {
        return None;
    }
    let is_utf8 = |label: &str| ["utf-8", "utf8"].contains(&&*label.to_ascii_lowercase());
    if bytes.starts_with(&BYTE_ORDER_MARK) || label(bytes, content_type).is_some_and(is_utf8) {
        return Some(utf8_lossily(bytes));
    }
    let decode_byte = |byte| Some(windows_1252(byte).unwrap_or(char::REPLACEMENT_CHARACTER));
    utf8(bytes)
        .ok()
        .or_else(|| one_byte_each(bytes, 3, decode_byte).ok())
}

/// The bytes that no text has (WHATWG MIME Sniffing, 3); ISO-2022 has ESC.
fn is_binary(byte: &u8) -> bool {
    matches!(byte, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F)
}

fn utf8_lossily<'a>(bytes: &[u8]) -> Text<'a> {
    // As for UTF-16: the worst case is one replacement character for each byte.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 3));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Text::Owned(text)
}

/// Returns the encoding that an eight-bit document is said to have.
fn label<'a>(bytes: &'a [u8], content_type: Option<&'a str>) -> Option<&'a str> {
    let declared = declared_encoding(bytes).filter(|label| !is_utf16(label));
    let sent = content_type
        .and_then(charset)
        .filter(|label| !is_utf16(label));
    declared.or(sent)
}

fn utf8(bytes: &[u8]) -> Result<Text<'_>, DocumentError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Text::Borrowed(text)),
        Err(error) => Err(undecodable("UTF-8", error.valid_up_to())),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Text<'_>, DocumentError> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(undecodable("UTF-16", bytes.len() - 1));
    }
    // Room for the worst case from the start: a reallocation would leave an unwiped copy behind.
    let mut text = Zeroizing::new(String::with_capacity(pairs.len() * 3));
    let mut offset = 0;
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let Ok(c) = decoded else {
            return Err(undecodable("UTF-16", offset));
        };
        offset += c.len_utf16() * 2;
        text.push(c);
    }
    Ok(Text::Owned(text))
}

/// Decodes an encoding of one byte per character; the error is the offset of a byte without one.
fn one_byte_each<'a>(
    bytes: &[u8],
    widest: usize,
    decode: fn(u8) -> Option<char>,
) -> Result<Text<'a>, usize> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * widest));
    for (offset, byte) in bytes.iter().enumerate() {
        text.push(decode(*byte).ok_or(offset)?);
    }
    Ok(Text::Owned(text))
}

/// Maps windows-1252, whose five unassigned bytes have no character.
pub(crate) fn windows_1252(byte: u8) -> Option<char> {
    const FROM_80: [Option<char>; 32] = [
        Some('€'),
        None,
        Some('‚'),
        Some('ƒ'),
        Some('„'),
        Some('…'),
        Some('†'),
        Some('‡'),
        Some('ˆ'),
        Some('‰'),
        Some('Š'),
        Some('‹'),
        Some('Œ'),
        None,
        Some('Ž'),
        None,
        None,
        Some('‘'),
        Some('’'),
        Some('“'),
        Some('”'),
        Some('•'),
        Some('–'),
        Some('—'),
        Some('˜'),
        Some('™'),
        Some('š'),
        Some('›'),
        Some('œ'),
        None,
        Some('ž'),
        Some('Ÿ'),
    ];
    match byte {
        0x80..=0x9F => FROM_80[usize::from(byte - 0x80)],
        _ => Some(char::from(byte)),
    }
}

/// Returns the encoding named by the XML declaration.
fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    let declaration = bytes.strip_prefix(b"<?xml")?;
    // "version", "encoding" and "standalone" with generous spacing fit well within this.
    let declaration = &declaration[..declaration.len().min(256)];
    let end = declaration.windows(2).position(|window| window == b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    markup::attributes(declaration)
        .find(|(name, _)| *name == "encoding")
        .map(|(_, value)| value)
}

/// Returns the charset parameter of a Content-Type.
fn charset(content_type: &str) -> Option<&str> {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches(['"', '\'']).trim())
        .filter(|value| !value.is_empty())
}

fn is_utf16(label: &str) -> bool {
    ["utf-16", "utf-16le", "utf-16be", "utf16", "unicode"]
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name))
}

fn unsupported(label: &str) -> DocumentError {
    DocumentError::UnsupportedEncoding {
        label: printable(label, 40),
    }
}

fn undecodable(encoding: &'static str, offset: usize) -> DocumentError {
    DocumentError::Undecodable { encoding, offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn decoded(bytes: &[u8], content_type: Option<&str>) -> String {
        match decode(bytes, content_type) {
            Ok(text) => text.to_string(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_byte_order_mark_wins_over_every_label() {
        let text = "<?xml version='1.0' encoding='ISO-8859-1'?><a>é€</a>";
        let header = Some("text/xml; charset=windows-1252");
        let marked = format!("\u{FEFF}{text}");
        assert_eq!(decoded(marked.as_bytes(), header), text);
        assert_eq!(
            decoded(&utf16_bytes(&marked, u16::to_le_bytes), header),
            text
        );
        assert_eq!(
            decoded(&utf16_bytes(&marked, u16::to_be_bytes), header),
            text
        );
    }

    #[test]
    fn utf16_without_a_mark_is_seen_from_the_bytes() {
        let text = "<a>é€𝄞</a>";
        assert_eq!(decoded(&utf16_bytes(text, u16::to_le_bytes), None), text);
        assert_eq!(decoded(&utf16_bytes(text, u16::to_be_bytes), None), text);
    }

    #[test]
    fn the_declaration_wins_over_the_content_type() {
        let bytes = b"<?xml version='1.0' encoding = \"iso-8859-1\"?><a>\xE9</a>";
        assert!(decoded(bytes, Some("text/xml; charset=utf-8")).ends_with("<a>é</a>"));
    }

    #[test]
    fn the_content_type_counts_when_nothing_else_speaks() {
        for header in [
            "text/xml;charset=ISO-8859-1",
            "text/xml; a=b; Charset=\"latin1\"",
        ] {
            assert_eq!(decoded(b"<a>\xE9</a>", Some(header)), "<a>é</a>");
        }
        assert_eq!(
            decoded(b"<a>\x80</a>", Some("text/xml; charset=windows-1252")),
            "<a>€</a>"
        );
        assert_eq!(decoded("<a>é</a>".as_bytes(), Some("text/xml")), "<a>é</a>");
    }

    #[test]
    fn a_utf16_label_on_eight_bit_text_is_passed_over() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>é</a>";
        assert_eq!(
            decoded(text.as_bytes(), Some("text/xml; charset=utf-16")),
            text
        );
    }

    #[test]
    fn a_byte_that_means_nothing_is_an_error() {
        let cases: [(&[u8], Option<&str>, usize); 5] = [
            (b"<a>\xE9</a>", None, 3),
            (b"<a>\x81</a>", Some("text/xml; charset=windows-1252"), 3),
            (b"<a>\xE9</a>", Some("text/xml; charset=us-ascii"), 3),
            (b"\xFF\xFE<\0\x00\xD8", None, 2),
            (b"\xFF\xFE<\0a", None, 2),
        ];
        for (bytes, header, at) in cases {
            match decode(bytes, header) {
                Err(DocumentError::Undecodable { offset, .. }) => assert_eq!(offset, at),
                Err(other) => panic!("{bytes:?}: {other}"),
                Ok(text) => panic!("{bytes:?}: {}", &*text),
            }
        }
    }

    #[test]
    fn text_to_quote_is_decoded_whatever_its_bytes_are() {
        let quoted = |bytes, label| decode_lossily(bytes, label).map(|text| text.to_string());
        for (bytes, label, text) in [
            (&b"f\xFCr"[..], None, "für"),
            (b"f\xFCr", Some("text/html"), "für"),
            (
                "für".as_bytes(),
                Some("text/html; charset=shift_jis"),
                "für",
            ),
            (b"f\xFCr", Some("text/html; charset=iso-8859-15"), "für"),
            (b"f\xFCr", Some("text/html; charset=us-ascii"), "für"),
            (b"f\xFCr", Some("text/html; charset=UTF-8"), "f\u{FFFD}r"),
            (b"\xEF\xBB\xBFf\xFCr", None, "\u{FEFF}f\u{FFFD}r"),
            (b"a\x81", None, "a\u{FFFD}"),
            (
                b"<?xml version='1.0' encoding='EBCDIC-CP-US'?>",
                None,
                "<?xml version='1.0' encoding='EBCDIC-CP-US'?>",
            ),
        ] {
            assert_eq!(quoted(bytes, label).as_deref(), Some(text), "{label:?}");
        }
        for bytes in [&b"\x89PNG\r\n\x1A\n"[..], b"\x0B\x02\xFC", b"\xFF\xFE<\0a"] {
            assert_eq!(quoted(bytes, Some("text/html")), None, "{bytes:?}");
        }
    }

    #[test]
    fn other_encodings_are_named_and_refused() {
        for (bytes, label) in [
            (
                &b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>"[..],
                "EBCDIC-CP-US",
            ),
            (&b"<\0\0\0a\0\0\0"[..], "UTF-32"),
        ] {
            match decode(bytes, None) {
                Err(DocumentError::UnsupportedEncoding { label: found }) => {
                    assert_eq!(found, label);
                }
                _ => panic!("{label} must be refused"),
            }
        }
    }
}
