use thiserror::Error;

use crate::kerberos::ap_req::ApError;
use crate::kerberos::der::Malformed;

/// Why a token was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// More than 64 KiB.
    #[error("the token is too long")]
    TooLong,
    /// No GSSAPI token, or a Kerberos message in it that is none.
    #[error("the token is malformed")]
    Malformed,
    /// NTLM, alone or as SPNEGO's choice: the client fell back.
    #[error("the client sent NTLM instead of Kerberos")]
    Ntlm,
    /// A mechanism that is neither Kerberos nor NTLM.
    #[error("the client offers no Kerberos")]
    NoKerberos,
    /// Kerberos is offered after another mechanism, whose token this is.
    #[error("Kerberos is not the client's first mechanism")]
    KerberosNotFirst,
    /// SPNEGO without a first token of its mechanism.
    #[error("the negotiation carries no Kerberos token")]
    NoToken,
    /// A token that continues an exchange; with Kerberos there is nothing to continue.
    #[error("the token continues an exchange that is over")]
    Continuation,
    /// A ticket sealed with a session key.
    #[error("the client asked for user-to-user authentication")]
    UserToUser,
    /// A ticket for a principal that is not in the keytab.
    #[error("the ticket is for {0}, which has no key here")]
    NotForUs(String),
    /// The keytab lacks a key of the ticket's encryption type.
    #[error("no key of encryption type {etype} for {service}")]
    NoKey {
        /// Whom the ticket is for.
        service: String,
        /// The ticket's encryption type.
        etype: i32,
    },
    /// The ticket was sealed with another key, or changed.
    #[error("the ticket does not open with the service's key")]
    TicketIntegrity,
    /// The session key is of a type that the lab does not speak.
    #[error("the session key's encryption type is not supported")]
    SessionKeyEtype,
    /// The client does not know the session key, or the authenticator was changed.
    #[error("the authenticator does not open with the session key")]
    AuthenticatorIntegrity,
    /// The authenticator was made for another user's ticket.
    #[error("the ticket and the authenticator name different clients")]
    BadMatch,
    /// The client's clock is ahead by so many seconds, or behind by a negative number.
    #[error("the client's clock is {0} seconds off")]
    Skew(i64),
    /// The token was used before.
    #[error("the token was used before")]
    Repeat,
    /// The ticket starts later.
    #[error("the ticket is not valid yet")]
    TicketNotYetValid,
    /// The ticket has ended.
    #[error("the ticket has expired")]
    TicketExpired,
    /// The authenticator lacks the checksum of RFC 4121 4.1.1, or it is malformed.
    #[error("the authenticator carries no proper GSSAPI checksum")]
    BadChecksum,
    /// The client bound its token to another connection: somebody relays it.
    #[error("the token is bound to another connection")]
    WrongChannelBinding,
    /// The client says that it binds tokens ([MS-KILE] 3.2.5.8), and this one is not bound.
    #[error("the client binds tokens to connections, but not this one")]
    MissingChannelBinding,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<ApError> for Refusal {
    fn from(error: ApError) -> Self {
        match error {
            ApError::Malformed | ApError::BadVersion | ApError::MessageType => Self::Malformed,
            ApError::UserToUser => Self::UserToUser,
            ApError::TicketIntegrity => Self::TicketIntegrity,
            ApError::SessionKeyEtype => Self::SessionKeyEtype,
            ApError::AuthenticatorIntegrity => Self::AuthenticatorIntegrity,
            ApError::BadMatch => Self::BadMatch,
            ApError::Skew(seconds) => Self::Skew(seconds),
            ApError::Repeat => Self::Repeat,
            ApError::NotYetValid => Self::TicketNotYetValid,
            ApError::Expired => Self::TicketExpired,
        }
    }
}
