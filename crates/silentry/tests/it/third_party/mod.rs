//! What programs of others make of ours, and we of theirs.

#[cfg(all(feature = "persistent-cache", target_os = "linux"))]
mod stores;
mod xmlsec;
