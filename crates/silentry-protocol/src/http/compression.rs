//! Bodies that are compressed although nobody asked.

/// Returns how bytes are compressed, as `Content-Encoding` names it (RFC 9110, 8.4.1; RFC 8878), where they tell.
pub fn of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x1F, 0x8B, ..] => Some("gzip"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some("zstd"),
        _ => None,
    }
}
