//! What the federation server is told and what it answers: bytes in, values out.

pub mod assertion;
pub mod document;
pub mod mex;
pub mod realm;
pub mod rst;
pub mod rstr;
