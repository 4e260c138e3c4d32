//! The Authentication Service exchange (RFC 4120 3.1): a first ticket for who knows the password.

use picky_asn1::wrapper::{Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, Optional};
use picky_krb::data_types::{EncryptedData, EtypeInfo2Entry, PaData, PaEncTsEnc};
use picky_krb::messages::{KdcReq, KdcReqBody};

use super::KdcError;
use super::directory::UserKeys;
use super::error::Rejection;
use super::log::Asked;
use super::request::{RealmKdc, check_options, etypes, session_etype};
use super::ticket::{Grant, ReplyKey};
use crate::kerberos::crypto::usage;
use crate::kerberos::flags::{kdc_option, ticket};
use crate::kerberos::{CLOCK_SKEW, Etype, Key, Principal, wire};

/// Pre-authentication data types of RFC 4120 7.5.2.
const PA_ENC_TIMESTAMP: i32 = 2;
const PA_ETYPE_INFO2: i32 = 19;

pub(super) fn answer(
    kdc: &RealmKdc<'_>,
    request: &KdcReq,
    asked: &mut Asked,
) -> Result<Vec<u8>, Rejection> {
    let body = &request.req_body.0;
    let service = kdc.service(body)?;
    asked.service = Some(service.clone());
    let client = client(kdc, body)?;
    asked.client = Some(client.clone());
    kdc.check_realm(body)?;

    let user = find_user(kdc, &client)?;
    let (service_key, session_etype) = find_service(kdc, &service, body)?;
    let options = wire::flags_of(&body.kdc_options.0);
    check_options(options)?;
    check_start(kdc, body)?;
    let reply_key = preauthenticate(kdc, request, user)?;
    let end_time = kdc.end_time(body, i64::MAX)?;

    let mut flags = ticket::INITIAL | ticket::PRE_AUTHENT;
    if options & kdc_option::FORWARDABLE != 0 && kdc.realm.config.forwardable {
        flags |= ticket::FORWARDABLE;
    }
    // RFC 6806 6: only to a client that set the canonicalize option may the KDC give another name
    // than it asked for.
    let canonical = options & kdc_option::CANONICALIZE != 0;
    let issued = Grant {
        client: if canonical { &user.principal } else { &client },
        service: &service,
        service_key,
        session_etype,
        flags,
        auth_time: kdc.now,
        start_time: kdc.now,
        end_time,
    }
    .issue();
    // RFC 4120 5.2.7.5: in an AS-REP, one entry says how the reply's key is made.
    let padata = vec![etype_info2(user, &[reply_key.etype()])];
    let reply = ReplyKey {
        key: reply_key,
        usage: usage::AS_REP_PART,
    };
    Ok(issued.as_reply(&body.nonce.0, padata, &reply))
}

fn client(kdc: &RealmKdc<'_>, body: &KdcReqBody) -> Result<Principal, Rejection> {
    let name = body.cname.0.as_ref().ok_or(KdcError::ClientUnknown)?;
    Ok(wire::principal(&name.0, &wire::string(kdc.realm.name()))?)
}

/// "If the requested client principal named in the request is unknown [...], an error message with a
/// KDC_ERR_C_PRINCIPAL_UNKNOWN is returned." An enterprise name of another realm's user is told that
/// realm (RFC 6806 7).
fn find_user<'a>(kdc: &RealmKdc<'a>, client: &Principal) -> Result<&'a UserKeys, Rejection> {
    if let Some(user) = kdc.realm.user(client) {
        return Ok(user);
    }
    if client.is_enterprise() {
        let home = kdc
            .directory
            .realms
            .iter()
            .find(|realm| realm.user(client).is_some());
        if let Some(home) = home {
            return Err(Rejection::client_referral(home.name()));
        }
    }
    Err(KdcError::ClientUnknown.into())
}

/// A first ticket is for the ticket-granting service as a rule, but any service may be named.
fn find_service<'a>(
    kdc: &RealmKdc<'a>,
    service: &Principal,
    body: &KdcReqBody,
) -> Result<(&'a Key, Etype), Rejection> {
    let wanted = etypes(body);
    if let Some(target) = service.krbtgt_of() {
        let key = kdc
            .realm
            .krbtgt_key(target)
            .ok_or(KdcError::ServiceUnknown)?;
        return Ok((key, session_etype(&wanted, |_| true)?));
    }
    let account = kdc.realm.service(service).ok_or(KdcError::ServiceUnknown)?;
    account.key_for(&wanted)
}

