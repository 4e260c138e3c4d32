//! What Entra's token endpoint is told and what it answers.

pub mod aadsts;
pub mod challenge;
pub mod error_response;
pub mod id_token;
pub mod token_response;
