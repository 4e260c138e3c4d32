//! The policy of the machine, in a mount namespace where `/etc/silentry` is the test's own.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use rustix::process::geteuid;
use serde_json::Value;
use silentry_lab::Lab;

use crate::support::{self, Place, Said};

/// The lab's variables name the rest.
const TOKEN: [&str; 3] = [
    "token",
    "-o=json",
    "--scope=https://graph.microsoft.com/User.Read",
];

/// Makes an `/etc` that only this namespace sees, and becomes the command.
const NAMESPACE: &str = r#"
set -eu
mkdir -p "$FOLDER/real" "$FOLDER/etc/silentry"
mount --bind /etc "$FOLDER/real"
ln -s "$FOLDER/real/"* "$FOLDER/etc/"
cp "$FOLDER/policy.toml" "$FOLDER/etc/silentry/policy.toml"
chmod 755 "$FOLDER/etc" "$FOLDER/etc/silentry"
chmod 644 "$FOLDER/etc/silentry/policy.toml"
mount --bind "$FOLDER/etc" /etc
eval "$CHANGE"
exec "$@"
"#;

/// A machine with a policy.
struct Machine<'a> {
    place: &'a Place,
    policy: &'a str,
    /// What happens to it before the command runs, in shell.
    change: &'a str,
    /// The folder of the user's session, for the default place of a machine without a keyring.
    session: Option<&'a Path>,
}

impl<'a> Machine<'a> {
    fn new(place: &'a Place, policy: &'a str) -> Self {
        Machine {
            place,
            policy,
            change: "",
            session: None,
        }
    }

    fn run(&self, arguments: &[&str]) -> Said {
        assert!(
            geteuid().is_root(),
            "a policy is root's: run this test as root"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), self.policy).unwrap();
        let silentry = self.place.silentry(arguments);
        let mut unshare = Command::new("unshare");
        unshare
            .args([
                "--mount",
                "--propagation=private",
                "sh",
                "-c",
                NAMESPACE,
                "sh",
            ])
            .arg(silentry.get_program())
            .args(silentry.get_args());
        for (name, value) in silentry.get_envs() {
            match value {
                Some(value) => unshare.env(name, value),
                None => unshare.env_remove(name),
            };
        }
        if let Some(session) = self.session {
            unshare.env("XDG_RUNTIME_DIR", session);
        }
        unshare
            .env("FOLDER", folder.path())
            .env("CHANGE", self.change)
            .stdin(Stdio::null());
        unshare.output().unwrap().into()
    }

    /// Runs `silentry token` with these further arguments.
    fn token(&self, arguments: &[&str]) -> Said {
        self.run(&[&TOKEN[..], arguments].concat())
    }
}

#[track_caller]
fn refused(said: &Said, exit: i32, code: &str, allowed: &str) -> Value {
    let error = said.error(exit);
    assert_eq!(error["error"], code, "{error}");
    let message = error["message"].as_str().unwrap();
    let mitigation = error["mitigation"].as_str().unwrap();
    assert!(message.contains("/etc/silentry/policy.toml"), "{error}");
    assert!(mitigation.contains("administrator"), "{error}");
    assert!(mitigation.contains(allowed), "{error}");
    error
}

#[test]
fn a_policy_that_allows_everything_in_use_is_not_noticed() {
    let place = Place::new();
    let policy = format!(
        "federation-hosts = [\"STS.contoso.test:443\"]\ntenants = [\"Contoso.test\"]\n\
         client-ids = [\"{}\"]\nflows = [\"iwa\", \"silent\"]\nallow-ntlm = false\n\
         require-channel-binding = true\ncache-places = [\"system\", \"{}\"]\n",
        silentry_lab::CLIENT_ID.to_uppercase(),
        place.folder.path().display(),
    );
    let machine = Machine::new(&place, &policy);
    let first = machine.token(&[]).json();
    assert_eq!(first["username"], "alice@contoso.test");
    assert_eq!(machine.token(&[]).json()["from_cache"], true);
    machine.run(&["accounts"]).ok();
    machine.run(&["logout", "--all"]).ok();
    assert_eq!(
        Machine::new(&place, "").token(&[]).json()["from_cache"],
        false
    );
}

