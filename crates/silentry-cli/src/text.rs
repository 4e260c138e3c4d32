//! Files that people write, as the programs of Windows save them.

/// Returns the text in UTF-8 and without a byte order mark; what is no text stays as it is.
///
/// Notepad puts a mark in front of UTF-8, and `>` in Windows PowerShell 5.1 writes UTF-16 with one.
pub(crate) fn normalized(bytes: Vec<u8>) -> Vec<u8> {
    let decoded = match &*bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Some(rest.to_vec()),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => None,
    };
    decoded.unwrap_or(bytes)
}

/// Returns the text of UTF-16 without a byte order mark, of which every other byte is nothing while it is ASCII.
pub(crate) fn utf16_without_mark(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes {
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Vec<u8>> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units: Vec<_> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).ok()?;
    odd.is_empty().then(|| text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn a_text_is_the_same_however_it_was_saved() {
        let text = "tenant = \"contoso.test\" # für alle 𝄞\r\n";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let with_mark = |mark: &[u8], bytes: Vec<u8>| [mark.to_vec(), bytes].concat();
        let saved = [
            text.as_bytes().to_vec(),
            with_mark(b"\xef\xbb\xbf", text.as_bytes().to_vec()),
            with_mark(
                b"\xff\xfe",
                utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            ),
            with_mark(
                b"\xfe\xff",
                utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            ),
        ];
        for bytes in saved {
            assert_eq!(normalized(bytes), text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_text_stays() {
        // Odd length, and half of a surrogate pair.
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8", b"\x30\x82\x01", b""] {
            assert_eq!(normalized(bytes.to_vec()), bytes);
        }
    }
}
