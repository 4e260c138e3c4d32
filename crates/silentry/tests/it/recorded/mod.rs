//! Recorded traffic of real Entra and AD FS, through our code: what was asked of them is asked again, in the same
//! order, and their answers come to the same.
//!
//! The recordings are those of Azure/kubelogin, made with MSAL Go, and the requests of MSAL Python to the same
//! servers. What differs from our requests is in [`DIFFERENCES`] with its reason; anything else fails.

mod compare;
mod recording;
mod replies;
mod script;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use silentry::{Error, PublicClientApplication};
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_request::{TokenGrant, TokenRequest};
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::FederationMetadata;
use silentry_protocol::wstrust::realm::UserRealm;
use silentry_protocol::wstrust::rst::{UsernameToken, WsTrustRequest};
use silentry_protocol::wstrust::rstr::WsTrustReply;

use crate::recorded::recording::{Exchange, Kind, Recording};
use crate::recorded::script::Script;
use crate::support::Answering;
use crate::testdata::testdata;

const KUBELOGIN: &str = "Azure+kubelogin/pkg/internal";
const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const USER: &str = "user@example.com";

/// How our requests differ from the recorded ones, and why they should.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "OpenIdConfiguration: is not asked",
        "the endpoints of a known cloud follow from the authority: an exchange saved",
    ),
    (
        "Realm: the path is /common/userrealm",
        "as MSAL.NET, Java and Python spell it; Entra ignores case",
    ),
    (
        "Realm: accept is sent",
        "JSON is wanted, as MSAL.NET says too",
    ),
    (
        "Realm: accept-encoding is not sent",
        "nothing here is large enough to be worth decompressing what a stranger sends",
    ),
    (
        "Realm: return-client-request-id is sent",
        "so that a reply can be found in Microsoft's logs; MSAL Python leaves it out",
    ),
    (
        "Realm: return-client-request-id is true",
        "so that a reply can be found in Microsoft's logs; MSAL Go switches it off",
    ),
    (
        "Realm: user-agent is not sent",
        "x-client-SKU says who asks",
    ),
    (
        "Realm: x-client-* is sent",
        "Entra's answer for Seamless SSO depends on it; MSAL Python leaves it out",
    ),
    (
        "Mex: accept is sent",
        "strict servers choose what to send by it",
    ),
    ("Mex: accept-encoding is not sent", "as for the realm"),
    (
        "Mex: client-request-id is sent",
        "the trace of one sign-in through AD FS's log; MSAL Python leaves it out",
    ),
    ("Mex: content-type is not sent", "a GET has no content"),
    (
        "Mex: return-client-request-id is not sent",
        "AD FS does not know it",
    ),
    (
        "Mex: x-client-* is not sent",
        "AD FS does not know it, and need not know what asks",
    ),
    (
        "Rst: MessageID in place of messageID",
        "WS-Addressing 1.0 section 3.2 spells it so; MSAL Go does not, and gets no RelatesTo",
    ),
    (
        "Token: assertion is in the standard alphabet of Base64",
        "as MSAL.NET, Java and Go send it; MSAL Python uses the URL alphabet. Entra takes both",
    ),
    (
        "Token: password is not sent",
        "the assertion stands for it; MSAL Go sends it along",
    ),
    (
        "Token: username is not sent",
        "the assertion says who it is; MSAL Go sends it along",
    ),
    (
        "Token: req_cnf is not sent",
        "the recorded program asked for a proof-of-possession token, which the library has not",
    ),
    ("Token: token_type is not sent", "as req_cnf"),
];

#[tokio::test]
async fn recorded_sign_ins_go_the_same_way_again() {
    let Some(folder) = testdata() else { return };
    let mut seen = BTreeSet::new();
    for recording in sign_ins(&folder) {
        let script = Script::of(&recording);
        let error = integrated_sign_in(&script, &recording).await.unwrap_err();
        if recording.has(Kind::Mex) {
            // As seen from outside the corporate network, AD FS takes passwords only.
            assert_eq!(
                error.code(),
                "wstrust_endpoint_not_found",
                "{}",
                recording.name
            );
        } else {
            let managed = "integrated_windows_auth_not_supported_managed_user";
            assert_eq!(error.code(), managed, "{}", recording.name);
        }
        // The rest asks with a password, of which the library has the parts, but not yet the flow.
        password_sign_in_by_parts(&script, &recording);
        seen.extend(script.finish());
    }
    let told: BTreeSet<_> = DIFFERENCES
        .iter()
        .map(|(what, _)| (*what).to_owned())
        .collect();
    let untold: Vec<_> = seen.difference(&told).collect();
    assert!(untold.is_empty(), "requests differ: {untold:#?}");
    let unseen: Vec<_> = told.difference(&seen).collect();
    assert!(
        unseen.is_empty(),
        "no request differs like this: {unseen:#?}"
    );
}

