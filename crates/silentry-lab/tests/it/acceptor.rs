//! The acceptor, asked by a Kerberos implementation that is not ours: the `krb5` crate.

use std::time::{Duration, SystemTime};

use krb5::initiator::{GSS_C_CHANNEL_BOUND_FLAG, GSS_C_MUTUAL_FLAG, InitOptions, InitiatorContext};
use krb5::spnego::SpnegoInitiator;
use krb5::{ChannelBindings, Credentials};
use proptest::prelude::*;
use silentry_lab::kdc::{Directory, KdcConfig, Realm, Service, User};
use silentry_lab::kerberos::acceptor::{Acceptor, ChannelBinding, Mechanism, Refusal, gss_flag};
use silentry_lab::kerberos::keytab::{Keytab, KeytabEntry};
use silentry_lab::kerberos::{Etype, Key, Principal};

const STS: &str = "HTTP/sts.contoso.test";
const OURS: &[u8] = b"tls-server-end-point:0123456789abcdef0123456789abcdef";
const THEIRS: &[u8] = b"tls-server-end-point:fedcba9876543210fedcba9876543210";

fn directory() -> Directory {
    let realm = Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", "Passw0rd!"))
        .with_service(Service::new(STS))
        .with_service(Service::new("HTTP/other.contoso.test"))
        .with_service(Service::new("HTTP/aes128.contoso.test").with_etypes([Etype::Aes128]))
        .with_forwardable_tickets();
    Directory::new(KdcConfig::new([realm])).unwrap()
}

fn ticket(directory: &Directory, spn: &str) -> Credentials {
    let ccache = directory
        .ccache("alice", &[spn], SystemTime::now())
        .unwrap();
    krb5::CCache::decode(&ccache.to_bytes())
        .unwrap()
        .credentials()
        .nth(1)
        .unwrap()
}

fn acceptor(directory: &Directory, spn: &str) -> Acceptor {
    Acceptor::new(directory.keytab(spn, SystemTime::now()).unwrap())
}

fn spnego(ticket: &Credentials, flags: u32, binding: Option<&[u8]>) -> (SpnegoInitiator, Vec<u8>) {
    let bindings = binding.map(ChannelBindings::new);
    let mut options = InitOptions::default();
    options.channel_bindings = bindings.as_ref();
    SpnegoInitiator::with_options(ticket, flags, options).unwrap()
}

#[test]
fn completes_a_negotiation_both_ways() {
    let directory = directory();
    for spn in [STS, "HTTP/aes128.contoso.test"] {
        let acceptor = acceptor(&directory, spn);
        let (mut client, token) = spnego(&ticket(&directory, spn), GSS_C_MUTUAL_FLAG, None);
        let accepted = acceptor
            .accept(&token, Some(OURS), SystemTime::now())
            .unwrap();
        assert_eq!(accepted.client.to_string(), "alice@CONTOSO.TEST");
        assert_eq!(accepted.service.name(), spn);
        assert_eq!(accepted.mechanism, Mechanism::Spnego);
        assert_eq!(accepted.channel_binding, ChannelBinding::Absent);
        assert!(!accepted.delegated);
        assert_eq!(accepted.flags & gss_flag::MUTUAL, gss_flag::MUTUAL);

        // The initiator checks the AP-REP's times and the end of the negotiation.
        assert_eq!(client.step(&accepted.reply).unwrap(), None);
        assert!(client.is_established());
    }
}

#[test]
fn completes_plain_kerberos() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let ticket = ticket(&directory, STS);
    let (mut client, token) = InitiatorContext::new(&ticket, GSS_C_MUTUAL_FLAG).unwrap();
    let accepted = acceptor.accept(&token, None, SystemTime::now()).unwrap();
    assert_eq!(accepted.mechanism, Mechanism::Kerberos);
    client.step(&accepted.reply).unwrap();
    assert!(client.is_established());

    let (_, token) = InitiatorContext::new(&ticket, 0).unwrap();
    assert_eq!(
        acceptor
            .accept(&token, None, SystemTime::now())
            .unwrap()
            .reply,
        b""
    );
    let (mut client, token) = spnego(&ticket, 0, None);
    let accepted = acceptor.accept(&token, None, SystemTime::now()).unwrap();
    client.step(&accepted.reply).unwrap();
    assert!(client.is_established());
}

