//! Which library is loaded, and which is not: its code runs with the user's tickets.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{Answer, Lab, STS};

/// Returns the file of MIT's library on this machine.
fn mits() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let folders = folders.map(|folder| folder.path());
    let mut files = folders.map(|folder| folder.join("libgssapi_krb5.so.2"));
    let found = files.find(|file| file.exists());
    found.unwrap_or_else(|| "/usr/lib64/libgssapi_krb5.so.2".into())
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Copies the library into a folder of its own.
fn copy(lab: &Lab, folder: &str) -> PathBuf {
    let folder = lab.path(folder);
    fs::create_dir_all(&folder).unwrap();
    set(&folder, 0o755);
    let file = folder.join("library.so");
    fs::copy(mits(), &file).unwrap();
    set(&file, 0o644);
    file
}

#[test]
fn a_library_that_others_can_write_is_not_loaded() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let mut refused = Vec::new();

    let by_all = copy(&lab, "by-all");
    set(&by_all, 0o666);
    refused.push((by_all.clone(), "library.so"));
    let by_group = copy(&lab, "by-group");
    set(&by_group, 0o664);
    // The group that has the user's own name may be the user's alone.
    if chown(&by_group, None, Some(1)).is_ok() {
        refused.push((by_group, "library.so"));
    }
    let replaced = copy(&lab, "replaced");
    set(replaced.parent().unwrap(), 0o777);
    refused.push((replaced, "replaced"));
    let deep = copy(&lab, "deep/er");
    set(&lab.path("deep"), 0o777);
    refused.push((deep, "deep"));
    let link = lab.path("link.so");
    symlink(&by_all, &link).unwrap();
    refused.push((link, "library.so"));
    let somebodys = copy(&lab, "somebodys");
    if chown(&somebodys, Some(1001), None).is_ok() {
        refused.push((somebodys, "1001"));
    }
    for (path, named) in refused {
        let answer = lab.ask(STS).with_library(path.to_str().unwrap()).run();
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, "kerberos_library_not_trusted", "{text}");
        assert!(text.contains(named), "{text}");
        assert_eq!(answer.user.unwrap_err(), code);
    }
}

#[test]
fn a_library_of_the_users_own_is_loaded() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let own = copy(&lab, "own");
    let link = lab.path("link.so");
    symlink(&own, &link).unwrap();
    for library in [own, link, mits(), "libgssapi_krb5.so.2".into()] {
        let answer = lab.ask(STS).with_library(library.to_str().unwrap()).run();
        lab.accept(&answer.token.unwrap(), None).unwrap();
    }
}

/// Files of the kernel look regular, and keep whoever opens them waiting.
#[test]
fn what_would_be_waited_for_is_not_opened() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let ask = |name, value: &str| lab.ask(STS).with(name, value).run();

    let pipe = lab.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let huge = lab.path("huge");
    fs::File::create(&huge).unwrap().set_len(3 << 30).unwrap();
    let pipe = pipe.to_str().unwrap();
    let pipe_last = format!("{}:{pipe}", lab.path("krb5.conf").display());
    let including = lab.path("including");
    fs::write(&including, format!("include {pipe}\n")).unwrap();
    let folder = lab.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::copy(lab.path("krb5.conf"), folder.join("krb5.conf")).unwrap();
    let is_unreadable = |answer: Answer, expected: &str, named: &str| {
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, expected, "{text}");
        assert_eq!(answer.user.unwrap_err(), code);
        assert!(text.contains(named), "{text}");
    };
    let answer = ask("KRB5_CONFIG", folder.to_str().unwrap());
    lab.accept(&answer.token.unwrap(), None).unwrap();
    let pipe_in_folder = folder.join("pipe");
    symlink(pipe, &pipe_in_folder).unwrap();
    const CONFIGURATION: &str = "kerberos_configuration_unreadable";
    for (variable, value, named) in [
        ("KRB5_CONFIG", pipe, pipe),
        (
            "KRB5_CONFIG",
            huge.to_str().unwrap(),
            huge.to_str().unwrap(),
        ),
        ("KRB5_CONFIG", &pipe_last, pipe),
        ("KRB5_CONFIG", including.to_str().unwrap(), pipe),
        (
            "KRB5_CONFIG",
            folder.to_str().unwrap(),
            pipe_in_folder.to_str().unwrap(),
        ),
        ("KRB5_TRACE", pipe, "KRB5_TRACE names"),
        ("GSS_MECH_CONFIG", pipe, "GSS_MECH_CONFIG names"),
    ] {
        is_unreadable(ask(variable, value), CONFIGURATION, named);
    }

    let keytab = format!("FILE:{pipe}");
    for ccache in ["FILE:/nonexistent", "MEMORY:none"] {
        for question in [
            lab.ask(STS).with_login_ccache(ccache),
            lab.ask(STS).with_ccache(ccache),
        ] {
            let answer = question.with("KRB5_CLIENT_KTNAME", &keytab).run();
            is_unreadable(
                answer,
                "kerberos_credentials_unreadable",
                "KRB5_CLIENT_KTNAME names",
            );
        }
    }
    lab.configure(|configuration| {
        let line = format!("[libdefaults]\ndefault_client_keytab_name = {keytab}\n");
        configuration.replacen("[libdefaults]\n", &line, 1)
    });
    for question in [
        lab.ask(STS).with_login_ccache("FILE:/nonexistent"),
        lab.ask(STS).with_ccache("FILE:/nonexistent"),
    ] {
        is_unreadable(
            question.run(),
            "kerberos_credentials_unreadable",
            "default_client_keytab_name is",
        );
    }
    lab.configure(str::to_owned);
    for not_looked_at in ["FILE:/nonexistent", "MEMORY:keytab", "/dev/null"] {
        let answer = ask("KRB5_CLIENT_KTNAME", not_looked_at);
        lab.accept(&answer.token.unwrap(), None).unwrap();
    }
    let answer = ask("KRB5_TRACE", "/dev/stderr");
    lab.accept(&answer.token.unwrap(), None).unwrap();

    // Only root may open it.
    let kernel = Path::new("/proc/kmsg");
    if fs::File::open(kernel).is_ok() {
        for (name, code) in [
            ("KRB5_CONFIG", "kerberos_configuration_unreadable"),
            ("KEYTAB", "kerberos_credentials_unreadable"),
            ("LIBRARY", "kerberos_library_missing"),
        ] {
            let answer = ask(name, kernel.to_str().unwrap());
            assert_eq!(answer.token.unwrap_err().0, code);
        }
    }
}

