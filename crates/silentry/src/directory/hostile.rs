//! Look-ups from servers that are no domain controllers, or no honest ones.

#![allow(
    clippy::unwrap_used,
    reason = "what a test needs must be there; clippy does not count helpers among tests"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, SystemTime};

use silentry_lab::kdc::{Kdc, KdcConfig, Realm, Service, User};
use silentry_lab::kerberos::acceptor::Acceptor;
use silentry_negotiate::{Credentials, Negotiator};

use super::lookup::find_user_within;
use super::*;

/// For servers that answer: never reached, however busy the machine is.
const LONG: Duration = Duration::from_secs(300);

const REALM: &str = "CORP.CONTOSO.TEST";
const CONTROLLER: &str = "ldap/dc1.corp.contoso.test";

/// The domain of a test: a KDC, and alice's ticket for the domain controller.
struct Domain {
    kdc: Kdc,
    folder: tempfile::TempDir,
}

impl Domain {
    async fn start() -> Self {
        let realm = Realm::new(REALM)
            .with_user(User::new("alice", "Passw0rd!"))
            .with_service(Service::new(CONTROLLER))
            .with_service(Service::new("ldap/other.corp.contoso.test"));
        let kdc = Kdc::start(KdcConfig::new([realm])).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Domain { kdc, folder }
    }

    fn negotiator(&self) -> Negotiator {
        let path = self.folder.path().join("ccache");
        let ccache = self.kdc.ccache("alice", &[CONTROLLER]).unwrap();
        ccache.write(&path).unwrap();
        Negotiator::new().with_credentials(Credentials::ccache(format!("FILE:{}", path.display())))
    }

    /// The controller's answer to a token, made with the key of `service`.
    fn accept(&self, service: &str, request: &[u8]) -> Vec<u8> {
        let start = request.windows(10).position(|part| part == b"GSS-SPNEGO");
        let token = &request[start.unwrap() + 10..];
        // An octet string of some hundred bytes: tag, 0x82, two bytes of length.
        let acceptor = Acceptor::new(self.kdc.keytab(service).unwrap());
        match acceptor.accept(&token[4..], None, SystemTime::now()) {
            Ok(accepted) => accepted.reply,
            Err(_) => b"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x00".to_vec(),
        }
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    der(0x30, &[&[2, 1, id], operation].concat())
}

/// Success, or another result of an operation.
fn result(tag: u8, id: u8, code: u8, more: &[u8]) -> Vec<u8> {
    message(
        id,
        &der(tag, &[&[0x0a, 1, code, 4, 0, 4, 0], more].concat()),
    )
}

fn entry(id: u8, attribute: &str, value: &str) -> Vec<u8> {
    let values = der(0x31, &der(4, value.as_bytes()));
    let attribute = der(0x30, &[der(4, attribute.as_bytes()), values].concat());
    message(
        id,
        &der(0x64, &[der(4, b""), der(0x30, &attribute)].concat()),
    )
}

fn root_dse(host: &str) -> Vec<u8> {
    [entry(1, "dnsHostName", host), result(0x65, 1, 0, &[])].concat()
}

/// What a server does with the requests of a connection, one after another.
type Answers = Box<dyn FnMut(&mut TcpStream, &[u8]) + Send>;

fn serve(mut answer: Answers) -> Directory {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut request) {
            answer(&mut stream, &request[..count]);
        }
    });
    Directory::Host(address)
}

fn ask(server: Directory, negotiator: &Negotiator, limit: Duration) -> Failure {
    let settings = DirectorySettings {
        server,
        upn_attribute: None,
    };
    let subject = Subject::Principal("alice".into());
    find_user_within(limit, &settings, negotiator, REALM, &subject).unwrap_err()
}

/// What comes without a question asked of any KDC.
fn ask_without_ticket(
    limit: Duration,
    answer: impl FnMut(&mut TcpStream, &[u8]) + Send + 'static,
) -> String {
    let nobody = Negotiator::new().with_credentials(Credentials::ccache("FILE:/nonexistent"));
    ask(serve(Box::new(answer)), &nobody, limit).to_string()
}

fn send(stream: &mut TcpStream, bytes: &[u8]) {
    // The client may have had enough already.
    let _ = stream.write_all(bytes);
}

