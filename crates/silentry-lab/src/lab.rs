//! A running lab, and how to start one.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::adfs::{Adfs, OAuth};
use crate::browser::Browser;
use crate::clock::Clock;
use crate::directory::{self, User};
use crate::domain::Domain;
use crate::entra::Entra;
use crate::entra::autologon::Autologon;
use crate::error::LabError;
use crate::files::Files;
use crate::front::{self, Front};
use crate::hosts::NAMES;
use crate::journal::{Exchange, Journal};
use crate::kdc::Kdc;
use crate::kerberos::acceptor::Acceptor;
use crate::keys::Keys;
use crate::negotiate::{Binding, Negotiate};
use crate::program::Surroundings;
use crate::scenario::Scenario;
use crate::scenario::switches::{Challenge, Mutual, Switches};
use crate::services::Services;
use crate::tls::Certificates;

/// A running lab. Everything stops, and its files go, when it is dropped.
///
/// Any number of labs run at once: each has its own ports, keys and files, and none reads or
/// changes the environment of the process.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let lab = silentry_lab::Lab::builder().scenario("mfa").start().await?;
/// assert!(lab.proxy_url().starts_with("http://127.0.0.1:"));
/// assert_eq!(lab.user().upn, "carol@contoso.test");
/// let program = lab.command("printenv"); // to be spawned with the lab's environment
/// # drop(program);
/// # Ok::<(), silentry_lab::LabError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lab {
    scenario: &'static Scenario,
    user: &'static User,
    proxy: SocketAddr,
    listeners: Vec<SocketAddr>,
    journal: Journal,
    certificates: Arc<Certificates>,
    files: Files,
    domain: Domain,
    // Last, so that what runs on it is gone before.
    _runtime: OwnRuntime,
}

impl Lab {
    /// Starts a lab in which everything works.
    ///
    /// # Errors
    ///
    /// As [`LabBuilder::start`].
    pub async fn start() -> Result<Self, LabError> {
        Self::builder().start().await
    }

    /// Returns a builder for a lab.
    pub fn builder() -> LabBuilder {
        LabBuilder::default()
    }

    /// Returns the proxy to send https through, such as `http://127.0.0.1:40123`.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// Returns the address of the proxy, which also takes TLS without CONNECT.
    pub fn proxy_addr(&self) -> SocketAddr {
        self.proxy
    }

    /// Returns the addresses of further listeners, in the order they were asked for.
    pub fn listeners(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// Returns the certificates of the lab's authorities, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.certificates.ca_pem()
    }

    /// Returns the certificates of the lab's authorities, in DER.
    pub fn ca_der(&self) -> &[Vec<u8>] {
        self.certificates.ca_der()
    }

    /// Returns the file with the certificates of the lab's authorities, in PEM.
    pub fn ca_path(&self) -> &Path {
        &self.files.ca
    }

    /// Returns the `krb5.conf` that leads to the lab's KDC.
    pub fn krb5_conf_path(&self) -> &Path {
        &self.files.krb5_conf
    }

    /// Writes a credential cache of a user, named by UPN or account, and returns its file.
    ///
    /// It holds the ticket-granting ticket and the service tickets that a sign-in needs, so that a
    /// process whose GSSAPI knows nothing of the lab's KDC can use it. A scenario about tickets or
    /// the KDC takes some or all of them away; the file may then not exist.
    ///
    /// # Errors
    ///
    /// [`LabError::UnknownUser`], or that the file could not be written.
    pub fn ccache(&self, user: &str) -> Result<PathBuf, LabError> {
        let user = directory::user(user).ok_or_else(|| LabError::UnknownUser(user.to_owned()))?;
        let path = self
            .files
            .directory
            .join(format!("krb5cc_{}", user.account));
        self.domain.write_ccache(user, &path)?;
        Ok(path)
    }

