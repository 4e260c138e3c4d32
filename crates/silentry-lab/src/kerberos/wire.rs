//! Between the lab's values and `picky-krb`'s messages.

use std::time::{SystemTime, UNIX_EPOCH};

use picky_asn1::bit_string::BitString;
use picky_asn1::date::GeneralizedTime;
use picky_asn1::restricted_string::Ia5String;
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, IntegerAsn1,
    OctetStringAsn1, Optional,
};
use picky_krb::data_types::{
    EncryptedData, EncryptionKey, KerberosFlags, KerberosStringAsn1, KerberosTime, PaData,
    PrincipalName,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::der::{self, Malformed};
use super::{Etype, Key, Principal};

/// The last second of the year 9999, where GeneralizedTime ends.
const LATEST: i64 = 253_402_300_799;

/// Reads a message that is exactly `bytes`.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    der::validate(bytes)?;
    picky_asn1_der::from_bytes(bytes).map_err(|_| Malformed)
}

pub(crate) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    picky_asn1_der::to_vec(message).expect("a Kerberos message has a DER encoding")
}

pub(crate) fn integer(value: impl Into<i64>) -> IntegerAsn1 {
    IntegerAsn1::from_bytes_be_signed(value.into().to_be_bytes().to_vec())
}

/// The value of an INTEGER of at most 64 bits.
pub(crate) fn number(integer: &IntegerAsn1) -> Result<i64, Malformed> {
    let bytes = integer.as_signed_bytes_be();
    if bytes.len() > 8 {
        return Err(Malformed);
    }
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        -1
    } else {
        0
    };
    Ok(bytes
        .iter()
        .fold(sign, |value, byte| value << 8 | i64::from(*byte)))
}

/// The value of an Int32, the type of all numbers that name something.
pub(crate) fn number32(integer: &IntegerAsn1) -> Result<i32, Malformed> {
    i32::try_from(number(integer)?).map_err(|_| Malformed)
}

pub(crate) fn octets(bytes: impl Into<Vec<u8>>) -> OctetStringAsn1 {
    OctetStringAsn1::from(bytes.into())
}

/// A KerberosString; what is not ASCII is replaced, as RFC 4120 5.2.1 has no other characters.
pub(crate) fn string(text: &str) -> KerberosStringAsn1 {
    let ascii = text
        .chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect();
    KerberosStringAsn1::from(Ia5String::from_string(ascii).expect("the text is ASCII"))
}

pub(crate) fn string_of(text: &KerberosStringAsn1) -> String {
    text.0.as_utf8().to_owned()
}

pub(crate) fn name(principal: &Principal) -> PrincipalName {
    let components = principal
        .components()
        .iter()
        .map(|component| string(component));
    PrincipalName {
        name_type: ExplicitContextTag0::from(integer(principal.name_type())),
        name_string: ExplicitContextTag1::from(Asn1SequenceOf::from(
            components.collect::<Vec<_>>(),
        )),
    }
}

pub(crate) fn principal(
    name: &PrincipalName,
    realm: &KerberosStringAsn1,
) -> Result<Principal, Malformed> {
    let components = name.name_string.0.0.iter().map(string_of).collect();
    Ok(Principal::from_wire(
        number32(&name.name_type.0)?,
        components,
        string_of(realm),
    ))
}

/// Seconds since 1970, as all of the lab counts; before 1970 is 0.
pub(crate) fn unix(time: SystemTime) -> i64 {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    i64::try_from(seconds).unwrap_or(LATEST).min(LATEST)
}

/// As [`unix`], by a clock that runs ahead by `offset`, within the years that Kerberos can write.
pub(crate) fn unix_ahead(time: SystemTime, offset: time::Duration) -> i64 {
    unix(time)
        .saturating_add(offset.whole_seconds())
        .clamp(0, LATEST)
}

/// A time as keytabs and credential caches hold it: 32 bits.
pub(crate) fn file_time(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

pub(crate) fn time(seconds: i64) -> KerberosTime {
    let time = OffsetDateTime::from_unix_timestamp(seconds.clamp(0, LATEST))
        .expect("the clamped time is between the years 1970 and 9999");
    KerberosTime::from(GeneralizedTime::from(time))
}

pub(crate) fn seconds(time: &KerberosTime) -> Result<i64, Malformed> {
    let time = OffsetDateTime::try_from(time.0.clone()).map_err(|_| Malformed)?;
    Ok(time.unix_timestamp())
}

pub(crate) fn flags(bits: u32) -> KerberosFlags {
    KerberosFlags::from(BitString::with_bytes(bits.to_be_bytes().to_vec()))
}

/// The first 32 bits; RFC 4120 5.2.8 lets a string be longer, and old clients send shorter ones.
pub(crate) fn flags_of(flags: &KerberosFlags) -> u32 {
    let bytes = flags.0.payload_view();
    (0..4).fold(0, |bits, at| {
        bits << 8 | u32::from(bytes.get(at).copied().unwrap_or(0))
    })
}

pub(crate) fn encryption_key(key: &Key) -> EncryptionKey {
    EncryptionKey {
        key_type: ExplicitContextTag0::from(integer(key.etype().number())),
        key_value: ExplicitContextTag1::from(octets(key.bytes())),
    }
}

/// The key, if its type is one the lab speaks.
pub(crate) fn key(key: &EncryptionKey) -> Option<Key> {
    let etype = Etype::from_number(number32(&key.key_type.0).ok()?)?;
    Key::new(etype, key.key_value.0.0.clone()).ok()
}

pub(crate) fn seal(key: &Key, kvno: Option<u32>, usage: i32, plain: &[u8]) -> EncryptedData {
    EncryptedData {
        etype: ExplicitContextTag0::from(integer(key.etype().number())),
        kvno: Optional::from(kvno.map(|kvno| ExplicitContextTag1::from(integer(kvno)))),
        cipher: ExplicitContextTag2::from(octets(key.encrypt(usage, plain))),
    }
}

/// Decrypts and reads; `None` if the key or the usage is another, or the bytes were touched.
pub(crate) fn open<T: DeserializeOwned>(key: &Key, usage: i32, data: &EncryptedData) -> Option<T> {
    if number32(&data.etype.0).ok()? != key.etype().number() {
        return None;
    }
    decode(&key.decrypt(usage, &data.cipher.0.0)?).ok()
}

pub(crate) fn pa_data(kind: i32, value: Vec<u8>) -> PaData {
    PaData {
        padata_type: ExplicitContextTag1::from(integer(kind)),
        padata_data: ExplicitContextTag2::from(octets(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_numbers_both_ways() {
        for value in [
            0,
            1,
            127,
            128,
            255,
            256,
            32_771,
            -1,
            -128,
            -129,
            i64::from(u32::MAX),
            i64::MIN,
        ] {
            assert_eq!(number(&integer(value)), Ok(value));
        }
        assert_eq!(number32(&integer(i64::from(u32::MAX))), Err(Malformed));
        assert_eq!(number(&IntegerAsn1::from(vec![1; 9])), Err(Malformed));
    }

    #[test]
    fn carries_times_and_flags_both_ways() {
        for value in [0, 1_900_000_000, LATEST] {
            assert_eq!(seconds(&time(value)), Ok(value));
        }
        assert_eq!(seconds(&time(i64::MAX)), Ok(LATEST));
        assert_eq!(flags_of(&flags(0x4081_0010)), 0x4081_0010);
        assert_eq!(flags_of(&KerberosFlags::from(BitString::with_len(0))), 0);
    }
}