/// "If the requested starttime is absent, indicates a time in the past, or is within the window of
/// acceptable clock skew for the KDC and the POSTDATE option has not been specified, then the
/// starttime of the ticket is set to the authentication server's current time. If it indicates a time
/// in the future beyond the acceptable clock skew, but the POSTDATED option has not been specified,
/// then the error KDC_ERR_CANNOT_POSTDATE is returned."
fn check_start(kdc: &RealmKdc<'_>, body: &KdcReqBody) -> Result<(), Rejection> {
    let Some(from) = &body.from.0 else {
        return Ok(());
    };
    if wire::seconds(&from.0)? > kdc.now.saturating_add(CLOCK_SKEW) {
        return Err(KdcError::CannotPostdate.into());
    }
    Ok(())
}

/// Checks the encrypted timestamp (RFC 4120 5.2.7.2); returns the user's key that the reply is
/// encrypted with.
fn preauthenticate<'a>(
    kdc: &RealmKdc<'_>,
    request: &KdcReq,
    user: &'a UserKeys,
) -> Result<&'a Key, Rejection> {
    let wanted = etypes(&request.req_body.0);
    // "If the server cannot accommodate any encryption type requested by the client, an error message
    // with code KDC_ERR_ETYPE_NOSUPP is returned."
    let reply_etype = session_etype(&wanted, |_| true)?;
    let methods = || {
        vec![
            etype_info2(user, &wanted),
            wire::pa_data(PA_ENC_TIMESTAMP, Vec::new()),
        ]
    };

    // "If pre-authentication is required, but was not present in the request, an error message with
    // the code KDC_ERR_PREAUTH_REQUIRED is returned, and a METHOD-DATA object will be stored in the
    // e-data field."
    let Some(timestamp) = encrypted_timestamp(request)? else {
        return Err(Rejection::preauth(KdcError::PreauthRequired, methods()));
    };
    let etype = Etype::from_number(wire::number32(&timestamp.etype.0)?)
        .ok_or(KdcError::EtypeNotSupported)?;

    // "the server pre-authenticates the request, and if the pre-authentication check fails, an error
    // message with the code KDC_ERR_PREAUTH_FAILED is returned."
    let opened = wire::open::<PaEncTsEnc>(user.key(etype), usage::PA_ENC_TIMESTAMP, &timestamp);
    let Some(opened) = opened else {
        return Err(Rejection::preauth(KdcError::PreauthFailed, methods()));
    };
    // The right password at another time: a replay, or a wrong clock.
    let made = wire::seconds(&opened.patimestamp.0)?;
    if made.abs_diff(kdc.now) > CLOCK_SKEW.unsigned_abs() {
        return Err(KdcError::Skew.into());
    }
    Ok(user.key(reply_etype))
}

fn encrypted_timestamp(request: &KdcReq) -> Result<Option<EncryptedData>, Rejection> {
    let Some(padata) = &request.padata.0 else {
        return Ok(None);
    };
    for pa in &padata.0.0 {
        if wire::number32(&pa.padata_type.0)? == PA_ENC_TIMESTAMP {
            return Ok(Some(wire::decode(&pa.padata_data.0.0)?));
        }
    }
    Ok(None)
}

/// ETYPE-INFO2 (RFC 4120 5.2.7.5) for the user's keys of these types.
fn etype_info2(user: &UserKeys, etypes: &[Etype]) -> PaData {
    let entry = |etype: &Etype| EtypeInfo2Entry {
        etype: ExplicitContextTag0::from(wire::integer(etype.number())),
        salt: Optional::from(Some(ExplicitContextTag1::from(wire::string(&user.salt)))),
        s2kparams: Optional::from(None),
    };
    let entries = etypes.iter().map(entry).collect::<Vec<_>>();
    wire::pa_data(PA_ETYPE_INFO2, wire::encode(&Asn1SequenceOf::from(entries)))
}