    /// Returns a command whose environment leads into the lab, as the lab's user with nothing but a
    /// ticket-granting ticket.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.surroundings().command(program.as_ref())
    }

    /// Returns the variables that [`Lab::command`] sets, but for `PATH`.
    pub fn environment(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        self.surroundings().variables()
    }

    /// Returns the names of the variables that [`Lab::command`] removes.
    pub fn removed_environment(&self) -> &'static [&'static str] {
        Surroundings::removed()
    }

    /// Returns a new browser, in which nobody has signed in.
    ///
    /// # Errors
    ///
    /// [`LabError::Tls`].
    pub fn browser(&self) -> Result<Browser, LabError> {
        Browser::new(self.proxy, self.ca_der())
    }

    /// Returns the record of HTTP exchanges.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns every HTTP exchange so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.journal.exchanges()
    }

    /// Returns the KDC of the lab's realms. In the scenario `kdc-down` it knows everybody, but
    /// nobody is led to it.
    pub fn kdc(&self) -> &Kdc {
        self.domain.kdc()
    }

    /// Returns the scenario that is played.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Returns the user that programs in the lab run as.
    pub fn user(&self) -> &'static User {
        self.user
    }

    /// Returns the directory of the lab's files.
    pub fn directory(&self) -> &Path {
        &self.files.directory
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            proxy_port: self.proxy.port(),
            ca: &self.files.ca,
            trust_store: &self.files.trust_store,
            krb5_conf: &self.files.krb5_conf,
            jaas_conf: &self.files.jaas_conf,
            ccache: &self.files.ccache,
            token_cache: &self.files.token_cache,
            tenant: self.user.domain(),
        }
    }
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lab")
            .field("scenario", &self.scenario.name)
            .field("user", &self.user.upn)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// What a lab is to be like.
#[derive(Clone, Debug, Default)]
pub struct LabBuilder {
    scenario: Option<String>,
    user: Option<String>,
    proxy: Option<SocketAddr>,
    listen: Vec<SocketAddr>,
    directory: Option<PathBuf>,
    keytab: Option<PathBuf>,
    services: Vec<String>,
    map: HashMap<String, String>,
}

impl LabBuilder {
    /// Plays a scenario; see [`Scenario::all`].
    #[must_use]
    pub fn scenario(mut self, name: impl Into<String>) -> Self {
        self.scenario = Some(name.into());
        self
    }

    /// Runs programs as this user, named by UPN or account, in place of the scenario's.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Listens for proxy requests here, in place of a free port of the loopback address.
    #[must_use]
    pub fn proxy(mut self, address: SocketAddr) -> Self {
        self.proxy = Some(address);
        self
    }

