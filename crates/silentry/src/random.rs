//! GUIDs and other random values.

use crate::error::{Code, Error, Stage};

/// Returns a new random GUID (RFC 9562 version 4), lower case with hyphens.
pub(crate) fn guid() -> Result<String, Error> {
    let mut bytes = bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(hyphenated(
        &bytes.map(|byte| format!("{byte:02x}")).concat(),
    ))
}

/// Returns 256 random bits in the letters that URLs and RFC 7636 allow.
#[cfg(feature = "interactive")]
pub(crate) fn token() -> Result<String, Error> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            Code::RandomNotAvailable,
            Stage::Request,
            format!("no random numbers: {error}"),
        )
    })?;
    Ok(bytes)
}

/// Returns a number between `-most` and `most`; without a source of randomness it is 0, as nothing secret hangs on it.
pub(crate) fn around_zero(most: u16) -> i64 {
    let mut bytes = [0u8; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => i64::from(u16::from_ne_bytes(bytes) % (2 * most + 1)) - i64::from(most),
        Err(_) => 0,
    }
}

/// Reads a GUID in any of its usual forms and returns it lower case with hyphens.
pub(crate) fn parse_guid(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('{').trim_end_matches('}');
    let hex: String = bare.chars().filter(|c| *c != '-').collect();
    let well_formed = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hyphens_fit = bare.len() == 32 || bare.eq_ignore_ascii_case(&hyphenated_or_empty(&hex));
    (well_formed && hyphens_fit).then(|| hyphenated(&hex.to_ascii_lowercase()))
}

fn hyphenated(hex: &str) -> String {
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

fn hyphenated_or_empty(hex: &str) -> String {
    if hex.len() == 32 && hex.is_ascii() {
        hyphenated(hex)
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_version_4_and_differ() {
        let (one, other) = (guid().unwrap(), guid().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert_eq!(parse_guid(&one.to_uppercase()), Some(one.clone()));
        assert_eq!(parse_guid(&format!("{{{one}}}")), Some(one.clone()));
        assert_eq!(parse_guid(&one.replace('-', "")), Some(one));
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "x",
            "72f988bf-86f1-41af-91ab-2d7cd011db4",
            "72f988bf86f1-41af-91ab-2d7cd011db47",
            "é".repeat(16).as_str(),
        ] {
            assert_eq!(parse_guid(text), None, "{text}");
        }
    }
}
