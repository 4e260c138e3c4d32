//! What the answers of Entra and other servers can be wrong with, and the cache of tokens.

use silentry_protocol::cache::CacheError;
use silentry_protocol::oauth::claims::ClaimsError;
use silentry_protocol::oauth::device_code::DeviceCodeResponseError;
use silentry_protocol::oauth::id_token::JwtError;
use silentry_protocol::oauth::token_response::TokenResponseError;

use super::{Code, Explain};
use crate::authority::issuer::IdTokenError;

impl Explain for TokenResponseError {
    fn code(&self) -> Code {
        match self {
            // Read as an error of the server instead.
            Self::ErrorReply => Code::NonParsableOauthError,
            Self::NotJson | Self::TooLarge => Code::JsonParseFailed,
            Self::AccessTokenMissing => Code::AccessTokenMissing,
            Self::AccessTokenMalformed => Code::AccessTokenMalformed,
            Self::TokenTypeMissing => Code::TokenTypeMissing,
            Self::TokenTypeMismatch(_) => Code::TokenTypeMismatch,
        }
    }
}

impl Explain for ClaimsError {
    fn code(&self) -> Code {
        Code::InvalidJsonClaimsFormat
    }
}

impl Explain for DeviceCodeResponseError {
    fn code(&self) -> Code {
        match self {
            // Read as an error of the server instead.
            Self::ErrorReply => Code::NonParsableOauthError,
            Self::NotJson => Code::JsonParseFailed,
            Self::Incomplete(_) => Code::DeviceCodeResponseIncomplete,
        }
    }
}

impl Explain for JwtError {
    fn code(&self) -> Code {
        Code::InvalidJwt
    }
}

impl Explain for IdTokenError {
    fn code(&self) -> Code {
        match self {
            Self::Issuer(..) | Self::Tenant(..) => Code::IssuerMismatch,
            Self::Audience => Code::AudienceMismatch,
            Self::Expired => Code::IdTokenExpired,
        }
    }
}

impl Explain for CacheError {
    fn code(&self) -> Code {
        Code::JsonParseFailed
    }
}
