//! What no honest client sends. The honest ones are in `tests/`.

use picky_asn1::wrapper::{Asn1SequenceOf, ExplicitContextTag8, Optional};
use picky_krb::data_types::{Authenticator, AuthenticatorInner, AuthorizationData};
use proptest::prelude::*;

use super::checksum::gss_flag;
use super::*;
use crate::kdc::{Directory, KdcConfig, Realm, Service, User};
use crate::kerberos::ccache::Credential;
use crate::kerberos::der::{self, OID, element};
use crate::kerberos::flags::ap_option;
use crate::kerberos::testing;

const STS: &str = "HTTP/sts.contoso.test";

struct Scene {
    acceptor: Acceptor,
    ticket: Credential,
}

impl Scene {
    fn new() -> Self {
        let realm = Realm::new("CONTOSO.TEST")
            .with_user(User::new("alice", "Passw0rd!"))
            .with_service(Service::new(STS));
        let directory = Directory::new(KdcConfig::new([realm])).unwrap();
        let now = SystemTime::now();
        let ticket = directory
            .ccache("alice", &[STS], now)
            .unwrap()
            .credentials()[1]
            .clone();
        Self {
            acceptor: Acceptor::new(directory.keytab(STS, now).unwrap()),
            ticket,
        }
    }

    fn accept(&self, ap_req: &[u8]) -> Result<Accepted, Refusal> {
        let mechanism = element(OID, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
        let token = element(
            der::application(0),
            &[&mechanism, &[1, 0][..], ap_req].concat(),
        );
        self.acceptor
            .accept(&token, Some(b"tls-server-end-point:"), SystemTime::now())
    }

    /// What comes of a token whose authenticator was changed.
    fn edited(&self, edit: impl FnOnce(&mut AuthenticatorInner)) -> Result<Accepted, Refusal> {
        let mut authenticator = self.authenticator();
        edit(&mut authenticator);
        let usage = usage::AP_REQ_AUTHENTICATOR;
        self.accept(&testing::ap_req(&self.ticket, usage, 0, authenticator))
    }

    fn authenticator(&self) -> AuthenticatorInner {
        let now = wire::unix(SystemTime::now());
        let mut authenticator = testing::authenticator(&self.ticket, now);
        authenticator.cksum =
            Optional::from(Some(testing::checksum(0x8003, gss(gss_flag::MUTUAL))));
        authenticator
    }
}

/// The checksum of a client that binds to nothing.
fn gss(flags: u32) -> Vec<u8> {
    [&16u32.to_le_bytes()[..], &[0; 16], &flags.to_le_bytes()].concat()
}

#[test]
fn wants_the_checksum_of_rfc_4121() {
    let scene = Scene::new();
    let with = |checksum| scene.edited(|edited| edited.cksum = Optional::from(checksum));
    assert!(with(Some(testing::checksum(0x8003, gss(0)))).is_ok());
    let mut short = gss(0);
    short.pop();
    let mut unlike = gss(0);
    unlike[0] = 17;
    for (kind, bytes) in [
        (0x8003, short),
        (0x8003, unlike),
        (0x8003, vec![]),
        (16, gss(0)),
    ] {
        let refusal = with(Some(testing::checksum(kind, bytes))).unwrap_err();
        assert_eq!(refusal, Refusal::BadChecksum);
    }
    assert_eq!(with(None).unwrap_err(), Refusal::BadChecksum);
}

#[test]
fn reports_no_delegation_that_was_only_announced() {
    let scene = Scene::new();
    let announced = testing::checksum(0x8003, gss(gss_flag::DELEGATE));
    let accepted = scene
        .edited(|edited| edited.cksum = Optional::from(Some(announced)))
        .unwrap();
    assert!(!accepted.delegated);
}

#[test]
fn believes_no_authenticator_of_somebody_else() {
    let scene = Scene::new();
    let bob = Principal::parse("bob@CONTOSO.TEST").unwrap();
    let refusal = scene
        .edited(|edited| edited.cname = ExplicitContextTag2::from(wire::name(&bob)))
        .unwrap_err();
    assert_eq!(refusal, Refusal::BadMatch);
    let authenticator = scene.authenticator();
    let sealed = testing::ap_req(
        &scene.ticket,
        usage::AP_REQ_AUTHENTICATOR,
        ap_option::USE_SESSION_KEY,
        authenticator.clone(),
    );
    assert_eq!(scene.accept(&sealed).unwrap_err(), Refusal::UserToUser);
    let of_the_kdc = testing::ap_req(
        &scene.ticket,
        usage::TGS_REQ_AUTHENTICATOR,
        0,
        authenticator,
    );
    assert_eq!(
        scene.accept(&of_the_kdc).unwrap_err(),
        Refusal::AuthenticatorIntegrity
    );
}

#[test]
fn reads_authorization_data_that_means_nothing() {
    let scene = Scene::new();
    let with = |kind: i32, data: Vec<u8>| {
        let entry = picky_krb::data_types::AuthorizationDataInner {
            ad_type: ExplicitContextTag0::from(wire::integer(kind)),
            ad_data: ExplicitContextTag1::from(wire::octets(data)),
        };
        let data: AuthorizationData = Asn1SequenceOf::from(vec![entry]);
        scene.edited(|edited| {
            edited.authorization_data = Optional::from(Some(ExplicitContextTag8::from(data)));
        })
    };
    assert!(with(142, vec![1, 2, 3]).is_ok());
    assert!(with(143, vec![0, 0, 0, 0]).is_ok());
    assert_eq!(with(1, vec![0xff; 9]).unwrap_err(), Refusal::Malformed);
    let mark = 0x4000u32.to_le_bytes().to_vec();
    assert_eq!(with(143, mark).unwrap_err(), Refusal::MissingChannelBinding);
}

/// Behind the encryption nothing panics either: any user may seal what they like.
#[test]
fn no_plaintext_makes_it_panic() {
    let scene = Scene::new();
    let plain = wire::encode(&Authenticator::from(scene.authenticator()));
    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    proptest!(|(mutations in proptest::collection::vec(mutation, 1..4))| {
        let mut plain = plain.clone();
        for (at, byte) in mutations {
            let at = at.index(plain.len());
            plain[at] = byte;
        }
        let sealed = wire::seal(&scene.ticket.key, None, usage::AP_REQ_AUTHENTICATOR, &plain);
        let _ = scene.accept(&testing::sealed_ap_req(&scene.ticket.ticket, 0, sealed));
    });
}