#[test]
fn what_a_policy_does_not_list_is_refused_before_any_network() {
    let place = Place::new();
    let cases: [(&str, &[&str], &str, &str); 11] = [
        ("client-ids = [\"aaa\"]", &[], "policy_forbids", "(aaa)"),
        ("client-ids = []", &[], "policy_forbids", "no client ids"),
        (
            "tenants = [\"fabrikam.test\"]",
            &[],
            "policy_forbids",
            "fabrikam.test",
        ),
        (
            "tenants = [\"contoso.test\"]",
            &["--tenant=fabrikam.test"],
            "policy_forbids",
            "contoso.test",
        ),
        (
            "tenants = [\"contoso.test\"]",
            &["--tenant=organizations"],
            "policy_forbids",
            "contoso.test",
        ),
        (
            "flows = [\"iwa\"]",
            &["--mode=silent"],
            "policy_forbids_flow",
            "iwa",
        ),
        (
            "flows = [\"silent\"]",
            &["--mode=iwa"],
            "policy_forbids_flow",
            "silent",
        ),
        (
            "flows = [\"silent\", \"iwa\"]",
            &["--mode=devicecode"],
            "policy_forbids_flow",
            "silent, iwa",
        ),
        (
            "allow-ntlm = false",
            &["--allow-ntlm"],
            "policy_forbids",
            "NTLM",
        ),
        (
            "require-channel-binding = true",
            &["--no-channel-binding"],
            "policy_forbids",
            "channel binding",
        ),
        (
            "cache-places = [\"system\", \"/srv/tokens\"]",
            &[],
            "policy_forbids_cache",
            "system, /srv/tokens",
        ),
    ];
    for (policy, arguments, code, allowed) in cases {
        let said = Machine::new(&place, policy).token(arguments);
        refused(&said, 2, code, allowed);
    }
    // Nobody is asked for a password in vain.
    for mode in ["--mode=web", "--mode=password"] {
        let machine = Machine::new(&place, "flows = [\"iwa\"]");
        let said = machine.token(&[mode, "--username=alice@contoso.test"]);
        refused(&said, 2, "policy_forbids_flow", "iwa");
    }
    assert!(
        place.lab.exchanges().is_empty(),
        "{:?}",
        place.lab.exchanges()
    );
}

#[test]
fn only_federation_hosts_of_the_policy_receive_a_ticket() {
    let place = Place::of("foreign-mex-host");
    let hosts = "--federation-hosts=sts.fabrikam.test";
    let narrow = Machine::new(&place, "federation-hosts = [\"sts.contoso.test\"]");
    let said = narrow.token(&["--mode=iwa", hosts]);
    refused(&said, 5, "policy_forbids_host", "sts.contoso.test");
    let stages: Vec<_> = place
        .lab
        .exchanges()
        .into_iter()
        .map(|one| one.stage)
        .collect();
    assert_eq!(stages, ["realm", "mex"]);

    // It permits nothing that the user's own settings do not.
    let wide = Machine::new(&place, "federation-hosts = [\"sts.fabrikam.test\"]");
    assert_eq!(
        wide.token(&["--mode=iwa"]).error(5)["error"],
        "federation_host_not_trusted"
    );
    wide.token(&["--mode=iwa", hosts]).ok();

    // An AD FS authority takes the domain's passwords.
    let adfs = [
        "--mode=devicecode",
        "--authority=https://sts.contoso.test/adfs",
    ];
    let wide = Machine {
        change: "unset SILENTRY_TENANT",
        ..wide
    };
    let said = wide.token(&adfs);
    refused(&said, 5, "policy_forbids_host", "sts.fabrikam.test");
}

