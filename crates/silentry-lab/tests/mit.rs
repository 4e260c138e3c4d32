//! The KDC, its files and the acceptor, used by MIT Kerberos: `kinit`, `kvno`, `klist`, the GSS-API
//! library, and curl.
//!
//! The tests need the Debian packages krb5-user, python3-gssapi and curl; the feature `strangers`
//! builds them.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use silentry_lab::kdc::{Kdc, KdcConfig, KdcError, Outcome, Realm, Service, User};
use silentry_lab::kerberos::acceptor::{Accepted, Acceptor, ChannelBinding, Mechanism, Refusal};

const STS: &str = "HTTP/sts.contoso.test";
const PASSWORD: &str = "Passw0rd!";
const OURS: &str = "tls-server-end-point:0123456789abcdef0123456789abcdef";
const THEIRS: &str = "tls-server-end-point:fedcba9876543210fedcba9876543210";

/// No command here takes a second unless something is wrong.
const DEADLINE: &str = "30";

struct Lab {
    kdc: Kdc,
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct Said {
    success: bool,
    text: String,
}

impl Lab {
    fn start() -> Self {
        Self::of(contoso())
    }

    fn of(contoso: Realm) -> Self {
        let fabrikam = Realm::new("FABRIKAM.TEST")
            .with_user(User::new("bob", PASSWORD).with_alias("bob@fabrikam.com"))
            .with_service(Service::new("HTTP/sts.fabrikam.test"));
        let config =
            KdcConfig::new([contoso, fabrikam]).with_trust("CONTOSO.TEST", "FABRIKAM.TEST");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let kdc = runtime.block_on(Kdc::start(config)).unwrap();
        let lab = Self {
            kdc,
            folder: tempfile::tempdir().unwrap(),
            _runtime: runtime,
        };
        lab.configure("");
        lab
    }

    /// Writes the KDC's `krb5.conf` with more lines in `[libdefaults]`.
    fn configure(&self, settings: &str) {
        let libdefaults = format!("[libdefaults]\n{settings}\n");
        let text = self
            .kdc
            .krb5_conf()
            .replacen("[libdefaults]\n", &libdefaults, 1);
        fs::write(self.path("krb5.conf"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str, package: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let there = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
        assert!(
            there,
            "no `{program}` here: install the Debian package {package}"
        );
        let mut command = Command::new("timeout");
        command.arg(DEADLINE).arg(program).env_clear();
        command
            .env("PATH", &path)
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path());
        command.env("KRB5_CONFIG", self.path("krb5.conf"));
        command.env(
            "KRB5CCNAME",
            format!("FILE:{}", self.path("ccache").display()),
        );
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, input: &str) -> Said {
        let mut words = line.split(' ');
        let mut command = self.command(words.next().unwrap(), "krb5-user");
        let mut child = command.args(words).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        Said {
            success: output.status.success(),
            text,
        }
    }

    fn succeed(&self, line: &str, input: &str) -> String {
        let said = self.run(line, input);
        assert!(said.success, "{line}: {}\n{:?}", said.text, self.kdc.log());
        said.text
    }

    fn fail(&self, line: &str, input: &str) -> String {
        let said = self.run(line, input);
        assert!(!said.success, "{line} succeeds: {}", said.text);
        said.text
    }

    fn kinit(&self) {
        self.succeed("kinit alice", &format!("{PASSWORD}\n"));
    }

    fn refused(&self, error: KdcError) -> bool {
        self.kdc
            .log()
            .iter()
            .any(|asked| asked.outcome == Outcome::Refused(error))
    }
}

fn contoso() -> Realm {
    Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", PASSWORD).with_alias("alice@contoso.com"))
        .with_service(Service::new(STS))
        .with_service(Service::new("HTTP/localhost"))
        .with_service(Service::new("HTTP/old.contoso.test").rc4_only())
}

fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "no `{part}` in: {text}");
}

#[test]
fn kinit_and_kvno_get_tickets() {
    let lab = Lab::start();
    lab.kinit();
    contains(&lab.succeed("kvno HTTP/sts.contoso.test", ""), "kvno = 1");
    let listed = lab.succeed("klist -e", "");
    contains(&listed, "Default principal: alice@CONTOSO.TEST");
    contains(&listed, "krbtgt/CONTOSO.TEST@CONTOSO.TEST");
    contains(&listed, "HTTP/sts.contoso.test@CONTOSO.TEST");
    contains(&listed, "aes256-cts-hmac-sha1-96");
    assert_eq!(
        lab.kdc
            .log()
            .iter()
            .filter(|asked| asked.issued(STS))
            .count(),
        1
    );
}

#[test]
fn aes128_alone_is_enough() {
    let lab = Lab::start();
    lab.configure("permitted_enctypes = aes128-cts-hmac-sha1-96");
    lab.kinit();
    lab.succeed("kvno HTTP/sts.contoso.test", "");
    let listed = lab.succeed("klist -e", "");
    contains(&listed, "HTTP/sts.contoso.test@CONTOSO.TEST");
    assert!(!listed.contains("(skey, tkt): aes256"), "{listed}");
}

