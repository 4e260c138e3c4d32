//! The token endpoint: grants, refusals, shapes.

use silentry_lab::{CLIENT_ID, CONFIDENTIAL_CLIENT_ID, Lab};

use crate::services::client::{Response, claims, get, post_form};

const TOKEN: &str = "/managed.test/oauth2/v2.0/token";
const BOB: [(&str, &str); 5] = [
    ("grant_type", "password"),
    ("username", "bob@managed.test"),
    ("password", "Bob-Passw0rd"),
    ("client_id", CLIENT_ID),
    ("scope", "User.Read openid offline_access"),
];

fn with<'f>(changes: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let kept = BOB
        .into_iter()
        .filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    kept.chain(
        changes
            .iter()
            .copied()
            .filter(|(_, value)| !value.is_empty()),
    )
    .collect()
}

fn code(reply: &Response) -> u64 {
    reply.json()["error_codes"][0].as_u64().unwrap()
}

#[tokio::test]
async fn a_managed_password_buys_tokens_and_the_refresh_token_more() {
    let lab = Lab::start().await.unwrap();
    let reply = post_form(&lab, TOKEN, &BOB).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-ms-clitelem"), "1,0,0,,");
    let tokens = reply.json();
    assert_eq!(tokens["expires_in"], 4599);

    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", CLIENT_ID),
        (
            "scope",
            "https://api.contoso.test/.default offline_access openid",
        ),
    ];
    let reply = post_form(&lab, "/common/oauth2/v2.0/token", &refresh).await;
    let renewed = reply.json();
    assert_eq!(
        renewed["scope"],
        "https://api.contoso.test/.default https://api.contoso.test/user_impersonation openid"
    );
    assert_eq!(
        claims(renewed["access_token"].as_str().unwrap())["upn"],
        "bob@managed.test"
    );
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);

    let forged = [refresh[0], ("refresh_token", "1.x"), refresh[2], refresh[3]];
    assert_eq!(code(&post_form(&lab, TOKEN, &forged).await), 9002313);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let lab = Lab::start().await.unwrap();
    for (changes, status, error, expected) in [
        (vec![("grant_type", "")], 400, "invalid_request", 900144),
        (
            vec![("grant_type", "telepathy")],
            400,
            "unsupported_grant_type",
            70003,
        ),
        (vec![("client_id", "")], 400, "invalid_request", 900144),
        (vec![("client_id", "x")], 400, "invalid_request", 900023),
        (
            vec![("client_id", "00000000-0000-0000-0000-000000000000")],
            400,
            "unauthorized_client",
            700016,
        ),
        (
            vec![("client_id", CONFIDENTIAL_CLIENT_ID)],
            401,
            "invalid_client",
            7000218,
        ),
        (vec![("client_secret", "s")], 401, "invalid_client", 700025),
        (
            vec![
                ("client_id", CONFIDENTIAL_CLIENT_ID),
                ("client_secret", "s"),
            ],
            401,
            "invalid_client",
            7000215,
        ),
        (
            vec![("scope", "https://nowhere.test/x")],
            400,
            "invalid_resource",
            500011,
        ),
        (vec![("password", "wrong")], 400, "invalid_grant", 50126),
        (
            vec![("username", "nobody@managed.test")],
            400,
            "invalid_grant",
            50034,
        ),
        // The password of a federated user is not at Entra.
        (
            vec![
                ("username", "alice@contoso.test"),
                ("password", "Alice-Passw0rd"),
            ],
            400,
            "invalid_grant",
            50126,
        ),
    ] {
        let reply = post_form(&lab, TOKEN, &with(&changes)).await;
        assert_eq!(reply.status, status, "{changes:?}");
        assert_eq!(reply.json()["error"], error, "{changes:?}");
        assert_eq!(code(&reply), expected, "{changes:?}");
        assert_eq!(reply.header("x-ms-clitelem"), format!("1,{expected},0,,"));
        assert!(!reply.text().contains("Passw0rd"));
    }
}

#[tokio::test]
async fn tenants_are_told_apart() {
    let lab = Lab::start().await.unwrap();
    for (tenant, expected) in [
        ("common", 90010),
        ("consumers", 90010),
        ("nowhere.test", 90002),
    ] {
        let reply = post_form(&lab, &format!("/{tenant}/oauth2/v2.0/token"), &BOB).await;
        assert_eq!(code(&reply), expected, "{tenant}");
    }
    assert_eq!(
        get(&lab, crate::services::client::LOGIN, TOKEN)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_old_endpoint_writes_numbers_as_text() {
    let lab = Lab::start().await.unwrap();
    let form = with(&[
        ("scope", "openid"),
        ("resource", "https://api.contoso.test"),
    ]);
    let tokens = post_form(&lab, "/managed.test/oauth2/token", &form)
        .await
        .json();
    assert_eq!(tokens["expires_in"], "4599");
    assert_eq!(tokens["resource"], "https://api.contoso.test");
    assert!(
        tokens["expires_on"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .is_ok()
    );
}

#[tokio::test]
async fn a_nonce_comes_back() {
    let lab = Lab::start().await.unwrap();
    let tokens = post_form(&lab, TOKEN, &with(&[("nonce", "n-1")]))
        .await
        .json();
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["nonce"], "n-1");
}

/// MSAL Node sends what others send as headers in the form; MSAL Python sends `claims=None`.
#[tokio::test]
async fn what_clients_add_is_ignored() {
    let lab = Lab::start().await.unwrap();
    let form = with(&[
        ("claims", "None"),
        ("x-client-SKU", "msal.js.node"),
        ("x-client-current-telemetry", "5|371,0,,,|,"),
        ("response_type", "id_token token"),
    ]);
    let path =
        "/organizations/oauth2/v2.0/token?client-request-id=8cab3f9c-f9d3-4a46-bbf6-08ac1eb5d1d6";
    let reply = post_form(&lab, path, &form).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("client-request-id"),
        "8cab3f9c-f9d3-4a46-bbf6-08ac1eb5d1d6"
    );
}