#[test]
fn a_ladder_goes_on_to_the_flows_that_are_allowed() {
    let place = Place::new();
    let machine = Machine::new(&place, "flows = [\"iwa\"]");
    let token = machine.token(&["--mode=silent,iwa"]).json();
    assert_eq!(token["flow"], "integrated_windows");
    let error = machine.token(&["--mode=silent,devicecode"]).error(2);
    let codes: Vec<_> = error["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["error"])
        .collect();
    assert_eq!(codes, ["policy_forbids_flow", "policy_forbids_flow"]);
}

#[test]
fn a_default_place_that_is_not_allowed_keeps_nothing() {
    let place = Place::new();
    let machine = Machine::new(&place, "cache-places = []");
    let default = "--cache=default";
    refused(
        &machine.run(&["accounts", "-o=json"]),
        2,
        "policy_forbids_cache",
        "no cache places",
    );
    let said = machine.token(&["--cache=none"]);
    assert_eq!(said.json()["from_cache"], false);
    assert!(!place.cache().exists());
    // Nobody asked for the default place, so nobody is turned away.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let session = tempfile::Builder::new()
        .permissions(private)
        .tempdir_in("/dev/shm")
        .unwrap();
    let machine = Machine {
        session: Some(session.path()),
        ..machine
    };
    machine.token(&[default]).ok();
    assert_eq!(machine.token(&[default]).json()["from_cache"], false);
    let machine = Machine {
        policy: "cache-places = [\"system\"]",
        ..machine
    };
    machine.token(&[default]).ok();
    assert_eq!(machine.token(&[default]).json()["from_cache"], true);
}

#[test]
fn a_policy_that_cannot_be_used_refuses_everything() {
    let place = Place::new();
    place.login("alice");
    let asked = place.lab.exchanges().len();
    let good = "flows = [\"silent\", \"iwa\"]\n";
    let file = "/etc/silentry/policy.toml";
    // Of this machine's root, nobody can read the rest of the lab either.
    let as_nobody = "unset SILENTRY_CA_BUNDLE; export HOME=/nonexistent; \
                     exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
    let cases: [(&str, String, &str); 16] = [
        ("flow = []\n", String::new(), "unknown field"),
        ("flows = \"iwa\"\n", String::new(), "invalid type"),
        ("flows = [\"broker\"]\n", String::new(), "`broker`"),
        ("flows = [\n", String::new(), "line"),
        ("tenants = [\"-\"]\n", String::new(), "`-`"),
        (
            good,
            format!("chmod 664 {file}"),
            "can be written by its group",
        ),
        (
            good,
            format!("chmod 646 {file}"),
            "can be written by all users",
        ),
        (good, format!("chown 1234 {file}"), "1234"),
        (
            good,
            "chmod 775 /etc/silentry".into(),
            "/etc/silentry can be written",
        ),
        (
            good,
            "chmod 777 /etc/silentry".into(),
            "/etc/silentry can be written",
        ),
        (good, "chown 1234 /etc/silentry".into(), "1234"),
        (good, "chmod 757 /etc".into(), "/etc can be written"),
        (
            good,
            format!("rm {file}; ln -s /etc/silentry/none {file}"),
            "No such file",
        ),
        (
            good,
            format!("rm {file}; mkfifo {file}"),
            "not a regular file",
        ),
        (
            good,
            format!("chmod 640 {file}; {as_nobody}"),
            "Permission denied",
        ),
        (
            good,
            format!("chmod 700 /etc/silentry; {as_nobody}"),
            "Permission denied",
        ),
    ];
    for (policy, change, why) in &cases {
        let machine = Machine {
            change,
            ..Machine::new(&place, policy)
        };
        let error = refused(&machine.token(&[]), 1, "policy_not_readable", "");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(why), "{change}: {error}");
    }
    let others: [&[&str]; 3] = [
        &["login", "--mode=web", "-o=json"],
        &["accounts", "-o=json"],
        &["logout", "--all", "-o=json"],
    ];
    for arguments in others {
        let said = Machine::new(&place, "flow = []").run(arguments);
        refused(&said, 1, "policy_not_readable", "");
    }
    assert_eq!(place.lab.exchanges().len(), asked);
    // The account is still there, for a policy that can be used.
    let said = Machine::new(&place, good).run(&["accounts", "-o=json"]);
    assert_eq!(said.json().as_array().unwrap().len(), 1);
}

#[test]
fn a_policy_of_root_may_be_a_link_to_another_file_of_root() {
    let place = Place::new();
    let change =
        "mv /etc/silentry/policy.toml /etc/real.toml; ln -s ../real.toml /etc/silentry/policy.toml";
    let machine = Machine {
        change,
        ..Machine::new(&place, "flows = []")
    };
    refused(&machine.token(&[]), 2, "policy_forbids_flow", "no flows");
    // A folder without a policy restricts nothing.
    let machine = Machine {
        change: "rm /etc/silentry/policy.toml; chmod 777 /etc/silentry",
        ..Machine::new(&place, "")
    };
    machine.token(&[]).ok();
}

const ENDPOINT: &str = "https://sts.contoso.test/adfs/services/trust/13/windowstransport";

/// A TLS server for `sts.contoso.test` whose certificate has no channel binding; sends what each connection says.
fn server_without_binding() -> (String, String, Receiver<String>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let names = vec!["sts.contoso.test".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (heard, hears) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream.unwrap());
            let mut said = [0; 4096];
            // Until it has heard the head of a request, or the client leaves.
            let length = stream.read(&mut said).unwrap_or(0);
            let said = String::from_utf8_lossy(&said[..length]).into_owned();
            if heard.send(said).is_err() {
                return;
            }
        }
    });
    (address, certificate.pem(), hears)
}

#[test]
fn a_server_without_a_channel_binding_gets_no_ticket_where_one_is_required() {
    let (address, certificate, hears) = server_without_binding();
    let place = Place::with(Lab::builder().map("sts.contoso.test", address));
    let file = |name: &str, text: String| {
        let path = place.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let authorities = file("ca.pem", format!("{}{certificate}", place.lab.ca_pem()));
    let metadata = file("mex.xml", support::metadata(ENDPOINT));
    let arguments = [
        "--mode=iwa",
        "--ca-bundle",
        &authorities,
        "--federation-metadata",
        &metadata,
    ];
    let machine = Machine::new(&place, "require-channel-binding = true");
    let said = machine.token(&arguments);
    refused(&said, 5, "policy_forbids_host", "Ed25519");
    assert_eq!(hears.recv().unwrap(), "");
    // Other flows need no ticket.
    let ladder = [&arguments[1..], &["--mode=iwa,silent"]].concat();
    let error = machine.token(&ladder).error(4);
    assert_eq!(
        error["attempts"][0]["error"], "policy_forbids_host",
        "{error}"
    );
    assert_eq!(hears.recv().unwrap(), "");

    Machine::new(&place, "").token(&arguments).error(6);
    assert!(hears.recv().unwrap().contains("authorization: Negotiate "));
}
