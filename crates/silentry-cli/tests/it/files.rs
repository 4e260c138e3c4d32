//! Files that are no files, and what the operating system must not do with this process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{Place, Said};

const CLIENT: &str = "--client-id=11111111-2222-3333-4444-555555555555";
const SCOPE: &str = "--scope=https://graph.microsoft.com/User.Read";

fn binary() -> PathBuf {
    assert_cmd::cargo::cargo_bin("silentry")
}

/// The command with nothing of this machine's in it.
fn silentry(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("KRB5CCNAME", "FILE:/nonexistent/ccache");
    command
}

/// The same command, started by a shell that runs this line first.
fn behind(line: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{line}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Copies it by another program: a child of another test could have it open for writing when it is to run.
#[cfg(target_os = "linux")]
fn copy_binary(to: &Path) {
    let status = Command::new("cp").arg(binary()).arg(to).status();
    assert!(status.unwrap().success());
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Returns the last object on stderr.
fn error(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rfind(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_default()).unwrap_or_else(|_| panic!("{said}"))
}

#[test]
fn what_is_no_file_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo);
    let fifo = fifo.to_str().unwrap();
    let mut runs = Vec::new();
    for path in ["/dev/zero", "/dev/urandom", "/", fifo] {
        for option in ["--ca-bundle", "--federation-metadata", "--config"] {
            let arguments = [
                "token",
                CLIENT,
                SCOPE,
                "--cache=none",
                "--mode=iwa",
                "-o",
                "json",
            ];
            let mut command = silentry(&arguments);
            runs.push(
                command
                    .args([option, path])
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap(),
            );
        }
        for document in ["mex", "wstrust", "realm", "error", "cache", "token"] {
            let mut command = silentry(&["inspect", document, path]);
            runs.push(command.stderr(Stdio::piped()).spawn().unwrap());
        }
    }
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let said = error(&output);
        let code = said["error"].as_str().unwrap();
        let known = [
            "file_not_readable",
            "file_unreadable",
            "invalid_config_file",
        ];
        assert!(known.contains(&code), "{said}");
    }
}

#[test]
fn a_command_of_the_shell_gives_a_file() {
    let place = Place::new();
    let script = "\"$0\" token --cache=none -o none --ca-bundle <(cat \"$SILENTRY_CA_BUNDLE\")";
    let mut command: Command = place.lab.command("bash");
    command
        .arg("-c")
        .arg(script)
        .arg(binary())
        .env("HOME", place.folder.path());
    command.env("SSL_CERT_FILE", "/nonexistent");
    Said::from(command.output().unwrap()).ok();
}

/// As `SSL_CERT_FILE: ${SSL_CERT_FILE}` in the description of a container has it.
#[test]
fn an_empty_name_for_the_authorities_is_none() {
    let place = Place::new();
    let said = |empty: &[&str]| {
        let mut command = place.silentry(&["token", "-o", "json", "--cache=none"]);
        for name in ["SILENTRY_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            command.env_remove(name);
        }
        for name in empty {
            command.env(name, "");
        }
        error(&command.output().unwrap())["message"].clone()
    };
    let unset = said(&[]);
    for empty in [
        &["SSL_CERT_FILE"][..],
        &["SSL_CERT_DIR"],
        &["SSL_CERT_FILE", "SSL_CERT_DIR"],
    ] {
        assert_eq!(said(empty), unset, "{empty:?}");
    }
}

#[test]
fn without_authorities_of_the_system_the_given_ones_are_enough() {
    let place = Place::new();
    let fifo = place.folder.path().join("fifo");
    mkfifo(&fifo);
    for file in [
        "/nonexistent",
        "/dev/zero",
        "/dev/null",
        fifo.to_str().unwrap(),
    ] {
        let mut command = place.silentry(&["token", "-o", "none", "--cache=none"]);
        Said::from(command.env("SSL_CERT_FILE", file).output().unwrap()).ok();
        let mut command = place.silentry(&["token", "-o", "json", "--cache=none"]);
        command
            .env("SSL_CERT_FILE", file)
            .env_remove("SILENTRY_CA_BUNDLE");
        let said = error(&command.output().unwrap());
        assert_eq!(said["error"], "tls_certificate_untrusted", "{said}");
        let advice = said["mitigation"].as_str().unwrap();
        assert!(
            advice.contains("ca-certificates") && advice.contains("--ca-bundle"),
            "{said}"
        );
    }
    // As the lab sets it, the file alone is enough.
    let mut command = place.silentry(&["token", "-o", "none", "--cache=none"]);
    command.env_remove("SILENTRY_CA_BUNDLE");
    Said::from(command.output().unwrap()).ok();
}

