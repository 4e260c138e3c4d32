//! One look-up: which domain controller, who it is, and what it says of the user.

use std::time::Duration;

use silentry_negotiate::{Context, MessageProtection, Negotiator, ServicePrincipal, Step};
use silentry_protocol::ldap::{self, Entry, Filter, Scope, Search};

use super::connection::Connection;
use super::deadline::Deadline;
use super::failure::shown;
use super::{Directory, DirectorySettings, Failure, LIMIT, Names, Subject};

/// Legs of one bind. Kerberos needs one or two.
const MAX_LEGS: usize = 4;

/// Finds a user and the names as Windows would. Blocks, for [`LIMIT`] at most.
pub(crate) fn find_user(
    settings: &DirectorySettings,
    negotiator: &Negotiator,
    realm: &str,
    subject: &Subject,
) -> Result<Names, Failure> {
    find_user_within(LIMIT, settings, negotiator, realm, subject)
}

pub(super) fn find_user_within(
    limit: Duration,
    settings: &DirectorySettings,
    negotiator: &Negotiator,
    realm: &str,
    subject: &Subject,
) -> Result<Names, Failure> {
    let deadline = Deadline::after(limit);
    let domain = domain_of(realm)?;
    let (host, port) = settings.server.address(&domain);
    let mut connection = Connection::open(host, port, deadline)?;
    let named = root(&mut connection, "dnsHostName")?;
    let controller = controller(&settings.server, host, named.first("dnsHostName"), &domain)?;
    bind(&mut connection, negotiator, &controller, deadline)?;

    // Asked again, as nobody vouched for the answer to the first question.
    let base = root(&mut connection, "defaultNamingContext")?;
    let base = attribute(&base, "defaultNamingContext")?;
    if let Subject::Account { netbios, .. } = subject {
        check_domain(&mut connection, netbios, base)?;
    }
    let wanted = settings.upn_attribute.as_deref();
    user(&mut connection, base, subject, &domain, wanted)
}

/// Returns the DNS name of the user's domain: in Active Directory the realm is its name in capitals (MS-KILE 1.4).
fn domain_of(realm: &str) -> Result<String, Failure> {
    let domain = realm.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let sound = domain.contains('.')
        && domain.len() <= 253
        && domain.bytes().all(allowed)
        && domain.split('.').all(|label| !label.is_empty());
    if !sound {
        return Err(Failure::NotFound(format!(
            "the realm {realm} is not a domain"
        )));
    }
    Ok(domain)
}

/// Returns the host whose ticket to ask for. One that the server names itself must be inside the user's domain, as
/// anybody could have named it; one that the configuration names is what it says.
fn controller(
    configured: &Directory,
    host: &str,
    named: Option<&str>,
    domain: &str,
) -> Result<String, Failure> {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if matches!(configured, Directory::Host(_)) && !is_address && !host.eq_ignore_ascii_case(domain)
    {
        return Ok(host.to_owned());
    }
    let Some(named) = named else {
        return Err(Failure::Garbled("it does not say who it is".into()));
    };
    let name = named.to_ascii_lowercase();
    let inside = name
        .strip_suffix(domain)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|label| !label.is_empty());
    if !inside {
        return Err(Failure::ForeignHost(shown(named)));
    }
    Ok(name)
}

/// Signs the user in and protects what follows: domain controllers refuse a bind that does not
/// (`LDAPServerIntegrity`, ADV190023), and nobody could believe an answer otherwise.
fn bind(
    connection: &mut Connection,
    negotiator: &Negotiator,
    controller: &str,
    deadline: Deadline,
) -> Result<(), Failure> {
    let service = ServicePrincipal::of_host("ldap", controller).map_err(Failure::Kerberos)?;
    let negotiator = negotiator
        .clone()
        .with_ntlm_allowed(false)
        .with_message_protection(MessageProtection::Sealed)
        .with_timeout(deadline.remaining()?);
    let (mut context, mut token) = negotiator
        .initiate(&service, None)
        .map_err(Failure::Kerberos)?;
    for _ in 0..MAX_LEGS {
        let (outcome, answer) = connection.bind(token.as_bytes())?;
        if !matches!(outcome.code, ldap::SUCCESS | ldap::SASL_BIND_IN_PROGRESS) {
            return Err(Failure::refused("the ticket", &outcome));
        }
        let step = match answer {
            Some(answer) if !context.is_complete() => {
                context.step(&answer).map_err(Failure::Kerberos)?
            }
            _ => Step::Done,
        };
        match step {
            _ if outcome.code == ldap::SUCCESS => return protect(connection, context),
            Step::Send(next) => token = next,
            Step::Done => break,
        }
    }
    Err(Failure::Garbled("its bind does not end".into()))
}

