//! Replies have the shape of recorded ones: members in order, headers, elements and attributes.
//!
//! The recordings are those of Azure/kubelogin: real Entra, and the AD FS of Microsoft itself.

use std::path::{Path, PathBuf};

use hyper::Method;
use roxmltree::{Document, Node};
use silentry_lab::Lab;

use crate::client::{Connection, LOGIN, Response, SOAP, STS, TRUST_13, get, post_form, rst};

/// The recordings, unless `SILENTRY_TESTDATA=none` says that there are none.
fn recording(name: &str) -> Option<String> {
    if std::env::var_os("SILENTRY_TESTDATA").is_some_and(|value| value == "none") {
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/testdata");
    let path: PathBuf = root.join("Azure+kubelogin/pkg/internal").join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The member names of a JSON object in their order, which `serde_json` would not keep.
fn members(json: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut rest) = (0_i32, json);
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        let mark = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match mark {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                let mut end = 0;
                while rest.as_bytes()[end] != b'"' {
                    end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
                }
                let text = &rest[..end];
                rest = &rest[end + 1..];
                if depth == 1 && rest.starts_with(':') {
                    names.push(text.to_owned());
                }
            }
        }
    }
    names
}

/// Elements and attribute names in document order, without values.
fn skeleton(node: Node<'_, '_>) -> Vec<String> {
    node.descendants()
        .filter(Node::is_element)
        .map(|element| {
            let attributes: Vec<_> = element
                .attributes()
                .map(|attribute| attribute.name().to_owned())
                .collect();
            let tag = element.tag_name();
            format!(
                "{{{}}}{} {attributes:?}",
                tag.namespace().unwrap_or(""),
                tag.name()
            )
        })
        .collect()
}

fn assert_headers(reply: &Response, names: &[&str]) {
    for name in names {
        assert!(reply.headers.contains_key(*name), "{name} is missing");
    }
}

#[tokio::test]
async fn discovery_and_realms_have_the_recorded_members() {
    let lab = Lab::start().await.unwrap();
    let folder = "token/fixtures/client_secret_credential";
    let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=\
                https://login.microsoftonline.com/contoso.test/oauth2/v2.0/authorize";
    let instance = get(&lab, LOGIN, path).await;
    let path = "/contoso.test/v2.0/.well-known/openid-configuration";
    let configuration = get(&lab, LOGIN, path).await;
    let path = "/common/userrealm/bob@managed.test?api-version=1.0";
    let managed = get(&lab, LOGIN, path).await;
    let path = "/common/userrealm/alice@contoso.test?api-version=1.0";
    let federated = get(&lab, LOGIN, path).await;

    for (reply, recorded) in [
        (&instance, format!("{folder}/00-response.json")),
        (&configuration, format!("{folder}/01-response.json")),
        (
            &managed,
            "token/fixtures/usernamepassword_credential/01-response.json".to_owned(),
        ),
        (
            &federated,
            "pop/testdata/AcquirePoPTokenByUsernamePasswordVCR/01-response.json".to_owned(),
        ),
    ] {
        let Some(recorded) = recording(&recorded) else {
            return;
        };
        assert_eq!(members(reply.text()), members(&recorded));
        assert_headers(
            reply,
            &[
                "p3p",
                "strict-transport-security",
                "x-content-type-options",
                "x-ms-ests-server",
            ],
        );
        assert_eq!(
            reply.header("content-type"),
            "application/json; charset=utf-8"
        );
    }
    // Nothing of the known clouds may differ.
    let recorded = recording(&format!("{folder}/00-response.json")).unwrap();
    let recorded: serde_json::Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(instance.json()["metadata"], recorded["metadata"]);
    assert_eq!(instance.header("cache-control"), "max-age=86400, private");
    assert_eq!(
        managed.header("content-disposition"),
        "inline; filename=userrealm.json"
    );
    assert_eq!(managed.header("cache-control"), "no-store, no-cache");
}

#[tokio::test]
async fn errors_have_the_recorded_shape() {
    let lab = Lab::start().await.unwrap();
    let Some(recorded) = recording("token/fixtures/usernamepassword_credential/02-response.json")
    else {
        return;
    };
    let form = [
        ("grant_type", "password"),
        ("username", "bob@managed.test"),
        ("password", "wrong"),
        ("client_id", silentry_lab::CLIENT_ID),
        ("scope", "User.Read"),
    ];
    let reply = post_form(&lab, "/organizations/oauth2/v2.0/token", &form).await;
    let mut expected = members(&recorded);
    assert_eq!(expected.pop().as_deref(), Some("suberror"));
    assert_eq!(members(reply.text()), expected);
    let error = reply.json();
    let text = error["error_description"].as_str().unwrap();
    let tail = format!(
        " Trace ID: {} Correlation ID: {} Timestamp: {}",
        error["trace_id"].as_str().unwrap(),
        error["correlation_id"].as_str().unwrap(),
        error["timestamp"].as_str().unwrap()
    );
    assert!(text.ends_with(&tail), "{text}");
    assert_eq!(reply.header("x-ms-clitelem"), "1,50126,0,,");
}

