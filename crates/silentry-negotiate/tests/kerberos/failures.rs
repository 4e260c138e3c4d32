//! Each thing that goes wrong in the field, and the code it must have.

use std::fs;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::lab::{Lab, STS, contoso};

fn code_of((code, text): (String, String)) -> String {
    println!("{text}");
    code
}

#[test]
fn no_ticket() {
    let lab = Lab::start();
    let answer = lab.ask(STS).run();
    assert_eq!(answer.user.unwrap_err(), "kerberos_no_ticket");
    let (code, text) = answer.token.unwrap_err();
    assert_eq!(code, "kerberos_no_ticket");
    assert!(
        text.contains(lab.path("ccache").to_str().unwrap()),
        "no ccache named: {text}"
    );
}

#[test]
fn credentials_that_cannot_be_read() {
    let lab = Lab::start();
    let none = format!("FILE:{}", lab.path("none").display());
    fs::write(lab.path("garbage"), "garbage").unwrap();
    fs::write(lab.path("empty"), "").unwrap();
    let garbage = format!("FILE:{}", lab.path("garbage").display());
    let empty = format!("FILE:{}", lab.path("empty").display());
    for name in [none.as_str(), &garbage, &empty, "WHAT:ever"] {
        let code = code_of(lab.ask(STS).with_ccache(name).error());
        assert_eq!(code, "kerberos_credentials_unreadable", "{name}");
    }
    for name in ["none", "garbage", "empty"] {
        let (code, text) = lab.ask(STS).with_keytab(&lab.path(name)).error();
        assert_eq!(code, "kerberos_credentials_unreadable", "{name}");
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn expired_ticket() {
    let lab = Lab::start();
    let ccache = lab.ccache_valid(-120, -60);
    let answer = lab.ask(STS).run();
    assert_eq!(answer.user.unwrap_err(), "kerberos_ticket_expired");
    assert_eq!(
        code_of(answer.token.unwrap_err()),
        "kerberos_ticket_expired"
    );
    let named = lab.ask(STS).with_ccache(&ccache).error();
    assert_eq!(code_of(named), "kerberos_ticket_expired");
}

#[test]
fn clocks_apart() {
    for hours in [-1, 1] {
        let offset = time::Duration::hours(hours);
        let lab = Lab::of(contoso().with_clock_offset(offset));
        lab.ccache_valid(-300, 300);
        let spn = "HTTP/sts.resource.test";
        assert_eq!(
            code_of(lab.ask(spn).error()),
            "kerberos_clock_skew",
            "{hours}"
        );
    }
}

#[test]
fn unknown_service() {
    let lab = Lab::start();
    lab.ccache(&[]);
    for spn in [
        "HTTP/nope.contoso.test",
        "HTTP/nope.resource.test",
        "HTTP/example.org",
    ] {
        let (code, text) = lab.ask(spn).error();
        assert_eq!(code, "kerberos_unknown_service_principal", "{text}");
        assert!(text.contains(spn), "{text}");
    }
}

#[test]
fn service_without_aes_keys() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let error = lab.ask("HTTP/old.contoso.test").error();
    assert_eq!(code_of(error), "kerberos_etype_not_supported");
}

#[test]
fn kdc_that_refuses_connections() {
    let mut lab = Lab::start();
    lab.ccache(&[]);
    lab.stop();
    assert_eq!(code_of(lab.ask(STS).error()), "kerberos_kdc_unreachable");
}

#[test]
fn kdc_whose_name_does_not_resolve() {
    let lab = Lab::start();
    lab.configure(|text| text.replace("kdc = 127.0.0.1", "kdc = kdc.contoso.invalid"));
    lab.ccache(&[]);
    assert_eq!(code_of(lab.ask(STS).error()), "kerberos_kdc_unreachable");
}

#[test]
fn realm_without_kdc() {
    let lab = Lab::start();
    lab.configure(|text| {
        text.lines()
            .take_while(|line| *line != "[realms]")
            .map(|line| format!("{line}\n"))
            .collect()
    });
    lab.ccache(&[]);
    assert_eq!(code_of(lab.ask(STS).error()), "kerberos_realm_unknown");
}

#[test]
fn silent_kdc_is_given_up_at_the_limit() {
    let lab = Lab::of(contoso().silent());
    lab.ccache(&[]);
    let limit = Duration::from_secs(3);
    let answer = lab.ask(STS).with_timeout(limit).run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    assert_eq!(code_of(answer.token.unwrap_err()), "kerberos_timeout");
    // MIT's library alone takes 27 s.
    let of_mit = Duration::from_secs(27);
    assert!(
        answer.took >= limit && answer.took < of_mit,
        "{:?}",
        answer.took
    );
}

#[test]
fn silent_kdc_of_a_keytab_is_given_up_too() {
    let lab = Lab::of(contoso().silent());
    let keytab = lab.keytab("any");
    let limit = Duration::from_millis(500);
    let answer = lab.ask(STS).with_keytab(&keytab).with_timeout(limit).run();
    assert_eq!(answer.user.unwrap_err(), "kerberos_timeout");
    assert_eq!(code_of(answer.token.unwrap_err()), "kerberos_timeout");
}

/// As sssd-kcm that hangs: each call would wait for it to its own limit.
#[test]
fn a_credential_cache_service_that_never_answers_is_asked_once() {
    let lab = Lab::start();
    let socket = lab.path("kcm");
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
    lab.configure(|text| {
        let setting = format!("[libdefaults]\n    kcm_socket = {}\n", socket.display());
        text.replacen("[libdefaults]\n", &setting, 1)
    });
    let limit = Duration::from_secs(1);
    let question = || lab.ask(STS).with_timeout(limit);
    for question in [
        question().with_login_ccache("KCM:"),
        question().with_ccache("KCM:"),
    ] {
        let answer = question.run();
        assert_eq!(answer.user.unwrap_err(), "kerberos_ccache_timeout");
        let (code, text) = answer.token.unwrap_err();
        assert_eq!(code, "kerberos_ccache_timeout", "{text}");
        assert!(text.contains("KCM"), "{text}");
        assert_eq!(connections.try_iter().count(), 1);
    }
}

#[test]
fn no_library() {
    let lab = Lab::start();
    let (code, text) = lab
        .ask(STS)
        .with_library("libgssapi_of_nobody.so.9")
        .error();
    assert_eq!(code, "kerberos_library_missing");
    assert!(text.contains("libgssapi_of_nobody.so.9"), "{text}");
}
