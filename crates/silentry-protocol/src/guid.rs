//! GUIDs, as Entra writes ids.

/// Returns whether the text is a GUID as Entra writes ids, in either case.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Reads a GUID in any of its usual forms (with or without braces and hyphens) and returns it lower case with hyphens.
pub fn parse(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('{').trim_end_matches('}');
    let hex: String = bare.chars().filter(|c| *c != '-').collect();
    let is_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && (bare.len() == 32 || is_guid(bare))).then(|| hyphenated(&hex.to_ascii_lowercase()))
}

/// Returns these bytes as a GUID of version 4 (RFC 9562), lower case with hyphens; they must be random.
pub fn version_4(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    hyphenated(&random.map(|byte| format!("{byte:02x}")).concat())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let guid = version_4([0xab; 16]);
        assert_eq!(guid, "abababab-abab-4bab-abab-abababababab");
        for text in [
            guid.to_uppercase(),
            format!("{{{guid}}}"),
            guid.replace('-', ""),
        ] {
            assert_eq!(parse(&text).as_ref(), Some(&guid), "{text}");
        }
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
            assert_eq!(parse(text), None, "{text}");
            assert!(!is_guid(text), "{text}");
        }
    }
}