#[test]
fn what_is_no_directory_is_said_so() {
    for (answer, expected) in [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            "does not speak LDAP",
        ),
        (vec![0xff; 100], "does not speak LDAP"),
        (
            b"\x30\x84\x7f\xff\xff\xff".to_vec(),
            "message of 2147483647 bytes",
        ),
        (der(0x30, b"\x02\x01\x01\x65\x03\x0a\x01"), "cannot be read"),
        (result(0x78, 0, 52, &[]), "ends the connection"),
        (result(0x65, 9, 0, &[]), "ends the connection"),
        (result(0x65, 1, 0, &[]), "no rootDSE"),
        (result(0x65, 1, 53, &[]), "refuses a search (53)"),
        (result(0x61, 1, 0, &[]), "does not end"),
        (root_dse("dc1.evil.test"), "outside the domain"),
        (root_dse("corp.contoso.test"), "outside the domain"),
        (root_dse("evilcorp.contoso.test"), "outside the domain"),
        (
            root_dse("dc1/x.corp.contoso.test"),
            "not a service principal",
        ),
        (root_dse("dc1.corp.contoso.test"), "No credentials cache"),
    ] {
        let failure = ask_without_ticket(LONG, move |stream, _| send(stream, &answer));
        assert!(failure.contains(expected), "{failure}");
    }
    let failure = ask_without_ticket(LONG, |stream, _| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    assert!(failure.contains("closes the connection"), "{failure}");
}

/// That they end is what counts: when, a busy machine says.
#[test]
fn silence_and_endless_talk_end_at_the_limit() {
    assert!(ask_without_ticket(LIMIT, |_, _| {}).contains("too long"));

    // A message that grows by a byte now and then, and would be whole after an hour.
    let failure = ask_without_ticket(LIMIT, |stream, _| {
        send(stream, b"\x30\x84\x00\x00\xff\x00");
        while stream.write_all(b"\0").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(failure.contains("too long"), "{failure}");

    // Entries without an end, which no limit of time has to stop.
    let failure = ask_without_ticket(LONG, |stream, _| {
        let entry = entry(1, "dnsHostName", "dc1.corp.contoso.test");
        while stream.write_all(&entry).is_ok() {}
    });
    assert!(failure.contains("does not end"), "{failure}");
}

/// Answers the first question honestly, the bind as `service`, and what is sealed by `sealed`.
fn controller(domain: &Domain, service: &str, sealed: &[u8]) -> Failure {
    let (ready, requests) =
        std::sync::mpsc::channel::<(Vec<u8>, std::sync::mpsc::Sender<Vec<u8>>)>();
    let mut number = 0;
    let sealed = sealed.to_vec();
    let server = serve(Box::new(move |stream, request| {
        number += 1;
        match number {
            1 => send(stream, &root_dse("dc1.corp.contoso.test")),
            2 => {
                let (sender, reply) = std::sync::mpsc::channel();
                ready.send((request.to_vec(), sender)).unwrap();
                let credentials = der(0x87, &reply.recv().unwrap());
                send(stream, &result(0x61, 2, 0, &credentials));
            }
            _ => send(stream, &sealed),
        }
    }));
    let negotiator = domain.negotiator();
    thread::scope(|scope| {
        let asked = scope.spawn(|| ask(server, &negotiator, LONG));
        if let Ok((request, reply)) = requests.recv_timeout(LONG) {
            reply.send(domain.accept(service, &request)).unwrap();
        }
        asked.join().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_the_key_is_not_believed() {
    let domain = Domain::start().await;
    let failure = controller(&domain, "ldap/other.corp.contoso.test", b"");
    assert!(
        matches!(failure, Failure::Kerberos(_) | Failure::Garbled(_)),
        "{failure}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sealed_by_the_controller_is_not_believed() {
    let domain = Domain::start().await;
    let plain = [
        entry(3, "defaultNamingContext", "DC=evil"),
        result(0x65, 3, 0, &[]),
    ]
    .concat();
    let framed =
        |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    for sealed in [framed(&plain), framed(b""), framed(&[5; 60])] {
        let failure = controller(&domain, CONTROLLER, &sealed);
        let Failure::Kerberos(error) = &failure else {
            panic!("{failure}");
        };
        assert_eq!(error.code(), "message_rejected", "{error}");
    }
    // The first bytes of a plain message are a length of 800 MB.
    let failure = controller(&domain, CONTROLLER, &plain);
    assert!(
        failure.to_string().contains("it sends a buffer of"),
        "{failure}"
    );
}
