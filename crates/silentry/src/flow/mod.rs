//! The ways in: one file each, a straight line from top to bottom.

mod call;
mod federation;
pub(crate) mod integrated_windows;
mod kerberos;
mod proxy_ticket;
mod redeem;
mod windows_transport;

pub(crate) use federation::FederationMemory;
pub(crate) use proxy_ticket::ProxyTicket;
