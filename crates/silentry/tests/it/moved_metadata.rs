//! Federation metadata that has moved: a redirect leads to it, and it is remembered like any other.

use std::sync::{Arc, Mutex};

use silentry::transport::{HttpRequest, HttpResponse};
use silentry::{PublicClientApplication, Secret};

use crate::support::{Answer, Answering};

const REALM: &str = r#"{"account_type":"Federated","federation_protocol":"WSTrust","domain_name":"contoso.test",
    "federation_metadata_url":"https://sts.contoso.test/adfs/services/trust/mex","cloud_audience_urn":"urn:federation:MicrosoftOnline"}"#;

/// One endpoint, which takes a password.
const METADATA: &str = "<d:definitions xmlns:d='http://schemas.xmlsoap.org/wsdl/' xmlns:t='urn:t' \
     xmlns:s='http://schemas.xmlsoap.org/wsdl/soap12/' xmlns:a='http://www.w3.org/2005/08/addressing' \
     xmlns:p='http://schemas.xmlsoap.org/ws/2004/09/policy' xmlns:sp='http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702' \
     xmlns:u='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'>\
     <p:Policy u:Id='p'><p:ExactlyOne><p:All><sp:TransportBinding/><sp:SignedEncryptedSupportingTokens><p:Policy><sp:UsernameToken>\
     <p:Policy><sp:WssUsernameToken10/></p:Policy></sp:UsernameToken></p:Policy></sp:SignedEncryptedSupportingTokens></p:All></p:ExactlyOne></p:Policy>\
     <d:binding name='b'><p:PolicyReference URI='#p'/><s:binding transport='http://schemas.xmlsoap.org/soap/http'/>\
     <d:operation><s:operation soapAction='http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue'/></d:operation></d:binding>\
     <d:service><d:port binding='t:b'><a:EndpointReference><a:Address>https://sts.contoso.test/adfs/services/trust/13/usernamemixed</a:Address>\
     </a:EndpointReference></d:port></d:service></d:definitions>";

/// Entra, and a federation server that refuses every password.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Vec<String>>>);

impl Answer for World {
    fn answer(&self, host: &str, request: &HttpRequest) -> HttpResponse {
        let path = request.target().split('?').next().unwrap_or_default();
        self.0.lock().unwrap().push(format!("{host}{path}"));
        let (status, name, value, body) = match path {
            "/common/userrealm/alice@contoso.test" => {
                (200, "content-type", "application/json", REALM)
            }
            "/adfs/services/trust/mex" => (302, "location", "/moved/mex", ""),
            "/moved/mex" => (200, "content-type", "text/xml", METADATA),
            _ => (500, "content-type", "text/plain", "not today"),
        };
        let headers = vec![(name.to_owned(), value.to_owned())];
        HttpResponse::new(status, headers, body.as_bytes().to_vec())
    }
}

#[tokio::test]
async fn metadata_behind_a_redirect_is_fetched_once() {
    let world = World::default();
    let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
        .with_transport(Answering(world.clone()))
        .build()
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let password = Secret::from("password");
        let refused =
            app.acquire_token_by_username_password(["a/.default"], "alice@contoso.test", password);
        assert!(refused.await.is_err());
        seen.push(std::mem::take(&mut *world.0.lock().unwrap()));
    }
    let rst = "sts.contoso.test/adfs/services/trust/13/usernamemixed";
    let realm = "login.microsoftonline.com/common/userrealm/alice@contoso.test";
    let metadata = [
        "sts.contoso.test/adfs/services/trust/mex",
        "sts.contoso.test/moved/mex",
    ];
    assert_eq!(seen[0], [realm, metadata[0], metadata[1], rst]);
    assert_eq!(seen[1], [rst]);
}
