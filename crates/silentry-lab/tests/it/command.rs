//! The `silentry-lab` command.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const LAB: &str = env!("CARGO_BIN_EXE_silentry-lab");

fn exec(options: &[&str], script: &str) -> Output {
    Command::new(LAB)
        .arg("exec")
        .args(options)
        .args(["--", "sh", "-c", script])
        .env("NO_PROXY", "*")
        .env("all_proxy", "http://elsewhere.test")
        .env("SSL_CERT_DIR", "/etc/ssl/certs")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exit_codes_of_the_child_are_passed_on() {
    assert_eq!(exec(&[], "exit 7").status.code(), Some(7));
    assert_eq!(exec(&[], "kill -TERM $$").status.code(), Some(128 + 15));
    let missing = Command::new(LAB)
        .args(["exec", "--", "/nonexistent/program"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("/nonexistent/program"));
}

#[test]
fn the_child_finds_the_lab_and_nothing_else() {
    let output = exec(
        &["--user", "bob"],
        "printenv; cat \"$SSL_CERT_FILE\" \"$KRB5_CONFIG\"; command -v silentry-lab",
    );
    let printed = text(&output.stdout);
    let value = |name: &str| {
        let prefix = format!("{name}=");
        printed
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
    };
    assert!(
        value("HTTPS_PROXY")
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(value("HTTPS_PROXY"), value("https_proxy"));
    for name in [
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "SILENTRY_CA_BUNDLE",
    ] {
        assert_eq!(value(name), value("SSL_CERT_FILE"), "{name}");
    }
    assert_eq!(value("SILENTRY_TENANT").as_deref(), Some("managed.test"));
    assert_eq!(value("SILENTRY_DIRECTORY").as_deref(), Some("off"));
    assert!(value("KRB5CCNAME").unwrap().starts_with("FILE:/"));
    let folder = |name| {
        Path::new(&value(name).unwrap())
            .parent()
            .map(Path::to_owned)
    };
    assert_eq!(folder("SILENTRY_CACHE"), folder("SSL_CERT_FILE"));
    for name in ["NO_PROXY", "all_proxy", "SSL_CERT_DIR"] {
        assert_eq!(value(name), None, "{name}");
    }
    assert!(printed.contains("-----BEGIN CERTIFICATE-----"));
    assert!(printed.contains("default_realm = CORP.CONTOSO.TEST"));
    assert_eq!(printed.lines().last(), Some(LAB));
    // Nothing of the lab stays behind.
    let ca = value("SSL_CERT_FILE").unwrap();
    assert!(!Path::new(&ca).exists());
}

#[test]
fn scenarios_are_listed_as_data() {
    let output = Command::new(LAB)
        .args(["scenarios", "-o", "json"])
        .output()
        .unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mfa = list
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "mfa")
        .unwrap();
    let members: Vec<_> = mfa
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        [
            "expected_code",
            "expected_exit",
            "flow",
            "name",
            "summary",
            "user"
        ]
    );
    assert_eq!(mfa["expected_code"], "interaction_required");
    assert_eq!(mfa["expected_exit"], 3);
    assert_eq!(mfa["flow"], "integrated_windows");
    let words = Command::new(LAB).arg("scenarios").output().unwrap();
    assert!(text(&words.stdout).contains("carol@contoso.test: interaction_required, exit 3"));
}

#[test]
fn an_unknown_scenario_is_named() {
    let output = exec(&["--scenario", "nonsense"], "true");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("\"nonsense\""));
}

#[test]
fn help_begins_with_an_example() {
    for arguments in [vec!["--help"], vec!["demo", "--help"], vec!["up", "--help"]] {
        let output = Command::new(LAB).args(&arguments).output().unwrap();
        assert!(
            text(&output.stdout).starts_with("Example: silentry-lab "),
            "{arguments:?}"
        );
    }
}