async fn password_sign_in(lab: &Lab, password: &str) -> Response {
    let security = format!(
        "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/\
         oasis-200401-wss-wssecurity-secext-1.0.xsd\"><o:UsernameToken>\
         <o:Username>alice@contoso.test</o:Username><o:Password>{password}</o:Password>\
         </o:UsernameToken></o:Security>"
    );
    // As MSAL Go spells it in the recording.
    let request = rst(TRUST_13, &security).replace("MessageID", "messageID");
    let headers = [
        SOAP,
        ("client-request-id", "b4273c15-60fd-4be1-b538-10de45a3843b"),
    ];
    let path = "/adfs/services/trust/13/usernamemixed";
    Connection::open(lab, STS)
        .await
        .send(Method::POST, path, &headers, request)
        .await
}

#[tokio::test]
async fn tokens_of_adfs_have_the_recorded_elements() {
    let lab = Lab::start().await.unwrap();
    let Some(recorded) =
        recording("pop/testdata/AcquirePoPTokenByUsernamePasswordVCR/03-response.xml")
    else {
        return;
    };
    let reply = password_sign_in(&lab, "Alice-Passw0rd").await;
    let ours = Document::parse(reply.text()).unwrap();
    let theirs = Document::parse(&recorded).unwrap();
    // Which claims there are is a matter of claim rules, so that attributes count as one.
    let without_claims = |document: &Document<'_>| {
        let mut elements = skeleton(document.root());
        elements.retain(|element| {
            !element.contains("}Attribute ") && !element.contains("}AttributeValue ")
        });
        elements
    };
    assert_eq!(without_claims(&ours), without_claims(&theirs));
    let attribute = |document: &Document<'_>, name: &str| {
        let found = document
            .descendants()
            .find(|node| node.attribute("AttributeName") == Some(name));
        found.map(skeleton)
    };
    for name in [
        "UPN",
        "ImmutableID",
        "authnmethodsreferences",
        "client-request-id",
    ] {
        assert!(attribute(&ours, name).is_some(), "{name}");
        assert_eq!(attribute(&ours, name), attribute(&theirs, name), "{name}");
    }
    assert_eq!(
        reply.header("content-type"),
        "application/soap+xml; charset=utf-8"
    );
    assert_eq!(
        reply.header("server"),
        "Microsoft-HTTPAPI/2.0 Microsoft-HTTPAPI/2.0"
    );
}

#[tokio::test]
async fn faults_of_adfs_are_the_recorded_ones() {
    let lab = Lab::start().await.unwrap();
    let folder = "pop/testdata/AcquirePoPTokenByUsernamePasswordFromBadPasswordVCR";
    let Some(recorded) = recording(&format!("{folder}/03-response.xml")) else {
        return;
    };
    let reply = password_sign_in(&lab, "wrong").await;
    assert_eq!(reply.status, 500);
    let without_times = |text: &str| {
        let mut text = text.to_owned();
        for name in ["Created", "Expires"] {
            let (start, end) = (format!("<u:{name}>"), format!("</u:{name}>"));
            let from = text.find(&start).unwrap() + start.len();
            let to = text.find(&end).unwrap();
            assert_eq!(to - from, "2024-02-21T21:14:25.473Z".len());
            text.replace_range(from..to, "");
        }
        text
    };
    assert_eq!(without_times(reply.text()), without_times(&recorded));
}

#[tokio::test]
async fn metadata_has_the_recorded_bindings() {
    let lab = Lab::builder()
        .scenario("extranet-mex")
        .start()
        .await
        .unwrap();
    let folder = "pop/testdata/AcquirePoPTokenByUsernamePasswordVCR";
    let Some(recorded) = recording(&format!("{folder}/02-response.xml")) else {
        return;
    };
    let reply = get(&lab, STS, "/adfs/services/trust/mex").await;
    assert_eq!(reply.header("content-type"), "text/xml; charset=UTF-8");
    let ours = Document::parse(reply.text()).unwrap();
    let theirs = Document::parse(&recorded).unwrap();
    for name in [
        "UserNameWSTrustBinding_IWSTrustFeb2005Async",
        "UserNameWSTrustBinding_IWSTrust13Async",
        "CertificateWSTrustBinding_IWSTrust13Async",
    ] {
        for kind in ["binding", "port", "Policy"] {
            let part = |document: &Document<'_>| {
                let id = if kind == "Policy" {
                    format!("{name}_policy")
                } else {
                    name.to_owned()
                };
                document
                    .descendants()
                    .find(|node| {
                        node.tag_name().name() == kind
                            && node.attributes().any(|attribute| attribute.value() == id)
                    })
                    .map(skeleton)
            };
            assert!(part(&theirs).is_some(), "{kind} {name}");
            assert_eq!(part(&ours), part(&theirs), "{kind} {name}");
        }
    }
}
