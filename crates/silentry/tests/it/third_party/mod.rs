//! What programs of others make of ours, and we of theirs.
//!
//! They are ignored unless they are asked for, as the programs must be installed:
//! `cargo xtask test --interop`, or `cargo test -- --ignored third_party::`.

#[cfg(all(feature = "persistent-cache", target_os = "linux"))]
mod stores;
mod xmlsec;
