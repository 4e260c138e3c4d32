//! Replies are those of the real Entra and AD FS, as Azure/kubelogin recorded them: every recorded request is sent to
//! the lab, with the lab's names in it, and the replies are compared status by status, header by header, member by
//! member, element by element. What differs is in the table of [`differences`]; anything else fails.

mod adapt;
mod compare;
mod differences;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use silentry_lab::{Lab, User, users};

use self::adapt::{DeviceCodes, Session};
use self::differences::DIFFERENCES;
use crate::services::client::{Connection, LOGIN, Response, assertion_in};
use crate::testdata::testdata;

/// One recorded exchange.
struct Exchange {
    method: String,
    url: url::Url,
    request_headers: Vec<(String, String)>,
    request: String,
    status: u16,
    headers: Vec<(String, String)>,
    reply: String,
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_replies() {
    let Some(folder) = testdata() else { return };
    let mut recordings = Vec::new();
    find(&folder.join("Azure+kubelogin"), &mut recordings);
    assert!(!recordings.is_empty());
    let mut seen = BTreeSet::new();
    for exchanges in &recordings {
        let asks = |what: &str| exchanges.iter().any(|exchange| exchange.kind() == what);
        // AD FS was seen from outside; the managed user had to pass multi-factor authentication.
        let (scenario, account) = match (asks("metadata"), asks("realm")) {
            (true, _) => ("extranet-mex", "alice"),
            (false, true) => ("staged-rollout", "carol"),
            (false, false) => ("default", "alice"),
        };
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let mut session = Session::of(user(account));
        for exchange in exchanges {
            let reply = send(&lab, &session, exchange).await;
            let kind = exchange.kind();
            let differences = compare::replies(exchange, &reply);
            seen.extend(differences.into_iter().map(|what| {
                // Headers come from the server, not from what it was asked.
                let is_header = what.starts_with("header ") && exchange.is_for_entra();
                let whose = if is_header { "Entra" } else { kind };
                format!("{whose}: {what}")
            }));
            match kind {
                "device code" => session.codes = Some(DeviceCodes::of(&reply.json())),
                "token of a device" if reply.status == 400 => session.type_code(&lab).await,
                _ => {}
            }
            if kind == "WS-Trust" && reply.status == 200 {
                session.assertion = Some(assertion_in(reply.text()));
            }
        }
    }
    let told: BTreeSet<_> = DIFFERENCES
        .iter()
        .map(|(what, _)| (*what).to_owned())
        .collect();
    let untold: Vec<_> = seen.difference(&told).collect();
    assert!(untold.is_empty(), "the lab's replies differ: {untold:#?}");
    let unseen: Vec<_> = told.difference(&seen).collect();
    assert!(unseen.is_empty(), "no reply differs like this: {unseen:#?}");
}

#[test]
fn the_readme_lists_the_same_differences() {
    let readme = include_str!("../../../../README.md");
    let (_, section) = readme
        .split_once("\n| it differs | because |\n|---|---|\n")
        .unwrap();
    let rows: Vec<_> = section
        .lines()
        .take_while(|line| line.starts_with("| "))
        .collect();
    let told: Vec<_> = DIFFERENCES
        .iter()
        .map(|(what, why)| format!("| {what} | {why} |"))
        .collect();
    assert_eq!(rows, told, "the rows should be\n{}\n", told.join("\n"));
}

async fn send(lab: &Lab, session: &Session, exchange: &Exchange) -> Response {
    let request = session.adapt(exchange);
    let headers: Vec<_> = exchange
        .request_headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Connection::open(lab, request.host)
        .await
        .send(
            exchange.method.parse().unwrap(),
            &request.path,
            &headers,
            request.body,
        )
        .await
}

fn user(account: &str) -> &'static User {
    users().iter().find(|user| user.account == account).unwrap()
}

fn find(folder: &Path, recordings: &mut Vec<Vec<Exchange>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("exchange.json").is_file() {
            recordings.push(read(&path));
        } else if path.is_dir() {
            find(&path, recordings);
        }
    }
}

fn read(folder: &Path) -> Vec<Exchange> {
    let index = fs::read(folder.join("exchange.json")).unwrap();
    let index: Vec<Value> = serde_json::from_slice(&index).unwrap();
    let body = |message: &Value| match message["body_file"].as_str() {
        Some(file) => fs::read_to_string(folder.join(file)).unwrap(),
        None => String::new(),
    };
    let headers = |message: &Value| -> Vec<(String, String)> {
        let headers = message["headers"].as_object().unwrap().iter();
        let first = |value: &Value| value[0].as_str().unwrap().to_owned();
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), first(value)))
            .filter(|(name, _)| name != "content-length")
            .collect()
    };
    let exchange = |entry: &Value| {
        let (request, reply) = (&entry["request"], &entry["response"]);
        Exchange {
            method: request["method"].as_str().unwrap().to_owned(),
            url: url::Url::parse(request["url"].as_str().unwrap()).unwrap(),
            request_headers: headers(request),
            request: body(request),
            status: u16::try_from(reply["status"].as_u64().unwrap()).unwrap(),
            headers: headers(reply),
            reply: body(reply),
        }
    };
    index.iter().map(exchange).collect()
}

impl Exchange {
    fn is_for_entra(&self) -> bool {
        self.url.host_str() == Some(LOGIN)
    }

    /// What the request is for, in the words of the table.
    fn kind(&self) -> &'static str {
        let path = self.url.path().to_ascii_lowercase();
        match path.rsplit('/').next().unwrap_or_default() {
            "instance" => "instances",
            "openid-configuration" => "configuration",
            "mex" => "metadata",
            "usernamemixed" => "WS-Trust",
            "devicecode" => "device code",
            "token" => match adapt::parameter(&self.request, "grant_type").as_deref() {
                Some("client_credentials") => "token of a client",
                Some("device_code") => "token of a device",
                _ => "token",
            },
            _ if path.starts_with("/common/userrealm/") => "realm",
            _ => panic!("nobody knows what {} is for", self.url),
        }
    }
}
