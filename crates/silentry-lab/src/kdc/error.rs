use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag4,
    ExplicitContextTag5, ExplicitContextTag6, ExplicitContextTag7, ExplicitContextTag9,
    ExplicitContextTag10, ExplicitContextTag11, ExplicitContextTag12, Optional,
};
use picky_krb::messages::{KrbError, KrbErrorInner};
use thiserror::Error;

use crate::kerberos::ap_req::ApError;
use crate::kerberos::der::Malformed;
use crate::kerberos::{Principal, wire};

/// Why the KDC refused, as RFC 4120 7.5.9 and RFC 6806 name it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum KdcError {
    /// KDC_ERR_BAD_PVNO.
    #[error("the protocol version is not 5")]
    BadVersion = 3,
    /// KDC_ERR_C_PRINCIPAL_UNKNOWN.
    #[error("no such user")]
    ClientUnknown = 6,
    /// KDC_ERR_S_PRINCIPAL_UNKNOWN.
    #[error("no such service")]
    ServiceUnknown = 7,
    /// KDC_ERR_CANNOT_POSTDATE.
    #[error("tickets are not postdated")]
    CannotPostdate = 10,
    /// KDC_ERR_NEVER_VALID.
    #[error("the ticket would end before it starts")]
    NeverValid = 11,
    /// KDC_ERR_BADOPTION.
    #[error("an option that cannot be met")]
    BadOption = 13,
    /// KDC_ERR_ETYPE_NOSUPP.
    #[error("no encryption type in common")]
    EtypeNotSupported = 14,
    /// KDC_ERR_SUMTYPE_NOSUPP.
    #[error("the checksum's type is not supported")]
    ChecksumTypeNotSupported = 15,
    /// KDC_ERR_PADATA_TYPE_NOSUPP.
    #[error("no ticket-granting ticket in the request")]
    PadataTypeNotSupported = 16,
    /// KDC_ERR_PREAUTH_FAILED.
    #[error("the password is wrong")]
    PreauthFailed = 24,
    /// KDC_ERR_PREAUTH_REQUIRED.
    #[error("preauthentication is required")]
    PreauthRequired = 25,
    /// KDC_ERR_PATH_NOT_ACCEPTED.
    #[error("the path of trust is not accepted")]
    PathNotAccepted = 28,
    /// KRB_AP_ERR_BAD_INTEGRITY.
    #[error("the ticket or the authenticator does not decrypt")]
    BadIntegrity = 31,
    /// KRB_AP_ERR_TKT_EXPIRED.
    #[error("the ticket-granting ticket has expired")]
    TicketExpired = 32,
    /// KRB_AP_ERR_TKT_NYV.
    #[error("the ticket-granting ticket is not valid yet")]
    TicketNotYetValid = 33,
    /// KRB_AP_ERR_REPEAT.
    #[error("the authenticator has been used before")]
    Repeat = 34,
    /// KRB_AP_ERR_NOT_US.
    #[error("the ticket is not a ticket-granting ticket of this realm")]
    NotUs = 35,
    /// KRB_AP_ERR_BADMATCH.
    #[error("the ticket and the authenticator name different clients")]
    BadMatch = 36,
    /// KRB_AP_ERR_SKEW.
    #[error("the clocks differ by more than 5 minutes")]
    Skew = 37,
    /// KRB_AP_ERR_BADVERSION.
    #[error("the ticket's request is not of protocol version 5")]
    ApBadVersion = 39,
    /// KRB_AP_ERR_MSG_TYPE.
    #[error("not the message type that belongs here")]
    MessageType = 40,
    /// KRB_AP_ERR_MODIFIED.
    #[error("the request was modified: its checksum differs")]
    Modified = 41,
    /// KRB_AP_ERR_INAPP_CKSUM.
    #[error("the request carries no checksum")]
    InappropriateChecksum = 50,
    /// KRB_ERR_GENERIC.
    #[error("not a request that a KDC understands")]
    Generic = 60,
    /// KRB_ERR_FIELD_TOOLONG.
    #[error("the request is too long")]
    TooLong = 61,
    /// KDC_ERR_WRONG_REALM.
    #[error("this KDC does not serve that realm")]
    WrongRealm = 68,
}

impl KdcError {
    /// Returns the error's number on the wire.
    #[must_use]
    pub fn code(self) -> u32 {
        self as u32
    }
}

impl From<Malformed> for KdcError {
    fn from(_: Malformed) -> Self {
        Self::Generic
    }
}

impl From<ApError> for KdcError {
    fn from(error: ApError) -> Self {
        match error {
            ApError::Malformed => Self::Generic,
            ApError::BadVersion => Self::ApBadVersion,
            ApError::MessageType => Self::MessageType,
            ApError::UserToUser => Self::BadOption,
            ApError::TicketIntegrity | ApError::AuthenticatorIntegrity => Self::BadIntegrity,
            ApError::SessionKeyEtype => Self::EtypeNotSupported,
            ApError::BadMatch => Self::BadMatch,
            ApError::Skew(_) => Self::Skew,
            ApError::Repeat => Self::Repeat,
            ApError::NotYetValid => Self::TicketNotYetValid,
            ApError::Expired => Self::TicketExpired,
        }
    }
}

/// A refusal, with what the client needs to do better.
pub(super) struct Rejection {
    pub(super) error: KdcError,
    /// METHOD-DATA for a client that is to preauthenticate (RFC 4120 5.9.1).
    methods: Option<Vec<u8>>,
    /// The realm to ask instead (RFC 6806 7).
    client_realm: Option<String>,
}

impl<E: Into<KdcError>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            methods: None,
            client_realm: None,
        }
    }
}

impl Rejection {
    /// Tells the client how to preauthenticate.
    pub(super) fn preauth(error: KdcError, methods: Vec<picky_krb::data_types::PaData>) -> Self {
        let methods = Some(wire::encode(&Asn1SequenceOf::from(methods)));
        Self {
            error,
            methods,
            client_realm: None,
        }
    }

    /// Tells the client whose name is of another realm to ask there (RFC 6806 7).
    pub(super) fn client_referral(realm: &str) -> Self {
        let client_realm = Some(realm.to_owned());
        Self {
            error: KdcError::WrongRealm,
            methods: None,
            client_realm,
        }
    }

    /// The KRB-ERROR (RFC 4120 5.9.1).
    pub(super) fn to_message(&self, service: &Principal, now: i64) -> Vec<u8> {
        let text = self.error.to_string();
        let client_realm = self.client_realm.as_deref().map(wire::string);
        wire::encode(&KrbError::from(KrbErrorInner {
            pvno: ExplicitContextTag0::from(wire::integer(5)),
            msg_type: ExplicitContextTag1::from(wire::integer(30)),
            ctime: Optional::from(None),
            cusec: Optional::from(None),
            stime: ExplicitContextTag4::from(wire::time(now)),
            susec: ExplicitContextTag5::from(wire::integer(0)),
            error_code: ExplicitContextTag6::from(self.error.code()),
            crealm: Optional::from(client_realm.map(ExplicitContextTag7::from)),
            cname: Optional::from(None),
            realm: ExplicitContextTag9::from(wire::string(service.realm())),
            sname: ExplicitContextTag10::from(wire::name(service)),
            e_text: Optional::from(Some(ExplicitContextTag11::from(wire::string(&text)))),
            e_data: Optional::from(
                self.methods
                    .clone()
                    .map(|data| ExplicitContextTag12::from(wire::octets(data))),
            ),
        }))
    }
}
