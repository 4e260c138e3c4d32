//! The command as a person or a script runs it: a process in a lab.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

#[cfg(unix)]
mod accounts;
#[cfg(unix)]
mod cache_files;
mod command_line;
mod federation_hosts;
#[cfg(unix)]
mod files;
mod inspect;
mod inspect_cache;
#[cfg(unix)]
mod ladder;
#[cfg(target_os = "linux")]
mod policy;
#[cfg(unix)]
mod prompting;
#[cfg(target_os = "linux")]
mod readme;
mod scenarios;
#[cfg(target_os = "linux")]
mod session_bus;
mod settings;
mod support;
#[cfg(unix)]
mod telling;
#[cfg(target_os = "linux")]
mod terminal;
#[path = "../../../silentry/tests/it/testdata.rs"]
mod testdata;
#[cfg(unix)]
mod tickets;
#[cfg(unix)]
mod usernames;