#[test]
fn up_stays_until_it_is_told_to_go() {
    let directory = tempfile::tempdir().unwrap();
    let keytab = directory.path().join("own.keytab");
    let mut child = Command::new(LAB)
        .args([
            "up",
            "--scenario",
            "farm",
            "--listen",
            "127.0.0.1:0",
            "--journal",
        ])
        .arg(directory.path().join("journal"))
        .arg("--dir")
        .arg(directory.path().join("lab"))
        .arg(format!(
            "--service=HTTP/own.contoso.test={}",
            keytab.display()
        ))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let shown: Vec<String> = lines
        .by_ref()
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(
        shown[0].starts_with("proxy     http://127.0.0.1:"),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with("listening 127.0.0.1:")),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with("scenario  farm: ")),
        "{shown:?}"
    );

    let script = directory.path().join("lab/env.sh");
    let sourced = format!(
        ". {} && printenv SILENTRY_CLIENT_ID JAVA_TOOL_OPTIONS",
        script.display()
    );
    let output = Command::new("sh").args(["-c", &sourced]).output().unwrap();
    let printed = text(&output.stdout);
    assert!(printed.starts_with(silentry_lab::CLIENT_ID), "{printed}");
    assert!(printed.contains("-Djavax.net.ssl.trustStoreType=JKS"));
    let keys = silentry_lab::kerberos::keytab::Keytab::read(&keytab).unwrap();
    assert!(keys.entries().iter().all(|entry| {
        entry.principal().to_string() == "HTTP/own.contoso.test@CORP.CONTOSO.TEST"
    }));
    assert!(!keys.entries().is_empty());

    let proxy = shown[0].rsplit('/').next().unwrap();
    let mut stranger = TcpStream::connect(proxy).unwrap();
    stranger
        .write_all(b"CONNECT www.example.com:443 HTTP/1.1\r\n\r\n")
        .unwrap();
    let mut refusal = String::new();
    stranger.read_to_string(&mut refusal).unwrap();
    assert!(refusal.starts_with("HTTP/1.1 403 "), "{refusal}");
    let journal = line_of(&directory.path().join("journal"));
    assert_eq!(journal["stage"], "proxy");
    assert_eq!(journal["url"], "www.example.com:443");
    assert!(journal.get("ticket").is_none());

    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(script.exists());
}

/// Waits for the first whole line of a file.
fn line_of(file: &Path) -> serde_json::Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(file).unwrap();
        if let Some((line, _)) = text.split_once('\n') {
            return serde_json::from_str(line).unwrap();
        }
        assert!(Instant::now() < end, "nothing in {}", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_demo_says_when_there_is_no_program_to_show() {
    let directory = tempfile::tempdir().unwrap();
    let alone = directory.path().join("silentry-lab");
    // By another program: a child of another test could have it open for writing when it is to run.
    let copied = Command::new("cp").arg(LAB).arg(&alone).status().unwrap();
    assert!(copied.success());
    let output = Command::new(&alone)
        .arg("demo")
        .env_remove("CARGO")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no silentry program in"));
}

/// A program that opens a browser ends here, by the environment alone.
#[test]
fn somebody_signs_in_from_a_shell() {
    let client = "client_id=077012df-fa0a-4bbe-b975-fd8a3ff31a95&response_type=code&\
                  redirect_uri=http://localhost:1&scope=openid&\
                  code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&\
                  code_challenge_method=S256";
    let url = format!("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?{client}");
    let output = exec(&[], &format!("silentry-lab sign-in --user carol '{url}'"));
    let said = text(&output.stderr);
    assert_eq!(
        (output.status.code(), said.trim()),
        (Some(0), "the browser ended at http://localhost:1/")
    );

    let output = exec(&[], "silentry-lab sign-in --code WRONG");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("That code didn't work"));
}

