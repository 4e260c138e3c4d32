//! Integrated sign-in against the lab, in this process: the proxy, the authority and the ticket cache are values, so
//! that any number of labs run at once.

use silentry::{
    Category, Code, Directory, Error, MutualAuthentication, PublicClientApplication,
    PublicClientApplicationBuilder,
};
use silentry_lab::{CLIENT_ID, Lab, TENANT_ID};

use crate::support::client_with_ticket;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// A document with one windowstransport, on this `host` or `host:port`.
fn metadata_at(authority: &str) -> String {
    r##"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
        xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"
        xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
        xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsa10="http://www.w3.org/2005/08/addressing"
        xmlns:http="http://schemas.microsoft.com/ws/06/2004/policy/http">
        <wsp:Policy wsu:Id="p"><wsp:ExactlyOne><wsp:All><http:NegotiateAuthentication/></wsp:All></wsp:ExactlyOne></wsp:Policy>
        <wsdl:binding name="b"><wsp:PolicyReference URI="#p"/>
        <soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
        <wsdl:operation><soap12:operation soapAction="http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue"/></wsdl:operation>
        </wsdl:binding>
        <wsdl:service><wsdl:port binding="b"><wsa10:EndpointReference>
        <wsa10:Address>https://AUTHORITY/adfs/services/trust/13/windowstransport</wsa10:Address>
        </wsa10:EndpointReference></wsdl:port></wsdl:service></wsdl:definitions>"##
        .replace("AUTHORITY", authority)
}

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

fn builder(lab: &Lab) -> PublicClientApplicationBuilder {
    client_with_ticket(lab).with_directory(Directory::Off)
}

fn app(lab: &Lab) -> PublicClientApplication {
    builder(lab).build().unwrap()
}

fn stages(lab: &Lab) -> Vec<String> {
    lab.exchanges()
        .into_iter()
        .map(|exchange| exchange.stage)
        .collect()
}

#[tokio::test]
async fn the_first_sign_in_takes_four_exchanges_and_the_next_two() {
    let lab = lab("default").await;
    let app = app(&lab);
    let token = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert_eq!(stages(&lab), ["realm", "mex", "wstrust", "token"]);
    assert_eq!(token.account().username(), "alice@contoso.test");
    assert_eq!(token.tenant_id(), Some(TENANT_ID));
    assert!(
        token
            .account()
            .home_account_id()
            .unwrap()
            .ends_with(TENANT_ID)
    );
    assert!(token.scopes().iter().any(|scope| scope == SCOPES[0]));
    assert!(token.expires_on() > std::time::SystemTime::now());
    assert!(!format!("{token:?}").contains(token.access_token()));

    app.clone()
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert_eq!(stages(&lab)[4..], ["wstrust", "token"]);
}

#[tokio::test]
async fn any_number_of_labs_run_at_once() {
    let sign_in = async |scenario: &'static str| {
        let lab = lab(scenario).await;
        app(&lab)
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await
    };
    let (good, mfa, fault, required) = tokio::join!(
        sign_in("default"),
        sign_in("mfa"),
        sign_in("rstr-fault"),
        sign_in("channel-binding-required")
    );
    assert!(good.is_ok());
    assert!(matches!(mfa, Err(Error::InteractionRequired(_))));
    assert_eq!(
        fault.unwrap_err().code(),
        "federated_service_returned_error"
    );
    assert!(required.is_ok());
}

#[tokio::test]
async fn the_claims_of_a_challenge_travel_with_the_error() {
    let lab = lab("mfa").await;
    let error = app(&lab)
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert!(
        error
            .aadsts()
            .iter()
            .any(|code| [50076, 50079].contains(code))
    );
    let Error::InteractionRequired(needed) = &error else {
        panic!("{error:?}")
    };
    let claims: serde_json::Value = serde_json::from_str(needed.claims().unwrap()).unwrap();
    assert!(claims.is_object());
}

#[tokio::test]
async fn missing_consent_names_every_way_to_give_it() {
    let lab = lab("consent").await;
    let error = app(&lab)
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert_eq!(error.aadsts(), [65001]);
    let Error::InteractionRequired(needed) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(needed.classification(), Some("consent_required"));
    let [user, admin] = needed.consent_urls() else {
        panic!("{:?}", needed.consent_urls())
    };
    let start = "https://login.microsoftonline.com/contoso.test/";
    assert!(user.starts_with(start) && user.contains("authorize") && user.contains(CLIENT_ID));
    assert!(
        admin.starts_with(start) && admin.contains("adminconsent") && admin.contains(CLIENT_ID)
    );
    assert!(
        needed.mitigation().contains("portal"),
        "{}",
        needed.mitigation()
    );
}

#[tokio::test]
async fn a_host_without_a_right_to_the_ticket_causes_no_ticket_request() {
    let lab = lab("foreign-mex-host").await;
    let app = app(&lab);
    let error = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "federation_host_not_trusted");
    assert_eq!(stages(&lab), ["realm", "mex"]);
}

