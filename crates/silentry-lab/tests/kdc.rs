//! The KDC, and what it writes, used by a Kerberos implementation that is not ours: the `krb5` crate.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use krb5::{ClientError, Credentials, KdcClient, Principal};
use picky_krb::messages::KrbError;
use proptest::prelude::*;
use silentry_lab::kdc::{
    Asked, Directory, Exchange, InvalidConfig, IssueError, Kdc, KdcConfig, KdcError, Outcome,
    Realm, Service, User,
};
use silentry_lab::kerberos::Etype;

const STS: &str = "HTTP/sts.contoso.test";
const PASSWORD: &str = "Passw0rd!";

fn contoso() -> Realm {
    Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", PASSWORD).with_alias("alice@contoso.com"))
        .with_service(Service::new(STS))
        .with_service(Service::new("HTTP/old.contoso.test").rc4_only())
        .with_service(Service::new("HTTP/aes128.contoso.test").with_etypes([Etype::Aes128]))
}

/// A KDC on a port, for a client that blocks.
struct Lab {
    kdc: Kdc,
    _runtime: tokio::runtime::Runtime,
}

impl Lab {
    fn start(config: KdcConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let kdc = runtime.block_on(Kdc::start(config)).unwrap();
        Self {
            kdc,
            _runtime: runtime,
        }
    }

    fn client(&self, realm: &str) -> KdcClient {
        let mut client = KdcClient::new(realm, [self.kdc.addr(realm).unwrap().to_string()])
            .with_udp(false)
            .with_timeout(Duration::from_secs(20));
        for other in ["CONTOSO.TEST", "FABRIKAM.TEST"] {
            if let Some(addr) = self.kdc.addr(other) {
                client = client.with_realm_kdcs(other, [addr.to_string()]);
            }
        }
        client
    }

    fn alice(&self) -> Credentials {
        self.client("CONTOSO.TEST")
            .login_with_password(&alice(), PASSWORD)
            .unwrap()
    }
}

fn alice() -> Principal {
    principal("alice@CONTOSO.TEST")
}

fn principal(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

fn code<T>(result: Result<T, ClientError>) -> KdcError {
    let code = result
        .err()
        .expect("the KDC refuses")
        .kdc_code()
        .expect("a KRB-ERROR");
    let code = u32::try_from(code).unwrap();
    ERRORS
        .into_iter()
        .find(|error| error.code() == code)
        .unwrap_or_else(|| panic!("{code}"))
}

const ERRORS: [KdcError; 17] = [
    KdcError::ClientUnknown,
    KdcError::ServiceUnknown,
    KdcError::CannotPostdate,
    KdcError::BadOption,
    KdcError::EtypeNotSupported,
    KdcError::PreauthFailed,
    KdcError::PreauthRequired,
    KdcError::PathNotAccepted,
    KdcError::BadIntegrity,
    KdcError::TicketExpired,
    KdcError::TicketNotYetValid,
    KdcError::Repeat,
    KdcError::NotUs,
    KdcError::Skew,
    KdcError::Modified,
    KdcError::Generic,
    KdcError::WrongRealm,
];

#[test]
fn issues_tickets_and_says_for_what() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let tgt = lab.alice();
    assert_eq!(tgt.session_key.enctype(), 18);
    let ticket = lab
        .client("CONTOSO.TEST")
        .service_ticket(&tgt, &principal("HTTP/sts.contoso.test@CONTOSO.TEST"))
        .unwrap();
    assert_eq!(ticket.client, alice());
    assert!(ticket.endtime <= tgt.endtime);

    let log = lab.kdc.log();
    let told = log
        .iter()
        .map(|asked| (asked.exchange, &asked.outcome))
        .collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            (
                Exchange::Authentication,
                &Outcome::Refused(KdcError::PreauthRequired)
            ),
            (Exchange::Authentication, &Outcome::Issued),
            (Exchange::TicketGranting, &Outcome::Issued),
        ]
    );
    assert_eq!(log.iter().filter(|asked| asked.issued(STS)).count(), 1);
    assert_eq!(
        log[2].client.as_ref().unwrap().to_string(),
        "alice@CONTOSO.TEST"
    );
}

