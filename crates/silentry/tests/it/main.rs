//! The library from outside, most of it in the lab. What changes a whole process has a program of its own beside this one.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

#[cfg(all(feature = "integrated", feature = "interactive"))]
mod authority;
#[cfg(all(feature = "blocking", feature = "integrated"))]
mod blocking;
#[cfg(feature = "integrated")]
mod cache_corpus;
mod cache_order;
mod cache_rows;
#[cfg(feature = "integrated")]
mod cae;
mod corpus_federation;
mod corpus_oauth;
#[cfg(all(feature = "integrated", unix))]
mod directory;
mod documentation;
#[cfg(all(
    feature = "blocking",
    feature = "integrated",
    feature = "persistent-cache"
))]
mod examples;
#[cfg(feature = "integrated")]
mod flights;
#[cfg(all(feature = "integrated", feature = "interactive"))]
mod flow_scenarios;
#[cfg(feature = "integrated")]
mod integrated_windows;
mod issuers;
#[cfg(feature = "integrated")]
mod ladder;
mod moved_metadata;
#[cfg(feature = "interactive")]
mod prompting;
#[cfg(feature = "integrated")]
mod proxy;
#[cfg(feature = "integrated")]
mod recorded;
#[cfg(feature = "integrated")]
mod renewal;
#[cfg(feature = "integrated")]
mod requests;
#[cfg(all(
    feature = "integrated",
    feature = "persistent-cache",
    target_os = "linux"
))]
mod signed_in;
#[cfg(feature = "integrated")]
mod silent;
#[cfg(feature = "persistent-cache")]
mod store_hammer;
mod store_limits;
#[cfg_attr(
    not(all(feature = "integrated", feature = "interactive")),
    allow(dead_code, unused_imports, reason = "fewer tests use it")
)]
mod support;
mod testdata;
mod third_party;
mod username_password;
#[cfg(all(feature = "integrated", feature = "interactive"))]
mod usernames;
