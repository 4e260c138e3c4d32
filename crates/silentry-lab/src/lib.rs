//! Active Directory, AD FS and Microsoft Entra ID on one machine.
//!
//! One process plays a KDC, a federation service, the Entra of one tenant and a protected API, for
//! the real configuration of unmodified programs: see [`Lab`]. What it can be made to do wrong is a
//! [`Scenario`]; who lives in it, [`users`].

mod adfs;
mod api;
mod browser;
mod clock;
mod directory;
mod domain;
mod entra;
mod error;
mod files;
mod front;
mod hosts;
mod http;
mod http_sys;
mod jks;
mod journal;
pub mod kdc;
pub mod kerberos;
mod keys;
mod lab;
mod negotiate;
mod oauth;
mod program;
mod random;
mod scenario;
mod services;
#[cfg(test)]
#[path = "../../silentry/tests/it/testdata.rs"]
mod testdata;
mod tls;
mod xml;

pub use browser::{Browser, Field, Form, Page, Person};
pub use directory::{
    AUTOLOGON_HOST, CLIENT_ID, CONFIDENTIAL_CLIENT_ID, DEFAULT_SCOPE, Demand, FEDERATED_DOMAIN,
    FEDERATION_HOST, FEDERATION_ISSUER, FOREIGN_FEDERATION_HOST, MFA_CODE, PARTNER_DOMAIN,
    PARTNER_TENANT_ID, REALM, SOVEREIGN_ALIAS, SOVEREIGN_HOST, TENANT_ID, TRUSTED_REALM, User,
    user, users,
};
pub use error::LabError;
pub use journal::{Exchange, Journal, PresentedTicket};
pub use lab::{Lab, LabBuilder};
pub use scenario::{Flow, Scenario};
