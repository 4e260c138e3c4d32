//! The few LDAP messages (RFC 4511) that a look-up needs.
//!
//! A filter is a tree here and never a text, so no user name needs escaping (RFC 4515) to stay a value. The decoder
//! follows the structure that it expects and skips the rest without recursion: nothing in a message decides how deep
//! it goes.

use bcder::decode::{Constructed, DecodeError, Primitive, Source};
use bcder::encode::{self, PrimitiveContent, Values};
use bcder::{Mode, OctetString, Tag};
use silentry_text::printable;

/// A domain controller's answer about one user takes a few hundred bytes; its rootDSE, 3 KB.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Characters of a text that the server has chosen.
const MAX_TEXT: usize = 200;

/// The most that a rootDSE or a user has of attributes that were asked for, and each of values.
const MAX_ATTRIBUTES: usize = 16;
const MAX_VALUES: usize = 64;

/// RFC 4513 5.2.1.2, MS-ADTS 5.1.1.1: SASL by SPNEGO, whose context then protects what follows.
const MECHANISM: &str = "GSS-SPNEGO";

/// `resultCode` (RFC 4511 4.1.9).
pub const SUCCESS: u32 = 0;
/// There is more than was asked for.
pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// The bind goes on.
pub const SASL_BIND_IN_PROGRESS: u32 = 14;

/// What entries must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// The attribute, with any value.
    Present(&'a str),
    /// The attribute with this value.
    Equal(&'a str, &'a str),
    /// All of these.
    All(Vec<Filter<'a>>),
    /// One of these.
    Any(Vec<Filter<'a>>),
}

/// How far below its base a search looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base itself.
    Base = 0,
    /// What is right below the base.
    OneLevel = 1,
    /// The base and everything below.
    Subtree = 2,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// The entry that the search begins at.
    pub base: &'a str,
    /// How far below it the search goes.
    pub scope: Scope,
    /// What the entries must have.
    pub filter: Filter<'a>,
    /// The attributes that are asked for.
    pub attributes: &'a [&'a str],
}

/// A message of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of the request that it answers; 0 when the server speaks unasked.
    pub id: u32,
    /// What it says.
    pub reply: Reply,
}

/// What a message of the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The answer to a bind.
    Bind {
        /// How it went.
        outcome: Outcome,
        /// The token of SASL for the client.
        credentials: Option<Vec<u8>>,
    },
    /// One entry that was found.
    Entry(Entry),
    /// The end of a search.
    Done(Outcome),
    /// Anything else: references to other servers, which are not followed, or the notice that this one ends.
    Other,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The `resultCode`.
    pub code: u32,
    /// The server's words, printable and bounded.
    pub text: String,
}

/// An entry with the attributes that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry(Vec<(String, Vec<String>)>);

impl Entry {
    /// Returns the first value of an attribute, the names of which ignore case. Values that are no UTF-8 do not exist.
    pub fn first(&self, attribute: &str) -> Option<&str> {
        let named = |name: &str| name.eq_ignore_ascii_case(attribute);
        let (_, values) = self.0.iter().find(|(name, _)| named(name))?;
        values.first().map(String::as_str)
    }
}

/// Makes a bind with a Negotiate token.
pub fn bind(id: u32, token: &[u8]) -> Vec<u8> {
    let credentials = encode::sequence_as(
        Tag::CTX_3,
        (text(MECHANISM), OctetString::encode_slice(token)),
    );
    request(
        id,
        encode::sequence_as(Tag::application(0), (3_u32.encode(), text(""), credentials)),
    )
}

/// Makes a search for at most `size_limit` entries within `seconds`.
pub fn search(id: u32, search: &Search<'_>, size_limit: u32, seconds: u32) -> Vec<u8> {
    const NEVER_DEREFERENCE: u32 = 0;
    let attributes = encode::sequence(encode::slice(search.attributes, |name: &&str| {
        OctetString::encode_slice((*name).to_owned())
    }));
    let fields = (
        text(search.base),
        (search.scope as u32).encode_as(Tag::ENUMERATED),
        NEVER_DEREFERENCE.encode_as(Tag::ENUMERATED),
        size_limit.encode(),
        seconds.encode(),
        false.encode(),
        &search.filter,
        attributes,
    );
    request(id, encode::sequence_as(Tag::application(3), fields))
}

/// Makes the notice that the connection ends.
pub fn unbind(id: u32) -> Vec<u8> {
    request(id, ().encode_as(Tag::application(2)))
}

/// Returns how long the message at the start of `bytes` is with its header, or `None` while that is not known.
///
/// # Errors
///
/// What stands there is no message, or is longer than [`MAX_MESSAGE`].
pub fn length(bytes: &[u8]) -> Result<Option<usize>, String> {
    const SEQUENCE: u8 = 0x30;
    let [tag, first, rest @ ..] = bytes else {
        return Ok(None);
    };
    if *tag != SEQUENCE {
        return Err("it does not speak LDAP".to_owned());
    }
    // Windows writes every length in four bytes; RFC 4511 5.1 leaves no other form than these.
    let (header, content) = match usize::from(*first) {
        short @ 0..=0x7f => (2, short),
        long @ 0x81..=0x84 => {
            let count = long - 0x80;
            let Some(bytes) = rest.get(..count) else {
                return Ok(None);
            };
            let length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            (2 + count, usize::try_from(length).unwrap_or(usize::MAX))
        }
        _ => return Err("it does not speak LDAP".to_owned()),
    };
    if content > MAX_MESSAGE {
        return Err(format!("it sends a message of {content} bytes"));
    }
    Ok(Some(header + content))
}

