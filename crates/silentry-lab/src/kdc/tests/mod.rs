//! What no honest client sends. The honest ones are in `tests/`.

mod no_panic;

use std::time::Duration;

use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag7,
    ExplicitContextTag8, Optional,
};
use picky_krb::data_types::{
    AuthenticatorInner, EncTicketPart, PaData, PaEncTsEnc, Ticket, TicketInner,
};
use picky_krb::messages::{AsReq, KdcReq, KdcReqBody, KrbError, TgsReq};

use super::ticket::Grant;
use super::*;
use crate::kerberos::ccache::Credential;
use crate::kerberos::crypto::{checksum_type, md5, usage};
use crate::kerberos::flags::{ap_option, kdc_option, ticket};
use crate::kerberos::{CLOCK_SKEW, Etype, Principal, testing, wire};

const STS: &str = "HTTP/sts.contoso.test";

fn forest() -> Directory {
    let contoso = Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", "Passw0rd!"))
        .with_service(Service::new(STS));
    let fabrikam = Realm::new("FABRIKAM.TEST").with_service(Service::new("HTTP/sts.fabrikam.test"));
    let northwind = Realm::new("NORTHWIND.TEST");
    let config = KdcConfig::new([contoso, fabrikam, northwind])
        .with_trust("CONTOSO.TEST", "FABRIKAM.TEST")
        .with_trust("FABRIKAM.TEST", "NORTHWIND.TEST");
    Directory::new(config).unwrap()
}

fn now() -> i64 {
    wire::unix(SystemTime::now())
}

fn tgt(directory: &Directory) -> Credential {
    let ccache = directory
        .ccache("alice", &[STS], SystemTime::now())
        .unwrap();
    ccache.credentials()[0].clone()
}

/// A ticket-granting ticket that no KDC of the forest would issue.
fn forged(
    directory: &Directory,
    client: &str,
    issuer: &str,
    target: &str,
    flags: u32,
) -> Credential {
    let grant = Grant {
        client: &Principal::parse(client).unwrap(),
        service: &Principal::krbtgt(target, issuer),
        service_key: directory.realm(target).unwrap().tgt_key(issuer).unwrap(),
        session_etype: Etype::Aes256,
        flags,
        auth_time: now(),
        start_time: now(),
        end_time: now() + 3600,
    };
    grant.issue().credential()
}

fn body(realm: &str, service: &str, options: u32) -> KdcReqBody {
    let service = Principal::parse_in(service, realm).unwrap();
    let etypes = [18, 17].map(wire::integer).to_vec();
    KdcReqBody {
        kdc_options: ExplicitContextTag0::from(wire::flags(options)),
        cname: Optional::from(None),
        realm: ExplicitContextTag2::from(wire::string(realm)),
        sname: Optional::from(Some(ExplicitContextTag3::from(wire::name(&service)))),
        from: Optional::from(None),
        till: ExplicitContextTag5::from(wire::time(0)),
        rtime: Optional::from(None),
        nonce: ExplicitContextTag7::from(wire::integer(7)),
        etype: ExplicitContextTag8::from(Asn1SequenceOf::from(etypes)),
        addresses: Optional::from(None),
        enc_authorization_data: Optional::from(None),
        additional_tickets: Optional::from(None),
    }
}

fn request(kind: u8, padata: Vec<PaData>, body: KdcReqBody) -> KdcReq {
    let padata = ExplicitContextTag3::from(Asn1SequenceOf::from(padata));
    KdcReq {
        pvno: ExplicitContextTag1::from(wire::integer(5)),
        msg_type: ExplicitContextTag2::from(wire::integer(kind)),
        padata: Optional::from(Some(padata)),
        req_body: ExplicitContextTag4::from(body),
    }
}

fn tgs_req(ap_req: Vec<u8>, body: KdcReqBody) -> Vec<u8> {
    wire::encode(&TgsReq::from(request(
        12,
        vec![wire::pa_data(1, ap_req)],
        body,
    )))
}

