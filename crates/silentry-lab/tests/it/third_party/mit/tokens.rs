use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use std::net::TcpListener;
use std::process::{Child, ChildStdout};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use silentry_lab::kerberos::acceptor::{Accepted, Acceptor, ChannelBinding, Mechanism, Refusal};

use super::lab::{Lab, STS};

const OURS: &str = "tls-server-end-point:0123456789abcdef0123456789abcdef";
const THEIRS: &str = "tls-server-end-point:fedcba9876543210fedcba9876543210";

/// MIT's library on the other side of an acceptor.
struct Initiator {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Initiator {
    fn start(lab: &Lab, arguments: &[&str]) -> (Self, Vec<u8>) {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/third_party/mit/initiator.py"
        );
        let mut command = lab.command("/usr/bin/python3", "python3-gssapi");
        let mut child = command.arg(script).args(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut this = Self { child, lines };
        let token = this.line();
        if token.is_empty() {
            let mut why = String::new();
            this.child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("no token (is the Debian package python3-gssapi installed?): {why}");
        }
        (this, BASE64.decode(token).unwrap())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn finish(mut self, reply: &[u8]) -> String {
        let line = format!("{}\n", BASE64.encode(reply));
        self.child
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        let said = self.line();
        self.child.wait().unwrap();
        said
    }
}

impl Drop for Initiator {
    fn drop(&mut self) {
        // Where the acceptor refused, the script still waits for a reply.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn mit_completes_both_legs() {
    let lab = Lab::start();
    lab.kinit();
    let acceptor = Acceptor::new(lab.kdc.keytab(STS).unwrap());
    for (mechanism, expected) in [
        ("SPNEGO", Mechanism::Spnego),
        ("KERBEROS", Mechanism::Kerberos),
    ] {
        let (client, token) = Initiator::start(&lab, &[mechanism, "sts.contoso.test"]);
        let accepted = acceptor
            .accept(&token, Some(OURS.as_bytes()), SystemTime::now())
            .unwrap();
        assert_eq!(accepted.mechanism, expected);
        assert_eq!(accepted.channel_binding, ChannelBinding::Absent);
        assert_eq!(client.finish(&accepted.reply), "complete");
    }
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn mit_notices_a_service_that_cannot_prove_itself() {
    let lab = Lab::start();
    lab.kinit();
    let acceptor = Acceptor::new(lab.kdc.keytab(STS).unwrap());
    let reply = |mechanism| {
        let (client, token) = Initiator::start(&lab, &[mechanism, "sts.contoso.test"]);
        (
            client,
            acceptor
                .accept(&token, None, SystemTime::now())
                .unwrap()
                .reply,
        )
    };
    let (client, _) = reply("SPNEGO");
    let (_, another) = reply("SPNEGO");
    assert_ne!(client.finish(&another), "complete");
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn mit_binds_its_tokens() {
    let lab = Lab::start();
    let accept = |theirs: &[&str], ours: &str| -> Result<Accepted, Refusal> {
        let acceptor = Acceptor::new(lab.kdc.keytab(STS).unwrap());
        let (client, token) =
            Initiator::start(&lab, &[&["SPNEGO", "sts.contoso.test"], theirs].concat());
        let accepted = acceptor.accept(&token, Some(ours.as_bytes()), SystemTime::now())?;
        assert_eq!(client.finish(&accepted.reply), "complete");
        Ok(accepted)
    };
    for aware in [
        "client_aware_channel_bindings = false",
        "client_aware_channel_bindings = true",
    ] {
        lab.configure(aware);
        lab.kinit();
        let matched = accept(&[OURS], OURS).unwrap();
        assert_eq!(matched.channel_binding, ChannelBinding::Matched);
        assert_eq!(accept(&[THEIRS], OURS), Err(Refusal::WrongChannelBinding));
        let absent = accept(&[], OURS).map(|accepted| accepted.channel_binding);
        match aware.ends_with("true") {
            true => assert_eq!(absent, Err(Refusal::MissingChannelBinding)),
            false => assert_eq!(absent, Ok(ChannelBinding::Absent)),
        }
    }
}

/// curl, from a ccache that the lab wrote, with no KDC asked.
#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn curl_signs_in() {
    let lab = Lab::start();
    let spn = "HTTP/localhost";
    lab.kdc
        .ccache("alice", &[spn])
        .unwrap()
        .write(&lab.path("ccache"))
        .unwrap();
    let acceptor = Acceptor::new(lab.kdc.keytab(spn).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let server = std::thread::spawn(move || serve(&listener, &acceptor));

    let mut command = lab.command("curl", "curl");
    let arguments = [
        "-4",
        "--silent",
        "--negotiate",
        "--user",
        ":",
        "--noproxy",
        "*",
        &url,
    ];
    let output = command.args(arguments).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "hello alice@CONTOSO.TEST"
    );
    server.join().unwrap();
    assert_eq!(lab.kdc.log(), []);
}

/// Challenges until a token comes, and greets its client.
fn serve(listener: &TcpListener, acceptor: &Acceptor) {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    loop {
        let mut token = None;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if let Some(base64) = line.strip_prefix("Authorization: Negotiate ") {
                token = Some(BASE64.decode(base64.trim()).unwrap());
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let answer = match &token {
            None => "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            Some(token) => {
                let accepted = acceptor.accept(token, None, SystemTime::now()).unwrap();
                let text = format!("hello {}", accepted.client);
                format!(
                    "HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate {}\r\nContent-Length: {}\r\n\r\n{text}",
                    BASE64.encode(&accepted.reply),
                    text.len()
                )
            }
        };
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
        if token.is_some() {
            return;
        }
    }
}
