//! The lab from outside: its KDC, its services and its command.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

mod acceptor;
#[cfg(unix)]
mod command;
mod kdc;
mod services;
#[path = "../../../silentry/tests/it/testdata.rs"]
mod testdata;
mod third_party;
