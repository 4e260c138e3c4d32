//! What stands where the token cache should be, and what happens to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{self, Place};

/// How DPAPI's blobs begin.
const DPAPI: &[u8] =
    b"\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\0\xc0\x4f\xc2\x97\xeb\x01\0\0\0\x13\x37";

const SCOPE: &str = "https://api.contoso.test/user_impersonation";

const DAMAGED: &str = r#"{"AccessToken":{"a":{"secret":"hunter2""#;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "krb5cc").collect();
    names.sort();
    names
}

fn aside(folder: &Path) -> Vec<String> {
    let mut names = names(folder);
    names.retain(|name| name.contains(".damaged-"));
    names
}

#[test]
fn what_is_no_cache_is_left_as_it_is_whatever_is_done_with_it() {
    let place = Place::new();
    let file = place.folder.path().join("notes.txt");
    for content in [
        &b"dear diary\n"[..],
        b"-----BEGIN PRIVATE KEY-----\n",
        b"{\"name\": \"package\", \"version\": \"1.0.0\"\n",
        b"[1, 2, 3]\n",
        b"{\"name\": \"package\", \"version\": \"1.0.0\"}\n",
        b"\xff\xfe\x00binary",
        DPAPI,
    ] {
        fs::write(&file, content).unwrap();
        let before = names(place.folder.path());
        let cache = format!("--cache={}", file.display());
        for command in [
            &["accounts"][..],
            &["logout"],
            &["logout", "--all"],
            &["login", "--mode=iwa"],
            &["token", "--mode=silent"],
        ] {
            let arguments: Vec<_> = command
                .iter()
                .copied()
                .chain([&*cache, "-o=json"])
                .collect();
            let said = place.run(&arguments);
            let error = said.error(1);
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("notes.txt"), "{command:?}: {message}");
            assert!(!message.contains("diary"), "{message}");
        }
        // A token is got all the same.
        let token = place.run(&["token", &cache]);
        assert!(
            token.stderr.contains("could not be kept"),
            "{}",
            token.stderr
        );
        token.ok();
        assert_eq!(fs::read(&file).unwrap(), content);
        assert_eq!(names(place.folder.path()), before);
    }
}

#[test]
fn a_file_that_windows_has_encrypted_is_called_that() {
    let place = Place::new();
    fs::write(place.cache(), DPAPI).unwrap();
    let error = place.run(&["accounts", "-o=json"]).error(1);
    assert_eq!(error["error"], "token_cache_encrypted");
    assert!(
        error["message"].as_str().unwrap().contains("DPAPI"),
        "{error}"
    );
    assert!(
        error["mitigation"]
            .as_str()
            .unwrap()
            .contains("--cache-format os"),
        "{error}"
    );
}

/// The file is looked at several times: to find the token, to go on after another process, and to write.
#[test]
fn a_cache_that_others_can_read_is_told_once() {
    let place = Place::new();
    let told = |arguments: &[&str]| {
        fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o644)).unwrap();
        let said = place.run(arguments);
        let told = said.stderr.matches("other users can read").count();
        said.ok();
        told
    };
    place.run(&["token"]).ok();
    for arguments in [
        &["accounts"][..],
        &["token"],
        &["token", "--force-refresh"],
        &["login", "--mode=iwa"],
        &["logout"],
    ] {
        assert_eq!(told(arguments), 1, "{arguments:?}");
    }
}

#[test]
fn only_a_sign_in_sets_a_damaged_cache_aside() {
    let place = Place::new();
    let folder = place.folder.path();
    fs::write(place.cache(), DAMAGED).unwrap();
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["accounts", "logout"] {
        let error = place.run(&[command, "-o=json"]).error(1);
        assert_eq!(error["error"], "token_cache_failed");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("tokens.json is damaged"), "{message}");
    }
    place.run(&["token", "--mode=silent", "-o=json"]).error(4);
    assert_eq!(fs::read_to_string(place.cache()).unwrap(), DAMAGED);
    assert_eq!(aside(folder), Vec::<String>::new());

    let login = place.run(&["login", "--mode=iwa"]);
    assert!(login.stderr.contains("was set aside"), "{}", login.stderr);
    login.ok();
    let [name] = &aside(folder)[..] else {
        panic!("{:?}", names(folder))
    };
    let damaged = folder.join(name);
    assert_eq!(fs::read_to_string(&damaged).unwrap(), DAMAGED);
    // There are tokens in it.
    assert_eq!(
        damaged.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(place.run(&["accounts"]).ok().lines().count(), 2);
}

/// The account of the sign-in before is still in the cache, and says nothing of this one.
#[test]
fn a_login_that_kept_nothing_fails_although_the_user_is_known() {
    let place = Place::new();
    place.run(&["login", "--mode=iwa"]).ok();
    let before = fs::read(place.cache()).unwrap();
    let not_kept = |what: &str| {
        let login = place.run(&["login", "--mode=iwa", "-o=json"]);
        let error = login.error(1);
        assert_eq!(error["error"], "token_cache_failed", "{what}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("alice@contoso.test was signed in, but"),
            "{message}"
        );
        assert!(message.contains("tokens.json"), "{message}");
        place.run(&["token", "--mode=iwa"]).ok();
        assert_eq!(fs::read(place.cache()).unwrap(), before, "{what}");
    };
    // Nothing can be written beside it.
    let new = place.folder.path().join("tokens.json.new");
    fs::create_dir(&new).unwrap();
    not_kept("a folder in the way");
    fs::remove_dir(&new).unwrap();
    place.run(&["login", "--mode=iwa"]).ok();
}

