//! What programs of others make of the lab.
//!
//! They are ignored unless they are asked for, as the programs must be installed:
//! `cargo xtask test --interop`, or `cargo test -- --ignored third_party::`.

mod mit;
mod programs;
