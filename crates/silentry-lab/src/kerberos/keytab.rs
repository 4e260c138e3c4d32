//! Keytabs: the long-term keys of a service, in MIT's file format 0x0502, which every other
//! implementation reads.
//!
//! The format: <https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html>.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use thiserror::Error;

use super::records::{Records, put_counted16, text};
use super::{Etype, Key, Principal, private_file, wire};

const VERSION: [u8; 2] = [5, 2];

/// No real principal has more; it bounds what a parser takes from a length field.
const MAX_COMPONENTS: u16 = 32;

/// The keys of one or more service principals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keytab {
    entries: Vec<KeytabEntry>,
}

impl Keytab {
    /// Makes a keytab of these entries.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = KeytabEntry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }

    /// Reads a keytab's bytes. Deleted entries (holes) are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidKeytab`] if it is not version 0x0502 or an entry runs past its size.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKeytab> {
        let mut records = Records::new(bytes);
        if records.array() != Some(VERSION) {
            return Err(InvalidKeytab);
        }
        let mut entries = Vec::new();
        while !records.is_empty() {
            let size = records.i32().ok_or(InvalidKeytab)?;
            let length = usize::try_from(size.unsigned_abs()).map_err(|_| InvalidKeytab)?;
            // MIT may leave a hole at the end that is longer than the file.
            let Some(record) = records.bytes(length) else {
                return if size < 0 {
                    Ok(Self { entries })
                } else {
                    Err(InvalidKeytab)
                };
            };
            if size > 0 {
                entries.push(KeytabEntry::parse(record).ok_or(InvalidKeytab)?);
            }
        }
        Ok(Self { entries })
    }

    /// Returns the keytab's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = VERSION.to_vec();
        for entry in &self.entries {
            let record = entry.to_record();
            let size = i32::try_from(record.len()).expect("an entry is far below 2 GiB");
            out.extend(size.to_be_bytes());
            out.extend(record);
        }
        out
    }

    /// Reads the keytab at `path`.
    ///
    /// # Errors
    ///
    /// The error of reading; [`io::ErrorKind::InvalidData`] for a file that is no keytab.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = silentry_files::read(path, silentry_files::MAX_BYTES)?;
        Self::parse(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Writes the keytab to `path`, for its owner alone.
    ///
    /// # Errors
    ///
    /// The error of writing.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        private_file::write(path, &self.to_bytes())
    }

    /// Returns the entries.
    #[must_use]
    pub fn entries(&self) -> &[KeytabEntry] {
        &self.entries
    }

    /// Returns this keytab with the entries of `other` after its own.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }
}

/// One key of one principal. Its encryption type may be one that the lab does not speak.
#[derive(Clone, PartialEq, Eq)]
pub struct KeytabEntry {
    principal: Principal,
    kvno: u32,
    written: u32,
    etype: u16,
    key: Vec<u8>,
}

impl KeytabEntry {
    /// Makes an entry for version `kvno` of `principal`'s key, written at `now`.
    #[must_use]
    pub fn new(principal: Principal, kvno: u32, key: &Key, now: SystemTime) -> Self {
        Self {
            principal,
            kvno,
            written: wire::file_time(wire::unix(now)),
            etype: u16::try_from(key.etype().number()).expect("17 and 18 fit 16 bits"),
            key: key.bytes().to_vec(),
        }
    }

    /// Returns the principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the key's version number.
    #[must_use]
    pub fn kvno(&self) -> u32 {
        self.kvno
    }

