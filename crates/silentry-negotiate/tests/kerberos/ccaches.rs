//! Ccaches of the login that hold no ticket: each is named with its reason, and none ends the process (MIT Kerberos
//! 1.20 to 1.21.1 frees an unset pointer when it looks through such ccaches itself).

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::lab::{Lab, Question, STS};

/// A ccache that is broken, its name, and what an error must say besides the name.
type Broken = (&'static str, String, &'static str);

const UNREADABLE: &str = "kerberos_credentials_unreadable";
const NO_TICKET: &str = "kerberos_no_ticket";
/// nobody
const SOMEBODY: u32 = 65_534;

/// Makes every kind of broken ccache, each with the code that it must have.
fn broken(lab: &Lab) -> Vec<(&'static str, Broken)> {
    let path = |name: &str| lab.path(name);
    let file = |name: &str| format!("FILE:{}", path(name).display());
    let mut all = Vec::new();
    let whole = {
        lab.ccache(&[]);
        fs::read(path("ccache")).unwrap()
    };
    let mut add = |code, name: &'static str, ccache: String, reason| {
        all.push((code, (name, ccache, reason)));
    };

    fs::write(path("empty"), "").unwrap();
    add(NO_TICKET, "empty", file("empty"), "0 bytes");
    let bare = path("empty").display().to_string();
    add(NO_TICKET, "empty without a type", bare, "0 bytes");
    for (name, length) in [("one", 1), ("two", 2), ("three", 3), ("four", 4)] {
        fs::write(path(name), &whole[..length]).unwrap();
        let reason = if length == 1 { "(1 bytes)" } else { "" };
        add("", name, file(name), reason);
    }
    for (name, length) in [("header", 16), ("principal", 30), ("ticket", 200)] {
        fs::write(path(name), &whole[..length]).unwrap();
        add("", name, file(name), "");
    }
    fs::write(path("text"), "This is not a ticket.\n".repeat(20)).unwrap();
    add(
        UNREADABLE,
        "text",
        file("text"),
        "is not a credential cache",
    );
    let noise: Vec<u8> = (0..500_u32).map(|n| (n * 37 % 251) as u8).collect();
    fs::write(path("noise"), [b"\x05\x04", noise.as_slice()].concat()).unwrap();
    add("", "noise behind a header", file("noise"), "");
    fs::create_dir(path("folder")).unwrap();
    add(UNREADABLE, "a folder", file("folder"), "is a folder");
    make_pipe(&path("pipe"));
    add(UNREADABLE, "a pipe", file("pipe"), "is not a regular file");
    add(
        UNREADABLE,
        "a device",
        "FILE:/dev/zero".into(),
        "regular file",
    );
    add("", "below a file", format!("{}/x", file("text")), "");
    add(NO_TICKET, "nowhere", file("none"), "");

    for (name, primary) in [("dir-empty", "tkt\n"), ("dir-none", "tktnone\n")] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("primary"), primary).unwrap();
        fs::write(path(name).join("tkt"), "").unwrap();
        let reason = if primary == "tkt\n" { "0 bytes" } else { "" };
        let ccache = format!("DIR:{}", path(name).display());
        add(NO_TICKET, name, ccache, reason);
    }
    fs::create_dir(path("dir-text")).unwrap();
    fs::write(path("dir-text").join("tkt"), "text, no ticket").unwrap();
    fs::copy(path("ccache"), path("dir-text").join("tktgood")).unwrap();
    let ccache = format!("DIR:{}", path("dir-text").display());
    add(UNREADABLE, "dir-text", ccache, "is not a credential cache");

    // The library opens it first, whichever ccache of the collection is meant.
    fs::create_dir(path("dir-pipe")).unwrap();
    fs::copy(path("ccache"), path("dir-pipe").join("tkt")).unwrap();
    make_pipe(&path("dir-pipe").join("primary"));
    let ccache = format!("DIR:{}", path("dir-pipe").display());
    add(UNREADABLE, "dir-pipe", ccache, "`primary`");

    // Tickets that say nothing, without end.
    let huge = fs::File::create(path("huge")).unwrap();
    std::io::Write::write_all(&mut &huge, &[5, 4, 0, 0]).unwrap();
    huge.set_len(3 << 30).unwrap();
    add(UNREADABLE, "huge", file("huge"), "larger than");

    for ccache in [
        "",
        ":",
        "FILE:",
        "DIR:",
        "DIR::",
        "WHAT:ever",
        "KEYRING:",
        "MEMORY:x",
    ] {
        add("", "a name", ccache.to_owned(), "");
    }
    fs::remove_file(path("ccache")).unwrap();
    all
}