/// What came of a TGS-REQ whose authenticator was changed after its checksum was made.
fn ask(
    directory: &Directory,
    realm: &str,
    credential: &Credential,
    body: KdcReqBody,
    edit: impl FnOnce(&mut AuthenticatorInner),
) -> Outcome {
    let mut authenticator = testing::authenticator(credential, now());
    let sum = credential
        .key
        .checksum(usage::TGS_REQ_CHECKSUM, &wire::encode(&body));
    let kind = credential.key.etype().checksum_type();
    authenticator.cksum = Optional::from(Some(testing::checksum(kind, sum)));
    edit(&mut authenticator);
    let ap_req = testing::ap_req(credential, usage::TGS_REQ_AUTHENTICATOR, 0, authenticator);
    let _ = directory.answer(realm, &tgs_req(ap_req, body), SystemTime::now());
    directory.log().pop().unwrap().outcome
}

fn honest(_: &mut AuthenticatorInner) {}

fn refused(error: KdcError) -> Outcome {
    Outcome::Refused(error)
}

fn alice() -> Principal {
    Principal::parse("alice@CONTOSO.TEST").unwrap()
}

/// An AS-REQ of alice's with the encrypted timestamp of her password, as of `made`.
fn as_req(directory: &Directory, made: i64) -> Vec<u8> {
    let user = directory
        .realm("CONTOSO.TEST")
        .unwrap()
        .user(&alice())
        .unwrap();
    let timestamp = wire::encode(&PaEncTsEnc {
        patimestamp: ExplicitContextTag0::from(wire::time(made)),
        pausec: Optional::from(None),
    });
    let key = user.key(Etype::Aes256);
    let sealed = wire::seal(key, None, usage::PA_ENC_TIMESTAMP, &timestamp);
    let mut body = body("CONTOSO.TEST", "krbtgt/CONTOSO.TEST", 0);
    body.cname = Optional::from(Some(ExplicitContextTag1::from(wire::name(&alice()))));
    let padata = vec![wire::pa_data(2, wire::encode(&sealed))];
    wire::encode(&AsReq::from(request(10, padata, body)))
}

/// A TGS-REQ of alice's.
fn honest_tgs_req(directory: &Directory) -> Vec<u8> {
    let tgt = tgt(directory);
    let body = body("CONTOSO.TEST", STS, 0);
    let mut authenticator = testing::authenticator(&tgt, now());
    let sum = testing::checksum(checksum_type::RSA_MD5, md5(&wire::encode(&body)));
    authenticator.cksum = Optional::from(Some(sum));
    tgs_req(
        testing::ap_req(&tgt, usage::TGS_REQ_AUTHENTICATOR, 0, authenticator),
        body,
    )
}

/// What comes of these bytes; a refusal is a KRB-ERROR of its number.
fn outcome(directory: &Directory, request: &[u8], now: SystemTime) -> Outcome {
    let reply = directory.answer("CONTOSO.TEST", request, now);
    let outcome = directory.log().pop().unwrap().outcome;
    if let Outcome::Refused(error) = &outcome {
        let message = wire::decode::<KrbError>(&reply).unwrap().0;
        assert_eq!(message.error_code.0, error.code());
    }
    outcome
}

#[test]
fn takes_a_request_once_and_only_in_time() {
    let directory = forest();
    let now = SystemTime::now();
    let six_minutes = Duration::from_secs(360);
    let request = honest_tgs_req(&directory);
    assert_eq!(
        outcome(&directory, &request, now + six_minutes),
        refused(KdcError::Skew)
    );
    assert_eq!(
        outcome(&directory, &request, now - six_minutes),
        refused(KdcError::Skew)
    );
    assert_eq!(outcome(&directory, &request, now), Outcome::Issued);
    assert_eq!(
        outcome(&directory, &request, now),
        refused(KdcError::Repeat)
    );

    let request = as_req(&directory, wire::unix(now));
    assert_eq!(outcome(&directory, &request, now), Outcome::Issued);
    assert_eq!(
        outcome(&directory, &request, now + six_minutes),
        refused(KdcError::Skew)
    );
}

#[test]
fn notices_that_a_request_was_changed() {
    let directory = forest();
    let mut request = honest_tgs_req(&directory);
    let at = request
        .windows(16)
        .rposition(|window| window == b"sts.contoso.test")
        .unwrap();
    request[at] = b'x';
    let outcome = outcome(&directory, &request, SystemTime::now());
    assert_eq!(outcome, refused(KdcError::Modified));
}

#[test]
fn answers_garbage_with_an_error() {
    let directory = forest();
    for garbage in [
        &b""[..],
        b"\x6a",
        b"\x6c\x84\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let outcome = outcome(&directory, garbage, SystemTime::now());
        assert_eq!(outcome, refused(KdcError::Generic));
    }
    let reply = directory.answer("NOWHERE", b"", SystemTime::now());
    let message = wire::decode::<KrbError>(&reply).unwrap().0;
    assert_eq!(message.error_code.0, KdcError::WrongRealm.code());
}

