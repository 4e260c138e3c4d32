//! Credential caches: a user's tickets, in version 4 of MIT's FILE format, which Heimdal and the JDK
//! read too.
//!
//! The format: <https://web.mit.edu/kerberos/krb5-latest/doc/formats/ccache_file_format.html>.

use std::fmt;
use std::io;
use std::path::Path;

use thiserror::Error;

use super::records::{Records, put_counted32, text};
use super::{Etype, Key, Principal, private_file, wire};

const VERSION: [u8; 2] = [5, 4];

/// Bounds what a parser takes from a count field.
const MAX_COMPONENTS: u32 = 32;

/// Addresses and authorization data that are skipped; none of the lab's tickets has any.
const MAX_SKIPPED: u32 = 64;

/// The tickets of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ccache {
    principal: Principal,
    credentials: Vec<Credential>,
}

impl Ccache {
    /// Makes a cache for `principal` that holds `credentials`.
    #[must_use]
    pub fn new(principal: Principal, credentials: impl IntoIterator<Item = Credential>) -> Self {
        Self {
            principal,
            credentials: credentials.into_iter().collect(),
        }
    }

    /// Reads the bytes of a cache. What MIT notes for itself (`X-CACHECONF:`) is read as credentials
    /// whose key is of no known type, and left out.
    ///
    /// # Errors
    ///
    /// [`InvalidCcache`] if it is not version 4 or ends inside a record.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidCcache> {
        let mut records = Records::new(bytes);
        if records.array() != Some(VERSION) {
            return Err(InvalidCcache);
        }
        let mut read = || {
            records.counted16()?;
            let principal = parse_principal(&mut records)?;
            let mut credentials = Vec::new();
            while !records.is_empty() {
                credentials.extend(Credential::parse(&mut records)?);
            }
            Some(Self {
                principal,
                credentials,
            })
        };
        read().ok_or(InvalidCcache)
    }

    /// Returns the cache's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = VERSION.to_vec();
        // The header may hold the KDC's time offset; without it MIT takes the system's time.
        out.extend(0u16.to_be_bytes());
        put_principal(&mut out, &self.principal);
        for credential in &self.credentials {
            credential.put(&mut out);
        }
        out
    }

    /// Reads the cache at `path`.
    ///
    /// # Errors
    ///
    /// The error of reading; [`io::ErrorKind::InvalidData`] for a file that is no cache.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = silentry_files::read(path, silentry_files::MAX_BYTES)?;
        Self::parse(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Writes the cache to `path`, for its owner alone; `FILE:` and the path is its name.
    ///
    /// # Errors
    ///
    /// The error of writing.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        private_file::write(path, &self.to_bytes())
    }

    /// Returns the user.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the tickets, the ticket-granting one first if the lab wrote the cache.
    #[must_use]
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }
}

/// A ticket and the session key that goes with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub(crate) client: Principal,
    pub(crate) server: Principal,
    pub(crate) key: Key,
    /// Seconds since 1970, like the other times.
    pub(crate) auth_time: i64,
    pub(crate) start_time: i64,
    pub(crate) end_time: i64,
    pub(crate) flags: u32,
    /// The ticket's DER.
    pub(crate) ticket: Vec<u8>,
}