#[test]
fn every_recorded_reply_is_read_member_by_member() {
    let Some(folder) = testdata() else { return };
    let recordings = Recording::all(&folder.join(KUBELOGIN));
    for recording in &recordings {
        for exchange in &recording.exchanges {
            replies::check(exchange);
        }
    }
    for kind in [Kind::Instance, Kind::Rst, Kind::Token, Kind::DeviceCode] {
        assert!(
            recordings.iter().any(|recording| recording.has(kind)),
            "{kind:?}"
        );
    }
}

/// The recordings of users, the name in AD FS's reply restored, and what MSAL Python asked the same servers.
fn sign_ins(folder: &Path) -> Vec<Recording> {
    let mut recordings = Recording::all(&folder.join(KUBELOGIN));
    recordings.retain(|recording| recording.has(Kind::Realm));
    let restored = std::fs::read(folder.join("derived/kubelogin-msft/rstr.xml")).unwrap();
    for exchange in recordings
        .iter_mut()
        .flat_map(|recording| &mut recording.exchanges)
    {
        if exchange.kind() == Kind::Rst && exchange.reply.status == 200 {
            exchange.reply.body.clone_from(&restored);
        }
    }
    let python = std::fs::read(folder.join("recorded/msal-python-1.39.0-wire.json")).unwrap();
    let python: Value = serde_json::from_slice(&python).unwrap();
    let whole =
        |recording: &&Recording| recording.last().kind() == Kind::Token && recording.has(Kind::Rst);
    let federated = recordings.iter().find(whole).unwrap();
    let federated = federated.with_requests_of("MSAL Python", &python["ropc_federated"]);
    let managed = |recording: &&Recording| !recording.has(Kind::Mex);
    let managed = recordings.iter().find(managed).unwrap();
    let managed = managed.with_requests_of("MSAL Python", &python["ropc_managed"]);
    recordings.extend([federated, managed]);
    recordings
}

async fn integrated_sign_in(script: &Script, recording: &Recording) -> Result<(), Error> {
    let app = PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id(tenant(recording))
        .with_transport(Answering(script.clone()))
        .build()?;
    let request =
        app.acquire_token_by_integrated_windows_auth(["https://graph.microsoft.com/User.Read"]);
    request.with_username(USER).await.map(drop)
}

/// The word after the host of the authority.
fn tenant(recording: &Recording) -> String {
    let mut exchanges = recording.exchanges.iter();
    let configuration = exchanges.find(|exchange| exchange.kind() == Kind::OpenIdConfiguration);
    let mut path = configuration.unwrap().url.path_segments().unwrap();
    path.next().unwrap().to_owned()
}

/// Asks for what is left of a recording with requests put together as a flow would.
fn password_sign_in_by_parts(script: &Script, recording: &Recording) {
    let Some(rst) = of_kind(recording, Kind::Rst) else {
        // A managed user's password goes to Entra, in a grant that comes with that flow.
        let token = of_kind(recording, Kind::Token).unwrap();
        script.pass(token);
        return;
    };
    let realm = of_kind(recording, Kind::Realm).unwrap();
    let realm = UserRealm::parse(&realm.reply.body, None).unwrap();
    let mex = of_kind(recording, Kind::Mex).unwrap();
    let address = HttpsUrl::parse(mex.url.as_str()).unwrap();
    let metadata = FederationMetadata::parse(&mex.reply.body, None, Some(&address)).unwrap();
    let endpoint = &metadata.username_password().unwrap()[0];
    assert_eq!(endpoint.url().as_str(), rst.url.as_str());

    let token = UsernameToken {
        username: USER,
        password: "p&<>w",
        created: "2024-02-21T21:14:27.575Z",
        expires: "2024-02-21T21:24:27.575Z",
    };
    let id = "c3163081-59ba-443d-bfe0-4f3c2e343fa7";
    let audience = realm.cloud_audience_urn();
    let request = WsTrustRequest::username_password(endpoint, audience, id, &token).unwrap();
    for (name, value) in [
        ("content-type", WsTrustRequest::CONTENT_TYPE),
        ("soapaction", request.soap_action()),
    ] {
        assert_eq!(rst.header(name), Some(value), "{}", recording.name);
    }
    let body = std::str::from_utf8(request.as_bytes()).unwrap();
    let reply = script.reply("POST", endpoint.url().as_str(), body);
    let assertion = match WsTrustReply::parse(&reply.body, None).unwrap() {
        WsTrustReply::Token(assertion) => assertion,
        WsTrustReply::Fault(fault) => {
            assert_eq!(reply.status, 500, "{fault:?}");
            return;
        }
    };

    let redemption = of_kind(recording, Kind::Token).unwrap();
    let scopes = Scopes::from_wire(&redemption.parameter("scope")).unwrap();
    let grant = TokenGrant::Saml11Bearer(assertion.as_bytes());
    let client_id = redemption.parameter("client_id");
    let form = TokenRequest::new(&client_id, &scopes, grant).form();
    script.reply("POST", redemption.url.as_str(), form.expose());
}

fn of_kind(recording: &Recording, kind: Kind) -> Option<&Exchange> {
    recording
        .exchanges
        .iter()
        .find(|exchange| exchange.kind() == kind)
}