#[tokio::test]
async fn a_missing_proof_of_the_server_can_be_waived_and_a_wrong_one_cannot() {
    for (scenario, works) in [("no-mutual-reply", true), ("wrong-mutual-reply", false)] {
        let lab = lab(scenario).await;
        let waived = builder(&lab)
            .with_mutual_authentication(MutualAuthentication::WhenOffered)
            .build()
            .unwrap();
        let result = waived
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await;
        assert_eq!(result.is_ok(), works, "{scenario}");
    }
}

#[tokio::test]
async fn without_channel_binding_inspected_tls_works_and_strict_servers_refuse() {
    for (scenario, code) in [
        ("tls-inspection", None),
        ("channel-binding-required", Some(&Code::NegotiateRejected)),
    ] {
        let lab = lab(scenario).await;
        let unbound = builder(&lab).with_channel_binding(false).build().unwrap();
        let result = unbound
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await;
        assert_eq!(result.as_ref().err().map(Error::code), code, "{scenario}");
    }
}

#[tokio::test]
async fn the_callers_own_metadata_saves_the_request_for_it() {
    let lab = lab("mex-404").await;
    let metadata = metadata_at("sts.contoso.test");
    let app = app(&lab);
    let request = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .with_username("alice@contoso.test")
        .with_federation_metadata(metadata);
    request.await.unwrap();
    assert_eq!(stages(&lab), ["realm", "wstrust", "token"]);
}

#[tokio::test]
async fn an_odd_federation_server_of_the_realm_answer_is_not_asked() {
    for scenario in [
        "metadata-at-address",
        "metadata-at-short-name",
        "metadata-at-port",
    ] {
        let lab = lab(scenario).await;
        let app = app(&lab);
        let error = app
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "federation_host_not_trusted", "{scenario}");
        assert_eq!(error.category(), Category::IntegratedImpossible);
        let user = lab.user();
        let password =
            app.acquire_token_by_username_password(SCOPES, user.upn, user.password.into());
        let error = password.await.unwrap_err();
        assert_eq!(error.code(), "federation_host_not_trusted", "{scenario}");
        assert!(
            stages(&lab).iter().all(|stage| stage == "realm"),
            "{:?}",
            stages(&lab)
        );
    }
}

#[tokio::test]
async fn only_listed_federation_hosts_receive_the_ticket() {
    let sign_in = async |lab: &Lab, hosts: &[&str]| {
        let app = builder(lab)
            .with_federation_hosts(hosts.iter().copied())
            .build()
            .unwrap();
        app.acquire_token_by_integrated_windows_auth(SCOPES).await
    };
    let elsewhere = lab("foreign-mex-host").await;
    let token = sign_in(&elsewhere, &["STS.fabrikam.test:443"])
        .await
        .unwrap();
    assert_eq!(token.account().username(), "alice@contoso.test");

    let usual = lab("default").await;
    for hosts in [
        &["sts.fabrikam.test"][..],
        &["contoso.test", "sts.contoso.test:8443"],
    ] {
        let error = sign_in(&usual, hosts).await.unwrap_err();
        assert_eq!(error.code(), "federation_host_not_trusted", "{hosts:?}");
        assert!(!stages(&usual).contains(&"wstrust".to_owned()));
    }
    assert!(
        sign_in(&usual, &["a.test", "sts.contoso.test"])
            .await
            .is_ok()
    );
    assert!(sign_in(&usual, &[]).await.is_ok());

    // The list lifts the refusal; that the lab has nothing on this port is another matter.
    let port = lab("metadata-at-port").await;
    let error = sign_in(&port, &["sts.contoso.test:9443"])
        .await
        .unwrap_err();
    assert_ne!(error.code(), "federation_host_not_trusted");
    assert_eq!(stages(&port), ["realm", "proxy"]);

    for entry in ["https://sts.contoso.test", "*.contoso.test", ""] {
        let built = builder(&usual).with_federation_hosts([entry]).build();
        assert_eq!(
            built.unwrap_err().code(),
            "invalid_federation_host",
            "{entry}"
        );
    }
}

#[tokio::test]
async fn a_ticket_for_seamless_sso_can_be_forbidden() {
    let lab = lab("seamless-sso").await;
    let heidi = lab.user().upn;
    // Entra tells of Seamless SSO only to clients that it knows to use it.
    let builder = || builder(&lab).with_client_sku("MSAL.Java");
    let sign_in = async |builder: PublicClientApplicationBuilder| {
        let app = builder.build().unwrap();
        app.acquire_token_by_integrated_windows_auth(SCOPES)
            .with_username(heidi)
            .await
    };
    let listed = builder().with_federation_hosts(["sts.contoso.test"]);
    let token = sign_in(listed).await.unwrap();
    assert_eq!(token.account().username(), heidi);
    assert_eq!(stages(&lab), ["realm", "mex", "wstrust", "token"]);

    let refused = sign_in(builder().with_seamless_sso(false)).await;
    let code = refused.err().map(|error| error.code().clone());
    assert_eq!(code, Some(Code::FederationHostNotTrusted));
    assert_eq!(stages(&lab), ["realm", "mex", "wstrust", "token", "realm"]);
}

