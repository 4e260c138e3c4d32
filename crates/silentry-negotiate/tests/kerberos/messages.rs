//! Messages after the negotiation, exchanged with a service of MIT Kerberos (Debian: python3-gssapi).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use silentry_lab::kdc;
use silentry_negotiate::{Context, MessageProtection, Negotiator, ServicePrincipal};

use crate::lab::{Lab, contoso};

const LDAP: &str = "ldap/dc1.contoso.test";

mod third_party {
    use super::converse_in_a_child;

    #[test]
    #[ignore = "needs python3-gssapi"]
    fn mit_and_mit_understand_each_other() {
        converse_in_a_child("libgssapi_krb5.so.2");
    }

    #[test]
    #[ignore = "needs python3-gssapi and libgssapi3-heimdal"]
    fn heimdal_and_mit_understand_each_other() {
        converse_in_a_child("libgssapi.so.3");
    }
}

/// The login's ccache is the environment's, which counts for a whole process.
fn converse_in_a_child(library: &str) {
    let lab = Lab::of(contoso().with_service(kdc::Service::new(LDAP)));
    lab.ccache(&[]);
    lab.kdc()
        .keytab(LDAP)
        .unwrap()
        .write(&lab.path("keytab"))
        .unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "messages::child", "--ignored", "--nocapture"]);
    child.env("KRB5_CONFIG", lab.path("krb5.conf"));
    child.env("KRB5CCNAME", lab.path("ccache"));
    child.env("KRB5_KTNAME", lab.path("keytab"));
    child.env("LIBRARY", library);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by the other tests in a process of its own"]
fn child() {
    sealed_messages_arrive();
    signed_messages_are_not_sealed();
    what_was_changed_repeated_or_left_unsealed_is_refused();
}

fn sealed_messages_arrive() {
    let (mut context, mut service) = establish(MessageProtection::Sealed);
    for message in [b"search".to_vec(), Vec::new(), vec![7; 70_000]] {
        let wrapped = context.wrap(&message, true).unwrap();
        assert!(message.len() < 6 || !wrapped.windows(6).any(|part| part == &message[..6]));
        let opened = service.ask("open", &wrapped).unwrap();
        assert_eq!(opened, [b"sealed ", &message[..]].concat());
        let answer = service.ask("seal", &message).unwrap();
        assert_eq!(context.unwrap(&answer).unwrap(), message);
    }
}

fn signed_messages_are_not_sealed() {
    let (mut context, mut service) = establish(MessageProtection::Signed);
    let wrapped = context.wrap(b"search", false).unwrap();
    assert_eq!(service.ask("open", &wrapped).unwrap(), b"signed search");
    let answer = service.ask("sign", b"entry").unwrap();
    assert_eq!(context.unwrap(&answer).unwrap(), b"entry");
    let error = context.wrap(b"search", true).unwrap_err();
    assert_eq!(error.code(), "message_protection_unavailable");
}

fn what_was_changed_repeated_or_left_unsealed_is_refused() {
    let refused = |spoil: fn(&mut Service) -> Vec<u8>| {
        let (mut context, mut service) = establish(MessageProtection::Sealed);
        let first = service.ask("seal", b"first").unwrap();
        assert_eq!(context.unwrap(&first).unwrap(), b"first");
        let spoilt = spoil(&mut service);
        let spoilt = if spoilt.is_empty() { first } else { spoilt };
        let error = context.unwrap(&spoilt).unwrap_err();
        assert_eq!(error.code(), "message_rejected", "{error}");
        // Nothing that follows is to be believed.
        let next = service.ask("seal", b"next").unwrap();
        assert!(context.unwrap(&next).is_err());
    };
    refused(|_| Vec::new());
    refused(|service| service.ask("sign", b"open to all").unwrap());
    refused(|service| {
        drop(service.ask("seal", b"kept back"));
        service.ask("seal", b"second").unwrap()
    });
    refused(|service| {
        let mut changed = service.ask("seal", b"second").unwrap();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        changed
    });
    refused(|service| service.ask("seal", b"second").unwrap()[..20].to_vec());
    refused(|_| b"garbage".to_vec());
}

fn establish(protection: MessageProtection) -> (Context, Service) {
    let negotiator = Negotiator::new()
        .with_library(std::env::var("LIBRARY").unwrap())
        .with_message_protection(protection);
    let principal = ServicePrincipal::of_host("ldap", "dc1.contoso.test").unwrap();
    let (mut context, token) = negotiator.initiate(&principal, None).unwrap();
    assert_eq!(context.message_protection(), MessageProtection::None);
    assert!(context.wrap(b"too early", true).is_err());
    let mut service = Service::start();
    let answer = service.ask("accept", token.as_bytes()).unwrap();
    context.step(&answer).unwrap();
    assert!(context.server_verified());
    assert_eq!(context.message_protection(), protection);
    (context, service)
}

/// `acceptor.py`, running.
struct Service(Child, BufReader<std::process::ChildStdout>);

impl Service {
    fn start() -> Service {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kerberos/acceptor.py");
        let mut python = Command::new("/usr/bin/python3");
        python
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = python.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Service(child, answers)
    }

    fn ask(&mut self, verb: &str, data: &[u8]) -> Result<Vec<u8>, String> {
        let stdin = self.0.stdin.as_mut().unwrap();
        writeln!(stdin, "{verb} {}", STANDARD.encode(data)).unwrap();
        let mut answer = String::new();
        self.1.read_line(&mut answer).unwrap();
        STANDARD.decode(answer.trim_end()).map_err(|_| answer)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
