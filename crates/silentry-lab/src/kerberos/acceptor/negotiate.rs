use super::{Mechanism, Refusal};
use crate::kerberos::der::{
    ENUMERATED, OCTET_STRING, OID, Reader, SEQUENCE, application, context, element,
};

/// Contents of the mechanisms' object identifiers.
mod oid {
    /// 1.3.6.1.5.5.2
    pub(super) const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
    /// 1.2.840.113554.1.2.2
    pub(super) const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
    /// 1.2.840.48018.1.2.2, which Windows sends first: Kerberos with a bit lost in Windows 2000
    /// ([MS-SPNG] 3.1.5.2).
    pub(super) const MS_KERBEROS: &[u8] = b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02";
    /// 1.3.6.1.4.1.311.2.2.10
    pub(super) const NTLM: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
}

const NTLM_SIGNATURE: &[u8] = b"NTLMSSP\0";

/// The identifiers that stand before a message of Kerberos (RFC 4121 4.1).
const AP_REQ_ID: &[u8] = &[1, 0];
const AP_REP_ID: &[u8] = &[2, 0];

const ACCEPT_COMPLETED: u8 = 0;

/// A client's first token, taken apart.
pub(super) struct Token<'a> {
    /// The mechanism that SPNEGO's answer confirms; none if there is no SPNEGO.
    negotiated: Option<&'a [u8]>,
    /// The mechanism that the Kerberos token names.
    mechanism: &'a [u8],
    pub(super) ap_req: &'a [u8],
}

impl<'a> Token<'a> {
    pub(super) fn parse(token: &'a [u8]) -> Result<Self, Refusal> {
        if token.starts_with(NTLM_SIGNATURE) {
            return Err(Refusal::Ntlm);
        }
        if token.first() == Some(&context(1)) {
            return Err(Refusal::Continuation);
        }
        let (mechanism, content) = initial_token(token)?;
        if mechanism != oid::SPNEGO {
            return Self::kerberos(mechanism, content, None);
        }
        let (negotiated, token) = neg_token_init(content)?;
        if token.starts_with(NTLM_SIGNATURE) {
            return Err(Refusal::Ntlm);
        }
        let (mechanism, content) = initial_token(token)?;
        Self::kerberos(mechanism, content, Some(negotiated))
    }

    fn kerberos(
        mechanism: &'a [u8],
        content: &'a [u8],
        negotiated: Option<&'a [u8]>,
    ) -> Result<Self, Refusal> {
        if !is_kerberos(mechanism) {
            return Err(Refusal::NoKerberos);
        }
        let ap_req = content.strip_prefix(AP_REQ_ID).ok_or(Refusal::Malformed)?;
        Ok(Self {
            negotiated,
            mechanism,
            ap_req,
        })
    }

    pub(super) fn mechanism(&self) -> Mechanism {
        if self.negotiated.is_some() {
            Mechanism::Spnego
        } else {
            Mechanism::Kerberos
        }
    }

    /// The answer that ends the exchange, framed as the client framed its token.
    ///
    /// No mechListMIC: "if the accepted mechanism is the most preferred mechanism of both the initiator
    /// and the acceptor, then the MIC token exchange [...] is OPTIONAL" (RFC 4178 5).
    pub(super) fn reply(&self, ap_rep: Option<&[u8]>) -> Vec<u8> {
        let token = ap_rep.map(|ap_rep| {
            let content = [&element(OID, self.mechanism), AP_REP_ID, ap_rep].concat();
            element(application(0), &content)
        });
        let Some(negotiated) = self.negotiated else {
            return token.unwrap_or_default();
        };
        let mut fields = element(context(0), &element(ENUMERATED, &[ACCEPT_COMPLETED]));
        fields.extend(element(context(1), &element(OID, negotiated)));
        if let Some(token) = token {
            fields.extend(element(context(2), &element(OCTET_STRING, &token)));
        }
        element(context(1), &element(SEQUENCE, &fields))
    }
}

/// The mechanism and what follows it in an InitialContextToken (RFC 2743 3.1).
fn initial_token(token: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let mut reader = Reader::new(token);
    let mut content = Reader::new(reader.expect(application(0))?);
    reader.finish()?;
    let mechanism = content.expect(OID)?;
    Ok((mechanism, content.rest()))
}