/// Documentation that is not checked is wrong one day.
#[test]
fn the_readme_lists_users_and_scenarios_as_they_are() {
    let readme = include_str!("../../README.md");
    for silentry_lab::User {
        upn,
        password,
        about,
        ..
    } in silentry_lab::users()
    {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {upn} |")));
        let row = row.unwrap_or_else(|| panic!("{upn} is missing"));
        assert!(
            row.contains(&format!("| `{password}` |")) && row.contains(about),
            "{row}"
        );
    }
    for scenario in silentry_lab::Scenario::all() {
        let name = scenario.user.split('@').next().unwrap();
        let code = scenario.expected_code.map(|code| format!("`{code}`"));
        let code = code.unwrap_or_else(|| "succeeds".to_owned());
        let who = match scenario.flow {
            silentry_lab::Flow::IntegratedWindows => name,
            silentry_lab::Flow::DeviceCode => "device code",
            silentry_lab::Flow::Interactive => "interactive",
            _ => "silent",
        };
        let row = format!(
            "| `{}` | {} | {who} | {code} | {} |",
            scenario.name, scenario.summary, scenario.expected_exit
        );
        assert!(readme.lines().any(|line| line == row), "missing: {row}");
    }
}

/// Runs `up`, which is to refuse.
fn refused(arguments: &[&str]) -> String {
    let output = Command::new(LAB)
        .arg("up")
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    text(&output.stderr)
}

#[test]
fn a_proxy_for_other_machines_must_be_meant() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "0.0.0.0:8080"] {
        let said = refused(&["--proxy", address]);
        assert!(said.contains("--expose"), "{said}");
    }
    let said = refused(&["--proxy", "127.0.0.1:443"]);
    assert!(said.contains("--listen"), "{said}");
}

#[test]
fn a_folder_of_somebody_else_is_no_place_for_the_labs_files() {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("lab");
    std::fs::create_dir(&folder).unwrap();
    let set_mode = |mode| {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let shown = folder.to_str().unwrap();
    let script = folder.join("env.sh");
    for mode in [0o777, 0o1777, 0o757] {
        set_mode(mode);
        std::fs::write(&script, "echo foreign").unwrap();
        let said = refused(&["--dir", shown]);
        assert!(said.contains(shown) && said.contains("all users"), "{said}");
    }
    set_mode(0o755);
    if chown(&folder, Some(12345), None).is_ok() {
        let said = refused(&["--dir", shown]);
        assert!(said.contains("uid 12345"), "{said}");
        chown(&folder, Some(0), None).unwrap();
    }
    // In a folder of one's own, links that lie there lead nowhere.
    let elsewhere = place.path().join("elsewhere");
    std::fs::write(&elsewhere, "untouched").unwrap();
    for name in ["ca.pem", "krb5.conf", "jaas.conf", "krb5cc_alice_tgt"] {
        symlink(&elsewhere, folder.join(name)).unwrap();
    }
    std::fs::remove_file(&script).unwrap();
    symlink(&elsewhere, &script).unwrap();
    let mut child = Command::new(LAB)
        .args(["up", "--dir", shown])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("proxy"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "untouched");
    let written = std::fs::symlink_metadata(&script).unwrap();
    assert!(written.is_file());
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
    assert!(
        std::fs::read_to_string(&script)
            .unwrap()
            .contains("export ")
    );
}

#[test]
fn few_descriptors_are_an_error_and_no_panic() {
    let line = "ulimit -n 6 && exec \"$0\" exec -- true";
    let output = Command::new("bash")
        .args(["-c", line, LAB])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        !said.contains("panicked") && said.contains("error: "),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
}

/// With the real program, which is built first where it is not there.
#[test]
fn the_demo_says_why_nobody_could_be_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(LAB)
        .arg("demo")
        .env("SILENTRY_GSSAPI_LIBRARY", folder.path().join("missing.so"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    for word in ["missing.so", "hint: ", "kerberos_library_missing"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!said.contains('{'), "{said}");
}
