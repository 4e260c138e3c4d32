//! Sign-ins with a password against the lab: its users, their federation server and Entra.

use silentry::Secret;
use silentry::{Category, Error, PublicClientApplication};
use silentry_lab::Lab;

use crate::support::client;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

fn app(lab: &Lab) -> PublicClientApplication {
    let client = client(lab).with_tenant_id("contoso.test");
    client.build().unwrap()
}

fn stages(lab: &Lab) -> Vec<String> {
    let exchanges = lab.exchanges().into_iter();
    exchanges.map(|exchange| exchange.stage).collect()
}

async fn sign_in(lab: &Lab, upn: &str, password: &str) -> Result<String, Error> {
    let token = app(lab)
        .acquire_token_by_username_password(SCOPES, upn, Secret::from(password))
        .await?;
    Ok(token.account().username().to_owned())
}

#[tokio::test]
async fn a_federated_user_signs_in_at_the_federation_server() {
    let lab = Lab::builder().start().await.unwrap();
    let user = lab.user();
    assert_eq!(
        sign_in(&lab, user.upn, user.password).await.unwrap(),
        user.upn
    );
    assert_eq!(stages(&lab), ["realm", "mex", "wstrust", "token"]);
}

#[tokio::test]
async fn a_managed_user_signs_in_at_entra() {
    let lab = Lab::builder()
        .scenario("managed-user")
        .start()
        .await
        .unwrap();
    let user = lab.user();
    assert_eq!(
        sign_in(&lab, user.upn, user.password).await.unwrap(),
        user.upn
    );
    assert_eq!(stages(&lab), ["realm", "token"]);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    for scenario in ["default", "managed-user"] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let error = sign_in(&lab, lab.user().upn, "not the password")
            .await
            .unwrap_err();
        let with_password = stages(&lab)
            .iter()
            .filter(|stage| ["wstrust", "token"].contains(&stage.as_str()))
            .count();
        assert_eq!(with_password, 1, "{scenario}: {error}");
        // Whoever takes it: the user must act.
        assert_eq!(error.category(), Category::UserMustAct, "{scenario}");
        assert!(!format!("{error:?} {error}").contains("not the password"));
    }
}

#[tokio::test]
async fn an_empty_password_is_refused_before_any_network() {
    let lab = Lab::builder().start().await.unwrap();
    let error = sign_in(&lab, lab.user().upn, "").await.unwrap_err();
    assert_eq!(error.code(), "password_required");
    assert!(lab.exchanges().is_empty());
}

/// A document whose endpoint for passwords is switched off.
const SWITCHED_OFF: &str = r##"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"
    xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702">
    <wsdl:binding name="b"><wsp:Policy><sp:TransportBinding/><sp:SignedSupportingTokens><sp:WssUsernameToken10/>
    </sp:SignedSupportingTokens></wsp:Policy><soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation><soap12:operation soapAction="http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue"/></wsdl:operation>
    </wsdl:binding>
    <wsdl:service><wsdl:port binding="b"><soap12:address location="https://sts.contoso.test/adfs/services/trust/13/off"/>
    </wsdl:port></wsdl:service></wsdl:definitions>"##;

#[tokio::test]
async fn a_missing_endpoint_for_passwords_is_the_one_that_advice_is_about() {
    let lab = Lab::builder().start().await.unwrap();
    let user = lab.user();
    let error = app(&lab)
        .acquire_token_by_username_password(SCOPES, user.upn, Secret::from(user.password))
        .with_federation_metadata(SWITCHED_OFF)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "wstrust_endpoint_unavailable", "{error}");
    let advice = error.mitigation().to_string();
    assert!(
        advice.contains("usernamemixed") && !advice.contains("windowstransport"),
        "{advice}"
    );
}