#[test]
fn honours_the_encryption_types_of_client_and_service() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let weak = lab.client("CONTOSO.TEST").with_enctypes(&[17]);
    let tgt = weak.login_with_password(&alice(), PASSWORD).unwrap();
    assert_eq!(tgt.session_key.enctype(), 17);
    let ticket = weak.service_ticket(&tgt, &principal("HTTP/sts.contoso.test@CONTOSO.TEST"));
    assert_eq!(ticket.unwrap().session_key.enctype(), 17);

    let preferring = lab.client("CONTOSO.TEST").with_enctypes(&[17, 18]);
    let tgt = preferring.login_with_password(&alice(), PASSWORD).unwrap();
    assert_eq!(tgt.session_key.enctype(), 17);

    let strong = lab.client("CONTOSO.TEST").with_enctypes(&[18]);
    let only_aes128 = principal("HTTP/aes128.contoso.test@CONTOSO.TEST");
    assert_eq!(
        code(strong.service_ticket(&lab.alice(), &only_aes128)),
        KdcError::EtypeNotSupported
    );
    let ticket = lab
        .client("CONTOSO.TEST")
        .service_ticket(&lab.alice(), &only_aes128)
        .unwrap();
    assert_eq!(
        (ticket.ticket_enctype, ticket.session_key.enctype()),
        (17, 17)
    );

    let sha2 = lab.client("CONTOSO.TEST").with_enctypes(&[20]);
    assert_eq!(
        code(sha2.login_with_password(&alice(), PASSWORD)),
        KdcError::EtypeNotSupported
    );
}

#[test]
fn refuses_for_the_right_reason() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let client = lab.client("CONTOSO.TEST");
    let nobody = principal("nobody@CONTOSO.TEST");
    assert_eq!(
        code(client.login_with_password(&alice(), "guess")),
        KdcError::PreauthFailed
    );
    assert_eq!(
        code(client.login_with_password(&nobody, PASSWORD)),
        KdcError::ClientUnknown
    );

    let tgt = lab.alice();
    let ask = |spn: &str| code(client.service_ticket(&tgt, &principal(spn)));
    assert_eq!(
        ask("HTTP/nothing.contoso.test@CONTOSO.TEST"),
        KdcError::ServiceUnknown
    );
    assert_eq!(
        ask("HTTP/old.contoso.test@CONTOSO.TEST"),
        KdcError::EtypeNotSupported
    );
    assert_eq!(code(client.renew(&tgt)), KdcError::BadOption);

    let foreign = KdcClient::new("OTHER.TEST", client.kdcs().to_vec()).with_udp(false);
    let stranger = principal("alice@OTHER.TEST");
    assert_eq!(
        code(foreign.login_with_password(&stranger, PASSWORD)),
        KdcError::WrongRealm
    );
}

#[test]
fn checks_the_times_of_tickets_and_clocks() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let sts = principal("HTTP/sts.contoso.test@CONTOSO.TEST");
    let ask = |valid| {
        let ccache = lab.kdc.ccache_valid("alice", &[], valid).unwrap();
        let ccache = krb5::CCache::decode(&ccache.to_bytes()).unwrap();
        let tgt = ccache.credentials().next().unwrap();
        lab.client("CONTOSO.TEST").service_ticket(&tgt, &sts)
    };
    assert_eq!(
        code(ask(now - 2 * hour..now - hour)),
        KdcError::TicketExpired
    );
    let just_over = now - hour..now - Duration::from_secs(60);
    assert_eq!(code(ask(just_over)), KdcError::TicketExpired);
    assert_eq!(
        code(ask(now + hour..now + 2 * hour)),
        KdcError::TicketNotYetValid
    );
    assert!(ask(now - hour..now + hour).is_ok());

    let late = Lab::start(KdcConfig::new([
        contoso().with_clock_offset(time::Duration::minutes(10))
    ]));
    let tgt = late.kdc.ccache("alice", &[]).unwrap();
    let tgt = krb5::CCache::decode(&tgt.to_bytes())
        .unwrap()
        .credentials()
        .next()
        .unwrap();
    assert_eq!(
        code(late.client("CONTOSO.TEST").service_ticket(&tgt, &sts)),
        KdcError::Skew
    );
}

#[test]
fn limits_the_lifetime_of_tickets() {
    let short = contoso().with_ticket_lifetime(time::Duration::minutes(7));
    let lab = Lab::start(KdcConfig::new([short]));
    let tgt = lab.alice();
    assert_eq!(tgt.endtime - tgt.authtime, 7 * 60);
}

fn forest() -> KdcConfig {
    let fabrikam = Realm::new("FABRIKAM.TEST")
        .with_user(User::new("bob", PASSWORD))
        .with_service(Service::new("HTTP/sts.fabrikam.test"));
    KdcConfig::new([contoso(), fabrikam]).with_trust("CONTOSO.TEST", "FABRIKAM.TEST")
}