impl Credential {
    /// Returns whom the ticket is for.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.client
    }

    /// Returns the service that accepts it.
    #[must_use]
    pub fn server(&self) -> &Principal {
        &self.server
    }

    /// Returns the session key's encryption type.
    #[must_use]
    pub fn etype(&self) -> Etype {
        self.key.etype()
    }

    /// Returns when the ticket ends, in seconds since 1970.
    #[must_use]
    pub fn end_time(&self) -> i64 {
        self.end_time
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_principal(out, &self.client);
        put_principal(out, &self.server);
        let etype = u16::try_from(self.key.etype().number()).expect("17 and 18 fit 16 bits");
        out.extend(etype.to_be_bytes());
        put_counted32(out, self.key.bytes());
        let never_renewed = 0;
        for time in [
            self.auth_time,
            self.start_time,
            self.end_time,
            never_renewed,
        ] {
            out.extend(wire::file_time(time).to_be_bytes());
        }
        let in_a_session_key = 0;
        out.push(in_a_session_key);
        out.extend(self.flags.to_be_bytes());
        let (addresses, authorization_data) = (0u32, 0u32);
        out.extend(addresses.to_be_bytes());
        out.extend(authorization_data.to_be_bytes());
        put_counted32(out, &self.ticket);
        let second_ticket = &[];
        put_counted32(out, second_ticket);
    }

    /// Reads a record whole; the inner `None` is one with a key the lab cannot use.
    fn parse(records: &mut Records<'_>) -> Option<Option<Self>> {
        let client = parse_principal(records)?;
        let server = parse_principal(records)?;
        let etype = records.u16()?;
        let key = records.counted32()?.to_vec();
        let [auth_time, start_time, end_time, _renew_till] = [
            records.u32()?,
            records.u32()?,
            records.u32()?,
            records.u32()?,
        ]
        .map(i64::from);
        let _in_a_session_key = records.u8()?;
        let flags = records.u32()?;
        for _addresses_then_authorization_data in 0..2 {
            let count = records.u32().filter(|count| *count <= MAX_SKIPPED)?;
            for _ in 0..count {
                records.u16()?;
                records.counted32()?;
            }
        }
        let ticket = records.counted32()?.to_vec();
        let _second_ticket = records.counted32()?;

        let key = Etype::from_number(etype.into()).and_then(|etype| Key::new(etype, key).ok());
        Some(key.map(|key| Self {
            client,
            server,
            key,
            auth_time,
            start_time,
            end_time,
            flags,
            ticket,
        }))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("client", &self.client)
            .field("server", &self.server)
            .field("end_time", &self.end_time)
            .finish_non_exhaustive()
    }
}

fn put_principal(out: &mut Vec<u8>, principal: &Principal) {
    let components = principal.components();
    let count = u32::try_from(components.len()).expect("a principal has few components");
    out.extend(principal.name_type().to_be_bytes());
    out.extend(count.to_be_bytes());
    put_counted32(out, principal.realm().as_bytes());
    for component in components {
        put_counted32(out, component.as_bytes());
    }
}

fn parse_principal(records: &mut Records<'_>) -> Option<Principal> {
    let name_type = records.i32()?;
    let count = records.u32().filter(|count| *count <= MAX_COMPONENTS)?;
    let realm = text(records.counted32()?)?;
    let components = (0..count)
        .map(|_| text(records.counted32()?))
        .collect::<Option<Vec<_>>>()?;
    Some(Principal::from_wire(name_type, components, realm))
}

/// Bytes that are no credential cache of version 4.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a credential cache of version 4")]
pub struct InvalidCcache;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ccache() -> Ccache {
        let client = Principal::parse("alice@CONTOSO.TEST").unwrap();
        let credential = |server: &str, etype| Credential {
            client: client.clone(),
            server: Principal::parse(server).unwrap(),
            key: Key::random(etype),
            auth_time: 1_900_000_000,
            start_time: 1_900_000_001,
            end_time: 1_900_036_000,
            flags: 0x0020_0000,
            ticket: vec![0x61; 300],
        };
        Ccache::new(
            client.clone(),
            [
                credential("krbtgt/CONTOSO.TEST@CONTOSO.TEST", Etype::Aes256),
                credential("HTTP/sts.contoso.test@CONTOSO.TEST", Etype::Aes128),
            ],
        )
    }

    #[test]
    fn reads_what_it_writes() {
        let ccache = ccache();
        assert_eq!(Ccache::parse(&ccache.to_bytes()), Ok(ccache.clone()));
        assert!(
            !format!("{ccache:?}").contains("97"),
            "the ticket is not shown"
        );
    }

    #[test]
    fn refuses_what_is_cut_short() {
        let bytes = ccache().to_bytes();
        for end in [0, 1, 3, 10, bytes.len() - 1] {
            assert_eq!(
                Ccache::parse(&bytes[..end]),
                Err(InvalidCcache),
                "{end} bytes"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Ccache::parse(&bytes);
            bytes.splice(0..0, [5, 4, 0, 0]);
            let _ = Ccache::parse(&bytes);
        }

        #[test]
        fn never_panics_on_a_mutated_cache(at in 0usize..1000, byte: u8) {
            let mut bytes = ccache().to_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Ccache::parse(&bytes);
        }
    }
}
