//! A Kerberos KDC for tests: the part of an Active Directory domain controller that issues tickets.
//!
//! [`Directory`] is the KDC without a network: bytes in, bytes out. [`Kdc`] serves one on loopback
//! ports, over TCP and UDP, a port for each realm. Any number of them run in one process; none reads
//! the environment.
//!
//! It does what RFC 4120 asks of a KDC for AES keys: preauthentication by encrypted timestamp,
//! ticket-granting with the request's checksum, times and replays checked, referrals between realms
//! that trust each other, canonical names (RFC 6806). It does not have, and refuses where a client
//! insists: RC4 and SHA-2 encryption types, renewable, postdated and proxiable tickets, FAST, PKINIT,
//! user-to-user, delegation on behalf of users, transitive trust. Tickets carry no PAC. Names match
//! without regard to case, as in Active Directory; a ticket has the name that the client asked for,
//! unless it asked for the canonical one.
//!
//! ```
//! use silentry_lab::kdc::{Kdc, KdcConfig, Realm, Service, User};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let realm = Realm::new("CONTOSO.TEST")
//!     .with_user(User::new("alice", "Passw0rd!"))
//!     .with_service(Service::new("HTTP/sts.contoso.test"));
//! let kdc = Kdc::start(KdcConfig::new([realm])).await?;
//! let ccache = kdc.ccache("alice", &["HTTP/sts.contoso.test"])?;
//! assert_eq!(ccache.principal().to_string(), "alice@CONTOSO.TEST");
//! assert!(kdc.krb5_conf().contains("default_realm = CONTOSO.TEST"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod as_exchange;
mod config;
mod directory;
mod error;
mod issue;
mod krb5_conf;
mod log;
mod request;
mod server;
#[cfg(test)]
mod tests;
mod tgs_exchange;
mod ticket;

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use thiserror::Error;

use self::server::Server;
use crate::kerberos::ccache::Ccache;
use crate::kerberos::keytab::Keytab;

pub use config::{KdcConfig, Realm, Service, User};
pub use directory::{Directory, InvalidConfig};
pub use error::KdcError;
pub use issue::IssueError;
pub use log::{Asked, Exchange, Outcome};

/// A running KDC. It stops when it is dropped.
#[derive(Debug)]
pub struct Kdc {
    directory: Arc<Directory>,
    /// In the order of the directory's realms.
    servers: Vec<Server>,
}

impl Kdc {
    /// Serves every realm of `config`, each on a free port of the loopback address.
    ///
    /// # Errors
    ///
    /// [`StartError`] for a configuration that makes no sense, or without a free port.
    pub async fn start(config: KdcConfig) -> Result<Self, StartError> {
        let directory = Arc::new(Directory::new(config)?);
        let mut servers = Vec::new();
        for realm in &directory.realms {
            servers.push(Server::start(Arc::clone(&directory), realm.name()).await?);
        }
        Ok(Self { directory, servers })
    }

    /// Returns where the KDC of a realm listens, over TCP and UDP.
    #[must_use]
    pub fn addr(&self, realm: &str) -> Option<SocketAddr> {
        let mut realms = self.directory.realms.iter().zip(&self.servers);
        realms
            .find(|(keys, _)| keys.is(realm))
            .map(|(_, server)| server.addr())
    }

    /// Returns the directory that is served.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Issues a user's tickets without the network; see [`Directory::ccache`].
    ///
    /// # Errors
    ///
    /// As [`Directory::ccache`].
    pub fn ccache(&self, user: &str, spns: &[&str]) -> Result<Ccache, IssueError> {
        self.directory.ccache(user, spns, SystemTime::now())
    }

    /// Issues a user's tickets for another time; see [`Directory::ccache_valid`].
    ///
    /// # Errors
    ///
    /// As [`Directory::ccache`].
    pub fn ccache_valid(
        &self,
        user: &str,
        spns: &[&str],
        valid: Range<SystemTime>,
    ) -> Result<Ccache, IssueError> {
        self.directory.ccache_valid(user, spns, valid)
    }

    /// Returns a service's keytab; see [`Directory::keytab`].
    ///
    /// # Errors
    ///
    /// As [`Directory::keytab`].
    pub fn keytab(&self, spn: &str) -> Result<Keytab, IssueError> {
        self.directory.keytab(spn, SystemTime::now())
    }

    /// Returns what was asked so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<Asked> {
        self.directory.log()
    }

    /// Returns the text of a `krb5.conf` that finds this KDC, for MIT, Heimdal and the JDK.
    #[must_use]
    pub fn krb5_conf(&self) -> String {
        let realms = self.directory.realms.iter().map(|realm| &realm.config);
        krb5_conf::text(realms.zip(self.servers.iter().map(Server::addr)))
    }
}

/// Why a [`Kdc`] did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// No port to listen on.
    #[error("the KDC cannot listen on the loopback address")]
    Listen(#[from] io::Error),
}
