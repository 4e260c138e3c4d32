//! The unified token cache of the MSALs.

pub mod schema;