/// The signal that the kernel sends then ends whoever is not prepared for it.
#[test]
fn a_limit_of_the_size_of_files_costs_the_keeping_alone() {
    let place = Place::new();
    place.run(&["login", "--mode=iwa"]).ok();
    let before = fs::read(place.cache()).unwrap();
    for limit in ["0", "1"] {
        let limited = |arguments: &[&str]| {
            let plain = place.silentry(arguments);
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &format!("ulimit -f {limit}; exec \"$0\" \"$@\"")]);
            command.arg(plain.get_program()).args(plain.get_args());
            command.env_clear().envs(std::env::vars_os());
            for (name, value) in plain.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            support::Said::from(command.output().unwrap())
        };
        let token = limited(&["token", "--mode=iwa"]);
        assert!(token.stderr.contains("ulimit -f"), "{}", token.stderr);
        token.ok();
        let error = limited(&["login", "--mode=iwa", "-o=json"]).error(1);
        assert!(error["message"].as_str().unwrap().contains("ulimit -f"));
        assert_eq!(fs::read(place.cache()).unwrap(), before);
        assert_eq!(names(place.folder.path()), ["tokens.json"]);
    }
}

/// A clock that was set back says nothing of when a token ends.
#[test]
fn a_token_that_was_kept_in_the_future_is_not_given_out() {
    let place = Place::new();
    place.run(&["login", "--mode=iwa", "--scope", SCOPE]).ok();
    let silent = || {
        let said = place.run(&["token", "--mode=silent", "-o=json", "--scope", SCOPE]);
        said.json()["from_cache"].clone()
    };
    assert_eq!(silent(), true);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let ten_years = 10 * 365 * 24 * 3600;
    for (ahead, from_cache) in [(60, true), (ten_years, false), (0, true)] {
        let text = fs::read_to_string(place.cache()).unwrap();
        let mut cache: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (_, row) in cache["AccessToken"].as_object_mut().unwrap() {
            row["cached_at"] = (now + ahead).to_string().into();
            row["expires_on"] = (now + ahead + 3600).to_string().into();
        }
        fs::write(place.cache(), cache.to_string()).unwrap();
        assert_eq!(silent(), from_cache, "{ahead}");
    }
}

#[test]
fn a_cache_is_found_by_a_link_which_stays_one() {
    let place = Place::new();
    let file = place.folder.path().join("dotfiles.json");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink("dotfiles.json", place.cache()).unwrap();
    place.run(&["login", "--mode=iwa"]).ok();
    assert!(place.cache().symlink_metadata().unwrap().is_symlink());
    assert!(fs::read_to_string(file).unwrap().contains("AccessToken"));
    assert_eq!(place.run(&["accounts"]).ok().lines().count(), 2);
}

/// `chattr +i`, or a folder that is somebody else's with the sticky bit.
#[cfg(target_os = "linux")]
#[test]
fn a_cache_that_cannot_be_replaced_leaves_no_tokens_beside_it() {
    let place = Place::new();
    place.run(&["login", "--mode=iwa"]).ok();
    let before = fs::read(place.cache()).unwrap();
    let immutable = |sign: &str| {
        let mut chattr = std::process::Command::new("chattr");
        let changed = chattr.arg(sign).arg(place.cache()).status();
        changed.is_ok_and(|status| status.success())
    };
    if !immutable("+i") {
        eprintln!("this file system knows no immutable files");
        return;
    }
    let token = place.run(&["token", "--mode=iwa"]);
    let left = names(place.folder.path());
    assert!(immutable("-i"));
    token.ok();
    assert_eq!(left, ["tokens.json"]);
    assert_eq!(fs::read(place.cache()).unwrap(), before);
}

/// The name of a folder may be anything.
#[test]
fn a_place_steers_no_terminal() {
    let place = Place::new();
    let folder = place.folder.path().join("a\u{1b}]0;x\u{7}\u{9b}\u{202e}b");
    fs::create_dir(&folder).unwrap();
    let cache = format!("--cache={}", folder.join("tokens.json").display());
    place.run(&["token", "--mode=iwa", &cache]).ok();
    fs::set_permissions(
        folder.join("tokens.json"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let mut told = vec![place.run(&["token", "-v", &cache]).stderr];
    fs::write(folder.join("tokens.json"), DAMAGED).unwrap();
    told.push(place.run(&["token", "--mode=silent", &cache]).stderr);
    told.push(place.run(&["token", "--mode=iwa", &cache]).stderr);
    for told in told {
        assert!(told.contains("tokens.json"), "{told}");
        let steers = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}'];
        assert!(!told.contains(steers), "{told:?}");
    }
}
