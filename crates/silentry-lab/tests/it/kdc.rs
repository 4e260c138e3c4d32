//! The KDC, and what it writes, used by a Kerberos implementation that is not ours: the `krb5` crate.

use std::time::{Duration, SystemTime};

use krb5::{ClientError, Credentials, KdcClient, Principal};
use silentry_lab::kdc::{
    Directory, Exchange, InvalidConfig, IssueError, Kdc, KdcConfig, KdcError, Outcome, Realm,
    Service, User,
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

/// The number of the KRB-ERROR that a request was answered with.
fn code<T>(result: Result<T, ClientError>) -> u32 {
    let code = result.err().expect("the KDC refuses").kdc_code();
    u32::try_from(code.expect("a KRB-ERROR")).unwrap()
}

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
        KdcError::EtypeNotSupported.code()
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
        KdcError::EtypeNotSupported.code()
    );
}

#[test]
fn refuses_for_the_right_reason() {
    let lab = Lab::start(KdcConfig::new([contoso()]));
    let client = lab.client("CONTOSO.TEST");
    let nobody = principal("nobody@CONTOSO.TEST");
    assert_eq!(
        code(client.login_with_password(&alice(), "guess")),
        KdcError::PreauthFailed.code()
    );
    assert_eq!(
        code(client.login_with_password(&nobody, PASSWORD)),
        KdcError::ClientUnknown.code()
    );

    let tgt = lab.alice();
    let ask = |spn: &str| code(client.service_ticket(&tgt, &principal(spn)));
    assert_eq!(
        ask("HTTP/nothing.contoso.test@CONTOSO.TEST"),
        KdcError::ServiceUnknown.code()
    );
    assert_eq!(
        ask("HTTP/old.contoso.test@CONTOSO.TEST"),
        KdcError::EtypeNotSupported.code()
    );
    assert_eq!(code(client.renew(&tgt)), KdcError::BadOption.code());

    let foreign = KdcClient::new("OTHER.TEST", client.kdcs().to_vec()).with_udp(false);
    let stranger = principal("alice@OTHER.TEST");
    assert_eq!(
        code(foreign.login_with_password(&stranger, PASSWORD)),
        KdcError::WrongRealm.code()
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
        KdcError::TicketExpired.code()
    );
    let just_over = now - hour..now - Duration::from_secs(60);
    assert_eq!(code(ask(just_over)), KdcError::TicketExpired.code());
    assert_eq!(
        code(ask(now + hour..now + 2 * hour)),
        KdcError::TicketNotYetValid.code()
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
        KdcError::Skew.code()
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
    assert_eq!(code(there), KdcError::ServiceUnknown.code());
    assert_eq!(
        lab.kdc.ccache("alice", &["HTTP/sts.fabrikam.test"]),
        Err(IssueError::NoTrust("FABRIKAM.TEST".to_owned()))
    );
}

#[test]
fn grants_forwarded_tickets_only_where_the_realm_does() {
    const FORWARDABLE: u32 = 0x4000_0000;
    let ask = |realm| {
        let lab = Lab::start(KdcConfig::new([realm]));
        let client = lab.client("CONTOSO.TEST").with_forwardable(true);
        let tgt = client.login_with_password(&alice(), PASSWORD).unwrap();
        (
            tgt.flags & FORWARDABLE != 0,
            client.forwarded_tgt(&tgt, None),
        )
    };
    let (forwardable, forwarded) = ask(contoso());
    assert!(!forwardable);
    assert_eq!(code(forwarded), KdcError::BadOption.code());
    let (forwardable, forwarded) = ask(contoso().with_forwardable_tickets());
    assert!(forwardable && forwarded.is_ok());
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