#[test]
fn compares_channel_bindings() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let ticket = ticket(&directory, STS);
    let accept = |flags, theirs: Option<&[u8]>, ours: Option<&[u8]>| {
        let (_, token) = spnego(&ticket, flags | GSS_C_MUTUAL_FLAG, theirs);
        acceptor
            .accept(&token, ours, SystemTime::now())
            .map(|accepted| accepted.channel_binding)
    };
    assert_eq!(
        accept(0, Some(OURS), Some(OURS)),
        Ok(ChannelBinding::Matched)
    );
    assert_eq!(
        accept(0, Some(THEIRS), Some(OURS)),
        Err(Refusal::WrongChannelBinding)
    );
    assert_eq!(accept(0, None, Some(OURS)), Ok(ChannelBinding::Absent));
    assert_eq!(accept(0, Some(THEIRS), None), Ok(ChannelBinding::Unchecked));

    let binds = GSS_C_CHANNEL_BOUND_FLAG;
    assert_eq!(
        accept(binds, Some(OURS), Some(OURS)),
        Ok(ChannelBinding::Matched)
    );
    assert_eq!(
        accept(binds, None, Some(OURS)),
        Err(Refusal::MissingChannelBinding)
    );
    assert_eq!(accept(binds, None, None), Ok(ChannelBinding::Absent));
}

#[test]
fn accepts_a_token_once_and_only_in_time() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let (_, token) = spnego(&ticket(&directory, STS), GSS_C_MUTUAL_FLAG, None);
    let now = SystemTime::now();
    let minute = Duration::from_secs(60);
    let refusal = |now| acceptor.accept(&token, None, now).err();
    assert!(matches!(
        refusal(now + 6 * minute),
        Some(Refusal::Skew(-365..=-355))
    ));
    assert!(matches!(
        refusal(now - 6 * minute),
        Some(Refusal::Skew(355..=365))
    ));
    assert_eq!(refusal(now + 4 * minute), None);
    assert_eq!(refusal(now), Some(Refusal::Repeat));
}

#[test]
fn keeps_a_wrong_clock() {
    let directory = directory();
    let (_, token) = spnego(&ticket(&directory, STS), GSS_C_MUTUAL_FLAG, None);
    let accept = |offset| {
        let acceptor = acceptor(&directory, STS).with_clock_offset(offset);
        acceptor.accept(&token, None, SystemTime::now()).map(|_| ())
    };
    assert!(matches!(
        accept(time::Duration::minutes(10)),
        Err(Refusal::Skew(_))
    ));
    assert!(matches!(
        accept(time::Duration::minutes(-10)),
        Err(Refusal::Skew(_))
    ));
    assert_eq!(accept(time::Duration::minutes(2)), Ok(()));
}

#[test]
fn refuses_tickets_of_another_time() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let refusal = |valid| {
        let ccache = directory.ccache_valid("alice", &[STS], valid).unwrap();
        let ccache = krb5::CCache::decode(&ccache.to_bytes()).unwrap();
        let ticket = ccache.credentials().nth(1).unwrap();
        acceptor
            .accept(&spnego(&ticket, 0, None).1, None, now)
            .err()
    };
    assert_eq!(
        refusal(now - 2 * hour..now - hour),
        Some(Refusal::TicketExpired)
    );
    assert_eq!(
        refusal(now + hour..now + 2 * hour),
        Some(Refusal::TicketNotYetValid)
    );
    assert_eq!(refusal(now - hour..now - Duration::from_secs(60)), None);
}

