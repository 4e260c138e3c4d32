//! What the federation server is told and what it answers.
//!
//! Every document is bounded in size ([`MAX_DOCUMENT_BYTES`](crate::xml::document::MAX_DOCUMENT_BYTES)), nesting and
//! complexity before any of it is interpreted.

pub mod address;
pub mod assertion;
pub mod fault;
pub mod mex;
mod namespaces;
mod policy;
pub mod realm;
pub mod rst;
pub mod rstr;
pub mod version;
mod wsdl;
