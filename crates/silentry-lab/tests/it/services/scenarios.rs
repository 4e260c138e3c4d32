//! Each scenario does on the wire what its summary says.

use std::time::Duration;

use hyper::Method;
use silentry_lab::{Lab, Scenario};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::services::client::{
    Connection, LOGIN, Response, SAML1_BEARER, SAML2_BEARER, STS, TRUST_13, TRUST_2005, Ticket,
    WINDOWS_13, WINDOWS_2005, assertion_in, assertion_of, get, redeem, rst,
};

const MEX: &str = "/adfs/services/trust/mex";

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

async fn windows(lab: &Lab, path: &str, trust: &str) -> Response {
    let ticket = Ticket::of(lab, lab.user().upn, STS);
    Connection::open(lab, STS)
        .await
        .negotiate(&ticket, path, &rst(trust, ""))
        .await
}

async fn realm(lab: &Lab) -> Response {
    get(
        lab,
        LOGIN,
        &format!("/common/userrealm/{}?api-version=1.0", lab.user().upn),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_starts() {
    let starts = Scenario::all().iter().map(|scenario| async {
        let lab = lab(scenario.name).await;
        assert_eq!(lab.user().upn, scenario.user);
        assert_eq!(lab.scenario().name, scenario.name);
    });
    starts.collect::<JoinSet<_>>().join_all().await;
    assert!(Lab::builder().scenario("nonsense").start().await.is_err());
    assert!(Lab::builder().user("nobody").start().await.is_err());
}

/// What Entra answers an assertion with, in the scenarios that are decided there.
#[tokio::test]
async fn refusals_of_entra_are_those_of_the_list() {
    for (name, status, code) in [
        ("mfa", 400, 50076),
        ("mfa-unless-inside", 400, 50079),
        ("consent", 400, 65001),
        ("password-expired", 400, 50144),
        ("saml-signing-key-unknown", 400, 50008),
        ("immutableid-missing", 400, 90020),
        ("user-not-synced", 400, 51004),
        ("user-disabled", 400, 50057),
        ("public-client-disabled", 401, 7000218),
    ] {
        let lab = lab(name).await;
        let assertion = assertion_of(&lab, lab.user().upn).await;
        let reply = redeem(&lab, SAML1_BEARER, &assertion).await;
        let error = reply.json();
        assert_eq!(
            (reply.status, error["error_codes"][0].as_u64()),
            (status, Some(code)),
            "{name}"
        );
        assert_eq!(
            error["error"].as_str(),
            lab.scenario().expected_code,
            "{name}"
        );
        let interaction = error.get("suberror").is_some() || error.get("claims").is_some();
        assert_eq!(interaction, lab.scenario().expected_exit == 3, "{name}");
    }
}

#[tokio::test]
async fn what_succeeds_succeeds() {
    for name in [
        "default",
        "trust13-off",
        "saml2",
        "farm",
        "trusted-realm",
        "mfa-inside",
    ] {
        let lab = lab(name).await;
        let mut reply = windows(&lab, WINDOWS_13, TRUST_13).await;
        if name == "trust13-off" {
            assert_eq!(reply.status, 503);
            reply = windows(&lab, WINDOWS_2005, TRUST_2005).await;
        }
        let grant = if name == "saml2" {
            SAML2_BEARER
        } else {
            SAML1_BEARER
        };
        let reply = redeem(&lab, grant, &assertion_in(reply.text())).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }
    let lab = lab("token-5xx-once").await;
    let assertion = assertion_of(&lab, "alice").await;
    assert_eq!(redeem(&lab, SAML1_BEARER, &assertion).await.status, 503);
    assert_eq!(redeem(&lab, SAML1_BEARER, &assertion).await.status, 200);
}

#[tokio::test]
async fn realms_are_what_the_scenario_says() {
    for (name, account_type) in [
        ("managed-user", "Managed"),
        ("seamless-sso", "Managed"),
        ("staged-rollout", "Managed"),
        ("unknown-domain", "Unknown"),
    ] {
        assert_eq!(
            realm(&lab(name).await).await.json()["account_type"],
            account_type,
            "{name}"
        );
    }
    let personal = realm(&lab("personal-account").await).await.json();
    assert_eq!(personal["domain_name"], "live.com");
    let saml20 = realm(&lab("saml20-federation").await).await.json();
    assert_eq!(saml20["federation_protocol"], "SAML20");
    assert!(saml20.get("federation_metadata_url").is_none());
    assert!(
        realm(&lab("realm-html").await)
            .await
            .text()
            .starts_with("<html")
    );
}

#[tokio::test]
async fn metadata_is_what_the_scenario_says() {
    let text = async |name: &str| get(&lab(name).await, STS, MEX).await.text().to_owned();
    assert!(!text("extranet-mex").await.contains("windowstransport"));
    assert!(
        !text("trust-2005-only")
            .await
            .contains("13/windowstransport")
    );
    let ntlm = text("ntlm-only-mex").await;
    assert!(ntlm.contains("NtlmAuthentication") && !ntlm.contains("NegotiateAuthentication"));
    let foreign = text("foreign-mex-host").await;
    assert!(foreign.contains("https://sts.fabrikam.test/adfs/services/trust/13/windowstransport"));
    assert!(text("mex-doctype").await.contains("<!DOCTYPE"));
    assert!(text("mex-html").await.contains("<html"));
    assert!(text("mex-too-large").await.len() > 1024 * 1024);
    assert_eq!(get(&lab("mex-404").await, STS, MEX).await.status, 404);
    assert_eq!(get(&lab("mex-503").await, STS, MEX).await.status, 503);
}

#[tokio::test]
async fn the_metadata_drips() {
    let lab = lab("slow-drip").await;
    let mut connection = Connection::open(&lab, STS).await;
    let whole = connection.send(Method::GET, MEX, &[], "");
    assert!(
        tokio::time::timeout(Duration::from_secs(3), whole)
            .await
            .is_err()
    );
    assert_eq!(lab.exchanges()[0].status, 200);
}

#[tokio::test]
async fn an_unreachable_adfs_is_said_to_be_so_by_the_proxy() {
    let lab = lab("adfs-down").await;
    let mut stream = TcpStream::connect(lab.proxy_addr()).await.unwrap();
    stream
        .write_all(b"CONNECT sts.contoso.test:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn negotiate_is_what_the_scenario_says() {
    for (name, status) in [
        ("unauthorized-loop", 401),
        ("tls-inspection", 401),
        ("ntlm-only-401", 401),
        ("ticket-too-large", 400),
        ("redirect-on-post", 302),
    ] {
        let reply = windows(&lab(name).await, WINDOWS_13, TRUST_13).await;
        assert_eq!(reply.status, status, "{name}");
        let offers = reply.all("www-authenticate");
        match name {
            "ntlm-only-401" => assert_eq!(offers, ["NTLM"]),
            "redirect-on-post" => {
                assert!(
                    reply
                        .header("location")
                        .starts_with("https://sts.fabrikam.test/")
                );
            }
            "ticket-too-large" => assert!(offers.is_empty()),
            _ => assert_eq!(offers, ["Negotiate", "NTLM"], "{name}"),
        }
    }
}

#[tokio::test]
async fn the_servers_proof_is_missing_or_forged() {
    let reply = windows(&lab("no-mutual-reply").await, WINDOWS_13, TRUST_13).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (200, ""));

    let lab = lab("wrong-mutual-reply").await;
    let ticket = Ticket::of(&lab, "alice", STS);
    let mut connection = Connection::open(&lab, STS).await;
    let (mut context, token) = ticket.token(Some(&connection.leaf));
    let headers = [
        crate::services::client::SOAP,
        ("authorization", token.as_str()),
    ];
    let reply = connection
        .send(Method::POST, WINDOWS_13, &headers, rst(TRUST_13, ""))
        .await;
    assert_eq!(reply.status, 200);
    let proof = reply
        .header("www-authenticate")
        .strip_prefix("Negotiate ")
        .unwrap();
    let proof = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, proof).unwrap();
    assert!(context.step(&proof).is_err());
}

#[tokio::test]
async fn trust_replies_are_what_the_scenario_says() {
    let fault = windows(&lab("rstr-fault").await, WINDOWS_13, TRUST_13).await;
    assert_eq!(fault.status, 200);
    assert!(fault.text().contains("MSIS7068") && !fault.text().contains("Assertion"));
    let encrypted = windows(&lab("encrypted-assertion").await, WINDOWS_13, TRUST_13).await;
    assert!(assertion_in(encrypted.text()).contains("EncryptedKey"));
}

#[tokio::test]
async fn throttling_says_how_long() {
    let lab = lab("token-429").await;
    let reply = redeem(&lab, SAML1_BEARER, "any").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "60"));
}

#[tokio::test]
async fn tickets_are_what_the_scenario_says() {
    assert!(!lab("no-ticket").await.ccache("alice").unwrap().exists());
    for (name, tickets) in [("default", 4), ("unknown-spn", 1), ("kdc-silent", 1)] {
        let lab = lab(name).await;
        let cache = krb5::ccache::CCache::read(lab.ccache("alice").unwrap()).unwrap();
        assert_eq!(cache.credentials().count(), tickets, "{name}");
    }
    let lab = lab("kdc-down").await;
    let conf = std::fs::read_to_string(lab.krb5_conf_path()).unwrap();
    let address = conf
        .lines()
        .find_map(|line| line.trim().strip_prefix("kdc = "))
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date() {
    let lab = lab("wrong-clock").await;
    let date = |reply: &Response| {
        let rfc2822 = &time::format_description::well_known::Rfc2822;
        time::OffsetDateTime::parse(reply.header("date"), rfc2822).unwrap()
    };
    let (sts, login) = (get(&lab, STS, MEX).await, get(&lab, LOGIN, "/").await);
    let ahead = (date(&sts) - date(&login)).whole_minutes();
    assert!((29..=30).contains(&ahead), "{ahead}");
}
