//! Heimdal's library (Debian: libgssapi3-heimdal) instead of MIT's.

use std::fs;
use std::time::Duration;

use silentry_lab::kerberos::acceptor::ChannelBinding as Bound;
use silentry_negotiate::ChannelBinding;

use crate::handshake::refusal_with;
use crate::lab::{ELSEWHERE, Lab, Question, STS, contoso};

fn ask<'a>(lab: &'a Lab, spn: &str) -> Question<'a> {
    lab.ask(spn).with_library("libgssapi.so.3")
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn tokens_for_both_realms_with_any_default_realm() {
    let lab = Lab::start();
    lab.ccache(&[]);
    for realm in ["CONTOSO.TEST", "NOWHERE.TEST"] {
        let setting = format!("default_realm = {realm}");
        lab.configure(|text| text.replace("default_realm = CONTOSO.TEST", &setting));
        for spn in [STS, ELSEWHERE, "HTTP/sts.resource.test"] {
            let answer = ask(&lab, spn).run();
            assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
            lab.accept(&answer.token.unwrap(), None).unwrap();
        }
    }
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn tokens_are_bound() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let certified = rcgen::generate_simple_self_signed(["sts.contoso.test".to_owned()]).unwrap();
    fs::write(lab.path("leaf"), certified.cert.der()).unwrap();
    let binding = ChannelBinding::tls_server_end_point(certified.cert.der()).unwrap();
    let answer = ask(&lab, STS).with_binding(&lab.path("leaf")).run();
    let data = Some(binding.application_data());
    let accepted = lab.accept(&answer.token.unwrap(), data).unwrap();
    assert_eq!(accepted.channel_binding, Bound::Matched);
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn failures_have_the_same_codes() {
    let lab = Lab::start();
    assert_eq!(ask(&lab, STS).error().0, "kerberos_no_ticket");
    // To Heimdal an expired ticket is none.
    lab.ccache_valid(-120, -60);
    assert_eq!(ask(&lab, STS).error().0, "kerberos_no_ticket");
    lab.ccache(&[]);
    let unknown = ask(&lab, "HTTP/nope.contoso.test").error();
    assert_eq!(unknown.0, "kerberos_unknown_service_principal");
    let old = ask(&lab, "HTTP/old.contoso.test").error();
    assert_eq!(old.0, "kerberos_etype_not_supported");

    let lab = Lab::of(contoso().with_clock_offset(time::Duration::hours(1)));
    lab.ccache_valid(-300, 300);
    let skewed = ask(&lab, "HTTP/sts.resource.test").error();
    assert_eq!(skewed.0, "kerberos_clock_skew");

    let lab = Lab::of(contoso().silent());
    lab.ccache(&[]);
    let limit = Duration::from_secs(1);
    assert_eq!(
        ask(&lab, STS).with_timeout(limit).error().0,
        "kerberos_timeout"
    );

    let mut lab = Lab::start();
    lab.ccache(&[]);
    lab.stop();
    assert_eq!(ask(&lab, STS).error().0, "kerberos_kdc_unreachable");
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn a_refusal_of_the_server_is_an_error() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let step = ask(&lab, STS)
        .with_answer(&refusal_with(41))
        .run()
        .step
        .unwrap();
    assert_eq!(step.unwrap_err(), "kerberos_ticket_rejected");
}

#[test]
#[ignore = "needs libgssapi3-heimdal"]
fn a_named_ccache_is_refused_by_a_version_without_stores() {
    let lab = Lab::start();
    let ccache = lab.ccache(&[STS]);
    match ask(&lab, STS).with_ccache(&ccache).run().token {
        Ok(token) => drop(lab.accept(&token, None).unwrap()),
        Err((code, text)) => {
            assert_eq!(code, "kerberos_credentials_not_supported");
            assert!(text.contains("libgssapi.so.3"), "{text}");
        }
    }
}
