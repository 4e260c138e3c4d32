//! Heimdal's library (Debian: libgssapi3-heimdal) instead of MIT's.
//!
//! The tests are ignored unless they are asked for, as the library must be installed: `cargo xtask test --interop`, or
//! `cargo test -- --ignored third_party::`. Other files have a module of that name too.

mod heimdal;
mod ntlm;
