//! The lab's services as a client on the network meets them: through the proxy, over TLS, with
//! Kerberos tokens of an independent implementation.

mod adfs;
mod adfs_oauth;
mod api;
mod assertions;
mod challenges;
mod client;
mod code;
mod device_code;
mod discovery;
mod front;
mod recorded;
mod scenarios;
mod seamless_sso;
mod sign_in;
mod tokens;