/// Reads one whole message.
pub fn parse(bytes: &[u8]) -> Result<Message, String> {
    Mode::Ber
        .decode(bytes, |all| {
            all.take_sequence(|message| {
                let id = message.take_u32()?;
                let reply = message.take_constructed(reply)?;
                // Controls, none of which was asked for.
                message.skip_all()?;
                Ok(Message { id, reply })
            })
        })
        .map_err(|error| format!("it sends a message that cannot be read: {error}"))
}

fn reply<S: Source>(
    tag: Tag,
    content: &mut Constructed<'_, S>,
) -> Result<Reply, DecodeError<S::Error>> {
    let reply = if tag == Tag::application(1) {
        let outcome = outcome(content)?;
        content.take_opt_constructed_if(Tag::CTX_3, skip)?;
        let credentials = content.take_opt_primitive_if(Tag::ctx(7), bytes)?;
        Reply::Bind {
            outcome,
            credentials,
        }
    } else if tag == Tag::application(4) {
        octets(content)?;
        Reply::Entry(entry(content)?)
    } else if tag == Tag::application(5) {
        Reply::Done(outcome(content)?)
    } else {
        Reply::Other
    };
    content.skip_all()?;
    Ok(reply)
}

fn outcome<S: Source>(content: &mut Constructed<'_, S>) -> Result<Outcome, DecodeError<S::Error>> {
    let code = content.take_primitive_if(Tag::ENUMERATED, number)?;
    octets(content)?;
    let text = printable(&String::from_utf8_lossy(&octets(content)?), MAX_TEXT);
    Ok(Outcome { code, text })
}

fn entry<S: Source>(content: &mut Constructed<'_, S>) -> Result<Entry, DecodeError<S::Error>> {
    content.take_sequence(|list| {
        let mut entry = Entry::default();
        while let Some(attribute) = list.take_opt_sequence(attribute)? {
            if entry.0.len() == MAX_ATTRIBUTES {
                return Err(list.content_err("more attributes than were asked for"));
            }
            entry.0.push(attribute);
        }
        Ok(entry)
    })
}

fn attribute<S: Source>(
    content: &mut Constructed<'_, S>,
) -> Result<(String, Vec<String>), DecodeError<S::Error>> {
    let name = octets(content)?;
    let values = content.take_set(|set| {
        let mut values = Vec::new();
        while let Some(value) = set.take_opt_primitive_if(Tag::OCTET_STRING, bytes)? {
            if values.len() == MAX_VALUES {
                return Err(set.content_err("more values than anybody has"));
            }
            values.extend(String::from_utf8(value));
        }
        Ok(values)
    })?;
    Ok((String::from_utf8_lossy(&name).into_owned(), values))
}

/// LDAP writes octet strings in one piece (RFC 4511 5.1).
fn octets<S: Source>(content: &mut Constructed<'_, S>) -> Result<Vec<u8>, DecodeError<S::Error>> {
    content.take_primitive_if(Tag::OCTET_STRING, bytes)
}

fn bytes<S: Source>(octets: &mut Primitive<'_, S>) -> Result<Vec<u8>, DecodeError<S::Error>> {
    Ok(octets.take_all()?.to_vec())
}

fn number<S: Source>(content: &mut Primitive<'_, S>) -> Result<u32, DecodeError<S::Error>> {
    content.to_u32()
}

fn skip<S: Source>(content: &mut Constructed<'_, S>) -> Result<(), DecodeError<S::Error>> {
    content.skip_all()
}

fn request(id: u32, operation: impl Values) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::sequence((id.encode(), operation))
        .write_encoded(Mode::Der, &mut bytes)
        .expect("a vector takes every byte");
    bytes
}

fn text(text: &str) -> impl Values {
    OctetString::encode_slice(text.to_owned())
}

impl Values for Filter<'_> {
    fn encoded_len(&self, mode: Mode) -> usize {
        match self {
            Filter::Present(name) => name.as_bytes().encode_as(Tag::ctx(7)).encoded_len(mode),
            Filter::Equal(name, value) => equal(name, value).encoded_len(mode),
            Filter::All(filters) => several(Tag::CTX_0, filters).encoded_len(mode),
            Filter::Any(filters) => several(Tag::CTX_1, filters).encoded_len(mode),
        }
    }

    fn write_encoded<W: std::io::Write>(&self, mode: Mode, out: &mut W) -> std::io::Result<()> {
        match self {
            Filter::Present(name) => name
                .as_bytes()
                .encode_as(Tag::ctx(7))
                .write_encoded(mode, out),
            Filter::Equal(name, value) => equal(name, value).write_encoded(mode, out),
            Filter::All(filters) => several(Tag::CTX_0, filters).write_encoded(mode, out),
            Filter::Any(filters) => several(Tag::CTX_1, filters).write_encoded(mode, out),
        }
    }
}

fn equal(name: &str, value: &str) -> impl Values {
    encode::sequence_as(Tag::CTX_3, (text(name), text(value)))
}

fn several<'a>(tag: Tag, filters: &'a [Filter<'a>]) -> impl Values + 'a {
    encode::sequence_as(tag, encode::iter(filters.iter()))
}

#[cfg(test)]
mod tests;
