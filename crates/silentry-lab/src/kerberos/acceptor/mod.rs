//! What a web server does with an `Authorization: Negotiate` token: [`Acceptor`].

mod checksum;
mod negotiate;
mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::SystemTime;

use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3, Optional,
};
use picky_krb::data_types::{EncApRepPart, EncApRepPartInner};
use picky_krb::messages::{ApRep, ApRepInner, ApReq, ApReqInner};
use time::Duration;

use self::checksum::GssChecksum;
use self::negotiate::Token;
use super::ap_req::{self, Authenticated};
use super::crypto::{self, usage};
use super::flags::ap_option;
use super::keytab::Keytab;
use super::replay::ReplayCache;
use super::{Etype, Key, Principal, wire};
use crate::journal::PresentedTicket;

pub use checksum::gss_flag;
pub use refusal::Refusal;

/// The longest token that is read. Windows bounds tickets at 48 000 octets (`MaxTokenSize`), and
/// http.sys the header they come in at 64 KiB.
const MAX_TOKEN: usize = 64 * 1024;

/// A service's side of Kerberos: checks tokens with the service's keytab.
///
/// It reads no environment, no file and no clock, and remembers only the authenticators that could be
/// replayed. The one round trip is all there is: a client whose first mechanism is not Kerberos is
/// refused, not answered with a request for another token. Names are ASCII, as RFC 4120 5.2.1 has it:
/// Active Directory's tickets for users with other letters are [`Refusal::Malformed`].
#[derive(Debug)]
pub struct Acceptor {
    keytab: Keytab,
    clock_offset: Duration,
    replays: ReplayCache,
}

impl Acceptor {
    /// Accepts tickets for every principal in `keytab`.
    #[must_use]
    pub fn new(keytab: Keytab) -> Self {
        Self {
            keytab,
            clock_offset: Duration::ZERO,
            replays: ReplayCache::default(),
        }
    }

    /// Lets the service's clock run ahead of the system's, or behind it by a negative duration.
    #[must_use]
    pub fn with_clock_offset(mut self, offset: Duration) -> Self {
        self.clock_offset = offset;
        self
    }

    /// Checks a token, which is SPNEGO's (RFC 4178) or plain Kerberos' (RFC 4121), without its Base64.
    ///
    /// `channel_binding` is what the service expects of the connection that the token came on:
    /// `tls-server-end-point:` and the hash of its certificate (RFC 5929). A client that bound itself
    /// to another connection is refused; one that bound itself to none is accepted, and told apart by
    /// [`Accepted::channel_binding`].
    ///
    /// # Errors
    ///
    /// [`Refusal`] says which check failed. None of it is meant for the client.
    pub fn accept(
        &self,
        token: &[u8],
        channel_binding: Option<&[u8]>,
        now: SystemTime,
    ) -> Result<Accepted, Refusal> {
        self.open(token, now)?.check(channel_binding)
    }

    /// Opens a token, without asking yet what it is bound to.
    ///
    /// # Errors
    ///
    /// As [`Acceptor::accept`].
    pub(crate) fn open<'t>(&self, token: &'t [u8], now: SystemTime) -> Result<Opened<'t>, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::TooLong);
        }
        let now = wire::unix_ahead(now, self.clock_offset);
        let token = Token::parse(token)?;
        let request = wire::decode::<ApReq>(token.ap_req)?.0;

        let ticket = &request.ticket.0.0;
        let service = wire::principal(&ticket.sname.0, &ticket.realm.0)?;
        let keys = self.keys(&service, &request)?;
        let usage = usage::AP_REQ_AUTHENTICATOR;
        let peer = ap_req::authenticate(&request, &keys, usage, now, &self.replays)?;
        let checksum = GssChecksum::parse(&peer.authenticator)?;
        let mutual = wire::flags_of(&request.ap_options.0) & ap_option::MUTUAL_REQUIRED != 0
            || checksum.flags & gss_flag::MUTUAL != 0;
        Ok(Opened {
            token,
            service,
            peer,
            checksum,
            mutual,
        })
    }

    /// The service's keys of the ticket's encryption type, the one of its version first.
    ///
    /// The name beside a ticket is not protected, and Windows does not go by its realm. Heimdal writes
    /// there the realm that it asked for, which it has guessed from the host's domain (seen with 7.8).
    fn keys(&self, service: &Principal, request: &ApReqInner) -> Result<Vec<Key>, Refusal> {
        let entries = self.keytab.entries().iter();
        let ours = entries
            .filter(|entry| entry.principal().is_in_any_realm(service))
            .collect::<Vec<_>>();
        if ours.is_empty() {
            return Err(Refusal::NotForUs(service.to_string()));
        }
        let sealed = &request.ticket.0.0.enc_part.0;
        let number = wire::number32(&sealed.etype.0)?;
        let etype = Etype::from_number(number);
        let kvno = match &sealed.kvno.0 {
            Some(kvno) => Some(wire::number(&kvno.0)?),
            None => None,
        };
        let mut keys = ours
            .into_iter()
            .filter_map(|entry| Some((i64::from(entry.kvno()), entry.key()?)))
            .filter(|(_, key)| Some(key.etype()) == etype)
            .collect::<Vec<_>>();
        if keys.is_empty() {
            return Err(Refusal::NoKey {
                service: service.to_string(),
                etype: number,
            });
        }
        // A stable sort: a keytab from before the key was changed may still open the ticket.
        keys.sort_by_key(|(version, _)| Some(*version) != kvno);
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }
}

