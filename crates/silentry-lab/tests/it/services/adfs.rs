//! AD FS: Negotiate, channel bindings, passwords, faults.

use hyper::Method;
use md5::Digest as _;
use silentry_lab::Lab;

use crate::services::client::{
    Connection, SOAP, STS, TRUST_13, TRUST_2005, Ticket, WINDOWS_13, WINDOWS_2005, assertion_in,
    assertion_of, get, rst,
};

const MIXED_13: &str = "/adfs/services/trust/13/usernamemixed";

async fn post(
    lab: &Lab,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> crate::services::client::Response {
    Connection::open(lab, STS)
        .await
        .send(Method::POST, path, headers, body.to_owned())
        .await
}

fn password(user: &str, password: &str) -> String {
    format!(
        "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/\
         oasis-200401-wss-wssecurity-secext-1.0.xsd\"><o:UsernameToken><o:Username>{user}</o:Username>\
         <o:Password>{password}</o:Password></o:UsernameToken></o:Security>"
    )
}

#[tokio::test]
async fn without_a_token_it_offers_negotiate_and_ntlm() {
    let lab = Lab::start().await.unwrap();
    for headers in [
        vec![],
        vec![("authorization", "Basic YTpi")],
        vec![("authorization", "Negotiate")],
    ] {
        let reply = post(&lab, WINDOWS_13, &headers, "not even xml").await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.all("www-authenticate"), ["Negotiate", "NTLM"]);
        assert_eq!(reply.header("server"), "Microsoft-HTTPAPI/2.0");
        assert_eq!(reply.header("content-length"), "0");
    }
}

/// Clients tell a reply with a body from one without: MSAL Java has no message for the latter.
#[tokio::test]
async fn the_web_server_says_what_http_sys_says() {
    let page = |reply: &crate::services::client::Response, length: &str, error: &str| {
        assert_eq!(reply.header("content-type"), "text/html; charset=us-ascii");
        assert_eq!(reply.header("content-length"), length);
        assert!(reply.text().contains(error), "{}", reply.text());
    };
    let lab = Lab::start().await.unwrap();
    let nowhere = post(&lab, "/adfs/services/trust/nowhere", &[], "").await;
    page(
        &nowhere,
        "315",
        "HTTP Error 404. The requested resource is not found.",
    );

    let off = Lab::builder()
        .scenario("trust13-off")
        .start()
        .await
        .unwrap();
    let unavailable = post(&off, WINDOWS_13, &[], "").await;
    page(
        &unavailable,
        "326",
        "HTTP Error 503. The service is unavailable.",
    );

    let small = Lab::builder()
        .scenario("ticket-too-large")
        .start()
        .await
        .unwrap();
    let headers = [("authorization", "Negotiate YWJj")];
    let too_long = post(&small, WINDOWS_13, &headers, "").await;
    page(
        &too_long,
        "346",
        "The size of the request headers is too long.",
    );
}

#[tokio::test]
async fn a_ticket_is_proven_both_ways() {
    let lab = Lab::start().await.unwrap();
    let ticket = Ticket::of(&lab, "alice", STS);
    for (path, trust) in [(WINDOWS_13, TRUST_13), (WINDOWS_2005, TRUST_2005)] {
        let mut connection = Connection::open(&lab, STS).await;
        let (mut context, token) = ticket.token(Some(&connection.leaf));
        let headers = [SOAP, ("authorization", &token)];
        let reply = connection
            .send(Method::POST, path, &headers, rst(trust, ""))
            .await;
        assert_eq!(reply.status, 200);
        let proof = reply
            .header("www-authenticate")
            .strip_prefix("Negotiate ")
            .unwrap();
        let proof = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, proof).unwrap();
        assert_eq!(context.step(&proof).unwrap(), None);
        assert!(context.is_established());
        let assertion = assertion_in(reply.text());
        assert!(assertion.contains(">alice@contoso.test<"));
        assert!(assertion.contains("urn:federation:authentication:windows"));
    }
}

#[tokio::test]
async fn a_token_counts_once() {
    let lab = Lab::start().await.unwrap();
    let ticket = Ticket::of(&lab, "alice", STS);
    let mut connection = Connection::open(&lab, STS).await;
    let token = ticket.token(Some(&connection.leaf)).1;
    let headers = [SOAP, ("authorization", token.as_str())];
    let first = connection
        .send(Method::POST, WINDOWS_13, &headers, rst(TRUST_13, ""))
        .await;
    let again = connection
        .send(Method::POST, WINDOWS_13, &headers, rst(TRUST_13, ""))
        .await;
    assert_eq!((first.status, again.status), (200, 401));
}

