//! A Java trust store: the one format that every JDK reads and that is simple to write.
//!
//! Layout as in `sun.security.provider.JavaKeyStore`: big endian, certificates only, and a SHA-1
//! over the password, a constant and everything before it.

use ring::digest;

/// The password of the store, which protects nothing.
pub(crate) const PASSWORD: &str = "changeit";

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
const TRUSTED_CERTIFICATE: u32 = 2;

/// Returns a store that trusts these certificates.
pub(crate) fn trust_store(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut store = Vec::new();
    store.extend(MAGIC.to_be_bytes());
    store.extend(VERSION.to_be_bytes());
    store.extend(length(certificates.len()));
    for (index, certificate) in certificates.iter().enumerate() {
        store.extend(TRUSTED_CERTIFICATE.to_be_bytes());
        utf(&mut store, &format!("silentry-lab-{index}"));
        // When the entry was made, in milliseconds; no one looks.
        store.extend(0_u64.to_be_bytes());
        utf(&mut store, "X.509");
        store.extend(length(certificate.len()));
        store.extend(certificate);
    }
    let mut protected: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    protected.extend(b"Mighty Aphrodite");
    protected.extend(&store);
    store.extend(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &protected).as_ref());
    store
}

fn utf(store: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names in a trust store are short");
    store.extend(length.to_be_bytes());
    store.extend(text.as_bytes());
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length)
        .expect("a trust store is small")
        .to_be_bytes()
}
