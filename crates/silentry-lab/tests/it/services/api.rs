//! The protected APIs.

use hyper::Method;
use silentry_lab::{CLIENT_ID, Lab};

use crate::services::client::{Connection, Response, post_form};

const API: &str = "api.contoso.test";
const GRAPH: &str = "graph.microsoft.com";

async fn token_for(lab: &Lab, scope: &str) -> String {
    let form = [
        ("grant_type", "password"),
        ("username", "bob@managed.test"),
        ("password", "Bob-Passw0rd"),
        ("client_id", CLIENT_ID),
        ("scope", scope),
    ];
    let tokens = post_form(lab, "/organizations/oauth2/v2.0/token", &form)
        .await
        .json();
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn call(lab: &Lab, host: &'static str, path: &str, authorization: &str) -> Response {
    let headers = [("authorization", authorization)];
    Connection::open(lab, host)
        .await
        .send(Method::GET, path, &headers, "")
        .await
}

#[tokio::test]
async fn a_token_opens_the_api_it_is_for() {
    let lab = Lab::start().await.unwrap();
    let token = token_for(&lab, "https://api.contoso.test/.default").await;
    let reply = call(&lab, API, "/whoami", &format!("Bearer {token}")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["user"], "bob@managed.test");

    let graph = token_for(&lab, "User.Read").await;
    let reply = call(&lab, GRAPH, "/v1.0/me", &format!("bearer {graph}")).await;
    assert_eq!(reply.json()["userPrincipalName"], "bob@managed.test");
    assert_eq!(
        call(&lab, GRAPH, "/v1.0/you", &format!("Bearer {graph}"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn any_other_token_is_refused_with_a_challenge() {
    let lab = Lab::start().await.unwrap();
    let graph = token_for(&lab, "User.Read").await;
    let mut changed = token_for(&lab, "https://api.contoso.test/.default").await;
    changed.truncate(changed.len() - 4);
    changed.push_str("AAAA");
    for token in [graph.as_str(), &changed, "rubbish", "a.b.c"] {
        let reply = call(&lab, API, "/", &format!("Bearer {token}")).await;
        assert_eq!(reply.status, 401);
        assert!(
            reply
                .header("www-authenticate")
                .contains("error=\"invalid_token\"")
        );
    }
    let reply = call(&lab, API, "/", "Negotiate YII=").await;
    assert_eq!(reply.status, 401);
    assert!(!reply.header("www-authenticate").contains("error"));
}