    /// Returns the key; none if its encryption type is one the lab does not speak.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Key::new(Etype::from_number(i32::from(self.etype))?, self.key.clone()).ok()
    }

    fn parse(record: &[u8]) -> Option<Self> {
        let mut fields = Records::new(record);
        let count = fields
            .u16()
            .filter(|count| (1..=MAX_COMPONENTS).contains(count))?;
        let realm = text(fields.counted16()?)?;
        let components = (0..count)
            .map(|_| text(fields.counted16()?))
            .collect::<Option<Vec<_>>>()?;
        let name_type = fields.i32()?;
        let written = fields.u32()?;
        let short_kvno = fields.u8()?;
        let etype = fields.u16()?;
        let key = fields.counted16()?.to_vec();
        // The 8-bit version number overflows; the 32-bit one, if there and not zero, takes its place.
        let kvno = fields
            .u32()
            .filter(|kvno| *kvno != 0)
            .unwrap_or_else(|| short_kvno.into());
        let principal = Principal::from_wire(name_type, components, realm);
        Some(Self {
            principal,
            kvno,
            written,
            etype,
            key,
        })
    }

    fn to_record(&self) -> Vec<u8> {
        let components = self.principal.components();
        let count = u16::try_from(components.len()).expect("a principal has few components");
        let mut out = count.to_be_bytes().to_vec();
        put_counted16(&mut out, self.principal.realm().as_bytes());
        for component in components {
            put_counted16(&mut out, component.as_bytes());
        }
        out.extend(self.principal.name_type().to_be_bytes());
        out.extend(self.written.to_be_bytes());
        let [.., short_kvno] = self.kvno.to_be_bytes();
        out.push(short_kvno);
        out.extend(self.etype.to_be_bytes());
        put_counted16(&mut out, &self.key);
        out.extend(self.kvno.to_be_bytes());
        out
    }
}

impl fmt::Debug for KeytabEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeytabEntry")
            .field("principal", &self.principal)
            .field("kvno", &self.kvno)
            .field("etype", &self.etype)
            .finish_non_exhaustive()
    }
}

/// Bytes that are no keytab of version 0x0502.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a keytab of version 0x0502")]
pub struct InvalidKeytab;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keytab() -> Keytab {
        let principal = Principal::parse("HTTP/sts.contoso.test@CONTOSO.TEST").unwrap();
        let entry = |kvno, etype| {
            KeytabEntry::new(
                principal.clone(),
                kvno,
                &Key::random(etype),
                SystemTime::now(),
            )
        };
        Keytab::new([entry(1, Etype::Aes256), entry(300, Etype::Aes128)])
    }

    #[test]
    fn reads_what_it_writes() {
        let keytab = keytab();
        let read = Keytab::parse(&keytab.to_bytes()).unwrap();
        assert_eq!(read, keytab);
        assert_eq!(read.entries()[1].kvno(), 300);
        assert_eq!(read.entries()[1].key().unwrap().etype(), Etype::Aes128);
        assert!(!format!("{read:?}").contains("key:"));
    }

    #[test]
    fn passes_over_holes_and_foreign_keys() {
        let keytab = keytab();
        let bytes = keytab.to_bytes();
        let mut holed = bytes[..2].to_vec();
        holed.extend((-6i32).to_be_bytes());
        holed.extend([0xff; 6]);
        holed.extend(&bytes[2..]);
        holed.extend((-50i32).to_be_bytes());
        assert_eq!(Keytab::parse(&holed), Ok(keytab.clone()));

        let mut foreign = keytab.entries[0].clone();
        foreign.etype = 23;
        let read = Keytab::parse(&Keytab::new([foreign.clone()]).to_bytes()).unwrap();
        assert_eq!(read.entries(), [foreign]);
        assert_eq!(read.entries()[0].key(), None);
    }

    #[test]
    fn refuses_what_is_cut_short() {
        let bytes = keytab().to_bytes();
        for end in [0, 1, 5, 20, bytes.len() - 1] {
            assert_eq!(
                Keytab::parse(&bytes[..end]),
                Err(InvalidKeytab),
                "{end} bytes"
            );
        }
        assert_eq!(Keytab::parse(&[5, 1]), Err(InvalidKeytab));
    }

    proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Keytab::parse(&bytes);
            bytes.splice(0..0, VERSION);
            let _ = Keytab::parse(&bytes);
        }

        #[test]
        fn never_panics_on_a_mutated_keytab(at in 0usize..120, byte: u8) {
            let mut bytes = keytab().to_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Keytab::parse(&bytes);
        }
    }
}
