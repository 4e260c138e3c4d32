//! A look at DER before a deserialiser gets it.
//!
//! `picky-asn1-der` trusts the lengths it reads: one that overflows, an empty bit string or a missing
//! octet make it panic or allocate without bound. [`validate`] refuses those, so that what comes after
//! is total. [`Reader`] and [`element`] serve the GSSAPI framing, which is no proper ASN.1 at all.

use thiserror::Error;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The deepest Kerberos message, a KRB-CRED in a KDC-REQ, nests less than half as deep.
const MAX_DEPTH: usize = 24;

const CONSTRUCTED: u8 = 0x20;
const HIGH_TAG_NUMBER: u8 = 0x1f;

/// `[APPLICATION number]`, constructed.
pub(crate) const fn application(number: u8) -> u8 {
    0x60 | number
}

/// `[number]`, constructed: an explicit tag.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Bytes that are not the DER that was expected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("malformed DER")]
pub struct Malformed;

/// Checks that `bytes` is exactly one DER element, whose every constructed element holds elements.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let (tag, content) = reader.element()?;
    reader.finish()?;
    validate_content(tag, content, MAX_DEPTH)
}

fn validate_content(tag: u8, content: &[u8], depth: usize) -> Result<(), Malformed> {
    if tag & CONSTRUCTED != 0 {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let mut inner = Reader::new(content);
        while !inner.is_empty() {
            let (tag, content) = inner.element()?;
            validate_content(tag, content, depth)?;
        }
        return Ok(());
    }
    match (tag, content) {
        (INTEGER | BIT_STRING, []) => Err(Malformed),
        (BIT_STRING, [unused, bits @ ..]) if *unused > 7 || (*unused > 0 && bits.is_empty()) => {
            Err(Malformed)
        }
        _ => Ok(()),
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next element's tag and content.
    pub(crate) fn element(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&[tag, first], rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        if tag & HIGH_TAG_NUMBER == HIGH_TAG_NUMBER {
            return Err(Malformed);
        }
        let (length, rest) = length(first, rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// The content of the next element if it has this tag; otherwise nothing is read.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        match self.rest.first() {
            Some(&found) if found == tag => self.expect(tag).map(Some),
            _ => Ok(None),
        }
    }

    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// X.690 8.1.3 without the indefinite form, which DER forbids.
fn length(first: u8, rest: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let (octets, rest) = rest
        .split_at_checked(usize::from(first & 0x7f))
        .ok_or(Malformed)?;
    if !(1..=4).contains(&octets.len()) {
        return Err(Malformed);
    }
    let length = octets
        .iter()
        .fold(0u32, |length, octet| length << 8 | u32::from(*octet));
    Ok((usize::try_from(length).map_err(|_| Malformed)?, rest))
}

/// The element with this tag and content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(u8::try_from(length).expect("a length below 0x80 is one octet"));
    } else {
        let octets = length.to_be_bytes();
        let leading = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = &octets[leading..];
        out.push(0x80 | u8::try_from(octets.len()).expect("a length has at most 8 octets"));
        out.extend_from_slice(octets);
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for size in [0, 1, 0x7f, 0x80, 0xff, 0x100, 70_000] {
            let content = vec![7; size];
            let bytes = element(OCTET_STRING, &content);
            assert_eq!(
                Reader::new(&bytes).expect(OCTET_STRING),
                Ok(content.as_slice())
            );
            assert_eq!(validate(&bytes), Ok(()));
        }
    }

    #[test]
    fn refuses_what_would_harm_the_deserialiser() {
        let overlong: &[u8] = &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let nested = (0..100).fold(vec![], |inner, _| element(SEQUENCE, &inner));
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            overlong,
            &[0x30, 2, 0x03, 0x00],
            &[0x30, 2, 0x02, 0x00],
            &[0x30, 4, 0x03, 0x02, 9, 0],
            &[0x1f, 0x81, 0x00, 0x00],
            &[0x30, 0, 0],
            &nested,
        ] {
            assert_eq!(validate(bytes), Err(Malformed), "{bytes:02x?}");
        }
    }
}