#[tokio::test]
async fn the_callers_own_metadata_leads_to_no_odd_host() {
    let lab = lab("mex-404").await;
    let sign_in = async |host: &str, hosts: &[&str]| {
        let app = builder(&lab)
            .with_federation_hosts(hosts.iter().copied())
            .build()
            .unwrap();
        app.acquire_token_by_integrated_windows_auth(SCOPES)
            .with_username("alice@contoso.test")
            .with_federation_metadata(metadata_at(host))
            .await
            .map_err(|error| error.code().clone())
    };
    for host in [
        "intranet",
        "localhost",
        "10.0.0.5",
        "0x0a000005",
        "[::1]",
        "sts.contoso.test:9443",
    ] {
        let refused = Err(Code::FederationHostNotTrusted);
        assert_eq!(sign_in(host, &[]).await.map(|_| ()), refused, "{host}");
    }
    assert!(
        !stages(&lab).contains(&"proxy".to_owned()),
        "{:?}",
        stages(&lab)
    );
    // The caller vouches for a host of another name, and may list an odd one.
    assert!(sign_in("sts.fabrikam.test", &[]).await.is_ok());
    let listed = sign_in("intranet", &["intranet"]).await.unwrap_err();
    assert_ne!(listed, "federation_host_not_trusted");
    let other = sign_in("sts.fabrikam.test", &["sts.contoso.test"])
        .await
        .unwrap_err();
    assert_eq!(other, "federation_host_not_trusted");
}

#[tokio::test]
async fn the_callers_correlation_id_is_in_result_and_error() {
    let id = "11112222-3333-4444-5555-666677778888";
    let good = lab("default").await;
    let request = app(&good).acquire_token_by_integrated_windows_auth(SCOPES);
    assert_eq!(
        request
            .with_correlation_id(id)
            .await
            .unwrap()
            .correlation_id(),
        id
    );
    let bad = lab("managed-user").await;
    let request = app(&bad).acquire_token_by_integrated_windows_auth(SCOPES);
    let error = request
        .with_username("bob@managed.test")
        .with_correlation_id(id)
        .await
        .unwrap_err();
    assert_eq!(
        error.code(),
        "integrated_windows_auth_not_supported_managed_user"
    );
    assert_eq!(error.correlation_id(), Some(id));
    assert!(
        error.mitigation().contains("interactive"),
        "{}",
        error.mitigation()
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_any_network() {
    let lab = lab("default").await;
    let app = app(&lab);
    let code = async |request: silentry::AcquireTokenByIntegratedWindowsAuth| {
        request.await.unwrap_err().code().to_owned()
    };
    let request = || app.acquire_token_by_integrated_windows_auth(SCOPES);
    assert_eq!(
        code(request().with_tenant_id("common")).await,
        "missing_tenanted_authority"
    );
    assert_eq!(
        code(request().with_username("ana@hotmail.com")).await,
        "ropc_not_supported_for_msa"
    );
    assert_eq!(
        code(request().with_username("CONTOSO\\alice")).await,
        "invalid_username"
    );
    assert_eq!(
        code(request().with_claims("{")).await,
        "invalid_json_claims_format"
    );
    assert_eq!(
        code(request().with_correlation_id("7")).await,
        "invalid_request_options"
    );
    assert_eq!(
        code(request().with_extra_headers([("a b", "c")])).await,
        "invalid_request_options"
    );
    assert_eq!(
        code(request().with_extra_headers([("Host", "c")])).await,
        "invalid_request_options"
    );
    let none: [&str; 0] = [];
    assert_eq!(
        code(app.acquire_token_by_integrated_windows_auth(none)).await,
        "invalid_scopes"
    );
    assert!(lab.exchanges().is_empty());
}

#[tokio::test]
async fn a_dropped_request_stops() {
    let lab = lab("slow-drip").await;
    let app = app(&lab);
    let request = app.acquire_token_by_integrated_windows_auth(SCOPES);
    let limit = std::time::Duration::from_millis(800);
    assert!(
        tokio::time::timeout(limit, request.into_future())
            .await
            .is_err()
    );
    assert!(!stages(&lab).contains(&"wstrust".to_owned()));
}

#[tokio::test]
async fn a_ca_bundle_with_a_byte_order_mark_loses_no_authority() {
    let lab = lab("default").await;
    let bundle = format!("\u{feff}{}", lab.ca_pem().replace('\n', "\r\n"));
    builder(&lab)
        .with_ca_bundle(bundle)
        .build()
        .unwrap()
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
}
