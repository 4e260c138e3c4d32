//! What is sent where, seen by a transport of the caller's own that passes everything on.

use std::sync::{Arc, Mutex};

use silentry::PublicClientApplication;
use silentry::transport::HttpRequest;
use silentry_lab::{CLIENT_ID, Lab};

use crate::support::{Watch, Watched};

/// One request as it left the library.
struct Seen {
    host: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(seen, _)| seen == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Seen>>>);

impl Watch for Log {
    fn asks(&self, host: &str, request: &HttpRequest) {
        let owned = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.to_owned());
        self.0.lock().unwrap().push(Seen {
            host: host.to_owned(),
            target: request.target().to_owned(),
            headers: request.headers().map(owned).collect(),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
        });
    }
}

#[tokio::test]
async fn what_only_microsoft_knows_is_told_to_nobody_else() {
    let lab = Lab::start().await.unwrap();
    for (adfs, issuer) in [
        (true, "https://sts.contoso.test/adfs"),
        (false, "https://sts.contoso.test/adfs"),
    ] {
        let log = Log::default();
        let builder = PublicClientApplication::builder(CLIENT_ID)
            .with_client_capabilities(["cp1"])
            .with_transport(Watched::in_lab(&lab, log.clone()));
        let builder = match adfs {
            true => builder.with_authority(issuer),
            false => builder.with_oidc_authority(issuer),
        };
        let alice = silentry_lab::user("alice").unwrap();
        let password = silentry::Secret::from(alice.password);
        builder
            .build()
            .unwrap()
            .acquire_token_by_username_password(["openid"], alice.upn, password)
            .await
            .unwrap();

        let seen = log.0.lock().unwrap();
        assert_eq!(seen.len(), if adfs { 1 } else { 2 });
        for request in &seen[..] {
            let microsofts = request
                .headers
                .iter()
                .filter(|(name, _)| name.starts_with("x-"));
            assert_eq!(microsofts.count(), 0, "{:?}", request.headers);
            assert_eq!(request.header("client-request-id").is_some(), adfs);
            assert!(!request.body.contains("client_info"), "{}", request.body);
            assert!(!request.body.contains("claims"), "{}", request.body);
        }
        let body = &seen.last().unwrap().body;
        assert!(
            body.contains("scope=offline_access+openid+profile"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn each_request_carries_what_is_its_own_and_nothing_else() {
    let lab = Lab::start().await.unwrap();
    let log = Log::default();
    let app = PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_client_capabilities(["cp1"])
        .with_client_sku("Contoso.Tool")
        .with_ticket_cache(format!(
            "FILE:{}",
            lab.ccache("alice@contoso.test").unwrap().display()
        ))
        .with_transport(Watched::in_lab(&lab, log.clone()))
        .build()
        .unwrap();
    app.acquire_token_by_integrated_windows_auth(["https://graph.microsoft.com/User.Read"])
        .with_username("alice@contoso.test")
        .with_claims(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#)
        .with_correlation_id("11112222-3333-4444-5555-666677778888")
        .with_extra_query_parameters([("slice", "test & more")])
        .with_extra_headers([("x-contoso", "yes")])
        .await
        .unwrap();

    let seen = log.0.lock().unwrap();
    let [realm, mex, wstrust, token] = &seen[..] else {
        panic!("{} requests", seen.len())
    };
    let entra = "login.microsoftonline.com";
    assert_eq!((realm.host.as_str(), token.host.as_str()), (entra, entra));
    assert_eq!(
        (mex.host.as_str(), wstrust.host.as_str()),
        ("sts.contoso.test", "sts.contoso.test")
    );

    assert_eq!(
        realm.target,
        "/common/userrealm/alice@contoso.test?api-version=1.0"
    );
    assert_eq!(
        token.target,
        "/contoso.test/oauth2/v2.0/token?slice=test+%26+more"
    );
    for (request, to_entra) in [(realm, true), (mex, false), (wstrust, false), (token, true)] {
        assert_eq!(
            request.header("x-client-sku"),
            to_entra.then_some("Contoso.Tool")
        );
        assert_eq!(
            request.header("client-request-id"),
            Some("11112222-3333-4444-5555-666677778888")
        );
        let is_token = std::ptr::eq(request, token);
        assert_eq!(request.header("x-contoso").is_some(), is_token);
        assert_eq!(request.target.contains("slice"), is_token);
        // The ticket goes to the federation server and nowhere else.
        assert_eq!(
            request.header("authorization").is_some(),
            std::ptr::eq(request, wstrust)
        );
    }
    assert!(
        wstrust
            .header("authorization")
            .unwrap()
            .starts_with("Negotiate YI")
    );
    assert!(mex.header("accept").unwrap().starts_with("text/xml"));
    assert!(!mex.target.contains("alice") && !wstrust.body.contains("alice"));

    let form: std::collections::HashMap<_, _> = token
        .body
        .split('&')
        .filter_map(|member| member.split_once('='))
        .collect();
    assert_eq!(form["client_info"], "1");
    for word in ["xms_cc", "cp1", "nbf"] {
        assert!(form["claims"].contains(word), "{}", form["claims"]);
    }
    assert!(!form.contains_key("username") && !form.contains_key("password"));
}
