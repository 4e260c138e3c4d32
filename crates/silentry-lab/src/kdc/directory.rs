use std::collections::HashMap;

use thiserror::Error;

use super::config::{KdcConfig, Realm, Service, User};
use super::log::Log;
use crate::kerberos::replay::ReplayCache;
use crate::kerberos::{Etype, Key, Principal};

/// Every realm with its keys: a KDC without a network.
///
/// [`answer`](Self::answer) turns a request into a reply; [`ccache`](Self::ccache) and
/// [`keytab`](Self::keytab) hand out what a client and a service would otherwise have to ask for.
#[derive(Debug)]
pub struct Directory {
    pub(super) realms: Vec<RealmKeys>,
    pub(super) log: Log,
}

impl Directory {
    /// Gives everybody their keys.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a name cannot be a principal's, comes twice in its realm, or a trust is
    /// with a realm that is not served.
    pub fn new(config: KdcConfig) -> Result<Self, InvalidConfig> {
        let trusts = config.trusts;
        let mut realms: Vec<RealmKeys> = Vec::new();
        for realm in config.realms {
            let keys = RealmKeys::new(realm)?;
            if realms.iter().any(|other| other.is(keys.name())) {
                return Err(InvalidConfig::Twice(keys.name().to_owned()));
            }
            realms.push(keys);
        }
        let mut directory = Self {
            realms,
            log: Log::default(),
        };
        for (one, other) in trusts {
            directory.trust(&one, &other)?;
            directory.trust(&other, &one)?;
        }
        Ok(directory)
    }

    /// Makes the key of `krbtgt/TARGET@ISSUER`, which both realms know.
    fn trust(&mut self, issuer: &str, target: &str) -> Result<(), InvalidConfig> {
        let name = |realm: &str| {
            let found = self.realm(realm).map(|realm| realm.name().to_owned());
            found.ok_or_else(|| InvalidConfig::UnknownRealm(realm.to_owned()))
        };
        let (issuer, target) = (name(issuer)?, name(target)?);
        let key = Key::random(Etype::Aes256);
        for realm in &mut self.realms {
            if realm.is(&issuer) {
                realm.trusts_out.insert(target.clone(), key.clone());
            }
            if realm.is(&target) {
                realm.trusts_in.insert(issuer.clone(), key.clone());
            }
        }
        Ok(())
    }

    pub(super) fn realm(&self, name: &str) -> Option<&RealmKeys> {
        self.realms.iter().find(|realm| realm.is(name))
    }
}

/// One realm's accounts.
#[derive(Debug)]
pub(super) struct RealmKeys {
    pub(super) config: Realm,
    krbtgt: Key,
    users: Vec<UserKeys>,
    services: Vec<ServiceKeys>,
    /// Keys of `krbtgt/OTHER@THIS`, by OTHER.
    trusts_out: HashMap<String, Key>,
    /// Keys of `krbtgt/THIS@OTHER`, by OTHER.
    trusts_in: HashMap<String, Key>,
    pub(super) replays: ReplayCache,
}

#[derive(Debug)]
pub(super) struct UserKeys {
    pub(super) principal: Principal,
    pub(super) salt: String,
    aliases: Vec<String>,
    keys: Vec<Key>,
}

#[derive(Debug)]
pub(super) struct ServiceKeys {
    pub(super) principal: Principal,
    pub(super) keys: Vec<Key>,
}