#[test]
fn mit_words_each_refusal_as_users_know_it() {
    let lab = Lab::start();
    contains(&lab.fail("kinit alice", "guess\n"), "Password incorrect");
    contains(
        &lab.fail("kinit nobody", "guess\n"),
        "not found in Kerberos database",
    );
    lab.kinit();
    contains(
        &lab.fail("kvno HTTP/none.contoso.test", ""),
        "not found in Kerberos database",
    );
    contains(
        &lab.fail("kvno HTTP/old.contoso.test", ""),
        "KDC has no support for encryption type",
    );
    assert!(lab.refused(KdcError::EtypeNotSupported));
}

#[test]
fn a_kdc_whose_clock_is_wrong_refuses_unless_mit_follows_it() {
    let lab = Lab::of(contoso().with_clock_offset(time::Duration::minutes(20)));
    lab.configure("kdc_timesync = 0");
    contains(
        &lab.fail("kinit alice", &format!("{PASSWORD}\n")),
        "Clock skew too great",
    );
    assert!(lab.refused(KdcError::Skew));

    lab.configure("kdc_timesync = 1");
    lab.kinit();
    lab.succeed("kvno HTTP/sts.contoso.test", "");
}

#[test]
fn the_keys_are_those_that_mit_derives_itself() {
    let lab = Lab::start();
    let add = |etype: &str| {
        let mut script = String::new();
        writeln!(
            script,
            "add_entry -password -p alice@CONTOSO.TEST -k 1 -e {etype}"
        )
        .unwrap();
        writeln!(
            script,
            "{PASSWORD}\nwrite_kt {}\nquit",
            lab.path("keytab").display()
        )
        .unwrap();
        lab.succeed("ktutil", &script);
        let path = lab.path("keytab").display().to_string();
        lab.succeed(&format!("kinit -k -t {path} alice"), "");
        fs::remove_file(path).unwrap();
    };
    add("aes256-cts-hmac-sha1-96");
    lab.configure("permitted_enctypes = aes128-cts-hmac-sha1-96");
    add("aes128-cts-hmac-sha1-96");
}

#[test]
fn other_realms_services_are_reached() {
    let lab = Lab::start();
    lab.kinit();
    lab.succeed("kvno HTTP/sts.fabrikam.test@FABRIKAM.TEST", "");
    contains(
        &lab.succeed("klist", ""),
        "krbtgt/FABRIKAM.TEST@CONTOSO.TEST",
    );

    lab.kinit();
    // A host-based name whose realm nobody told: the user's own KDC refers the client.
    lab.succeed("kvno -S HTTP sts.fabrikam.test", "");
    contains(&lab.succeed("klist", ""), "HTTP/sts.fabrikam.test@");
    let referred = Outcome::Referred("FABRIKAM.TEST".to_owned());
    assert!(lab.kdc.log().iter().any(|asked| asked.outcome == referred));
}

#[test]
fn user_principal_names_find_their_user() {
    let lab = Lab::start();
    for name in ["alice@contoso.com", "ALICE@contoso.test"] {
        lab.succeed(&format!("kinit -C -E {name}"), &format!("{PASSWORD}\n"));
        contains(
            &lab.succeed("klist", ""),
            "Default principal: alice@CONTOSO.TEST",
        );
    }
    lab.succeed("kinit -C -E bob@fabrikam.com", &format!("{PASSWORD}\n"));
    contains(
        &lab.succeed("klist", ""),
        "Default principal: bob@FABRIKAM.TEST",
    );
}

#[test]
fn mit_reads_the_files() {
    let lab = Lab::start();
    lab.kdc
        .ccache("alice", &[STS, "HTTP/sts.fabrikam.test"])
        .unwrap()
        .write(&lab.path("ccache"))
        .unwrap();
    let listed = lab.succeed("klist -f", "");
    contains(&listed, "Default principal: alice@CONTOSO.TEST");
    contains(&listed, "HTTP/sts.fabrikam.test@FABRIKAM.TEST");
    lab.succeed("klist -s", "");
    // Already there: no request.
    lab.succeed("kvno HTTP/sts.contoso.test", "");
    assert_eq!(lab.kdc.log(), []);

    lab.kdc
        .keytab(STS)
        .unwrap()
        .write(&lab.path("keytab"))
        .unwrap();
    let listed = lab.succeed(&format!("klist -k -e {}", lab.path("keytab").display()), "");
    contains(
        &listed,
        "HTTP/sts.contoso.test@CONTOSO.TEST (aes256-cts-hmac-sha1-96)",
    );
    contains(
        &listed,
        "HTTP/sts.contoso.test@CONTOSO.TEST (aes128-cts-hmac-sha1-96)",
    );

    let hour = Duration::from_secs(3600);
    let expired = SystemTime::now() - 2 * hour..SystemTime::now() - hour;
    lab.kdc
        .ccache_valid("alice", &[], expired)
        .unwrap()
        .write(&lab.path("ccache"))
        .unwrap();
    lab.fail("klist -s", "");
    contains(
        &lab.fail("kvno HTTP/sts.contoso.test", ""),
        "Ticket expired",
    );
}

/// MIT's library on the other side of an acceptor.
struct Initiator {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Initiator {
    fn start(lab: &Lab, arguments: &[&str]) -> (Self, Vec<u8>) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mit/initiator.py");
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
