//! What token endpoints and their neighbours are told and what they answer.
//!
//! Answers are read leniently, as Entra's and AD FS's differ by year and version.

pub mod aadsts;
pub mod authorization;
pub mod claims;
pub mod classification;
pub mod consent;
pub mod device_code;
mod error_members;
pub mod error_response;
pub mod id_token;
mod members;
pub mod scopes;
pub mod token_request;
pub mod token_response;
