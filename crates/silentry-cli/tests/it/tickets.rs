//! Where the user's ticket should be, and what the command says when it is not there.

use std::fs;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;

use crate::support::{Place, Said};

/// Makes ccaches that hold no ticket; returns their names, each with what the error must say.
fn broken(place: &Place) -> Vec<(String, &'static str)> {
    let path = |name: &str| place.folder.path().join(name);
    let alices = fs::read(place.lab.ccache("alice@contoso.test").unwrap()).unwrap();
    let mut all = Vec::new();
    for (name, bytes, reason) in [
        ("empty", &b""[..], "0 bytes"),
        ("one", &alices[..1], "is not a credential cache"),
        ("three", &alices[..3], ""),
        ("header", &alices[..20], ""),
        ("text", b"no ticket here", "is not a credential cache"),
    ] {
        fs::write(path(name), bytes).unwrap();
        all.push((format!("FILE:{}", path(name).display()), reason));
    }
    fs::create_dir(path("collection")).unwrap();
    all.push((
        format!("FILE:{}", path("collection").display()),
        "is a folder",
    ));
    fs::write(path("collection").join("primary"), "tkt\n").unwrap();
    fs::write(path("collection").join("tkt"), "").unwrap();
    all.push((format!("DIR:{}", path("collection").display()), "0 bytes"));
    all
}

fn with_ccache(place: &Place, ccache: &str, arguments: &[&str]) -> Said {
    let mut command = place.silentry(arguments);
    command.env("KRB5CCNAME", ccache);
    command.output().unwrap().into()
}

#[test]
fn a_broken_ccache_is_named_and_ends_nothing() {
    let place = Place::new();
    place.run(&["token"]).ok();
    for (ccache, reason) in broken(&place) {
        let name = ccache.split_once(':').unwrap().1;
        for more in [
            &["--mode=iwa", "--cache=none"][..],
            &["--mode=iwa"],
            &[
                "--mode=iwa",
                "--cache=none",
                "--username=alice@contoso.test",
            ],
            &["--mode=iwa", "--cache=none", "--directory=127.0.0.1:9"],
        ] {
            let arguments = [&["token", "-o=json"], more].concat();
            let error = with_ccache(&place, &ccache, &arguments).error(4);
            let code = error["error"].as_str().unwrap();
            let codes = ["kerberos_no_ticket", "kerberos_credentials_unreadable"];
            assert!(codes.contains(&code), "{error}");
            let text = error["message"].as_str().unwrap();
            assert!(text.contains(name) && text.contains(reason), "{text}");
        }
        // A good token is in the cache; whose it is the ccache would have to say.
        for arguments in [
            &["token"][..],
            &["token", "--mode=silent"],
            &["login", "--mode=iwa"],
        ] {
            let said = with_ccache(&place, &ccache, arguments);
            assert_eq!(
                said.code,
                Some(4),
                "{ccache} {arguments:?}: {}",
                said.stderr
            );
        }
        let accounts = with_ccache(&place, &ccache, &["accounts"]).ok();
        assert!(accounts.contains("alice@contoso.test"), "{accounts}");
    }
}

/// One that hangs cost its time three times: for the user in the cache, for the user's name and for the ticket.
#[test]
fn a_credential_cache_service_that_never_answers_is_asked_once() {
    let place = Place::new();
    place.run(&["token"]).ok();
    let socket = place.folder.path().join("kcm");
    let listener = UnixListener::bind(&socket).unwrap();
    let (asked, connections) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Kept open, and never answered.
            if asked.send(stream.unwrap()).is_err() {
                return;
            }
        }
    });
    let mut command = place.silentry(&["token", "-o=json"]);
    let conf = command.get_envs().find(|(name, _)| *name == "KRB5_CONFIG");
    let conf = fs::read_to_string(conf.unwrap().1.unwrap()).unwrap();
    let setting = format!("[libdefaults]\n    kcm_socket = {}\n", socket.display());
    let own = place.folder.path().join("krb5.conf");
    fs::write(&own, conf.replacen("[libdefaults]\n", &setting, 1)).unwrap();
    command.env("KRB5_CONFIG", own).env("KRB5CCNAME", "KCM:");
    let error = Said::from(command.output().unwrap()).error(4);
    assert_eq!(error["error"], "kerberos_ccache_timeout", "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("KCM:"),
        "{error}"
    );
    let advice = error["mitigation"].as_str().unwrap();
    assert!(advice.contains("credential cache service"), "{advice}");
    assert_eq!(connections.try_iter().count(), 1);
}

/// Whoever named it by a flag was told of variables alone.
#[test]
fn the_hint_names_the_flag() {
    let place = Place::new();
    let ccache = format!("FILE:{}", place.folder.path().join("none").display());
    let library = "/nonexistent/library.so";
    for (flag, value, code, exit) in [
        ("--ccache", &*ccache, "kerberos_credentials_unreadable", 4),
        ("--gssapi-library", library, "kerberos_library_missing", 5),
    ] {
        let arguments = [
            "token",
            "--mode=iwa",
            "--cache=none",
            "-o=json",
            flag,
            value,
        ];
        let error = place.run(&arguments).error(exit);
        assert_eq!(error["error"], code, "{error}");
        let advice = error["mitigation"].as_str().unwrap();
        assert!(advice.contains(flag), "{error}");
    }
}
