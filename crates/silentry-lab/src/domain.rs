//! Active Directory as far as sign-ins need it: two realms, their KDC, tickets and keytabs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::net::TcpSocket;

use crate::directory::{
    AUTOLOGON_HOST, FEDERATION_HOST, FOREIGN_FEDERATION_HOST, REALM, TRUSTED_REALM, User, users,
};
use crate::error::LabError;
use crate::kdc::{self, Kdc, KdcConfig, Realm, Service};
use crate::kerberos::keytab::Keytab;
use crate::scenario::switches::{self, ServiceAccount, Tickets};

/// As long as Active Directory's tickets.
const TICKET_LIFETIME: Duration = Duration::from_secs(10 * 3600);
/// When the user signed in to the machine; also how long before now an expired ticket ended.
const A_WHILE: Duration = Duration::from_secs(60);

/// The domain of the lab's users.
pub(crate) struct Domain {
    kdc: Kdc,
    krb5_conf: String,
    switches: switches::Kerberos,
    /// Service principals beside those of the lab itself.
    further_services: Vec<String>,
    /// Keeps a port taken that nobody listens on.
    _closed_port: Option<TcpSocket>,
}

impl Domain {
    pub(crate) async fn start(
        switches: switches::Kerberos,
        further_services: Vec<String>,
    ) -> Result<Self, LabError> {
        let mut users_realm = realm(REALM, switches)
            .with_service(federation_service(FEDERATION_HOST, switches.service))
            .with_service(Service::new(spn(FOREIGN_FEDERATION_HOST)))
            .with_service(Service::new(spn(AUTOLOGON_HOST)));
        for service in &further_services {
            users_realm = users_realm.with_service(Service::new(service));
        }
        let trust = KdcConfig::new([users_realm, realm(TRUSTED_REALM, switches)])
            .with_trust(REALM, TRUSTED_REALM);
        let kdc = Kdc::start(trust)
            .await
            .map_err(|error| LabError::Ticket(error.to_string()))?;
        let (krb5_conf, closed_port) = match switches.kdc {
            switches::Kdc::Down => {
                let (text, socket) = nobody_home(&kdc)?;
                (text, Some(socket))
            }
            switches::Kdc::Up | switches::Kdc::Silent => (kdc.krb5_conf(), None),
        };
        Ok(Self {
            kdc,
            krb5_conf,
            switches,
            further_services,
            _closed_port: closed_port,
        })
    }

    pub(crate) fn kdc(&self) -> &Kdc {
        &self.kdc
    }

    pub(crate) fn krb5_conf(&self) -> &str {
        &self.krb5_conf
    }

    /// Writes what `kinit` leaves behind, or nothing where the scenario says so.
    pub(crate) fn write_tgt(&self, user: &User, path: &Path) -> Result<(), LabError> {
        self.write(user, &[], path)
    }

    /// Writes the ticket-granting ticket and the service tickets of a sign-in. Where the scenario
    /// is about the KDC there are no service tickets, or nobody would notice.
    pub(crate) fn write_ccache(&self, user: &User, path: &Path) -> Result<(), LabError> {
        let about_kdc = self.switches.kdc != switches::Kdc::Up
            || self.switches.service != ServiceAccount::Aes
            || !self.switches.clock_ahead.is_zero();
        let spns = [FEDERATION_HOST, FOREIGN_FEDERATION_HOST, AUTOLOGON_HOST].map(spn);
        let spns: Vec<&str> = match about_kdc {
            true => Vec::new(),
            false => spns
                .iter()
                .chain(&self.further_services)
                .map(String::as_str)
                .collect(),
        };
        self.write(user, &spns, path)
    }

    fn write(&self, user: &User, spns: &[&str], path: &Path) -> Result<(), LabError> {
        let now = SystemTime::now();
        let valid = match self.switches.tickets {
            Tickets::None => return Ok(()),
            Tickets::Fresh => now - A_WHILE..now + TICKET_LIFETIME,
            Tickets::Expired => now - A_WHILE - TICKET_LIFETIME..now - A_WHILE,
        };
        let ccache = self.kdc.ccache_valid(&user.principal(), spns, valid);
        let ccache = ccache.map_err(|error| LabError::Ticket(error.to_string()))?;
        ccache
            .write(path)
            .map_err(LabError::io(format!("writing {}", path.display())))
    }

    /// Returns the keys of AD FS. An account without AES keys, or without a name, opens no ticket.
    pub(crate) fn federation_keytab(&self) -> Result<Keytab, LabError> {
        let foreign = self.keytab(FOREIGN_FEDERATION_HOST)?;
        match self.switches.service {
            ServiceAccount::Aes => Ok(self.keytab(FEDERATION_HOST)?.merged(foreign)),
            ServiceAccount::Rc4Only | ServiceAccount::Unregistered => Ok(foreign),
        }
    }

    /// Returns the keys of AZUREADSSOACC.
    pub(crate) fn autologon_keytab(&self) -> Result<Keytab, LabError> {
        self.keytab(AUTOLOGON_HOST)
    }

    /// Reads the keytab of another KDC's service.
    pub(crate) fn read_keytab(path: &Path) -> Result<Keytab, LabError> {
        Keytab::read(path).map_err(|error| LabError::Keytab {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }

    fn keytab(&self, host: &str) -> Result<Keytab, LabError> {
        self.kdc
            .keytab(&spn(host))
            .map_err(|error| LabError::Ticket(error.to_string()))
    }
}

fn realm(name: &str, switches: switches::Kerberos) -> Realm {
    let offset = time::Duration::try_from(switches.clock_ahead).unwrap_or(time::Duration::ZERO);
    let mut realm = Realm::new(name).with_clock_offset(offset);
    for user in users().iter().filter(|user| user.realm == name) {
        realm = realm.with_user(kdc::User::new(user.account, user.password).with_alias(user.upn));
    }
    if switches.kdc == switches::Kdc::Silent {
        realm.silent()
    } else {
        realm
    }
}

fn federation_service(host: &str, account: ServiceAccount) -> Service {
    match account {
        ServiceAccount::Aes => Service::new(spn(host)),
        ServiceAccount::Rc4Only => Service::new(spn(host)).rc4_only(),
        // Somebody registered the name of a host that went away.
        ServiceAccount::Unregistered => Service::new(spn(&format!("old-{host}"))),
    }
}

fn spn(host: &str) -> String {
    format!("HTTP/{host}")
}

/// Returns a `krb5.conf` that leads to a port which refuses connections, and what keeps it so: a
/// socket that is bound, but does not listen.
fn nobody_home(kdc: &Kdc) -> Result<(String, TcpSocket), LabError> {
    let doing = "reserving a port";
    let socket = TcpSocket::new_v4().map_err(LabError::io(doing))?;
    socket
        .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .map_err(LabError::io(doing))?;
    let closed = socket.local_addr().map_err(LabError::io(doing))?;
    let mut text = kdc.krb5_conf();
    for realm in [REALM, TRUSTED_REALM] {
        if let Some(open) = kdc.addr(realm) {
            text = text.replace(&open.to_string(), &closed.to_string());
        }
    }
    Ok((text, socket))
}
