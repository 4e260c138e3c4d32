//! Headers of HTTP, and what bytes tell of their coding.

pub mod challenge;
pub mod compression;
pub mod connect;
pub mod date;
pub mod retry_after;
