//! GUIDs and other random values.

use crate::error::{Code, Error, Stage};

/// Returns a new random GUID (RFC 9562 version 4), lower case with hyphens.
pub(crate) fn guid() -> Result<String, Error> {
    Ok(silentry_protocol::guid::version_4(bytes::<16>()?))
}

/// Returns 256 random bits in the letters that URLs and RFC 7636 allow.
#[cfg(feature = "interactive")]
pub(crate) fn token() -> Result<String, Error> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            Code::RandomNotAvailable,
            Stage::Request,
            format!("no random numbers: {error}"),
        )
    })?;
    Ok(bytes)
}

/// Returns a number between `-most` and `most`; without a source of randomness it is 0, as nothing secret hangs on it.
pub(crate) fn around_zero(most: u16) -> i64 {
    let mut bytes = [0u8; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => i64::from(u16::from_ne_bytes(bytes) % (2 * most + 1)) - i64::from(most),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_differ() {
        assert_ne!(guid().unwrap(), guid().unwrap());
    }
}