/// The first mechanism of a NegTokenInit (RFC 4178 4.2.1), which is Kerberos, and its token.
fn neg_token_init(content: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let choice = Reader::new(content).expect(context(0))?;
    let mut fields = Reader::new(Reader::new(choice).expect(SEQUENCE)?);
    let mut list = Reader::new(Reader::new(fields.expect(context(0))?).expect(SEQUENCE)?);
    let mut mechanisms = Vec::new();
    while !list.is_empty() {
        mechanisms.push(list.expect(OID)?);
    }
    let _context_flags = fields.optional(context(1))?;
    let token = fields.optional(context(2))?;

    match mechanisms.first() {
        Some(first) if is_kerberos(first) => {
            let token = Reader::new(token.ok_or(Refusal::NoToken)?).expect(OCTET_STRING)?;
            Ok((first, token))
        }
        _ if mechanisms.iter().any(|mechanism| is_kerberos(mechanism)) => {
            Err(Refusal::KerberosNotFirst)
        }
        _ if mechanisms.contains(&oid::NTLM) => Err(Refusal::Ntlm),
        _ => Err(Refusal::NoKerberos),
    }
}

fn is_kerberos(mechanism: &[u8]) -> bool {
    [oid::KERBEROS, oid::MS_KERBEROS].contains(&mechanism)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kerberos_token() -> Vec<u8> {
        element(
            application(0),
            &[&element(OID, oid::KERBEROS), AP_REQ_ID, b"AP-REQ"].concat(),
        )
    }

    fn negotiation(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
        let list = mechanisms
            .iter()
            .flat_map(|oid| element(OID, oid))
            .collect::<Vec<_>>();
        let mut fields = element(context(0), &element(SEQUENCE, &list));
        if let Some(token) = token {
            fields.extend(element(context(2), &element(OCTET_STRING, token)));
        }
        let choice = element(context(0), &element(SEQUENCE, &fields));
        element(
            application(0),
            &[element(OID, oid::SPNEGO), choice].concat(),
        )
    }

    #[test]
    fn finds_the_ap_req_in_every_framing() {
        let inner = kerberos_token();
        let token = Token::parse(&inner).ok().unwrap();
        assert_eq!(
            (token.ap_req, token.mechanism()),
            (&b"AP-REQ"[..], Mechanism::Kerberos)
        );
        for first in [oid::KERBEROS, oid::MS_KERBEROS] {
            let bytes = negotiation(&[first, oid::KERBEROS, oid::NTLM], Some(&inner));
            let token = Token::parse(&bytes).ok().unwrap();
            assert_eq!(
                (token.ap_req, token.mechanism()),
                (&b"AP-REQ"[..], Mechanism::Spnego)
            );
            assert_eq!(token.negotiated, Some(first));
        }
    }

    #[test]
    fn tells_what_is_not_kerberos() {
        let refusal = |token: &[u8]| Token::parse(token).err().unwrap();
        assert_eq!(refusal(b"NTLMSSP\0\x01\0\0\0"), Refusal::Ntlm);
        assert_eq!(
            refusal(&negotiation(&[oid::NTLM], Some(b"NTLMSSP\0"))),
            Refusal::Ntlm
        );
        assert_eq!(
            refusal(&negotiation(&[oid::KERBEROS], Some(b"NTLMSSP\0"))),
            Refusal::Ntlm
        );
        let late = negotiation(&[oid::NTLM, oid::KERBEROS], Some(b"NTLMSSP\0"));
        assert_eq!(refusal(&late), Refusal::KerberosNotFirst);
        assert_eq!(
            refusal(&negotiation(&[oid::SPNEGO], None)),
            Refusal::NoKerberos
        );
        assert_eq!(
            refusal(&negotiation(&[oid::KERBEROS], None)),
            Refusal::NoToken
        );
        assert_eq!(refusal(&[0xa1, 0]), Refusal::Continuation);
        for garbage in [
            &b""[..],
            b"\x60",
            b"\x60\x80",
            b"\x60\x02\x06\x00\x00",
            b"Negotiate",
        ] {
            assert!(matches!(
                refusal(garbage),
                Refusal::Malformed | Refusal::NoKerberos
            ));
        }
    }

    #[test]
    fn answers_as_it_was_asked() {
        let inner = kerberos_token();
        let token = Token::parse(&inner).ok().unwrap();
        assert_eq!(token.reply(None), b"");
        assert!(token.reply(Some(b"AP-REP")).ends_with(b"\x02\0AP-REP"));

        let bytes = negotiation(&[oid::MS_KERBEROS], Some(&inner));
        let token = Token::parse(&bytes).ok().unwrap();
        let completed = b"\xa1\x14\x30\x12\xa0\x03\x0a\x01\x00\xa1\x0b\x06\x09";
        assert_eq!(
            token.reply(None),
            [&completed[..], oid::MS_KERBEROS].concat()
        );
        assert!(token.reply(Some(b"AP-REP")).ends_with(b"\x02\0AP-REP"));
    }
}
