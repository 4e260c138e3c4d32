use picky_krb::data_types::{AuthenticatorInner, AuthorizationData};

use super::{ChannelBinding, Refusal};
use crate::kerberos::crypto::md5;
use crate::kerberos::wire;

/// The bits of [`Accepted::flags`](super::Accepted::flags) (RFC 4121 4.1.1.1).
pub mod gss_flag {
    /// The client delegates its credentials.
    pub const DELEGATE: u32 = 0x01;
    /// The service is to prove itself too.
    pub const MUTUAL: u32 = 0x02;
    /// Messages are protected against replay.
    pub const REPLAY: u32 = 0x04;
    /// Messages are kept in order.
    pub const SEQUENCE: u32 = 0x08;
    /// Messages may be encrypted.
    pub const CONFIDENTIALITY: u32 = 0x10;
    /// Messages may be signed.
    pub const INTEGRITY: u32 = 0x20;

    /// Returns what the set bits are called; another bit is its number.
    pub(crate) fn names(flags: u32) -> Vec<String> {
        let name = |bit| match bit {
            DELEGATE => "delegate".to_owned(),
            MUTUAL => "mutual".to_owned(),
            REPLAY => "replay".to_owned(),
            SEQUENCE => "sequence".to_owned(),
            CONFIDENTIALITY => "confidentiality".to_owned(),
            INTEGRITY => "integrity".to_owned(),
            other => format!("{other:#x}"),
        };
        (0..u32::BITS)
            .map(|position| 1 << position)
            .filter(|bit| flags & bit != 0)
            .map(name)
            .collect()
    }
}

/// The checksum type that is no checksum (RFC 4121 4.1.1).
const GSS_CHECKSUM: i32 = 0x8003;

const AD_IF_RELEVANT: i32 = 1;
/// AD-AUTH-DATA-AP-OPTIONS and its one bit, KERB_AP_OPTIONS_CBT ([MS-KILE] 2.2.5, 3.2.5.8).
const AD_AP_OPTIONS: i32 = 143;
const AP_OPTIONS_CBT: u32 = 0x4000;

/// What the initiator says about the context it wants.
pub(super) struct GssChecksum {
    pub(super) flags: u32,
    pub(super) delegated: bool,
    /// The hash of the channel's bindings; none if it is zero (RFC 4121 4.1.1.2).
    binding: Option<[u8; 16]>,
    /// Whether the client marks itself as one that binds.
    binds: bool,
}

impl GssChecksum {
    /// Reads Lgth, Bnd, Flags and whether a KRB-CRED follows.
    pub(super) fn parse(authenticator: &AuthenticatorInner) -> Result<Self, Refusal> {
        let checksum = authenticator.cksum.0.as_ref().ok_or(Refusal::BadChecksum)?;
        if wire::number32(&checksum.0.cksumtype.0)? != GSS_CHECKSUM {
            return Err(Refusal::BadChecksum);
        }
        let bytes = checksum.0.checksum.0.0.as_slice();
        let (length, rest) = bytes.split_first_chunk().ok_or(Refusal::BadChecksum)?;
        let (binding, rest) = rest.split_first_chunk::<16>().ok_or(Refusal::BadChecksum)?;
        let (flags, rest) = rest.split_first_chunk().ok_or(Refusal::BadChecksum)?;
        if u32::from_le_bytes(*length) != 16 {
            return Err(Refusal::BadChecksum);
        }
        let flags = u32::from_le_bytes(*flags);
        Ok(Self {
            flags,
            delegated: flags & gss_flag::DELEGATE != 0 && !rest.is_empty(),
            binding: Some(*binding).filter(|binding| *binding != [0; 16]),
            binds: says_it_binds(authenticator)?,
        })
    }

    /// Returns the hash of the client's bindings in hexadecimal digits.
    pub(super) fn binding_hex(&self) -> Option<String> {
        let bytes = self.binding?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Compares the client's binding with that of the connection.
    ///
    /// A client that marks itself as one that binds has no excuse for not doing so (MIT since 1.19,
    /// Windows since the updates for Extended Protection).
    pub(super) fn check_binding(&self, data: Option<&[u8]>) -> Result<ChannelBinding, Refusal> {
        match (self.binding, data) {
            (None, Some(_)) if self.binds => Err(Refusal::MissingChannelBinding),
            (None, _) => Ok(ChannelBinding::Absent),
            (Some(_), None) => Ok(ChannelBinding::Unchecked),
            (Some(binding), Some(data)) if binding == hash(data) => Ok(ChannelBinding::Matched),
            (Some(_), Some(_)) => Err(Refusal::WrongChannelBinding),
        }
    }
}

/// RFC 4121 4.1.1.2: MD5 over the fields of `gss_channel_bindings_struct` with little-endian lengths:
/// both address types are 0 (GSS_C_AF_UNSPEC), both addresses empty, then the application data.
fn hash(data: &[u8]) -> [u8; 16] {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![0; 16];
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    md5(&bytes)
}

/// Looks for the mark at the top of the authorization data, and inside AD-IF-RELEVANT, where it
/// belongs.
fn says_it_binds(authenticator: &AuthenticatorInner) -> Result<bool, Refusal> {
    let Some(data) = &authenticator.authorization_data.0 else {
        return Ok(false);
    };
    for element in &data.0.0 {
        let content = &element.ad_data.0.0;
        match wire::number32(&element.ad_type.0)? {
            AD_AP_OPTIONS if is_mark(content) => return Ok(true),
            AD_IF_RELEVANT => {
                for element in &wire::decode::<AuthorizationData>(content)?.0 {
                    let kind = wire::number32(&element.ad_type.0)?;
                    if kind == AD_AP_OPTIONS && is_mark(&element.ad_data.0.0) {
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

fn is_mark(options: &[u8]) -> bool {
    <[u8; 4]>::try_from(options)
        .is_ok_and(|options| u32::from_le_bytes(options) & AP_OPTIONS_CBT != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(binding: Option<[u8; 16]>, binds: bool) -> GssChecksum {
        GssChecksum {
            flags: 0,
            delegated: false,
            binding,
            binds,
        }
    }

    #[test]
    fn compares_bindings() {
        let data = b"tls-server-end-point:0123";
        let other = b"tls-server-end-point:0124";
        let bound = checksum(Some(hash(data)), true);
        assert_eq!(bound.check_binding(Some(data)), Ok(ChannelBinding::Matched));
        assert_eq!(
            bound.check_binding(Some(other)),
            Err(Refusal::WrongChannelBinding)
        );
        assert_eq!(bound.check_binding(None), Ok(ChannelBinding::Unchecked));

        let unbound = checksum(None, false);
        assert_eq!(
            unbound.check_binding(Some(data)),
            Ok(ChannelBinding::Absent)
        );
        assert_eq!(unbound.check_binding(None), Ok(ChannelBinding::Absent));
        let forgot = checksum(None, true);
        assert_eq!(
            forgot.check_binding(Some(data)),
            Err(Refusal::MissingChannelBinding)
        );
        assert_eq!(forgot.check_binding(None), Ok(ChannelBinding::Absent));
    }

    #[test]
    fn names_the_flags() {
        let names = gss_flag::names(gss_flag::DELEGATE | gss_flag::INTEGRITY | 0x1000);
        assert_eq!(names, ["delegate", "integrity", "0x1000"]);
    }

    #[test]
    fn knows_the_mark_by_its_bit() {
        assert!(is_mark(&[0, 0x40, 0, 0]));
        assert!(!is_mark(&[0x40, 0]));
        assert!(!is_mark(&[0, 0, 0x40, 0]));
    }
}