#[test]
fn crosses_realms_that_trust_each_other() {
    let lab = Lab::start(forest());
    let client = lab.client("CONTOSO.TEST");
    let ticket = client
        .service_ticket(
            &lab.alice(),
            &principal("HTTP/sts.fabrikam.test@FABRIKAM.TEST"),
        )
        .unwrap();
    assert_eq!(ticket.client, alice());
    assert!(
        lab.kdc
            .log()
            .iter()
            .any(|asked| asked.issued("krbtgt/FABRIKAM.TEST"))
    );

    // Asked for in its own realm, with the canonicalize option: a referral.
    let referred = client
        .service_ticket(
            &lab.alice(),
            &principal("HTTP/sts.fabrikam.test@CONTOSO.TEST"),
        )
        .unwrap();
    assert_eq!(referred.ticket_server().unwrap().realm, "FABRIKAM.TEST");
    let outcome = Outcome::Referred("FABRIKAM.TEST".to_owned());
    assert!(lab.kdc.log().iter().any(|asked| asked.outcome == outcome));
}

#[test]
fn crosses_no_realm_without_trust() {
    let apart = KdcConfig::new([
        contoso(),
        Realm::new("FABRIKAM.TEST").with_service(Service::new("HTTP/sts.fabrikam.test")),
    ]);
    let lab = Lab::start(apart);
    let client = lab.client("CONTOSO.TEST");
    let there = client.service_ticket(
        &lab.alice(),
        &principal("HTTP/sts.fabrikam.test@FABRIKAM.TEST"),
    );
    assert_eq!(code(there), KdcError::ServiceUnknown);
    assert_eq!(
        lab.kdc.ccache("alice", &["HTTP/sts.fabrikam.test"]),
        Err(IssueError::NoTrust("FABRIKAM.TEST".to_owned()))
    );
}

#[test]
fn grants_forwarded_tickets_only_where_the_realm_does() {
    let forwarded = |realm| {
        let lab = Lab::start(KdcConfig::new([realm]));
        let client = lab.client("CONTOSO.TEST").with_forwardable(true);
        let tgt = client.login_with_password(&alice(), PASSWORD).unwrap();
        client.forwarded_tgt(&tgt, None)
    };
    assert_eq!(code(forwarded(contoso())), KdcError::BadOption);
    assert!(forwarded(contoso().with_forwardable_tickets()).is_ok());
}

#[test]
fn answers_over_udp_too() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let client = lab
        .client("CONTOSO.TEST")
        .with_udp(true)
        .with_udp_preference_limit(60_000);
    assert!(client.login_with_password(&alice(), PASSWORD).is_ok());
}

#[test]
fn a_silent_kdc_takes_requests_and_answers_none() {
    let lab = Lab::start(KdcConfig::new([contoso().silent()]));
    let client = lab
        .client("CONTOSO.TEST")
        .with_timeout(Duration::from_millis(300));
    let error = client
        .login_with_password(&alice(), PASSWORD)
        .err()
        .unwrap();
    assert_eq!(error.kdc_code(), None);
    assert_eq!(lab.kdc.log(), []);
}

#[test]
fn names_what_is_wrong_with_a_configuration() {
    let error = |config| Directory::new(config).err().unwrap();
    let twice = contoso().with_user(User::new("Alice", "x"));
    assert_eq!(
        error(KdcConfig::new([twice])),
        InvalidConfig::Twice("Alice@CONTOSO.TEST".into())
    );
    let twice = KdcConfig::new([contoso(), Realm::new("contoso.test")]);
    assert_eq!(error(twice), InvalidConfig::Twice("contoso.test".into()));
    let nameless = KdcConfig::new([Realm::new("")]);
    assert_eq!(error(nameless), InvalidConfig::Name(String::new()));
    let foreign = contoso().with_service(Service::new("HTTP/x@OTHER.TEST"));
    assert_eq!(
        error(KdcConfig::new([foreign])),
        InvalidConfig::Name("HTTP/x@OTHER.TEST".into())
    );
    let alone = KdcConfig::new([contoso()]).with_trust("CONTOSO.TEST", "NOWHERE");
    assert_eq!(error(alone), InvalidConfig::UnknownRealm("NOWHERE".into()));
}

/// A KDC that keeps the requests it was sent.
struct Recorder {
    directory: Arc<Directory>,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    addr: SocketAddr,
}

