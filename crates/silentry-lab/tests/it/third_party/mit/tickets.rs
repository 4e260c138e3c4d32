use std::fmt::Write as _;

use std::fs;
use std::time::{Duration, SystemTime};

use silentry_lab::kdc::{KdcError, Outcome};

use super::lab::{Lab, PASSWORD, STS, contains, contoso};

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn kinit_and_kvno_get_tickets() {
    let lab = Lab::start();
    lab.kinit();
    contains(&lab.succeed("kvno HTTP/sts.contoso.test", ""), "kvno = 1");
    let listed = lab.succeed("klist -e", "");
    contains(&listed, "Default principal: alice@CONTOSO.TEST");
    contains(&listed, "krbtgt/CONTOSO.TEST@CONTOSO.TEST");
    contains(&listed, "HTTP/sts.contoso.test@CONTOSO.TEST");
    contains(&listed, "aes256-cts-hmac-sha1-96");
    assert_eq!(
        lab.kdc
            .log()
            .iter()
            .filter(|asked| asked.issued(STS))
            .count(),
        1
    );
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn aes128_alone_is_enough() {
    let lab = Lab::start();
    lab.configure("permitted_enctypes = aes128-cts-hmac-sha1-96");
    lab.kinit();
    lab.succeed("kvno HTTP/sts.contoso.test", "");
    let listed = lab.succeed("klist -e", "");
    contains(&listed, "HTTP/sts.contoso.test@CONTOSO.TEST");
    assert!(!listed.contains("(skey, tkt): aes256"), "{listed}");
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn mit_words_each_refusal_as_users_know_it() {
    let lab = Lab::start();
    contains(&lab.fail("kinit alice", "guess\n"), "Password incorrect");
    contains(
        &lab.fail("kinit nobody", "guess\n"),
        "not found in Kerberos database",
    );
    lab.kinit();
    contains(
        &lab.fail("kvno HTTP/none.contoso.test", ""),
        "not found in Kerberos database",
    );
    contains(
        &lab.fail("kvno HTTP/old.contoso.test", ""),
        "KDC has no support for encryption type",
    );
    assert!(lab.refused(KdcError::EtypeNotSupported));
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn a_kdc_whose_clock_is_wrong_refuses_unless_mit_follows_it() {
    let lab = Lab::of(contoso().with_clock_offset(time::Duration::minutes(20)));
    lab.configure("kdc_timesync = 0");
    contains(
        &lab.fail("kinit alice", &format!("{PASSWORD}\n")),
        "Clock skew too great",
    );
    assert!(lab.refused(KdcError::Skew));

    lab.configure("kdc_timesync = 1");
    lab.kinit();
    lab.succeed("kvno HTTP/sts.contoso.test", "");
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn the_keys_are_those_that_mit_derives_itself() {
    let lab = Lab::start();
    let add = |etype: &str| {
        let mut script = String::new();
        writeln!(
            script,
            "add_entry -password -p alice@CONTOSO.TEST -k 1 -e {etype}"
        )
        .unwrap();
        writeln!(
            script,
            "{PASSWORD}\nwrite_kt {}\nquit",
            lab.path("keytab").display()
        )
        .unwrap();
        lab.succeed("ktutil", &script);
        let path = lab.path("keytab").display().to_string();
        lab.succeed(&format!("kinit -k -t {path} alice"), "");
        fs::remove_file(path).unwrap();
    };
    add("aes256-cts-hmac-sha1-96");
    lab.configure("permitted_enctypes = aes128-cts-hmac-sha1-96");
    add("aes128-cts-hmac-sha1-96");
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn other_realms_services_are_reached() {
    let lab = Lab::start();
    lab.kinit();
    lab.succeed("kvno HTTP/sts.fabrikam.test@FABRIKAM.TEST", "");
    contains(
        &lab.succeed("klist", ""),
        "krbtgt/FABRIKAM.TEST@CONTOSO.TEST",
    );

    lab.kinit();
    // A host-based name whose realm nobody told: the user's own KDC refers the client.
    lab.succeed("kvno -S HTTP sts.fabrikam.test", "");
    contains(&lab.succeed("klist", ""), "HTTP/sts.fabrikam.test@");
    let referred = Outcome::Referred("FABRIKAM.TEST".to_owned());
    assert!(lab.kdc.log().iter().any(|asked| asked.outcome == referred));
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn user_principal_names_find_their_user() {
    let lab = Lab::start();
    for name in ["alice@contoso.com", "ALICE@contoso.test"] {
        lab.succeed(&format!("kinit -C -E {name}"), &format!("{PASSWORD}\n"));
        contains(
            &lab.succeed("klist", ""),
            "Default principal: alice@CONTOSO.TEST",
        );
    }
    lab.succeed("kinit -C -E bob@fabrikam.com", &format!("{PASSWORD}\n"));
    contains(
        &lab.succeed("klist", ""),
        "Default principal: bob@FABRIKAM.TEST",
    );
}

#[test]
#[ignore = "needs krb5-user, python3-gssapi and curl"]
fn mit_reads_the_files() {
    let lab = Lab::start();
    lab.kdc
        .ccache("alice", &[STS, "HTTP/sts.fabrikam.test"])
        .unwrap()
        .write(&lab.path("ccache"))
        .unwrap();
    let listed = lab.succeed("klist -f", "");
    contains(&listed, "Default principal: alice@CONTOSO.TEST");
    contains(&listed, "HTTP/sts.fabrikam.test@FABRIKAM.TEST");
    lab.succeed("klist -s", "");
    // Already there: no request.
    lab.succeed("kvno HTTP/sts.contoso.test", "");
    assert_eq!(lab.kdc.log(), []);

    lab.kdc
        .keytab(STS)
        .unwrap()
        .write(&lab.path("keytab"))
        .unwrap();
    let listed = lab.succeed(&format!("klist -k -e {}", lab.path("keytab").display()), "");
    contains(
        &listed,
        "HTTP/sts.contoso.test@CONTOSO.TEST (aes256-cts-hmac-sha1-96)",
    );
    contains(
        &listed,
        "HTTP/sts.contoso.test@CONTOSO.TEST (aes128-cts-hmac-sha1-96)",
    );

    let hour = Duration::from_secs(3600);
    let expired = SystemTime::now() - 2 * hour..SystemTime::now() - hour;
    lab.kdc
        .ccache_valid("alice", &[], expired)
        .unwrap()
        .write(&lab.path("ccache"))
        .unwrap();
    lab.fail("klist -s", "");
    contains(
        &lab.fail("kvno HTTP/sts.contoso.test", ""),
        "Ticket expired",
    );
}
