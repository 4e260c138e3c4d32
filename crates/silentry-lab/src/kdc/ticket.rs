use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag6,
    ExplicitContextTag7, ExplicitContextTag9, ExplicitContextTag10, IntegerAsn1, Optional,
};
use picky_krb::data_types::{
    EncTicketPart, EncTicketPartInner, LastReq, LastReqInner, PaData, Ticket, TicketInner,
    TransitedEncoding,
};
use picky_krb::messages::{AsRep, EncAsRepPart, EncKdcRepPart, EncTgsRepPart, KdcRep, TgsRep};

use crate::kerberos::ccache::Credential;
use crate::kerberos::crypto::usage;
use crate::kerberos::{Etype, Key, Principal, wire};

/// The version number of every key in the lab: none is ever changed.
pub(super) const KVNO: u32 = 1;

/// What a ticket will say.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) client: &'a Principal,
    pub(super) service: &'a Principal,
    pub(super) service_key: &'a Key,
    pub(super) session_etype: Etype,
    pub(super) flags: u32,
    pub(super) auth_time: i64,
    pub(super) start_time: i64,
    pub(super) end_time: i64,
}

/// A ticket, and what its owner must know besides.
pub(super) struct Issued<'a> {
    grant: Grant<'a>,
    session_key: Key,
    ticket: Ticket,
}

/// The key that the client opens its reply with.
pub(super) struct ReplyKey<'a> {
    pub(super) key: &'a Key,
    pub(super) usage: i32,
}

impl<'a> Grant<'a> {
    /// Makes the ticket: EncTicketPart of RFC 4120 5.3, without addresses (as Active Directory), and
    /// without a PAC.
    pub(super) fn issue(self) -> Issued<'a> {
        let session_key = Key::random(self.session_etype);
        // No other realm is ever transited: trust is direct.
        let transited = TransitedEncoding {
            tr_type: ExplicitContextTag0::from(wire::integer(1)),
            contents: ExplicitContextTag1::from(wire::octets([])),
        };
        let part = EncTicketPart::from(EncTicketPartInner {
            flags: ExplicitContextTag0::from(wire::flags(self.flags)),
            key: ExplicitContextTag1::from(wire::encryption_key(&session_key)),
            crealm: ExplicitContextTag2::from(wire::string(self.client.realm())),
            cname: ExplicitContextTag3::from(wire::name(self.client)),
            transited: ExplicitContextTag4::from(transited),
            auth_time: ExplicitContextTag5::from(wire::time(self.auth_time)),
            starttime: Optional::from(Some(ExplicitContextTag6::from(wire::time(self.start_time)))),
            endtime: ExplicitContextTag7::from(wire::time(self.end_time)),
            renew_till: Optional::from(None),
            caddr: Optional::from(None),
            authorization_data: Optional::from(None),
        });
        let sealed = wire::seal(
            self.service_key,
            Some(KVNO),
            usage::TICKET,
            &wire::encode(&part),
        );
        let ticket = Ticket::from(TicketInner {
            tkt_vno: ExplicitContextTag0::from(wire::integer(5)),
            realm: ExplicitContextTag1::from(wire::string(self.service.realm())),
            sname: ExplicitContextTag2::from(wire::name(self.service)),
            enc_part: ExplicitContextTag3::from(sealed),
        });
        Issued {
            grant: self,
            session_key,
            ticket,
        }
    }
}

impl Issued<'_> {
    /// The ticket as a credential cache holds it.
    pub(super) fn credential(&self) -> Credential {
        Credential {
            client: self.grant.client.clone(),
            server: self.grant.service.clone(),
            key: self.session_key.clone(),
            auth_time: self.grant.auth_time,
            start_time: self.grant.start_time,
            end_time: self.grant.end_time,
            flags: self.grant.flags,
            ticket: wire::encode(&self.ticket),
        }
    }

    /// The AS-REP to a request with this nonce.
    pub(super) fn as_reply(
        &self,
        nonce: &IntegerAsn1,
        padata: Vec<PaData>,
        reply: &ReplyKey<'_>,
    ) -> Vec<u8> {
        let part = EncAsRepPart::from(self.reply_part(nonce));
        wire::encode(&AsRep::from(self.reply(
            11,
            padata,
            reply,
            &wire::encode(&part),
        )))
    }

    /// The TGS-REP to a request with this nonce.
    pub(super) fn tgs_reply(&self, nonce: &IntegerAsn1, reply: &ReplyKey<'_>) -> Vec<u8> {
        let part = EncTgsRepPart::from(self.reply_part(nonce));
        wire::encode(&TgsRep::from(self.reply(
            13,
            Vec::new(),
            reply,
            &wire::encode(&part),
        )))
    }

    /// EncKDCRepPart (RFC 4120 5.4.2).
    fn reply_part(&self, nonce: &IntegerAsn1) -> EncKdcRepPart {
        let grant = &self.grant;
        // The field is mandatory; type 0 says that it conveys nothing.
        let last_req = LastReq::from(vec![LastReqInner {
            lr_type: ExplicitContextTag0::from(wire::integer(0)),
            lr_value: ExplicitContextTag1::from(wire::time(grant.start_time)),
        }]);
        EncKdcRepPart {
            key: ExplicitContextTag0::from(wire::encryption_key(&self.session_key)),
            last_req: ExplicitContextTag1::from(last_req),
            nonce: ExplicitContextTag2::from(nonce.clone()),
            key_expiration: Optional::from(None),
            flags: ExplicitContextTag4::from(wire::flags(grant.flags)),
            auth_time: ExplicitContextTag5::from(wire::time(grant.auth_time)),
            start_time: Optional::from(Some(ExplicitContextTag6::from(wire::time(
                grant.start_time,
            )))),
            end_time: ExplicitContextTag7::from(wire::time(grant.end_time)),
            renew_till: Optional::from(None),
            srealm: ExplicitContextTag9::from(wire::string(grant.service.realm())),
            sname: ExplicitContextTag10::from(wire::name(grant.service)),
            caddr: Optional::from(None),
            encrypted_pa_data: Optional::from(None),
        }
    }

    /// KDC-REP (RFC 4120 5.4.2).
    fn reply(&self, kind: u8, padata: Vec<PaData>, reply: &ReplyKey<'_>, part: &[u8]) -> KdcRep {
        // "padata: NOTE: not empty"
        let padata = Some(padata).filter(|padata| !padata.is_empty());
        KdcRep {
            pvno: ExplicitContextTag0::from(wire::integer(5)),
            msg_type: ExplicitContextTag1::from(wire::integer(kind)),
            padata: Optional::from(
                padata.map(|padata| ExplicitContextTag2::from(Asn1SequenceOf::from(padata))),
            ),
            crealm: ExplicitContextTag3::from(wire::string(self.grant.client.realm())),
            cname: ExplicitContextTag4::from(wire::name(self.grant.client)),
            ticket: ExplicitContextTag5::from(self.ticket.clone()),
            enc_part: ExplicitContextTag6::from(wire::seal(reply.key, None, reply.usage, part)),
        }
    }
}
