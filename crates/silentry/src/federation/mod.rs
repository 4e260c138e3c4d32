//! What the federation server is told and what it answers: bytes in, values out.
//!
//! Nothing here does I/O, reads a clock or panics on hostile input. Every document is bounded in
//! size ([`MAX_DOCUMENT_BYTES`](document::MAX_DOCUMENT_BYTES)), nesting and complexity before any
//! of it is interpreted.
//!
//! The order of a sign-in: [`realm`] says who authenticates the user's domain and where the
//! metadata is, [`mex`] which endpoint takes which credential, [`rst`] builds the request for it,
//! [`rstr`] reads the reply, and [`assertion`] carries the token on to Entra, byte for byte.

pub mod address;
pub mod assertion;
pub mod content;
pub mod document;
mod encoding;
pub mod fault;
pub(crate) mod hosts;
mod markup;
pub mod mex;
mod namespaces;
mod page;
mod policy;
pub mod realm;
pub mod rst;
pub mod rstr;
mod wsdl;
