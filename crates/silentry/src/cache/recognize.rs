//! What the text of a store is: a cache, one that was damaged, or something else that is nobody's to touch.
//!
//! A user who mistypes a path names a document, a key, a picture. Only what shows that a cache once was written there is
//! ever replaced by a new one.

use silentry_protocol::cache::{CacheDocument, CacheError, EntityKind};

use super::store::{StoreError, StoreErrorKind};

/// How DPAPI's blobs begin: version 1, and the provider `df9d8cd0-1501-11d1-8c7a-00c04fc297eb`. The last byte is left
/// out, for it begins a character that the text of a blob does not have.
const DPAPI: &[u8] = b"\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\0\xc0\x4f\xc2\x97";

/// The members that a cache has, whichever MSAL wrote it.
const ROOTS: [EntityKind; 6] = [
    EntityKind::AccessToken,
    EntityKind::RefreshToken,
    EntityKind::IdToken,
    EntityKind::Account,
    EntityKind::AppMetadata,
    EntityKind::SignedInUser,
];

/// Why a text is not used as a cache.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It once was a cache.
    Damaged(String),
    /// Windows has encrypted it.
    Encrypted,
    /// Nothing shows that it ever was a cache.
    Other(String),
}

/// Reads what a store holds. Members that nobody knows are kept, but one that is known must be there: most objects are
/// something else, and tokens are not written into a `package.json`.
pub(crate) fn recognize(text: &str) -> Result<CacheDocument, Unreadable> {
    let error = match CacheDocument::parse(text.as_bytes()) {
        Ok(document) if document.is_empty() || document.has_root_or_entity() => {
            return Ok(document);
        }
        Ok(_) => {
            return Err(Unreadable::Other(
                "it has none of a cache's members".to_owned(),
            ));
        }
        Err(error) => error,
    };
    let why = match error {
        CacheError::NotJson { line, column } => {
            format!("it is not JSON (line {line}, column {column})")
        }
        CacheError::NotAnObject => "it is not a JSON object".to_owned(),
        CacheError::TooLarge => "it is larger than 128 MiB".to_owned(),
    };
    Err(match error {
        CacheError::NotJson { .. } if was_cache(text) => Unreadable::Damaged(why),
        // Bytes that are not UTF-8 are U+FFFD in a text.
        _ if text.starts_with(&*String::from_utf8_lossy(DPAPI)) => Unreadable::Encrypted,
        _ => Unreadable::Other(why),
    })
}

/// Every MSAL begins with an object whose members are the roots of the schema; the first of them is near the beginning.
fn was_cache(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let Some(members) = text.strip_prefix('{') else {
        return false;
    };
    let first = members.trim_start();
    ROOTS.iter().any(|kind| {
        let rest = first
            .strip_prefix('"')
            .and_then(|first| first.strip_prefix(kind.root()))
            .and_then(|rest| rest.strip_prefix('"'));
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

impl Unreadable {
    /// The error of whoever wanted to read or write it.
    pub(crate) fn at(self, place: &str) -> StoreError {
        match self {
            Self::Damaged(why) => StoreError::new(
                StoreErrorKind::Damaged,
                format!("the token cache {place} is damaged: {why}"),
            ),
            Self::Encrypted => StoreError::new(
                StoreErrorKind::Encrypted,
                format!("{place} is encrypted by Windows (DPAPI), not a plain token cache"),
            ),
            Self::Other(why) => StoreError::new(
                StoreErrorKind::NotACache,
                format!("{place} is not a token cache: {why}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(text: &str) -> Unreadable {
        recognize(text)
            .err()
            .unwrap_or_else(|| panic!("{text:?} is a cache"))
    }

    #[test]
    fn a_cache_is_an_object_with_a_known_member_or_nothing_yet() {
        for text in [
            "",
            " \n",
            "{}",
            "\u{feff}{}",
            r#"{"Account":{}}"#,
            r#"{"Other":1,"AppMetadata":null}"#,
            r#"{"AccessToken":{},}"#,
            r#"{"uid.utid-login.microsoftonline.com-contoso":{"homeAccountId":"uid.utid"}}"#,
        ] {
            assert!(recognize(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_damaged_cache_still_shows_what_it_was() {
        for text in [
            r#"{"AccessToken":{"#,
            r#"{ "AccessToken": "#,
            "\u{feff}{\r\n  \"Account\": {}, \"RefreshToken\": {\"\u{fffd}",
            r#"{"AppMetadata":{}}}"#,
        ] {
            assert!(
                matches!(unreadable(text), Unreadable::Damaged(_)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_somebody_elses_is_no_damaged_cache() {
        for text in [
            "dear diary",
            "-----BEGIN PRIVATE KEY-----\nMIIE",
            "[1,2]",
            "null",
            r#"{"name":"package","version":"1.0.0""#,
            r#"{"name":"AccessToken","AccessToken""#,
            "{AccessToken: {",
            r#"{"AccessToken"}"#,
            r#"{"name":"package","version":"1.0.0"}"#,
            r#"{"auths":{"registry.test":{"auth":"hunter2"}}}"#,
            "{",
            "\0\0\0\0",
        ] {
            let unreadable = unreadable(text);
            assert!(matches!(unreadable, Unreadable::Other(_)), "{text:?}");
            let error = unreadable.at("/tmp/notes.txt");
            assert_eq!(error.kind(), StoreErrorKind::NotACache);
            assert!(
                error.to_string().starts_with("/tmp/notes.txt is not a"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_blob_of_windows_is_known_by_its_beginning() {
        let mut blob = DPAPI.to_vec();
        for tail in [&b"\xeb\x01\0\0\0"[..], b"\xeb\xff\xfe{"] {
            blob.truncate(DPAPI.len());
            blob.extend_from_slice(tail);
            let text = String::from_utf8_lossy(&blob);
            assert_eq!(unreadable(&text), Unreadable::Encrypted);
        }
    }
}