/// As curl reads it; the domain was taken for the host.
#[test]
fn a_domain_user_in_the_proxys_url_is_the_user() {
    use std::io::{BufRead as _, BufReader, Write as _};

    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<_> = lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        head
    });
    let authority = "--authority=https://sts.contoso.invalid/adfs";
    let arguments = [
        "token",
        CLIENT,
        SCOPE,
        authority,
        "--mode=devicecode",
        "--cache=none",
    ];
    let output = silentry(&arguments)
        .env("HTTPS_PROXY", format!("http://CONTOSO\\alice:pw@{address}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("proxy_refused"), "{said}");
    let head = asked.join().unwrap();
    let wanted = "proxy-authorization: basic q09ove9tt1xhbgljztpwdw==";
    assert!(
        head.iter().any(|line| line.eq_ignore_ascii_case(wanted)),
        "{head:?}"
    );
    let output = silentry(&[&arguments[..], &["-o", "json"]].concat())
        .env("HTTPS_PROXY", format!("http://alice:p/w@{address}"))
        .output()
        .unwrap();
    let said = error(&output);
    assert_eq!(said["error"], "invalid_proxy");
    assert!(said["message"].as_str().unwrap().contains("%2F"), "{said}");
}

#[test]
fn without_a_kerberos_library_integrated_sign_in_is_impossible() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("libgssapi.so");
    let place = Place::new();
    let mut command = place.silentry(&["token", "--mode=iwa", "--cache=none", "-o", "json"]);
    let said = Said::from(
        command
            .env("SILENTRY_GSSAPI_LIBRARY", &missing)
            .output()
            .unwrap(),
    );
    assert_eq!(said.error(5)["error"], "kerberos_library_missing");
}

#[test]
fn few_descriptors_are_an_error_and_no_panic() {
    for limit in 5..24 {
        let line = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command
            .args(["-c", &line])
            .arg(binary())
            .args([
                "token",
                CLIENT,
                SCOPE,
                "--mode=iwa",
                "--cache=none",
                "-o",
                "json",
            ])
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("KRB5CCNAME", "FILE:/nonexistent/ccache");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{limit}: {said}");
        let code = output.status.code().unwrap();
        assert!(code != 101, "{limit}: {said}");
        if limit < 16 && code == 1 && said.starts_with('{') {
            assert_eq!(error(&output)["error"], "too_few_descriptors", "{said}");
        }
    }
}

/// The limit counts nothing of root's, who therefore becomes somebody else.
#[cfg(target_os = "linux")]
#[test]
fn few_threads_are_an_error_that_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("silentry");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    copy_binary(&copy);
    // No thread for the command, for what waits for the call, or for the call itself.
    for limit in 1..=3 {
        let line = format!("ulimit -u {limit} && exec \"$0\" \"$@\"");
        let command = || {
            let mut command = Command::new("bash");
            command
                .args(["-c", &line])
                .arg(&copy)
                .args(["token", CLIENT, SCOPE, "--tenant=contoso.test"])
                .args(["--mode=iwa", "--cache=none", "-o=json"])
                .env_clear()
                .env("HOME", "/nonexistent")
                .env("KRB5CCNAME", "FILE:/nonexistent/ccache");
            command
        };
        let as_somebody_else = command().uid(NOBODY).output();
        let output = as_somebody_else.unwrap_or_else(|_| command().output().unwrap());
        let error = error(&output);
        assert_eq!(error["error"], "kerberos_no_thread", "{limit}: {error}");
        let advice = error["mitigation"].as_str().unwrap();
        assert!(advice.contains("ulimit -u"), "{limit}: {error}");
    }
}

