//! What the answers of Entra and other servers can be wrong with, and the cache of tokens.

use super::{Code, Explain};
use crate::authority::issuer::IdTokenError;
use crate::cache::schema::CacheError;
use crate::oauth::claims::ClaimsError;
use crate::oauth::device_code::DeviceCodeResponseError;
use crate::oauth::id_token::JwtError;
use crate::oauth::token_response::TokenResponseError;

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