#[test]
fn verifies_the_checksum_of_the_body() {
    let directory = forest();
    let tgt = tgt(&directory);
    let body = || body("CONTOSO.TEST", STS, 0);
    let with = |checksum| {
        ask(
            &directory,
            "CONTOSO.TEST",
            &tgt,
            body(),
            |authenticator: &mut AuthenticatorInner| {
                authenticator.cksum = Optional::from(checksum);
            },
        )
    };
    assert_eq!(
        ask(&directory, "CONTOSO.TEST", &tgt, body(), honest),
        Outcome::Issued
    );
    // As the JDK makes it.
    let md5 = md5(&wire::encode(&body()));
    assert_eq!(
        with(Some(testing::checksum(checksum_type::RSA_MD5, md5))),
        Outcome::Issued
    );
    let other = [0; 16];
    let other = with(Some(testing::checksum(checksum_type::RSA_MD5, other)));
    assert_eq!(other, refused(KdcError::Modified));
    let wrong_key = testing::checksum(checksum_type::HMAC_SHA1_96_AES256, [0; 12]);
    assert_eq!(with(Some(wrong_key)), refused(KdcError::Modified));
    let weak = testing::checksum(1, [0; 4]);
    assert_eq!(
        with(Some(weak)),
        refused(KdcError::ChecksumTypeNotSupported)
    );
    assert_eq!(with(None), refused(KdcError::InappropriateChecksum));
}

#[test]
fn believes_no_authenticator_of_somebody_else() {
    let directory = forest();
    let tgt = tgt(&directory);
    let body = || body("CONTOSO.TEST", STS, 0);
    let bob = Principal::parse("bob@CONTOSO.TEST").unwrap();
    let outcome = ask(&directory, "CONTOSO.TEST", &tgt, body(), |authenticator| {
        authenticator.cname = ExplicitContextTag2::from(wire::name(&bob));
    });
    assert_eq!(outcome, refused(KdcError::BadMatch));
    let outcome = ask(&directory, "CONTOSO.TEST", &tgt, body(), |authenticator| {
        authenticator.ctime = ExplicitContextTag5::from(wire::time(now() - CLOCK_SKEW - 10));
    });
    assert_eq!(outcome, refused(KdcError::Skew));
}

#[test]
fn takes_only_its_own_and_trusted_tickets() {
    let directory = forest();
    let service = directory
        .ccache("alice", &[STS], SystemTime::now())
        .unwrap()
        .credentials()[1]
        .clone();
    let body = || body("CONTOSO.TEST", STS, 0);
    let outcome = ask(&directory, "CONTOSO.TEST", &service, body(), honest);
    assert_eq!(outcome, refused(KdcError::NotUs));
    let theirs = tgt(&forest());
    let outcome = ask(&directory, "CONTOSO.TEST", &theirs, body(), honest);
    assert_eq!(outcome, refused(KdcError::BadIntegrity));
    let invalid = forged(
        &directory,
        "alice@CONTOSO.TEST",
        "CONTOSO.TEST",
        "CONTOSO.TEST",
        ticket::INVALID,
    );
    let outcome = ask(&directory, "CONTOSO.TEST", &invalid, body(), honest);
    assert_eq!(outcome, refused(KdcError::TicketNotYetValid));
}

#[test]
fn trust_is_direct() {
    let directory = forest();
    let visitor = |client| forged(&directory, client, "CONTOSO.TEST", "FABRIKAM.TEST", 0);
    let there = |credential: &Credential, service| {
        ask(
            &directory,
            "FABRIKAM.TEST",
            credential,
            body("FABRIKAM.TEST", service, 0),
            honest,
        )
    };
    let alice = visitor("alice@CONTOSO.TEST");
    assert_eq!(there(&alice, "HTTP/sts.fabrikam.test"), Outcome::Issued);
    let further = there(&alice, "krbtgt/NORTHWIND.TEST");
    assert_eq!(further, refused(KdcError::PathNotAccepted));
    for somebody in ["administrator@FABRIKAM.TEST", "carol@NORTHWIND.TEST"] {
        let pretender = there(&visitor(somebody), "HTTP/sts.fabrikam.test");
        assert_eq!(pretender, refused(KdcError::PathNotAccepted));
    }
}