fn protect(connection: &mut Connection, context: Context) -> Result<(), Failure> {
    if !context.server_verified() || context.message_protection() < MessageProtection::Sealed {
        return Err(Failure::Garbled(
            "it did not prove who it is, or does not seal".into(),
        ));
    }
    connection.seal(context)
}

/// Reads an attribute of the rootDSE, which anybody may read (MS-ADTS 3.1.1.3.2).
fn root(connection: &mut Connection, attribute: &str) -> Result<Entry, Failure> {
    let search = Search {
        base: "",
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes: &[attribute],
    };
    let mut entries = connection.search(&search)?;
    entries
        .pop()
        .ok_or_else(|| Failure::Garbled("it has no rootDSE".into()))
}

fn attribute<'a>(entry: &'a Entry, name: &str) -> Result<&'a str, Failure> {
    entry
        .first(name)
        .ok_or_else(|| Failure::Garbled(format!("its rootDSE has no {name}")))
}

/// Checks that the NetBIOS name is the one of the user's own domain: another domain of the forest has other
/// controllers, where the account would have to be looked up.
fn check_domain(connection: &mut Connection, netbios: &str, base: &str) -> Result<(), Failure> {
    let configuration = root(connection, "configurationNamingContext")?;
    let configuration = attribute(&configuration, "configurationNamingContext")?;
    let partitions = connection.search(&Search {
        base: &format!("CN=Partitions,{configuration}"),
        scope: Scope::OneLevel,
        filter: Filter::All(vec![
            Filter::Equal("objectClass", "crossRef"),
            Filter::Equal("nETBIOSName", netbios),
        ]),
        attributes: &["nCName", "dnsRoot"],
    })?;
    let Some(domain) = partitions.first() else {
        return Err(Failure::NotFound(format!(
            "the forest has no domain {netbios}"
        )));
    };
    match domain.first("nCName") {
        Some(name) if name.eq_ignore_ascii_case(base) => Ok(()),
        _ => Err(Failure::NotFound(format!(
            "{netbios} is {}, another domain than that of the ticket",
            shown(domain.first("dnsRoot").unwrap_or("elsewhere"))
        ))),
    }
}

/// Looks the user up. An account name wins over a UPN that looks the same, as it does with the KDC (MS-KILE
/// 3.3.5.6.1).
fn user(
    connection: &mut Connection,
    base: &str,
    subject: &Subject,
    domain: &str,
    wanted: Option<&str>,
) -> Result<Names, Failure> {
    const ACCOUNT: &str = "sAMAccountName";
    const UPN: &str = "userPrincipalName";
    let account = subject.account();
    let implicit = format!("{account}@{domain}");
    let mut names = vec![Filter::Equal(ACCOUNT, account)];
    if matches!(subject, Subject::Principal(_)) {
        names.push(Filter::Equal(UPN, &implicit));
    }
    let users = connection.search(&Search {
        base,
        scope: Scope::Subtree,
        filter: Filter::All(vec![
            Filter::Equal("objectClass", "user"),
            Filter::Any(names),
        ]),
        attributes: &[ACCOUNT, UPN, wanted.unwrap_or(UPN)],
    })?;
    let is_account = |user: &&Entry| {
        user.first(ACCOUNT)
            .is_some_and(|name| name.eq_ignore_ascii_case(account))
    };
    let user = users.iter().find(is_account).or(users.first());
    let Some(user) = user else {
        return Err(Failure::NotFound(format!("{domain} has no user {account}")));
    };
    let implicit = || format!("{}@{domain}", user.first(ACCOUNT).unwrap_or(account));
    Ok(Names {
        upn: user.first(UPN).map_or_else(implicit, str::to_owned),
        login_id: wanted
            .and_then(|attribute| user.first(attribute))
            .map(str::to_owned),
    })
}