    /// Listens here too. Programs without a proxy reach the lab on port 443 of an address that its
    /// names lead to.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen.push(address);
        self
    }

    /// Keeps the lab's files in this directory, which is made if need be and stays.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Lets AD FS open tickets with this keytab in place of the lab's: tickets of another KDC,
    /// whose principals stand for users of the lab by account and realm.
    #[must_use]
    pub fn keytab(mut self, keytab: impl Into<PathBuf>) -> Self {
        self.keytab = Some(keytab.into());
        self
    }

    /// Registers a service of the caller's own, such as `HTTP/proxy.contoso.test`, in the realm of the lab's users;
    /// [`Kdc::keytab`] has its keys.
    #[must_use]
    pub fn service(mut self, spn: impl Into<String>) -> Self {
        self.services.push(spn.into());
        self
    }

    /// Passes connections to a name on to a TLS server of the caller's, `host:port`.
    #[must_use]
    pub fn map(mut self, name: impl Into<String>, server: impl Into<String>) -> Self {
        self.map
            .insert(name.into().to_ascii_lowercase(), server.into());
        self
    }

    /// Starts the lab, on threads of its own.
    ///
    /// # Errors
    ///
    /// An unknown scenario or user, an unreadable keytab, or what the machine refused.
    pub async fn start(self) -> Result<Lab, LabError> {
        let scenario = Scenario::named(self.scenario.as_deref().unwrap_or("default"))?;
        let name = self.user.as_deref().unwrap_or(scenario.user);
        let user = directory::user(name).ok_or_else(|| LabError::UnknownUser(name.to_owned()))?;
        let runtime = OwnRuntime::new()?;
        let started = runtime.get().spawn(self.assemble(scenario, user));
        let parts = started
            .await
            .map_err(|error| LabError::io("starting")(std::io::Error::other(error)))??;
        Ok(parts(runtime))
    }

    async fn assemble(
        self,
        scenario: &'static Scenario,
        user: &'static User,
    ) -> Result<impl FnOnce(OwnRuntime) -> Lab + Send, LabError> {
        let switches = scenario.switches();
        let journal = Journal::default();
        let keys = Arc::new(Keys::load());
        let names = NAMES.iter().map(|(name, _)| *name);
        let certificates = Arc::new(Certificates::generate(names)?);
        let domain = Domain::start(switches.kerberos, self.services).await?;
        let files = Files::write(self.directory.as_deref(), &certificates, &domain, user)?;

        let services = services(
            &domain,
            self.keytab.as_deref(),
            switches,
            keys,
            &certificates,
        )?;
        let front = Arc::new(Front {
            services,
            journal: journal.clone(),
            map: self.map,
        });
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let proxy = listen(self.proxy.unwrap_or(loopback), &front).await?;
        let mut listeners = Vec::new();
        for address in self.listen {
            listeners.push(listen(address, &front).await?);
        }
        Ok(move |runtime| Lab {
            scenario,
            user,
            proxy,
            listeners,
            journal,
            certificates,
            files,
            domain,
            _runtime: runtime,
        })
    }
}

async fn listen(address: SocketAddr, front: &Arc<Front>) -> Result<SocketAddr, LabError> {
    let doing = || format!("listening on {address}");
    let listener = front::bind(address).await.map_err(LabError::io(doing()))?;
    let bound = listener.local_addr().map_err(LabError::io(doing()))?;
    tokio::spawn(front::serve(listener, Arc::clone(front)));
    Ok(bound)
}

fn services(
    domain: &Domain,
    keytab: Option<&Path>,
    switches: Switches,
    keys: Arc<Keys>,
    certificates: &Arc<Certificates>,
) -> Result<Services, LabError> {
    let keytab = match keytab {
        Some(path) => Domain::read_keytab(path)?,
        None => domain.federation_keytab()?,
    };
    let protection = switches.adfs.extended_protection;
    let ahead = switches.adfs.clock_ahead;
    let offset = time::Duration::try_from(ahead).unwrap_or(time::Duration::ZERO);
    let adfs = Adfs {
        clock: Clock::ahead_by(ahead),
        keys: Arc::clone(&keys),
        negotiate: Negotiate {
            acceptor: Acceptor::new(keytab).with_clock_offset(offset),
            challenge: switches.adfs.challenge,
            mutual: switches.adfs.mutual,
            binding: match switches.adfs.inspected {
                true => Binding::Inspected(protection, Arc::clone(certificates)),
                false => Binding::OfConnection(protection),
            },
        },
        oauth: OAuth::new(switches.entra.device_code),
        switches: switches.adfs,
    };
    let autologon = Autologon {
        keys: Arc::clone(&keys),
        negotiate: Negotiate {
            acceptor: Acceptor::new(domain.autologon_keytab()?),
            challenge: Challenge::NegotiateAndNtlm,
            mutual: Mutual::Honest,
            binding: Binding::Ignored,
        },
    };
    Ok(Services {
        adfs,
        autologon,
        entra: Entra::new(keys, switches.entra),
        certificates: Arc::clone(certificates),
        switches,
    })
}

/// Threads of the lab's own: a test that blocks its thread must not stop the lab it waits for.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> Result<Self, LabError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("silentry-lab")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(LabError::io("starting threads"))
    }

    fn get(&self) -> &Runtime {
        self.0
            .as_ref()
            .expect("the runtime is there until the lab is dropped")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // A lab may be dropped inside an async program, where waiting is not allowed.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
