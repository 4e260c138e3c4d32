//! The token cache: the unified schema of the MSALs, and where it is kept.

mod index;
mod names;
mod recognize;
mod rows;
pub mod store;
mod tenant_names;
#[cfg(test)]
mod tests;
mod token_cache;
mod write;

pub use token_cache::TokenCache;

pub(crate) use index::Wanted;
pub(crate) use rows::Owner;
pub(crate) use silentry_protocol::cache::environment::canonical as environment;
pub(crate) use token_cache::Found;
pub(crate) use write::{NewTokens, SignedInUser, remove, store as store_tokens};
