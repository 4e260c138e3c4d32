//! What Entra's token endpoint is told and what it answers.
//!
//! Everything here is a function from bytes to values or back: no I/O, no clock. Answers are read
//! leniently, as Entra's and AD FS's differ by year and version, and bounded: what is larger than
//! [`MAX_BODY_BYTES`] is not read.

pub mod aadsts;
#[cfg(feature = "interactive")]
pub mod authorization;
mod base64;
pub mod challenge;
pub mod claims;
mod claims_challenge;
pub mod classification;
pub mod consent;
pub mod device_code;
mod error_members;
pub mod error_response;
pub mod id_token;
mod members;
pub mod retry_after;
pub mod scopes;
pub mod token_request;
pub mod token_response;

pub use claims_challenge::ClaimsChallenge;

/// The largest body of an answer that is read: real ones have a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
