use std::ops::Range;
use std::time::SystemTime;

use thiserror::Error;

use super::KdcError;
use super::directory::{Directory, RealmKeys, ServiceKeys};
use super::error::Rejection;
use super::request::session_etype;
use super::ticket::{Grant, KVNO};
use crate::kerberos::ccache::{Ccache, Credential};
use crate::kerberos::flags::ticket;
use crate::kerberos::keytab::{Keytab, KeytabEntry};
use crate::kerberos::{Etype, InvalidPrincipal, Key, Principal, wire};

impl Directory {
    /// Returns what `kinit` and then `kvno` for each of `spns` would leave behind: the user's
    /// ticket-granting ticket, valid as long as the realm allows, and the service tickets.
    ///
    /// `user` is of the first realm unless it says `user@REALM`; a service may be of another realm.
    ///
    /// # Errors
    ///
    /// [`IssueError`] if somebody is unknown, or a service has no AES key or is of a realm without
    /// trust.
    pub fn ccache(&self, user: &str, spns: &[&str], now: SystemTime) -> Result<Ccache, IssueError> {
        let (realm, _) = self.find_user(user)?;
        let now = wire::unix_ahead(now, realm.config.clock_offset);
        let lifetime = realm.config.ticket_lifetime.whole_seconds();
        self.issue(user, spns, now..now.saturating_add(lifetime))
    }

    /// As [`Directory::ccache`], with tickets that are valid at other times: expired, or not valid yet.
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
        self.issue(user, spns, wire::unix(valid.start)..wire::unix(valid.end))
    }

    /// Returns the keytab of a service, for the realm that has it unless `spn` says which.
    ///
    /// # Errors
    ///
    /// [`IssueError`] if there is no such service, or it has no AES key.
    pub fn keytab(&self, spn: &str, now: SystemTime) -> Result<Keytab, IssueError> {
        let (_, service) = self.find_service(spn)?;
        if service.keys.is_empty() {
            return Err(IssueError::NoAesKey(spn.to_owned()));
        }
        let entry = |key| KeytabEntry::new(service.principal.clone(), KVNO, key, now);
        Ok(Keytab::new(service.keys.iter().map(entry)))
    }

    /// Returns the account that a ticket's client is: a ticket may have an alias, or other upper case.
    #[must_use]
    pub fn account(&self, client: &Principal) -> Option<&Principal> {
        let user = self.realm(client.realm())?.user(client)?;
        Some(&user.principal)
    }

    fn issue(&self, user: &str, spns: &[&str], valid: Range<i64>) -> Result<Ccache, IssueError> {
        let (realm, client) = self.find_user(user)?;
        let one = |service: &Principal, key, session_etype, flags| -> Credential {
            let grant = Grant {
                client,
                service,
                service_key: key,
                session_etype,
                flags: flags | ticket::PRE_AUTHENT,
                auth_time: valid.start,
                start_time: valid.start,
                end_time: valid.end,
            };
            grant.issue().credential()
        };

        let forwardable = if realm.config.forwardable {
            ticket::FORWARDABLE
        } else {
            0
        };
        let krbtgt = Principal::krbtgt(realm.name(), realm.name());
        let tgt_key = realm
            .krbtgt_key(realm.name())
            .expect("a realm has a key of its own");
        let tgt = one(
            &krbtgt,
            tgt_key,
            Etype::Aes256,
            ticket::INITIAL | forwardable,
        );

        let mut credentials = vec![tgt];
        for spn in spns {
            let (home, service) = self.find_service(spn)?;
            if realm.krbtgt_key(home.name()).is_none() {
                return Err(IssueError::NoTrust(home.name().to_owned()));
            }
            let (key, etype) = service
                .key_for(&Etype::ALL)
                .map_err(|_| IssueError::NoAesKey((*spn).to_owned()))?;
            let flags = forwardable | ticket::TRANSITED_POLICY_CHECKED;
            credentials.push(one(&service.principal, key, etype, flags));
        }
        Ok(Ccache::new(client.clone(), credentials))
    }

    fn find_user(&self, name: &str) -> Result<(&RealmKeys, &Principal), IssueError> {
        let default_realm = self.realms.first().map_or("", RealmKeys::name);
        let asked = Principal::parse_in(name, default_realm)?;
        let realm = self.realm(asked.realm());
        let found = realm.and_then(|realm| Some((realm, &realm.user(&asked)?.principal)));
        found.ok_or_else(|| IssueError::Unknown(name.to_owned()))
    }

    fn find_service(&self, spn: &str) -> Result<(&RealmKeys, &ServiceKeys), IssueError> {
        for realm in &self.realms {
            let asked = Principal::parse_in(spn, realm.name())?;
            if let Some(service) = realm.service(&asked) {
                return Ok((realm, service));
            }
        }
        Err(IssueError::Unknown(spn.to_owned()))
    }
}

impl ServiceKeys {
    /// The key of the service's tickets, its strongest, and the session key's type.
    pub(super) fn key_for(&self, wanted: &[Etype]) -> Result<(&Key, Etype), Rejection> {
        // An account that has only RC4 keys is refused like a client that speaks nothing else.
        let key = self.keys.first().ok_or(KdcError::EtypeNotSupported)?;
        let has = |etype| self.keys.iter().any(|key| key.etype() == etype);
        Ok((key, session_etype(wanted, has)?))
    }
}

/// Why nothing was issued.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueError {
    /// A text that names no principal.
    #[error(transparent)]
    InvalidPrincipal(#[from] InvalidPrincipal),
    /// No such user or service.
    #[error("no `{0}` in the directory")]
    Unknown(String),
    /// The service's account has no AES key.
    #[error("`{0}` has no AES key")]
    NoAesKey(String),
    /// The user's realm does not trust the service's.
    #[error("no trust with realm `{0}`")]
    NoTrust(String),
}