#[test]
fn refers_only_clients_that_ask_for_the_canonical_name() {
    let directory = forest();
    let tgt = tgt(&directory);
    let ask = |options| {
        let body = body("CONTOSO.TEST", "HTTP/sts.fabrikam.test", options);
        ask(&directory, "CONTOSO.TEST", &tgt, body, honest)
    };
    assert_eq!(
        ask(kdc_option::CANONICALIZE),
        Outcome::Referred("FABRIKAM.TEST".to_owned())
    );
    assert_eq!(ask(0), refused(KdcError::ServiceUnknown));
}

#[test]
fn refuses_tickets_of_kinds_it_has_not() {
    let directory = forest();
    let tgt = tgt(&directory);
    let ask = |options| {
        let body = body("CONTOSO.TEST", STS, options);
        ask(&directory, "CONTOSO.TEST", &tgt, body, honest)
    };
    for option in [
        kdc_option::RENEW,
        kdc_option::VALIDATE,
        kdc_option::PROXY,
        kdc_option::ENC_TKT_IN_SKEY,
        kdc_option::CNAME_IN_ADDL_TKT,
        kdc_option::FORWARDED,
    ] {
        assert_eq!(ask(option), refused(KdcError::BadOption), "{option:#x}");
    }
    assert_eq!(
        ask(kdc_option::POSTDATED),
        refused(KdcError::CannotPostdate)
    );
    assert_eq!(ask(kdc_option::FORWARDABLE), Outcome::Issued);
}

#[test]
fn checks_the_header_of_a_request() {
    let directory = forest();
    let outcome = |request: &[u8]| outcome(&directory, request, SystemTime::now());
    let body = |edit: fn(&mut KdcReqBody)| {
        let mut body = body("CONTOSO.TEST", "krbtgt/CONTOSO.TEST", 0);
        body.cname = Optional::from(Some(ExplicitContextTag1::from(wire::name(&alice()))));
        edit(&mut body);
        body
    };
    let as_req = |edit: fn(&mut KdcReq), body| {
        let mut request = request(10, Vec::new(), body);
        edit(&mut request);
        outcome(&wire::encode(&AsReq::from(request)))
    };
    let plain = |_: &mut KdcReq| {};
    assert_eq!(
        as_req(plain, body(|_| {})),
        refused(KdcError::PreauthRequired)
    );
    let version = |request: &mut KdcReq| request.pvno = ExplicitContextTag1::from(wire::integer(4));
    assert_eq!(as_req(version, body(|_| {})), refused(KdcError::BadVersion));
    let kind =
        |request: &mut KdcReq| request.msg_type = ExplicitContextTag2::from(wire::integer(12));
    assert_eq!(as_req(kind, body(|_| {})), refused(KdcError::MessageType));

    let nobody = body(|body| body.cname = Optional::from(None));
    assert_eq!(as_req(plain, nobody), refused(KdcError::ClientUnknown));
    let nothing = body(|body| body.sname = Optional::from(None));
    assert_eq!(as_req(plain, nothing), refused(KdcError::ServiceUnknown));
    let later = body(|body| {
        let from = wire::time(now() + CLOCK_SKEW + 60);
        body.from = Optional::from(Some(ExplicitContextTag4::from(from)));
    });
    assert_eq!(as_req(plain, later), refused(KdcError::CannotPostdate));
    assert_eq!(outcome(&vec![0x6a; 70_000]), refused(KdcError::TooLong));
    let no_ticket = wire::encode(&TgsReq::from(request(12, Vec::new(), body(|_| {}))));
    assert_eq!(
        outcome(&no_ticket),
        refused(KdcError::PadataTypeNotSupported)
    );
}

#[test]
fn refuses_user_to_user() {
    let directory = forest();
    let tgt = tgt(&directory);
    let authenticator = testing::authenticator(&tgt, now());
    let options = ap_option::USE_SESSION_KEY;
    let ap_req = testing::ap_req(&tgt, usage::TGS_REQ_AUTHENTICATOR, options, authenticator);
    let request = tgs_req(ap_req, body("CONTOSO.TEST", STS, 0));
    let _ = directory.answer("CONTOSO.TEST", &request, SystemTime::now());
    let outcome = directory.log().pop().unwrap().outcome;
    assert_eq!(outcome, refused(KdcError::BadOption));
}