/// A token that opened: its client is who its ticket says.
pub(crate) struct Opened<'t> {
    token: Token<'t>,
    service: Principal,
    peer: Authenticated,
    checksum: GssChecksum,
    mutual: bool,
}

impl Opened<'_> {
    /// Returns what the client presented, for the record.
    pub(crate) fn presented(&self) -> PresentedTicket {
        PresentedTicket {
            client: self.peer.client.to_string(),
            service: self.service.to_string(),
            channel_binding: self.checksum.binding_hex(),
            flags: gss_flag::names(self.checksum.flags),
            delegated: self.checksum.delegated,
            refused: None,
        }
    }

    /// Checks what the token is bound to.
    pub(crate) fn check(self, channel_binding: Option<&[u8]>) -> Result<Accepted, Refusal> {
        let channel_binding = self.checksum.check_binding(channel_binding)?;
        let ap_rep = self.mutual.then(|| ap_rep(&self.peer));
        Ok(Accepted {
            client: self.peer.client,
            service: self.service,
            mechanism: self.token.mechanism(),
            channel_binding,
            delegated: self.checksum.delegated,
            flags: self.checksum.flags,
            reply: self.token.reply(ap_rep.as_deref()),
        })
    }
}

/// A client that is who its ticket says, and what to answer it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Who the client is.
    pub client: Principal,
    /// Which service the ticket was for.
    pub service: Principal,
    /// How the token was framed.
    pub mechanism: Mechanism,
    /// Whether the client bound its token to the connection.
    pub channel_binding: ChannelBinding,
    /// Whether the client sent its ticket-granting ticket along. The lab looks no further.
    pub delegated: bool,
    /// What the client asked for; see [`gss_flag`].
    pub flags: u32,
    /// The token for `WWW-Authenticate: Negotiate`. Empty if the client framed plain Kerberos and
    /// wants no mutual authentication.
    pub reply: Vec<u8>,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("client", &self.client)
            .field("service", &self.service)
            .field("mechanism", &self.mechanism)
            .field("channel_binding", &self.channel_binding)
            .field("delegated", &self.delegated)
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

/// How a token was framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// SPNEGO: a NegTokenInit around the Kerberos token.
    Spnego,
    /// The Kerberos token alone, as Wine and some libraries send it; http.sys takes both.
    Kerberos,
}

/// Whether a token is bound to the connection that it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelBinding {
    /// The client bound its token to no connection.
    Absent,
    /// The client bound its token to this connection.
    Matched,
    /// The client bound its token to a connection, and the service did not say to which it should.
    Unchecked,
}

/// The AP-REP (RFC 4120 5.5.2): it repeats the authenticator's time, which only the service could
/// read, and so authenticates it.
///
/// There is no subkey of the acceptor's (RFC 4121 2 lets it do without): the context protects no
/// messages.
fn ap_rep(peer: &Authenticated) -> Vec<u8> {
    let mut sequence = [0; 4];
    crypto::random_bytes(&mut sequence);
    // MIT keeps the highest bits clear, for peers that take the number for a signed one.
    let sequence = u32::from_be_bytes(sequence) & 0x3fff_ffff;
    let part = EncApRepPart::from(EncApRepPartInner {
        ctime: ExplicitContextTag0::from(peer.authenticator.ctime.0.clone()),
        cusec: ExplicitContextTag1::from(peer.authenticator.cusec.0.clone()),
        subkey: Optional::from(None),
        seq_number: Optional::from(Some(ExplicitContextTag3::from(wire::integer(sequence)))),
    });
    let sealed = wire::seal(
        &peer.session_key,
        None,
        usage::AP_REP_PART,
        &wire::encode(&part),
    );
    wire::encode(&ApRep::from(ApRepInner {
        pvno: ExplicitContextTag0::from(wire::integer(5)),
        msg_type: ExplicitContextTag1::from(wire::integer(15)),
        enc_part: ExplicitContextTag2::from(sealed),
    }))
}
