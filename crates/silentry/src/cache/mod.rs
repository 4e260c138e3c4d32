//! The token cache: the unified schema of the MSALs, and where it is kept.

pub mod schema;
pub mod store;