impl RealmKeys {
    fn new(config: Realm) -> Result<Self, InvalidConfig> {
        let name = config.name.as_str();
        // A realm's name is right where a principal of it is.
        Principal::parse_in("krbtgt", name).map_err(|_| InvalidConfig::Name(name.to_owned()))?;
        let users = config.users.iter().map(|user| UserKeys::new(user, name));
        let users = users.collect::<Result<Vec<_>, _>>()?;
        let services = config
            .services
            .iter()
            .map(|service| ServiceKeys::new(service, name));
        let services = services.collect::<Result<Vec<_>, _>>()?;

        let principals = users.iter().map(|user| &user.principal);
        let principals = principals.chain(services.iter().map(|service| &service.principal));
        let principals = principals.collect::<Vec<_>>();
        for (index, principal) in principals.iter().enumerate() {
            if principals[..index].iter().any(|other| other.is(principal)) {
                return Err(InvalidConfig::Twice(principal.to_string()));
            }
        }
        Ok(Self {
            krbtgt: Key::random(Etype::Aes256),
            users,
            services,
            trusts_out: HashMap::new(),
            trusts_in: HashMap::new(),
            replays: ReplayCache::default(),
            config,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The user whom a client calls `name`: by account name, by alias, or by `account@realm`.
    pub(super) fn user(&self, name: &Principal) -> Option<&UserKeys> {
        let [asked] = name.components() else {
            return None;
        };
        self.users
            .iter()
            .find(|user| user.answers_to(asked, name.is_enterprise()))
    }

    pub(super) fn service(&self, name: &Principal) -> Option<&ServiceKeys> {
        self.services
            .iter()
            .find(|service| service.principal.is(name))
    }

    /// The key that tickets for this realm's KDC are sealed with by `issuer`: this realm or one that
    /// it trusts.
    pub(super) fn tgt_key(&self, issuer: &str) -> Option<&Key> {
        if self.is(issuer) {
            return Some(&self.krbtgt);
        }
        find_realm(&self.trusts_in, issuer)
    }

    /// The key of `krbtgt/TARGET` as this realm issues it.
    pub(super) fn krbtgt_key(&self, target: &str) -> Option<&Key> {
        if self.is(target) {
            return Some(&self.krbtgt);
        }
        find_realm(&self.trusts_out, target)
    }
}

fn find_realm<'a>(keys: &'a HashMap<String, Key>, realm: &str) -> Option<&'a Key> {
    keys.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(realm))
        .map(|(_, key)| key)
}

impl UserKeys {
    fn new(user: &User, realm: &str) -> Result<Self, InvalidConfig> {
        let principal = Principal::parse_in(&user.name, realm)
            .ok()
            .filter(|principal| principal.realm() == realm && principal.components().len() == 1)
            .ok_or_else(|| InvalidConfig::Name(user.name.clone()))?;
        // RFC 4120 4: the default salt is the realm and the name's components, without separators.
        let salt = format!("{realm}{}", principal.components().concat());
        let derive = |etype| Key::from_password(etype, &user.password, &salt);
        let keys = Etype::ALL.map(derive).to_vec();
        Ok(Self {
            principal,
            salt,
            aliases: user.aliases.clone(),
            keys,
        })
    }

    fn answers_to(&self, name: &str, enterprise: bool) -> bool {
        let account = &self.principal.components()[0];
        let is_upn = || {
            name.rsplit_once('@').is_some_and(|(user, realm)| {
                user.eq_ignore_ascii_case(account)
                    && realm.eq_ignore_ascii_case(self.principal.realm())
            })
        };
        account.eq_ignore_ascii_case(name)
            || self
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
            || (enterprise && is_upn())
    }

    pub(super) fn key(&self, etype: Etype) -> &Key {
        let key = self.keys.iter().find(|key| key.etype() == etype);
        key.expect("a user has a key of every type")
    }
}

impl ServiceKeys {
    fn new(service: &Service, realm: &str) -> Result<Self, InvalidConfig> {
        let principal = Principal::parse_in(&service.spn, realm)
            .ok()
            .filter(|principal| principal.realm() == realm && principal.krbtgt_of().is_none())
            .ok_or_else(|| InvalidConfig::Name(service.spn.clone()))?;
        let keys = service
            .etypes
            .iter()
            .map(|etype| Key::random(*etype))
            .collect();
        Ok(Self { principal, keys })
    }
}

/// A [`KdcConfig`] that describes no directory.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidConfig {
    /// A name that cannot be one of its realm.
    #[error("`{0}` cannot be a name in Kerberos")]
    Name(String),
    /// A realm, user or service that is there already.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A trust with a realm that is not served.
    #[error("no realm `{0}` to trust")]
    UnknownRealm(String),
}