#[tokio::test]
async fn a_token_is_bound_to_the_certificate_of_its_connection() {
    for (scenario, absent) in [("default", 200), ("channel-binding-required", 401)] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let ticket = Ticket::of(&lab, "alice", STS);
        let elsewhere = Connection::open(&lab, "graph.microsoft.com").await.leaf;
        let mut connection = Connection::open(&lab, STS).await;
        let own = connection.leaf.clone();
        for (leaf, expected) in [
            (Some(own.as_slice()), 200),
            (Some(elsewhere.as_slice()), 401),
            (None, absent),
        ] {
            let token = ticket.token(leaf).1;
            let headers = [SOAP, ("authorization", token.as_str())];
            let reply = connection
                .send(Method::POST, WINDOWS_13, &headers, rst(TRUST_13, ""))
                .await;
            assert_eq!(reply.status, expected, "{scenario}");
        }
    }
}

#[tokio::test]
async fn the_journal_tells_what_a_ticket_was_bound_to() {
    let lab = Lab::start().await.unwrap();
    let ticket = Ticket::of(&lab, "alice", STS);
    let elsewhere = Connection::open(&lab, "graph.microsoft.com").await.leaf;
    let mut connection = Connection::open(&lab, STS).await;
    let own = connection.leaf.clone();
    for leaf in [Some(own.as_slice()), Some(elsewhere.as_slice()), None] {
        let token = ticket.token(leaf).1;
        let headers = [SOAP, ("authorization", token.as_str())];
        connection
            .send(Method::POST, WINDOWS_13, &headers, rst(TRUST_13, ""))
            .await;
    }
    let exchanges = lab.exchanges();
    let [bound, astray, unbound] = [0, 1, 2].map(|at| exchanges[at].ticket.as_ref().unwrap());
    assert_eq!(bound.client, "alice@CORP.CONTOSO.TEST");
    assert_eq!(bound.service, "HTTP/sts.contoso.test@CORP.CONTOSO.TEST");
    assert!(bound.flags.iter().any(|flag| flag == "mutual"));
    assert!(!bound.delegated && !bound.flags.iter().any(|flag| flag == "delegate"));
    let hash = |leaf: &[u8]| {
        let bindings = krb5::ChannelBindings::tls_server_end_point(leaf).unwrap();
        let data = bindings.application_data;
        let mut fields = vec![0; 16];
        fields.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        fields.extend(data);
        let hash = md5::Md5::digest(fields);
        Some(
            hash.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        )
    };
    assert_eq!(
        (&bound.channel_binding, &bound.refused),
        (&hash(&own), &None)
    );
    assert_eq!(astray.channel_binding, hash(&elsewhere));
    assert!(astray.refused.is_some());
    assert_eq!((&unbound.channel_binding, &unbound.refused), (&None, &None));
}

#[tokio::test]
async fn servers_of_a_farm_have_their_own_certificates() {
    let lab = Lab::builder().scenario("farm").start().await.unwrap();
    let ticket = Ticket::of(&lab, "alice", STS);
    let mut leaves = std::collections::HashSet::new();
    for _ in 0..4 {
        let mut connection = Connection::open(&lab, STS).await;
        leaves.insert(connection.leaf.clone());
        let reply = connection
            .negotiate(&ticket, WINDOWS_13, &rst(TRUST_13, ""))
            .await;
        assert_eq!(reply.status, 200);
    }
    assert_eq!(leaves.len(), 2);
}

#[tokio::test]
async fn an_account_of_the_trusted_realm_is_known_by_its_upn() {
    let lab = Lab::start().await.unwrap();
    let assertion = assertion_of(&lab, "ivan").await;
    assert!(assertion.contains(">ivan@contoso.test<"));
}

