//! The lab's services as a client on the network meets them: through the proxy, over TLS, with
//! Kerberos tokens of an independent implementation.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adfs;
mod api;
mod assertions;
mod client;
#[path = "../../../silentry/tests/common/mod.rs"]
mod common;
mod discovery;
mod front;
mod recorded;
mod scenarios;
mod seamless_sso;
mod tokens;