impl Recorder {
    fn start() -> Self {
        let directory = Arc::new(Directory::new(KdcConfig::new([contoso()])).unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (answering, recording) = (Arc::clone(&directory), Arc::clone(&requests));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut length = [0; 4];
                if stream.read_exact(&mut length).is_err() {
                    continue;
                }
                let mut request = vec![0; u32::from_be_bytes(length).try_into().unwrap()];
                stream.read_exact(&mut request).unwrap();
                let reply = answering.answer("CONTOSO.TEST", &request, SystemTime::now());
                recording.lock().unwrap().push(request);
                let length = u32::try_from(reply.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length[..], &reply].concat()).unwrap();
            }
        });
        Self {
            directory,
            requests,
            addr,
        }
    }

    /// The AS-REQs without and with a timestamp, and a TGS-REQ.
    fn record(&self) -> [Vec<u8>; 3] {
        let client = KdcClient::new("CONTOSO.TEST", [self.addr.to_string()]).with_udp(false);
        let tgt = client.login_with_password(&alice(), PASSWORD).unwrap();
        client
            .service_ticket(&tgt, &principal("HTTP/sts.contoso.test@CONTOSO.TEST"))
            .unwrap();
        self.requests.lock().unwrap().clone().try_into().unwrap()
    }

    fn refusal(&self, request: &[u8], now: SystemTime) -> KdcError {
        let reply = self.directory.answer("CONTOSO.TEST", request, now);
        error_of(&reply).unwrap_or_else(|| panic!("{:?}", self.directory.log().last()))
    }
}

fn error_of(reply: &[u8]) -> Option<KdcError> {
    let error = picky_asn1_der::from_bytes::<KrbError>(reply).ok()?;
    let code = error.0.error_code.0;
    Some(
        ERRORS
            .into_iter()
            .find(|error| error.code() == code)
            .unwrap_or_else(|| panic!("{code}")),
    )
}

#[test]
fn refuses_requests_that_were_touched_or_come_again() {
    let recorder = Recorder::start();
    let [_, timestamped, tgs_req] = recorder.record();
    let now = SystemTime::now();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!(recorder.refusal(&tgs_req, now), KdcError::Repeat);
    assert_eq!(recorder.refusal(&tgs_req, now + minutes(6)), KdcError::Skew);
    assert_eq!(recorder.refusal(&tgs_req, now - minutes(6)), KdcError::Skew);
    assert_eq!(
        recorder.refusal(&timestamped, now + minutes(6)),
        KdcError::Skew
    );

    // The name of another service in the body, which the authenticator's checksum covers. A new
    // directory has other keys, so the same one must answer; it knows the authenticator already, and
    // looks at the checksum later: give it a request that it has not seen.
    let fresh = Recorder::start();
    let untouched = fresh.intercept();
    let at = untouched
        .windows(16)
        .rposition(|window| window == b"sts.contoso.test")
        .unwrap();
    let mut touched = untouched.clone();
    touched[at] = b'x';
    assert_eq!(fresh.refusal(&touched, now), KdcError::Modified);
}

impl Recorder {
    /// A TGS-REQ that the directory has not seen: its clock was elsewhere when it came.
    fn intercept(&self) -> Vec<u8> {
        let ccache = self
            .directory
            .ccache("alice", &[], SystemTime::now())
            .unwrap();
        let tgt = krb5::CCache::decode(&ccache.to_bytes())
            .unwrap()
            .credentials()
            .next()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let taker = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length).try_into().unwrap()];
            stream.read_exact(&mut request).unwrap();
            request
        });
        let client = KdcClient::new("CONTOSO.TEST", [addr])
            .with_udp(false)
            .with_timeout(Duration::from_secs(2));
        let _ = client.service_ticket(&tgt, &principal("HTTP/sts.contoso.test@CONTOSO.TEST"));
        taker.join().unwrap()
    }
}

#[test]
fn answers_garbage_with_an_error() {
    let directory = Directory::new(KdcConfig::new([contoso()])).unwrap();
    for garbage in [
        &b""[..],
        b"\x6a",
        b"\x6c\x84\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let reply = directory.answer("CONTOSO.TEST", garbage, SystemTime::now());
        assert_eq!(error_of(&reply), Some(KdcError::Generic));
    }
    let elsewhere = directory.answer("NOWHERE", b"", SystemTime::now());
    assert_eq!(error_of(&elsewhere), Some(KdcError::WrongRealm));
    assert!(
        directory
            .log()
            .iter()
            .all(|asked: &Asked| asked.client.is_none())
    );
}

#[test]
fn no_request_makes_it_panic() {
    let recorder = Recorder::start();
    let requests = recorder.record();
    let answer = |request: &[u8]| {
        let _ = recorder
            .directory
            .answer("CONTOSO.TEST", request, SystemTime::now());
    };
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300))| answer(&bytes));
    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    let mutations = proptest::collection::vec(mutation, 1..4);
    proptest!(|(which in 0usize..3, mutations in mutations, cut: prop::sample::Index)| {
        let mut request = requests[which].clone();
        for (at, byte) in mutations {
            let at = at.index(request.len());
            request[at] = byte;
        }
        answer(&request);
        answer(&request[..cut.index(request.len())]);
    });
}