#[tokio::test]
async fn tickets_of_another_kdc_open_with_its_keytab() {
    let foreign = Lab::start().await.unwrap();
    let keytab = foreign.directory().join("sts.keytab");
    foreign
        .kdc()
        .keytab("HTTP/sts.contoso.test")
        .unwrap()
        .write(&keytab)
        .unwrap();
    let lab = Lab::builder().keytab(&keytab).start().await.unwrap();

    let mut connection = Connection::open(&lab, STS).await;
    let theirs = Ticket::of(&foreign, "alice", STS);
    let reply = connection
        .negotiate(&theirs, WINDOWS_13, &rst(TRUST_13, ""))
        .await;
    assert_eq!(reply.status, 200);
    let ours = Ticket::of(&lab, "alice", STS);
    let reply = connection
        .negotiate(&ours, WINDOWS_13, &rst(TRUST_13, ""))
        .await;
    assert_eq!(reply.status, 401);

    let missing = Lab::builder().keytab("/nonexistent/keytab").start().await;
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("/nonexistent/keytab")
    );
}

#[tokio::test]
async fn passwords_are_checked() {
    let lab = Lab::start().await.unwrap();
    let judy = "p&amp;&lt;Jüdy&gt;&quot;w&#39;d";
    for (user, secret) in [
        ("alice@contoso.test", "Alice-Passw0rd"),
        ("CONTOSO\\alice", "Alice-Passw0rd"),
        ("judy@contoso.test", judy),
    ] {
        let reply = post(
            &lab,
            MIXED_13,
            &[SOAP],
            &rst(TRUST_13, &password(user, secret)),
        )
        .await;
        assert_eq!(reply.status, 200, "{user}: {}", reply.text());
        assert!(assertion_in(reply.text()).contains("urn:oasis:names:tc:SAML:1.0:am:password"));
    }
    for (user, secret) in [
        ("alice@contoso.test", "alice-passw0rd"),
        ("alice@contoso.test", " Alice-Passw0rd"),
        ("nobody@contoso.test", "Alice-Passw0rd"),
    ] {
        let reply = post(
            &lab,
            MIXED_13,
            &[SOAP],
            &rst(TRUST_13, &password(user, secret)),
        )
        .await;
        assert_eq!(reply.status, 500);
        assert!(reply.text().contains("ID3242"));
    }
    let nobody = post(&lab, MIXED_13, &[SOAP], &rst(TRUST_13, "")).await;
    assert_eq!(nobody.status, 500);
}

#[tokio::test]
async fn wrong_requests_get_the_answers_of_wcf() {
    let lab = Lab::start().await.unwrap();
    let ask = |headers: Vec<(&'static str, &'static str)>, body: String| {
        let lab = &lab;
        async move { post(lab, MIXED_13, &headers, &body).await }
    };
    let good = rst(TRUST_13, &password("alice@contoso.test", "Alice-Passw0rd"));

    let reply = ask(vec![("content-type", "text/xml")], good.clone()).await;
    assert_eq!((reply.status, reply.body.len()), (415, 0));
    assert!(
        reply
            .reason
            .contains("'text/xml' was not the expected type"),
        "{}",
        reply.reason
    );
    for malformed in ["", "<a", "<!DOCTYPE a []><a/>"] {
        let reply = ask(vec![SOAP], malformed.to_owned()).await;
        assert_eq!((reply.status, reply.body.len()), (400, 0), "{malformed}");
    }
    for (from, to, code) in [
        ("urn:federation:MicrosoftOnline", "urn:other", "ID3082"),
        ("200512/Issue<", "200512/Renew<", "ID3035"),
        ("200512/Bearer<", "200512/SymmetricKey<", "ID3035"),
        ("RST/Issue<", "RST/Cancel<", "ActionNotSupported"),
        (
            "<a:ReplyTo>",
            "<b:X xmlns:b=\"urn:b\" s:mustUnderstand=\"1\"/><a:ReplyTo>",
            "s:MustUnderstand",
        ),
    ] {
        let reply = ask(vec![SOAP], good.replace(from, to)).await;
        assert_eq!(reply.status, 500, "{code}");
        assert!(reply.text().contains(code), "{code}: {}", reply.text());
    }
    let reply = get(&lab, STS, MIXED_13).await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn a_misspelt_message_id_is_not_related_to() {
    let lab = Lab::start().await.unwrap();
    let request = rst(TRUST_13, &password("alice@contoso.test", "Alice-Passw0rd"));
    let reply = post(&lab, MIXED_13, &[SOAP], &request).await;
    assert!(reply.text().contains("<a:RelatesTo>urn:uuid:c3163081-"));
    let reply = post(
        &lab,
        MIXED_13,
        &[SOAP],
        &request.replace("MessageID", "messageID"),
    )
    .await;
    assert_eq!(reply.status, 200);
    assert!(!reply.text().contains("RelatesTo"));
}