#[test]
fn refuses_tickets_it_has_no_key_for() {
    let directory = directory();
    let other = ticket(&directory, "HTTP/other.contoso.test");
    let now = SystemTime::now();
    let refusal = |acceptor: &Acceptor, ticket: &Credentials| {
        acceptor
            .accept(&spnego(ticket, 0, None).1, None, now)
            .unwrap_err()
    };
    let not_for_us = Refusal::NotForUs("HTTP/other.contoso.test@CONTOSO.TEST".to_owned());
    assert_eq!(refusal(&acceptor(&directory, STS), &other), not_for_us);

    let principal = Principal::parse("HTTP/sts.contoso.test@CONTOSO.TEST").unwrap();
    let with = |etype| {
        let entry = KeytabEntry::new(principal.clone(), 1, &Key::random(etype), now);
        Acceptor::new(Keytab::new([entry]))
    };
    let sts = ticket(&directory, STS);
    assert_eq!(
        refusal(&with(Etype::Aes256), &sts),
        Refusal::TicketIntegrity
    );
    let no_key = Refusal::NoKey {
        service: principal.to_string(),
        etype: 18,
    };
    assert_eq!(refusal(&with(Etype::Aes128), &sts), no_key);

    // The key of another version is tried too.
    let stale = KeytabEntry::new(principal.clone(), 1, &Key::random(Etype::Aes256), now);
    let keytab = Keytab::new([stale]).merged(directory.keytab(STS, now).unwrap());
    let acceptor = Acceptor::new(keytab);
    assert!(acceptor.accept(&spnego(&sts, 0, None).1, None, now).is_ok());
}

#[test]
fn reports_delegation() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let ccache = directory
        .ccache("alice", &[STS], SystemTime::now())
        .unwrap();
    let ccache = krb5::CCache::decode(&ccache.to_bytes()).unwrap();
    let [tgt, sts] = ccache.credentials().collect::<Vec<_>>().try_into().unwrap();
    let (_, token) = InitiatorContext::new_delegating(&sts, 0, &tgt).unwrap();
    let accepted = acceptor.accept(&token, None, SystemTime::now()).unwrap();
    assert!(accepted.delegated);
    assert_eq!(accepted.flags & gss_flag::DELEGATE, gss_flag::DELEGATE);
}

#[test]
fn tells_the_mechanisms_apart() {
    let acceptor = acceptor(&directory(), STS);
    let refusal = |token: &[u8]| acceptor.accept(token, None, SystemTime::now()).unwrap_err();
    assert_eq!(
        refusal(b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2"),
        Refusal::Ntlm
    );
    assert_eq!(refusal(b""), Refusal::Malformed);
    assert_eq!(refusal(&vec![0x60; 70_000]), Refusal::TooLong);
}

/// What our KDC issues and our keytab holds is Kerberos to an acceptor that is not ours.
#[test]
fn another_acceptor_agrees() {
    let directory = directory();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keytab");
    directory
        .keytab(STS, SystemTime::now())
        .unwrap()
        .write(&path)
        .unwrap();
    let keytab = krb5::acceptor::Keytab::load(&path).unwrap();
    let (_, token) = spnego(&ticket(&directory, STS), GSS_C_MUTUAL_FLAG, Some(OURS));
    let mut options = krb5::acceptor::AcceptOptions::default();
    options.channel_bindings = Some(ChannelBindings::new(OURS));
    let mut acceptor = krb5::spnego::SpnegoAcceptor::with_options(&keytab, options);
    acceptor.step(&token).unwrap();
    let context = acceptor.context().unwrap();
    assert_eq!(context.client_principal, "alice@CONTOSO.TEST");
    assert_ne!(context.gss_flags & GSS_C_CHANNEL_BOUND_FLAG, 0);
}

#[test]
fn no_token_makes_it_panic() {
    let directory = directory();
    let acceptor = acceptor(&directory, STS);
    let ticket = ticket(&directory, STS);
    let accept = |token: &[u8]| {
        let _ = acceptor.accept(token, Some(OURS), SystemTime::now());
    };
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300))| accept(&bytes));
    let (_, spnego) = spnego(&ticket, GSS_C_MUTUAL_FLAG, Some(OURS));
    let (_, kerberos) = InitiatorContext::new(&ticket, GSS_C_MUTUAL_FLAG).unwrap();
    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    let mutations = proptest::collection::vec(mutation, 1..4);
    proptest!(|(negotiated: bool, mutations in mutations, cut: prop::sample::Index)| {
        let mut token = if negotiated { spnego.clone() } else { kerberos.clone() };
        for (at, byte) in mutations {
            // The first octets are where the structure is; the rest is ciphertext.
            let at = at.index(token.len().min(250));
            token[at] = byte;
        }
        accept(&token);
        accept(&token[..cut.index(token.len())]);
    });
}
