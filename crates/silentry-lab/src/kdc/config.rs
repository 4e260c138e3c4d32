use time::Duration;

use crate::kerberos::Etype;

/// What a [`Kdc`](super::Kdc) serves: realms, and which of them trust each other.
#[derive(Clone, Debug, Default)]
pub struct KdcConfig {
    pub(super) realms: Vec<Realm>,
    pub(super) trusts: Vec<(String, String)>,
}

impl KdcConfig {
    /// Serves these realms; the first one is the default realm of
    /// [`krb5_conf`](super::Kdc::krb5_conf).
    #[must_use]
    pub fn new(realms: impl IntoIterator<Item = Realm>) -> Self {
        Self {
            realms: realms.into_iter().collect(),
            trusts: Vec::new(),
        }
    }

    /// Lets users of each of two realms get tickets of the other's services, as two domains of one
    /// forest do. Trust is not transitive.
    #[must_use]
    pub fn with_trust(mut self, one: impl Into<String>, other: impl Into<String>) -> Self {
        self.trusts.push((one.into(), other.into()));
        self
    }
}

/// A realm: one Active Directory domain as Kerberos sees it.
///
/// # Defaults
///
/// Tickets for 10 hours, as Active Directory's; the right clock; no forwardable tickets; a KDC that
/// answers; no DNS domain of its own.
#[derive(Clone, Debug)]
pub struct Realm {
    pub(super) name: String,
    pub(super) users: Vec<User>,
    pub(super) services: Vec<Service>,
    pub(super) domains: Vec<String>,
    pub(super) ticket_lifetime: Duration,
    pub(super) clock_offset: Duration,
    pub(super) forwardable: bool,
    pub(super) refers_hosts_only: bool,
    pub(super) silent: bool,
}

impl Realm {
    /// Makes a realm with nobody in it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            users: Vec::new(),
            services: Vec::new(),
            domains: Vec::new(),
            ticket_lifetime: Duration::hours(10),
            clock_offset: Duration::ZERO,
            forwardable: false,
            refers_hosts_only: false,
            silent: false,
        }
    }

    /// Adds a user.
    #[must_use]
    pub fn with_user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a service.
    #[must_use]
    pub fn with_service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Lets [`krb5_conf`](super::Kdc::krb5_conf) say that hosts of this DNS domain are of this realm.
    /// Without it, clients ask their own realm, which refers them.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Issues tickets for at most this long.
    #[must_use]
    pub fn with_ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.ticket_lifetime = lifetime;
        self
    }

    /// Lets this realm's clock run ahead of the system's, or behind it by a negative duration.
    #[must_use]
    pub fn with_clock_offset(mut self, offset: Duration) -> Self {
        self.clock_offset = offset;
        self
    }

    /// Grants forwardable tickets to clients that ask, which lets them delegate.
    #[must_use]
    pub fn with_forwardable_tickets(mut self) -> Self {
        self.forwardable = true;
        self
    }

    /// Refers clients to another realm for names of the types NT-SRV-INST and NT-SRV-HST alone, as MIT's
    /// KDC does by default (krb5 `do_tgs_req.c`, `is_referral_req`); Active Directory takes any.
    #[must_use]
    pub fn referring_hosts_only(mut self) -> Self {
        self.refers_hosts_only = true;
        self
    }

    /// Takes connections and datagrams and never answers them.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }
}

/// A user with a password; from it come an AES256 and an AES128 key.
#[derive(Clone)]
pub struct User {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) aliases: Vec<String>,
}

impl User {
    /// Makes a user: the name without its realm.
    #[must_use]
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: password.into(),
            aliases: Vec::new(),
        }
    }

    /// Lets the user sign in by another name too; one with an `@` is a user principal name, asked for
    /// as an enterprise name (RFC 6806 5). `name@realm` always is one.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A service with random keys of its own, one for each encryption type.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) spn: String,
    pub(super) etypes: Vec<Etype>,
}

impl Service {
    /// Makes a service that has an AES256 and an AES128 key: the name without its realm, such as
    /// `HTTP/sts.contoso.test`.
    #[must_use]
    pub fn new(spn: impl Into<String>) -> Self {
        Self {
            spn: spn.into(),
            etypes: Etype::ALL.to_vec(),
        }
    }

    /// Gives the service keys of these types only.
    #[must_use]
    pub fn with_etypes(mut self, etypes: impl IntoIterator<Item = Etype>) -> Self {
        let etypes = etypes.into_iter().collect::<Vec<_>>();
        self.etypes.retain(|etype| etypes.contains(etype));
        self
    }

    /// Makes it an account without AES keys. Domain controllers have refused tickets for those since
    /// KB5073381, with `KDC_ERR_ETYPE_NOSUPP`.
    #[must_use]
    pub fn rc4_only(self) -> Self {
        self.with_etypes([])
    }
}