/// The library looks at no variable of theirs (`secure_getenv`), so that nothing is refused for one.
#[test]
fn a_set_user_id_copy_looks_at_no_variable_of_its_callers() {
    const NOBODY: u32 = 65534;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("only root can become somebody else");
        return;
    }
    let lab = Lab::start();
    let ccache = lab.ccache(&[STS]);
    let pipe = lab.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // Whoever calls it must reach it.
    set(&lab.path(""), 0o755);
    let copy = lab.path("copy");
    // By another program: a child of another test could have it open for writing when it is to run.
    let mut cp = Command::new("cp");
    cp.arg(std::env::current_exe().unwrap()).arg(&copy);
    assert!(cp.status().unwrap().success());
    for variable in [
        "KRB5_CONFIG",
        "KRB5_TRACE",
        "GSS_MECH_CONFIG",
        "KRB5_CLIENT_KTNAME",
    ] {
        let ask = || {
            let question = lab.ask(STS).with_program(&copy).with_ccache(&ccache);
            question.with(variable, pipe.to_str().unwrap())
        };
        set(&copy, 0o755);
        let (_, text) = ask().error();
        assert!(text.contains("it is a pipe"), "{variable}: {text}");
        set(&copy, 0o4755);
        let answer = ask().run_by(NOBODY).run();
        assert!(answer.token.is_ok(), "{variable}: {answer:?}");
    }
}

/// MIT's library follows them until the stack overflows.
#[test]
fn a_configuration_that_includes_itself_is_refused() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let folder = lab.path("folder");
    fs::create_dir(&folder).unwrap();
    let (itself, its_folder) = (lab.path("itself"), folder.join("krb5.conf"));
    fs::write(&itself, format!("include {}\n", itself.display())).unwrap();
    fs::write(&its_folder, format!("includedir {}\n", folder.display())).unwrap();
    for (configuration, named) in [
        (&itself, &itself),
        (&its_folder, &its_folder),
        (&folder, &its_folder),
    ] {
        let question = lab.ask(STS);
        let answer = question
            .with("KRB5_CONFIG", configuration.to_str().unwrap())
            .run();
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, "kerberos_configuration_unreadable", "{text}");
        assert!(text.contains(named.to_str().unwrap()), "{text}");
    }
}

mod third_party {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::{Lab, STS};

    /// What cannot be seen to be waited for is waited for once, and it is not a domain controller that did not answer.
    #[test]
    #[ignore = "needs Python"]
    fn a_configuration_that_does_not_answer_is_named_and_asked_for_once() {
        // Whoever opens a file under a lease is kept waiting (Linux: 45 s).
        const LEASE: &str = "import fcntl, os, signal, sys\n\
            signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
            fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
            print(flush=True)\n\
            sys.stdin.read()";
        let lab = Lab::start();
        lab.ccache(&[]);
        let trace = lab.path("trace");
        fs::write(&trace, "").unwrap();
        let mut python = Command::new("/usr/bin/python3");
        python
            .args(["-c", LEASE])
            .arg(&trace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut holder = python.spawn().unwrap();
        let mut holds = BufReader::new(holder.stdout.take().unwrap());
        assert_eq!(holds.read_line(&mut String::new()).unwrap(), 1);

        let limit = Duration::from_secs(1);
        let question = lab.ask(STS).with_timeout(limit);
        let answer = question.with("KRB5_TRACE", trace.to_str().unwrap()).run();
        assert_eq!(answer.user.unwrap_err(), "kerberos_configuration_timeout");
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, "kerberos_configuration_timeout", "{text}");
        let named = format!("KRB5_TRACE={}", trace.display());
        assert!(text.contains(&named), "{text}");
        // The call for the user has waited already.
        assert!(answer.took < limit, "{:?}", answer.took);
        drop(holder.stdin.take());
        holder.wait().unwrap();
    }
}
