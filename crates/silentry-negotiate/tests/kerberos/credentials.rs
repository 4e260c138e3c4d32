//! Whose ticket is used, and whom it is for.

use std::fs;

use silentry_lab::kdc::{Exchange, KdcError, Outcome};
use silentry_lab::kerberos::acceptor::ChannelBinding as Bound;
use silentry_negotiate::ChannelBinding;

use crate::lab::{Lab, PASSWORD, STS, TRUSTED, contoso};

#[test]
fn the_logins_ticket_gets_a_service_ticket() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let answer = lab.ask(STS).run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    let accepted = lab.accept(&answer.token.unwrap(), None).unwrap();
    assert_eq!(accepted.client.to_string(), "alice@CONTOSO.TEST");
    assert!(lab.kdc().log().iter().any(|asked| asked.issued(STS)));
}

#[test]
fn a_named_ccache_is_used_and_not_the_logins() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let elsewhere = lab.path("elsewhere");
    fs::rename(lab.path("ccache"), &elsewhere).unwrap();
    let answer = lab
        .ask(STS)
        .with_ccache(&format!("FILE:{}", elsewhere.display()))
        .run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    lab.accept(&answer.token.unwrap(), None).unwrap();
}

#[test]
fn a_keytab_signs_in_and_leaves_the_logins_ccache_alone() {
    let lab = Lab::start();
    let keytab = lab.keytab(PASSWORD);
    let answer = lab.ask(STS).with_keytab(&keytab).run();
    assert_eq!(answer.user.unwrap(), "alice@CONTOSO.TEST of CONTOSO.TEST");
    lab.accept(&answer.token.unwrap(), None).unwrap();
    assert!(!lab.path("ccache").exists());
}

#[test]
fn a_wrong_key_is_not_tried_over_and_over() {
    let lab = Lab::start();
    let keytab = lab.keytab("yesterday's");
    let (code, text) = lab.ask(STS).with_keytab(&keytab).error();
    assert_eq!(code, "kerberos_credentials_refused", "{text}");
    let wrong = Outcome::Refused(KdcError::PreauthFailed);
    let tried = lab
        .kdc()
        .log()
        .iter()
        .filter(|asked| asked.outcome == wrong)
        .count();
    // Once for who is signed in and once for the token.
    assert_eq!(tried, 2, "{:?}", lab.kdc().log());
}

#[test]
fn a_service_of_another_realm_is_found_by_referral() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let answer = lab.ask("HTTP/sts.resource.test").run();
    let accepted = lab.accept(&answer.token.unwrap(), None).unwrap();
    assert_eq!(accepted.client.to_string(), "alice@CONTOSO.TEST");
    assert_eq!(
        accepted.service.to_string(),
        "HTTP/sts.resource.test@RESOURCE.TEST"
    );
}

/// MIT's KDC refers host-based names alone.
#[test]
fn a_kdc_that_refers_hosts_only_is_asked_for_a_host() {
    let lab = Lab::of(contoso().referring_hosts_only());
    lab.ccache(&[]);
    let answer = lab.ask(TRUSTED).run();
    lab.accept(&answer.token.unwrap(), None).unwrap();
}

/// Where no KDC refers, krb5.conf may know the realm; no alias is followed for it.
#[test]
fn a_service_is_found_in_the_realm_that_krb5_conf_has_for_its_host() {
    let lab = Lab::of(contoso().referring_hosts_only());
    lab.ccache(&[]);
    let mapping = "[domain_realm]\n    sts.northwind.test = RESOURCE.TEST\n";
    lab.configure(|text| text.replace("[domain_realm]\n", mapping));
    let answer = lab.ask(TRUSTED).run();
    let accepted = lab.accept(&answer.token.unwrap(), None).unwrap();
    let service = accepted.service.to_string();
    assert_eq!(service, "HTTP/sts.northwind.test@RESOURCE.TEST");
}

#[test]
fn default_realm_need_not_be_the_users() {
    let lab = Lab::start();
    lab.configure(|text| {
        text.replace(
            "default_realm = CONTOSO.TEST",
            "default_realm = NOWHERE.TEST",
        )
    });
    lab.ccache(&[]);
    for spn in [
        STS,
        "HTTP/sts.resource.test",
        "HTTP/sts.contoso.test@CONTOSO.TEST",
    ] {
        let answer = lab.ask(spn).run();
        lab.accept(&answer.token.unwrap(), None).unwrap();
    }
}

#[test]
fn a_service_ticket_in_the_ccache_needs_no_kdc() {
    let lab = Lab::start();
    lab.ccache(&[STS]);
    let answer = lab.ask(STS).run();
    lab.accept(&answer.token.unwrap(), None).unwrap();
    let asked = lab.kdc().log();
    assert!(
        asked
            .iter()
            .all(|asked| asked.exchange != Exchange::TicketGranting),
        "{asked:?}"
    );
}

#[test]
fn a_token_made_for_a_certificate_is_bound_to_it() {
    let lab = Lab::start();
    lab.ccache(&[]);
    let certified = rcgen::generate_simple_self_signed(["sts.contoso.test".to_owned()]).unwrap();
    fs::write(lab.path("leaf"), certified.cert.der()).unwrap();
    let binding = ChannelBinding::tls_server_end_point(certified.cert.der()).unwrap();

    let answer = lab.ask(STS).with_binding(&lab.path("leaf")).run();
    let data = Some(binding.application_data());
    let accepted = lab.accept(&answer.token.unwrap(), data).unwrap();
    assert_eq!(accepted.channel_binding, Bound::Matched);
}
