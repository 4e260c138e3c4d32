//! The object identifiers and flags of the GSSAPI that this crate speaks.

/// How the tokens are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// RFC 4178: what goes on the wire.
    Spnego,
    /// RFC 4121: asked only for the reason of a failure, which SPNEGO hides.
    Kerberos,
}

impl Mechanism {
    /// Returns the content bytes of the mechanism's OID.
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            // 1.3.6.1.5.5.2
            Mechanism::Spnego => b"\x2b\x06\x01\x05\x05\x02",
            // 1.2.840.113554.1.2.2
            Mechanism::Kerberos => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
        }
    }
}

/// How a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameType {
    /// `GSS_KRB5_NT_PRINCIPAL_NAME` (RFC 1964, 2.1.1): `service/host@REALM`.
    Principal,
    /// `GSS_C_NT_HOSTBASED_SERVICE` (RFC 2743, 4.1): `service@host`. Never for MIT Kerberos, which lets DNS choose
    /// another host for it.
    HostBased,
    /// MIT's `gss_nt_krb5_principal`: `service/host` without a realm, as a service instance (RFC 4120, 6.2).
    Instance,
}

impl NameType {
    /// Returns the content bytes of the name type's OID.
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            // 1.2.840.113554.1.2.2.1
            NameType::Principal => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01",
            // 1.2.840.113554.1.2.1.4
            NameType::HostBased => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04",
            // 1.2.840.113554.1.2.2.2
            NameType::Instance => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02",
        }
    }
}

/// `GSS_C_MUTUAL_FLAG` (RFC 2744, appendix A): the server proves that it could read the ticket.
pub(super) const MUTUAL: u32 = 0x2;

/// `GSS_C_REPLAY_FLAG` and `GSS_C_SEQUENCE_FLAG`, as browsers and SSPI ask for with HTTP.
/// `GSS_C_DELEG_FLAG` and `GSS_C_DELEG_POLICY_FLAG` are never set: the ticket-granting ticket stays here.
pub(super) const REPLAY_AND_SEQUENCE: u32 = 0x4 | 0x8;

/// `GSS_C_CONF_FLAG`: messages can be sealed. Asked for, like [`INTEGRITY`], for message protection alone.
pub(super) const CONFIDENTIALITY: u32 = 0x10;

/// `GSS_C_INTEG_FLAG`: messages can be signed.
pub(super) const INTEGRITY: u32 = 0x20;

/// `GSS_C_CHANNEL_BOUND_FLAG`: tells the server, in the authenticator, that this client always binds
/// (`KERB_AP_OPTIONS_CBT`, MS-KILE 3.2.5.8), as Windows clients do. MIT Kerberos heeds it from 1.22; before,
/// and in Heimdal 7, it is ignored, and the binding by itself is checked all the same.
pub(super) const CHANNEL_BOUND: u32 = 0x800;