fn make_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Asks with each broken ccache, as the environment names it and as krb5.conf does.
fn no_ticket_and_no_crash(ask: impl for<'a> Fn(&'a Lab) -> Question<'a>, is_mit: bool) {
    let lab = Lab::start();
    let plain = fs::read_to_string(lab.path("krb5.conf")).unwrap();
    for (code, (name, ccache, reason)) in broken(&lab) {
        lab.configure(|_| plain.clone());
        let by_environment = ask(&lab).with_login_ccache(&ccache).run();
        lab.configure(|_| {
            let setting = format!("[libdefaults]\n    default_ccache_name = {ccache}\n");
            plain.replacen("[libdefaults]\n", &setting, 1)
        });
        // An empty setting is none.
        let configured = !ccache.is_empty() && is_mit;
        let by_configuration = configured.then(|| ask(&lab).without_login_ccache().run());
        for answer in [Some(by_environment), by_configuration]
            .into_iter()
            .flatten()
        {
            let user = answer.user.unwrap_err();
            let (told, text) = answer.token.unwrap_err();
            // Heimdal has its own words and statuses where the file itself shows nothing.
            if is_mit || !code.is_empty() {
                assert_eq!(user, told, "{name}: {text}");
            }
            let expected = match code {
                "" => [UNREADABLE, NO_TICKET].as_slice(),
                one => &[one],
            };
            if is_mit || !code.is_empty() {
                assert!(expected.contains(&told.as_str()), "{name}: {told}, {text}");
            }
            assert!(text.contains(reason), "{name}: {text}");
            let place = ccache
                .split_once(':')
                .map_or(ccache.as_str(), |(_, place)| place);
            assert!(text.contains(place), "{name}: {text}");
        }
    }
}

#[test]
fn each_broken_ccache_of_the_login_is_named_with_its_reason() {
    no_ticket_and_no_crash(|lab| lab.ask(STS), true);
}

fn somebody_elses(ask: impl for<'a> Fn(&'a Lab) -> Question<'a>) {
    let lab = Lab::start();
    lab.ccache(&[]);
    let (folder, ccache) = (lab.path(""), lab.path("ccache"));
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&folder, 0o755);
    let root = chown(&ccache, Some(0), Some(0)).is_ok();
    set(&ccache, if root { 0o600 } else { 0 });
    let question = ask(&lab);
    let answer = if root {
        question.run_by(SOMEBODY)
    } else {
        question
    }
    .run();
    let (code, text) = answer.token.unwrap_err();
    assert_eq!(code, UNREADABLE, "{text}");
    let owner = if root {
        "belongs to uid 0"
    } else {
        "belongs to uid"
    };
    assert!(text.contains(owner), "{text}");
    assert!(text.contains(ccache.to_str().unwrap()), "{text}");
    assert_eq!(answer.user.unwrap_err(), UNREADABLE);
}

#[test]
fn the_ccache_of_another_user_is_named_with_its_owner() {
    somebody_elses(|lab| lab.ask(STS));
}

/// Whatever stands in krb5.conf, the library is not left to look through ccaches by itself.
#[test]
fn a_default_ccache_that_cannot_be_named_is_no_ticket() {
    let lab = Lab::start();
    let plain = fs::read_to_string(lab.path("krb5.conf")).unwrap();
    for setting in [
        "default_ccache_name = FILE:%{nonsense}/cc",
        "default_ccache_name = %{",
        "default_ccache_name =",
        "default_ccache_name = {",
        "default_ccache_name = [",
    ] {
        lab.configure(|_| {
            let setting = format!("[libdefaults]\n    {setting}\n");
            plain.replacen("[libdefaults]\n", &setting, 1)
        });
        let answer = lab.ask(STS).without_login_ccache().run();
        let (code, text) = answer.token.unwrap_err();
        if setting.contains('%') {
            assert!(text.contains("default_ccache_name"), "{setting}: {text}");
        }
        assert_eq!(answer.user.unwrap_err(), code, "{setting}: {text}");
    }
}

/// `sudo -E`: root may read the user's ccache, and signs in as the user.
#[test]
fn root_may_use_the_ccache_of_a_user() {
    let lab = Lab::start();
    lab.ccache(&[]);
    // Without the right to give files away it is the user's own.
    let _ = chown(lab.path("ccache"), Some(1001), None);
    let answer = lab.ask(STS).run();
    lab.accept(&answer.token.unwrap(), None).unwrap();
}

/// A collection's primary ccache is the login's, whatever is beside it.
#[test]
fn a_collection_is_used_by_its_primary_ccache() {
    let lab = Lab::start();
    lab.ccache(&[]);
    fs::create_dir(lab.path("dir")).unwrap();
    fs::write(lab.path("dir").join("tkt"), "no ticket").unwrap();
    fs::rename(lab.path("ccache"), lab.path("dir").join("tktgood")).unwrap();
    fs::write(lab.path("dir").join("primary"), "tktgood\n").unwrap();
    let name = format!("DIR:{}", lab.path("dir").display());
    let answer = lab.ask(STS).with_login_ccache(&name).run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    lab.accept(&answer.token.unwrap(), None).unwrap();
}

/// The keytab of a service without a login signs in, whatever its ccache is.
#[test]
fn a_client_keytab_of_the_environment_needs_no_ccache() {
    let lab = Lab::start();
    let keytab = lab.keytab(crate::lab::PASSWORD);
    let answer = lab
        .ask(STS)
        .with("KRB5_CLIENT_KTNAME", keytab.to_str().unwrap());
    let answer = answer.run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    lab.accept(&answer.token.unwrap(), None).unwrap();
    assert!(lab.path("ccache").exists());
}

mod third_party {
    use super::{STS, no_ticket_and_no_crash, somebody_elses};

    #[test]
    #[ignore = "needs libgssapi3-heimdal"]
    fn heimdal_names_each_broken_ccache_too() {
        no_ticket_and_no_crash(|lab| lab.ask(STS).with_library("libgssapi.so.3"), false);
    }

    #[test]
    #[ignore = "needs libgssapi3-heimdal"]
    fn heimdal_names_the_owner_too() {
        somebody_elses(|lab| lab.ask(STS).with_library("libgssapi.so.3"));
    }
}
