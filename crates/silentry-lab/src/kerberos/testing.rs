//! A client for tests, which can be made to lie: every message may be changed before it is sealed.

use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3,
    ExplicitContextTag4, ExplicitContextTag5, Optional,
};
use picky_krb::data_types::{Authenticator, AuthenticatorInner, Checksum, EncryptedData, Ticket};
use picky_krb::messages::{ApReq, ApReqInner};

use super::ccache::Credential;
use super::wire;

/// An authenticator of the credential's client, without a checksum.
pub(crate) fn authenticator(credential: &Credential, now: i64) -> AuthenticatorInner {
    let client = &credential.client;
    AuthenticatorInner {
        authenticator_vno: ExplicitContextTag0::from(wire::integer(5)),
        crealm: ExplicitContextTag1::from(wire::string(client.realm())),
        cname: ExplicitContextTag2::from(wire::name(client)),
        cksum: Optional::from(None),
        cusec: ExplicitContextTag4::from(wire::integer(123_456)),
        ctime: ExplicitContextTag5::from(wire::time(now)),
        subkey: Optional::from(None),
        seq_number: Optional::from(None),
        authorization_data: Optional::from(None),
    }
}

pub(crate) fn checksum(kind: i32, value: impl Into<Vec<u8>>) -> ExplicitContextTag3<Checksum> {
    ExplicitContextTag3::from(Checksum {
        cksumtype: ExplicitContextTag0::from(wire::integer(kind)),
        checksum: ExplicitContextTag1::from(wire::octets(value)),
    })
}

/// The AP-REQ with this authenticator.
pub(crate) fn ap_req(
    credential: &Credential,
    usage: i32,
    options: u32,
    authenticator: AuthenticatorInner,
) -> Vec<u8> {
    let plain = wire::encode(&Authenticator::from(authenticator));
    let sealed = wire::seal(&credential.key, None, usage, &plain);
    sealed_ap_req(&credential.ticket, options, sealed)
}

/// The AP-REQ with these ciphertexts.
pub(crate) fn sealed_ap_req(ticket: &[u8], options: u32, sealed: EncryptedData) -> Vec<u8> {
    wire::encode(&ApReq::from(ApReqInner {
        pvno: ExplicitContextTag0::from(wire::integer(5)),
        msg_type: ExplicitContextTag1::from(wire::integer(14)),
        ap_options: ExplicitContextTag2::from(wire::flags(options)),
        ticket: ExplicitContextTag3::from(wire::decode::<Ticket>(ticket).unwrap()),
        authenticator: ExplicitContextTag4::from(sealed),
    }))
}
