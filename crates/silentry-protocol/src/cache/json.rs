//! From JSON to the document and back, losing nothing.

use std::io;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{CacheDocument, CacheError, Entity, EntityKind, MAX_CACHE_BYTES, Member, Root, Row};
use crate::secret::Secret;

pub(super) fn parse(bytes: &[u8]) -> Result<CacheDocument, CacheError> {
    if bytes.len() > MAX_CACHE_BYTES {
        return Err(CacheError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Ok(CacheDocument::default());
    }
    document(bytes).or_else(|error| document(&without_trailing_commas(bytes)).map_err(|_| error))
}

pub(super) fn write(document: &CacheDocument) -> Secret {
    // Counted first: a buffer that grows would leave pieces of its secrets behind.
    let mut length = Counter(0);
    let counted = serde_json::to_writer(&mut length, &Object(&document.members));
    let mut text = Vec::with_capacity(length.0);
    let written =
        counted.and_then(|()| serde_json::to_writer(&mut text, &Object(&document.members)));
    written.expect("texts and raw JSON can always be written to memory");
    Secret::from(String::from_utf8(text).expect("serde_json writes UTF-8"))
}

fn document(bytes: &[u8]) -> Result<CacheDocument, CacheError> {
    let place = |error: &serde_json::Error| CacheError::NotJson {
        line: error.line(),
        column: error.column(),
    };
    let whole: &RawValue = serde_json::from_slice(bytes).map_err(|error| place(&error))?;
    let members = pairs(whole).ok_or(CacheError::NotAnObject)?;
    let members = members.into_iter().map(|(name, value)| {
        let root = match (EntityKind::of_root(&name), pairs(value)) {
            (Some(_), Some(rows)) => Root::Entities(rows.into_iter().map(row).collect()),
            _ => Root::Other(value.to_owned()),
        };
        (name, root)
    });
    Ok(CacheDocument {
        members: members.collect(),
    })
}

fn row((key, value): (String, &RawValue)) -> (String, Row) {
    let row = match pairs(value) {
        Some(members) => Row::Entity(Entity {
            members: members.into_iter().map(member).collect(),
        }),
        None => Row::Other(value.to_owned()),
    };
    (key, row)
}

fn member((name, value): (String, &RawValue)) -> (String, Member) {
    let text = value
        .get()
        .starts_with('"')
        .then(|| serde_json::from_str(value.get()));
    let member = match text {
        Some(Ok(text)) => Member::Text(Zeroizing::new(text)),
        // Also a text with half a surrogate pair, which no String can hold.
        _ => Member::Other(value.to_owned()),
    };
    (name, member)
}

/// Returns the members of an object in their order, the values unread.
fn pairs(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    value
        .get()
        .starts_with('{')
        .then(|| serde_json::from_str(value.get()).ok())?
        .map(|Pairs(list)| list)
}

/// An object's members in their order.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    list.push(pair);
                }
                Ok(Pairs(list))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// Returns the bytes with a blank for each comma before a closing bracket. Lines and columns stay.
fn without_trailing_commas(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut clean = Zeroizing::new(bytes.to_vec());
    let (mut comma, mut previous) = (None, b'{');
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        if in_text {
            (in_text, escaped) = match byte {
                b'\\' => (true, !escaped),
                b'"' => (escaped, false),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            // Only a comma that follows a value can trail it.
            b',' => comma = (!matches!(previous, b'{' | b'[' | b',')).then_some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    clean[comma] = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => continue,
            byte => {
                comma = None;
                in_text = *byte == b'"';
            }
        }
        previous = *byte;
    }
    clean
}

/// Counts what is written.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An object to be written, its members in their order.
struct Object<'a, T>(&'a [(String, T)]);

impl<T: Serialize> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Entities(rows) => Object(rows).serialize(serializer),
            Self::Other(raw) => raw.serialize(serializer),
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Entity(entity) => Object(&entity.members).serialize(serializer),
            Self::Other(raw) => raw.serialize(serializer),
        }
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Other(raw) => raw.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        parse(text.as_bytes())
            .unwrap()
            .to_json()
            .expose()
            .to_owned()
    }

    #[test]
    fn everything_survives_a_rewrite() {
        let text = r#"{"Zoo":["1", "2"],"AccessToken":{"b":{"secret":"a\"\\\u001fä","n":12345678901234567890123.50,"z":null,"a":{"y":1,"x":[]},"half":"\ud800"},"a":null},"Account":"text","Foo":"","Bar":null}"#;
        assert_eq!(round_trip(text), text);
        assert_eq!(round_trip("{}"), "{}");
    }

    #[test]
    fn an_empty_file_is_an_empty_cache() {
        for text in ["", " \r\n", "\u{feff}", "\u{feff} {}"] {
            assert_eq!(round_trip(text), "{}", "{text:?}");
        }
    }

    #[test]
    fn trailing_commas_are_tolerated_but_not_in_texts() {
        let text = "{\"Account\":{\"k\":{\"username\":\"a,}\\\",]\" , },\r\n},\"Zoo\":[1 , ],}";
        let clean = r#"{"Account":{"k":{"username":"a,}\",]"}},"Zoo":[1  ]}"#;
        assert_eq!(round_trip(text), clean.replace("[1  ]", "[1   ]"));
    }

    #[test]
    fn what_is_no_cache_is_named_without_its_content() {
        for (text, expected) in [
            ("null", CacheError::NotAnObject),
            ("[]", CacheError::NotAnObject),
            ("\"hunter2\"", CacheError::NotAnObject),
            ("<html>", CacheError::NotJson { line: 1, column: 1 }),
            (
                "{\n\"a\":hunter2}",
                CacheError::NotJson { line: 2, column: 5 },
            ),
            ("{,}", CacheError::NotJson { line: 1, column: 2 }),
            ("{\"a\":1,,}", CacheError::NotJson { line: 1, column: 8 }),
            ("{} {}", CacheError::NotJson { line: 1, column: 4 }),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn depth_does_no_harm() {
        let deep = format!(
            "{{\"AccessToken\":{{\"k\":{}{}}}}}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        let _ = parse(deep.as_bytes());
    }
}
