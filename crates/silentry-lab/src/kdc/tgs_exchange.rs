//! The Ticket-Granting Service exchange (RFC 4120 3.3): a ticket for a ticket.

use picky_krb::messages::{ApReq, KdcReq, KdcReqBody};

use super::KdcError;
use super::directory::RealmKeys;
use super::error::Rejection;
use super::log::{Asked, Outcome};
use super::request::{RealmKdc, check_options, etypes, session_etype};
use super::ticket::{Grant, ReplyKey};
use crate::kerberos::ap_req::{self, Authenticated};
use crate::kerberos::crypto::{checksum_type, md5, usage};
use crate::kerberos::flags::{kdc_option, ticket};
use crate::kerberos::{Etype, Key, Principal, wire};

/// The pre-authentication data that holds the AP-REQ (RFC 4120 7.5.2).
const PA_TGS_REQ: i32 = 1;

pub(super) fn answer(
    kdc: &RealmKdc<'_>,
    request: &KdcReq,
    raw_body: &[u8],
    asked: &mut Asked,
) -> Result<Vec<u8>, Rejection> {
    let body = &request.req_body.0;
    let service = kdc.service(body)?;
    asked.service = Some(service.clone());
    let (tgt, issuer) = authenticate(kdc, request)?;
    asked.client = Some(tgt.client.clone());
    check_checksum(&tgt, raw_body)?;
    kdc.check_realm(body)?;

    let options = wire::flags_of(&body.kdc_options.0);
    check_options(options)?;
    let granted = find_service(kdc, &service, body, &issuer)?;
    if granted.service != service {
        asked.outcome = Outcome::Referred(granted.service.components()[1].clone());
    }
    let flags = ticket_flags(kdc, &tgt, options, &granted.service)?;

    // No ticket outlives the one it was got with (RFC 4120 3.3.3). One that the clock skew let pass
    // above has no time left to give.
    let tgt_end = wire::seconds(&tgt.ticket.endtime.0)?;
    if tgt_end <= kdc.now {
        return Err(KdcError::TicketExpired.into());
    }
    let issued = Grant {
        client: &tgt.client,
        service: &granted.service,
        service_key: granted.key,
        session_etype: granted.session_etype,
        flags,
        auth_time: wire::seconds(&tgt.ticket.auth_time.0)?,
        start_time: kdc.now,
        end_time: kdc.end_time(body, tgt_end)?,
    }
    .issue();
    // "The ciphertext part of the response in the KRB_TGS_REP message is encrypted in the sub-session
    // key from the Authenticator, if present, or in the session key from the TGT."
    let reply = match &tgt.subkey {
        Some(key) => ReplyKey {
            key,
            usage: usage::TGS_REP_PART_SUBKEY,
        },
        None => ReplyKey {
            key: &tgt.session_key,
            usage: usage::TGS_REP_PART_SESSION_KEY,
        },
    };
    Ok(issued.tgs_reply(&body.nonce.0, &reply))
}

/// Checks the AP-REQ that the request carries; returns the realm that issued its ticket too.
fn authenticate(
    kdc: &RealmKdc<'_>,
    request: &KdcReq,
) -> Result<(Authenticated, String), Rejection> {
    let request = tgs_padata(request)?;
    let ticket = &request.ticket.0.0;
    let named = wire::principal(&ticket.sname.0, &ticket.realm.0)?;

    // "If the TGT was issued by another realm, then the appropriate inter-realm key MUST be used."
    let ours = named.krbtgt_of().is_some_and(|realm| kdc.realm.is(realm));
    let key = kdc
        .realm
        .tgt_key(named.realm())
        .filter(|_| ours)
        .ok_or(KdcError::NotUs)?;

    let authenticated = ap_req::authenticate(
        &request,
        [key],
        usage::TGS_REQ_AUTHENTICATOR,
        kdc.now,
        &kdc.realm.replays,
    )?;
    // Trust is direct: another realm vouches for its own users alone, and nobody else for ours. The
    // "transited" field stays empty (RFC 4120 3.3.3.2).
    if !authenticated
        .client
        .realm()
        .eq_ignore_ascii_case(named.realm())
    {
        return Err(KdcError::PathNotAccepted.into());
    }
    Ok((authenticated, named.realm().to_owned()))
}

/// "If no ticket can be found in the padata field, the KDC_ERR_PADATA_TYPE_NOSUPP error is returned."
fn tgs_padata(request: &KdcReq) -> Result<picky_krb::messages::ApReqInner, Rejection> {
    let padata = request
        .padata
        .0
        .as_ref()
        .ok_or(KdcError::PadataTypeNotSupported)?;
    for pa in &padata.0.0 {
        if wire::number32(&pa.padata_type.0)? == PA_TGS_REQ {
            return Ok(wire::decode::<ApReq>(&pa.padata_data.0.0)?.0);
        }
    }
    Err(KdcError::PadataTypeNotSupported.into())
}

