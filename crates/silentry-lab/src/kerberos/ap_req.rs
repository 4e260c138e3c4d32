use picky_krb::data_types::{Authenticator, AuthenticatorInner, EncTicketPart, EncTicketPartInner};
use picky_krb::messages::ApReqInner;
use thiserror::Error;

use super::der::Malformed;
use super::flags::{ap_option, ticket};
use super::replay::ReplayCache;
use super::{CLOCK_SKEW, Key, Principal, crypto, wire};

/// Why an AP-REQ proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ApError {
    #[error("the AP-REQ is malformed")]
    Malformed,
    #[error("the AP-REQ is not of protocol version 5")]
    BadVersion,
    #[error("the message is not an AP-REQ")]
    MessageType,
    #[error("user-to-user authentication was asked for")]
    UserToUser,
    #[error("the ticket does not open with the service's key")]
    TicketIntegrity,
    #[error("the session key's encryption type is not supported")]
    SessionKeyEtype,
    #[error("the authenticator does not open with the ticket's session key")]
    AuthenticatorIntegrity,
    #[error("the ticket and the authenticator name different clients")]
    BadMatch,
    #[error("the authenticator's clock is {0} seconds off")]
    Skew(i64),
    #[error("the authenticator has been used before")]
    Repeat,
    #[error("the ticket is not valid yet")]
    NotYetValid,
    #[error("the ticket has expired")]
    Expired,
}

impl From<Malformed> for ApError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A client that proved to know its ticket's session key.
pub(crate) struct Authenticated {
    pub(crate) client: Principal,
    pub(crate) ticket: EncTicketPartInner,
    pub(crate) authenticator: AuthenticatorInner,
    pub(crate) session_key: Key,
    pub(crate) subkey: Option<Key>,
}

/// Checks an AP-REQ as RFC 4120 3.2.3 says, whose sentences stand above the checks.
///
/// `keys` are those that the ticket's service has in the ticket's encryption type, `usage` is the
/// authenticator's key usage.
pub(crate) fn authenticate<'k>(
    request: &ApReqInner,
    keys: impl IntoIterator<Item = &'k Key>,
    usage: i32,
    now: i64,
    replays: &ReplayCache,
) -> Result<Authenticated, ApError> {
    check_header(request)?;

    // "If the decryption routines detect a modification of the ticket [...], the
    // KRB_AP_ERR_BAD_INTEGRITY error is returned (chances are good that different keys were used to
    // encrypt and decrypt)."
    let sealed_ticket = &request.ticket.0.0.enc_part.0;
    let ticket = keys
        .into_iter()
        .find_map(|key| wire::open::<EncTicketPart>(key, crypto::usage::TICKET, sealed_ticket))
        .ok_or(ApError::TicketIntegrity)?
        .0;

    // "The authenticator is decrypted using the session key extracted from the decrypted ticket. If
    // decryption shows that it has been modified, the KRB_AP_ERR_BAD_INTEGRITY error is returned."
    let session_key = wire::key(&ticket.key.0).ok_or(ApError::SessionKeyEtype)?;
    let sealed = &request.authenticator.0;
    let authenticator = wire::open::<Authenticator>(&session_key, usage, sealed)
        .ok_or(ApError::AuthenticatorIntegrity)?
        .0;

    // "The name and realm of the client from the ticket are compared against the same fields in the
    // authenticator. If they don't match, the KRB_AP_ERR_BADMATCH error is returned."
    let client = wire::principal(&ticket.cname.0, &ticket.crealm.0)?;
    if client != wire::principal(&authenticator.cname.0, &authenticator.crealm.0)? {
        return Err(ApError::BadMatch);
    }

    // "If the local (server) time and the client time in the authenticator differ by more than the
    // allowable clock skew (e.g., 5 minutes), the KRB_AP_ERR_SKEW error is returned."
    let made = wire::seconds(&authenticator.ctime.0)?;
    if made.abs_diff(now) > CLOCK_SKEW.unsigned_abs() {
        return Err(ApError::Skew(made - now));
    }

    check_ticket_times(&ticket, now)?;

    let subkey = match &authenticator.subkey.0 {
        Some(subkey) => Some(wire::key(&subkey.0).ok_or(ApError::SessionKeyEtype)?),
        None => None,
    };

    // "If the server name, along with the client name, time, and microsecond fields from the
    // Authenticator match any recently-seen such tuples, the KRB_AP_ERR_REPEAT error is returned."
    if !replays.remember(&sealed.cipher.0.0, made, now) {
        return Err(ApError::Repeat);
    }

    Ok(Authenticated {
        client,
        ticket,
        authenticator,
        session_key,
        subkey,
    })
}

fn check_header(request: &ApReqInner) -> Result<(), ApError> {
    // "If the message type is not KRB_AP_REQ, the server returns the KRB_AP_ERR_MSG_TYPE error." The
    // application tag said so already; the field inside must agree.
    if wire::number(&request.msg_type.0)? != 14 {
        return Err(ApError::MessageType);
    }
    if wire::number(&request.pvno.0)? != 5 {
        return Err(ApError::BadVersion);
    }
    // "If the USE-SESSION-KEY flag is set in the ap-options field, it indicates to the server that
    // user-to-user authentication is in use." Nobody has a session key with the lab's services.
    if wire::flags_of(&request.ap_options.0) & ap_option::USE_SESSION_KEY != 0 {
        return Err(ApError::UserToUser);
    }
    Ok(())
}

/// "The server computes the age of the ticket: local (server) time minus the starttime inside the
/// Ticket. If the starttime is later than the current time by more than the allowable clock skew, or
/// if the INVALID flag is set in the ticket, the KRB_AP_ERR_TKT_NYV error is returned. Otherwise, if
/// the current time is later than end time by more than the allowable clock skew, the
/// KRB_AP_ERR_TKT_EXPIRED error is returned."
fn check_ticket_times(part: &EncTicketPartInner, now: i64) -> Result<(), ApError> {
    let start = match &part.starttime.0 {
        Some(start) => wire::seconds(&start.0)?,
        None => wire::seconds(&part.auth_time.0)?,
    };
    let invalid = wire::flags_of(&part.flags.0) & ticket::INVALID != 0;
    if invalid || start > now + CLOCK_SKEW {
        return Err(ApError::NotYetValid);
    }
    if now > wire::seconds(&part.endtime.0)? + CLOCK_SKEW {
        return Err(ApError::Expired);
    }
    Ok(())
}