/// A sign-in as far as it goes, which is where the stack is deepest.
#[test]
fn a_small_stack_is_enough() {
    let place = Place::new();
    let of_place = place.silentry(&["token", "--mode=silent,iwa", "-o=none", "-vv"]);
    for limit in [128, 256] {
        let mut command = behind(&format!("ulimit -s {limit}"), &of_place);
        Said::from(command.output().unwrap()).ok();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_is_left_and_a_browser_has_its_callers_limits() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut child = silentry(&["inspect", "token"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let soft_limit = || {
        let text = std::fs::read_to_string(&limits).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Max core file size"));
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    // It reads its stdin, once it is that far.
    let mut far = false;
    for _ in 0..2000 {
        far = soft_limit() == "0";
        if far {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(far);
    drop(child.stdin.take());
    child.wait().unwrap();

    let place = Place::new();
    let told = place.folder.path().join("told");
    let browser = place.folder.path().join("browser");
    let script = format!(
        "#!/bin/bash\n{{ ulimit -Sc; ulimit -Hc; }} > '{}'\n",
        told.display()
    );
    std::fs::write(&browser, script).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let login = ["login", "--mode=web", "--browser-timeout=5", "-o", "json"];
    let of_place = place.silentry(&login);
    let limit = "ulimit -Hc unlimited 2>&-; ulimit -Sc 40";
    let mut command = behind(limit, &of_place);
    let output = command.env("BROWSER", &browser).output().unwrap();
    let told = std::fs::read_to_string(&told).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(told.lines().next(), Some("40"));
}

/// A set-user-ID copy, started by somebody else, in an environment of his.
#[cfg(target_os = "linux")]
#[test]
fn a_set_user_id_copy_takes_nothing_from_the_environment() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = path("silentry");
    copy_binary(&copy);
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o4755)).unwrap();
    std::fs::create_dir_all(path("home/.config/silentry")).unwrap();
    std::fs::write(path("home/.config/silentry/config.toml"), "nonsense = 1\n").unwrap();

    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let run = |mode: &str| {
        let authority = "--authority=https://sts.contoso.invalid/adfs";
        let arguments = [
            "token",
            CLIENT,
            SCOPE,
            authority,
            mode,
            "--cache=none",
            "-o",
            "json",
        ];
        let mut command = Command::new(&copy);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", path("home"))
            .env("XDG_CONFIG_HOME", path("home/.config"))
            .env("SILENTRY_CONFIG", path("home/.config/silentry/config.toml"))
            .env("SILENTRY_GSSAPI_LIBRARY", path("evil.so"))
            .env("SILENTRY_CA_BUNDLE", path("evil.pem"))
            .env("SILENTRY_PROXY", &address)
            .env("HTTPS_PROXY", &address)
            .env("https_proxy", &address)
            .env("ALL_PROXY", &address)
            .env("SSL_CERT_FILE", path("evil.pem"))
            .uid(NOBODY);
        command.output()
    };
    // Only root can become somebody else.
    let Ok(output) = run("--mode=iwa") else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("evil") && !said.contains("nonsense"),
        "{said}"
    );
    let output = run("--mode=devicecode").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("evil") && !said.contains("nonsense"),
        "{said}"
    );
    assert!(
        proxy.accept().is_err(),
        "the proxy of the environment was asked: {said}"
    );

    // The session bus of the environment keeps no token either.
    let bus = UnixListener::bind(path("bus")).unwrap();
    bus.set_nonblocking(true).unwrap();
    let mut command = Command::new(&copy);
    command
        .args(["accounts", "--cache-format=os", "-o=json", "--cache"])
        .arg(path("tokens"))
        .env_clear()
        .env("HOME", path("home"))
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", path("bus").display()),
        )
        .uid(NOBODY);
    let said = error(&command.output().unwrap());
    let message = said["message"].as_str().unwrap();
    assert!(message.contains("no session bus from"), "{said}");
    assert!(bus.accept().is_err(), "{said}");
}
