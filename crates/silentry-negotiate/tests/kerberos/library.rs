//! Which library is loaded, and which is not: its code runs with the user's tickets.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{Lab, STS};

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
    let pipe_last = format!("{}:{}", lab.path("krb5.conf").display(), pipe.display());
    for configuration in [pipe.to_str().unwrap(), huge.to_str().unwrap(), &pipe_last] {
        let answer = ask("KRB5_CONFIG", configuration);
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, "kerberos_configuration_unreadable", "{text}");
        assert_eq!(answer.user.unwrap_err(), code);
        let named = configuration.rsplit(':').next().unwrap();
        assert!(text.contains(named), "{text}");
    }

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