/// "Once the accompanying ticket has been decrypted, the user-supplied checksum in the Authenticator
/// MUST be verified against the contents of the request, and the message MUST be rejected if the
/// checksums do not match (with an error code of KRB_AP_ERR_MODIFIED) or if the checksum is not
/// collision-proof (with an error code of KRB_AP_ERR_INAPP_CKSUM). If the checksum type is not
/// supported, the KDC_ERR_SUMTYPE_NOSUPP error is returned." (RFC 4120 3.3.2)
fn check_checksum(tgt: &Authenticated, raw_body: &[u8]) -> Result<(), Rejection> {
    let checksum = tgt
        .authenticator
        .cksum
        .0
        .as_ref()
        .ok_or(KdcError::InappropriateChecksum)?;
    let kind = wire::number32(&checksum.0.cksumtype.0)?;
    let key = &tgt.session_key;
    let expected = match kind {
        kind if kind == key.etype().checksum_type() => {
            key.checksum(usage::TGS_REQ_CHECKSUM, raw_body)
        }
        // The JDK sends MD5 without a key; inside the authenticator nobody can replace it.
        checksum_type::RSA_MD5 => md5(raw_body).to_vec(),
        _ => return Err(KdcError::ChecksumTypeNotSupported.into()),
    };
    if checksum.0.checksum.0.0 != expected {
        return Err(KdcError::Modified.into());
    }
    Ok(())
}

/// The service that the ticket will be for, which may be another realm's KDC.
struct Granted<'a> {
    service: Principal,
    key: &'a Key,
    session_etype: Etype,
}

fn find_service<'a>(
    kdc: &RealmKdc<'a>,
    service: &Principal,
    body: &KdcReqBody,
    issuer: &str,
) -> Result<Granted<'a>, Rejection> {
    let wanted = etypes(body);
    let krbtgt = |target: &str, service: Principal| {
        let key = kdc
            .realm
            .krbtgt_key(target)
            .ok_or(KdcError::ServiceUnknown)?;
        Ok(Granted {
            service,
            key,
            session_etype: session_etype(&wanted, |_| true)?,
        })
    };
    // A user of another realm would have to be vouched for by a third: see `authenticate`.
    let is_local = kdc.realm.is(issuer);
    if let Some(target) = service.krbtgt_of() {
        if !is_local && !kdc.realm.is(target) {
            return Err(KdcError::PathNotAccepted.into());
        }
        return krbtgt(target, service.clone());
    }
    if let Some(account) = kdc.realm.service(service) {
        let (key, session_etype) = account.key_for(&wanted)?;
        return Ok(Granted {
            service: service.clone(),
            key,
            session_etype,
        });
    }
    // RFC 6806 8: to a client that set the canonicalize option, a KDC that knows where the service is
    // gives a cross-realm TGT instead of an error.
    let canonicalize = wire::flags_of(&body.kdc_options.0) & kdc_option::CANONICALIZE != 0;
    let home = realm_of(kdc, service).filter(|_| canonicalize && is_local);
    let home = home.ok_or(KdcError::ServiceUnknown)?;
    krbtgt(&home, Principal::krbtgt(&home, kdc.realm.name()))
}

/// The other realm that has the service, if this one trusts it. Active Directory knows that from the
/// forest's global catalog.
fn realm_of(kdc: &RealmKdc<'_>, service: &Principal) -> Option<String> {
    if kdc.realm.config.refers_hosts_only && !service.is_of_host() {
        return None;
    }
    let has = |realm: &str| {
        let there = Principal::from_wire(
            service.name_type(),
            service.components().to_vec(),
            realm.to_owned(),
        );
        kdc.directory
            .realm(realm)
            .is_some_and(|keys| keys.service(&there).is_some())
    };
    let names = kdc.directory.realms.iter().map(RealmKeys::name);
    let mut trusted = names.filter(|name| kdc.realm.krbtgt_key(name).is_some());
    trusted.find(|name| has(name)).map(str::to_owned)
}

/// The new ticket's flags (RFC 4120 3.3.3): what was proven at first sign-in stays proven. Tickets are
/// forwardable where the realm grants that, and forwarded ones come from forwardable ones alone.
fn ticket_flags(
    kdc: &RealmKdc<'_>,
    tgt: &Authenticated,
    options: u32,
    service: &Principal,
) -> Result<u32, Rejection> {
    let old = wire::flags_of(&tgt.ticket.flags.0);
    let forwardable = old & ticket::FORWARDABLE != 0 && kdc.realm.config.forwardable;
    let mut flags = old & (ticket::PRE_AUTHENT | ticket::FORWARDED);
    if options & kdc_option::FORWARDABLE != 0 && forwardable {
        flags |= ticket::FORWARDABLE;
    }
    if options & kdc_option::FORWARDED != 0 {
        if !forwardable || service.krbtgt_of().is_none() {
            return Err(KdcError::BadOption.into());
        }
        flags |= ticket::FORWARDED;
    }
    // `authenticate` accepted the path of trust, which services need not do again (RFC 4120 2.7).
    Ok(flags | ticket::TRANSITED_POLICY_CHECKED)
}
