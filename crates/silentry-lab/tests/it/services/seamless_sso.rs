//! Seamless SSO: Kerberos straight to Entra, for users of a managed domain.

use hyper::Method;
use silentry_lab::{AUTOLOGON_HOST, Lab};

use crate::services::client::{
    Connection, SAML1_BEARER, SOAP, TRUST_2005, Ticket, assertion_in, claims, get, redeem, rst,
};

const TRUST: &str = "/dsso.test/winauth/trust";

#[tokio::test]
async fn the_metadata_repeats_the_query() {
    let lab = Lab::start().await.unwrap();
    let path = format!("{TRUST}/mex?client-request-id=1&x=2");
    let reply = get(&lab, AUTOLOGON_HOST, &path).await;
    let document = roxmltree::Document::parse(reply.text()).unwrap();
    let addresses: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "Address")
        .filter_map(|node| node.text())
        .collect();
    let url = |name| format!("https://{AUTOLOGON_HOST}{TRUST}/2005/{name}?client-request-id=1&x=2");
    assert_eq!(addresses, [url("windowstransport"), url("usernamemixed")]);
    assert_eq!(
        get(&lab, AUTOLOGON_HOST, "/nowhere.test/winauth/trust/mex")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_ticket_becomes_a_token() {
    let lab = Lab::builder().user("heidi").start().await.unwrap();
    let ticket = Ticket::of(&lab, "heidi", AUTOLOGON_HOST);
    let path = format!("{TRUST}/2005/windowstransport?client-request-id=1");
    let mut connection = Connection::open(&lab, AUTOLOGON_HOST).await;
    let reply = connection
        .send(Method::POST, &path, &[SOAP], rst(TRUST_2005, ""))
        .await;
    assert_eq!(reply.status, 401);

    // No channel binding is checked: tickets are opened far from where TLS ends.
    let token = ticket.token(None).1;
    let headers = [SOAP, ("authorization", token.as_str())];
    let reply = connection
        .send(Method::POST, &path, &headers, rst(TRUST_2005, ""))
        .await;
    assert_eq!(reply.status, 200);
    let assertion = assertion_in(reply.text());
    assert!(assertion.contains("<DesktopSsoToken>"));
    let tokens = redeem(&lab, SAML1_BEARER, &assertion).await.json();
    assert_eq!(
        claims(tokens["access_token"].as_str().unwrap())["upn"],
        "heidi@dsso.test"
    );

    let forged = assertion.replace("<DesktopSsoToken>ey", "<DesktopSsoToken>eY");
    assert_eq!(
        redeem(&lab, SAML1_BEARER, &forged).await.json()["error_codes"][0],
        81008
    );
}

#[tokio::test]
async fn others_are_refused_in_the_words_of_entra() {
    let lab = Lab::start().await.unwrap();
    let ticket = Ticket::of(&lab, "alice", AUTOLOGON_HOST);
    let path = format!("{TRUST}/2005/windowstransport");
    let mut connection = Connection::open(&lab, AUTOLOGON_HOST).await;
    let reply = connection
        .negotiate(&ticket, &path, &rst(TRUST_2005, ""))
        .await;
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("<psf:text>AADSTS81013: "));
}
