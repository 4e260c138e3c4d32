//! What travels in a sign-in at Microsoft Entra and AD FS: bytes to values and back.
//!
//! Nothing here does I/O, reads a clock or needs a runtime. Every document is hostile until it is parsed: size, depth and
//! time are bounded, and no parser panics.
//!
//! The order of an integrated sign-in: [`wstrust::realm`] says who authenticates the user's domain and where its metadata
//! is, [`wstrust::mex`] which endpoint takes which credential, [`wstrust::rst`] builds the request for it,
//! [`wstrust::rstr`] reads the reply, [`wstrust::assertion`] carries the token on to Entra, byte for byte, as
//! [`oauth::token_request`]; [`oauth::token_response`] or [`oauth::error_response`] reads what comes back, and [`cache`]
//! keeps it.

#![forbid(unsafe_code)]

mod base64;
pub mod cache;
pub mod cloud;
pub mod discovery;
pub mod guid;
pub mod http;
pub mod ldap;
pub mod oauth;
pub mod secret;
pub mod wstrust;
pub mod xml;

/// The largest JSON document of a server that is read: real ones have a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
