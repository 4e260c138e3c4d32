//! Exchanges that others recorded, as the collection keeps them.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// What a client and the servers said to each other, in order.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) exchanges: Vec<Exchange>,
}

/// One request with its reply.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) url: url::Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) reply: Reply,
}

/// What the server answered.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Instance,
    OpenIdConfiguration,
    Realm,
    Mex,
    Rst,
    DeviceCode,
    Token,
}

impl Recording {
    /// Reads a folder of Azure/kubelogin's: `exchange.json` and the bodies beside it.
    pub(crate) fn read(folder: &Path) -> Self {
        let index = fs::read(folder.join("exchange.json")).unwrap();
        let index: Vec<Value> = serde_json::from_slice(&index).unwrap();
        let body = |message: &Value| {
            let file = message["body_file"].as_str()?;
            Some(fs::read(folder.join(file)).unwrap())
        };
        let exchange = |entry: &Value| {
            let (request, reply) = (&entry["request"], &entry["response"]);
            Exchange {
                body: String::from_utf8(body(request).unwrap_or_default()).unwrap(),
                reply: Reply {
                    status: u16::try_from(reply["status"].as_u64().unwrap()).unwrap(),
                    headers: headers(&reply["headers"]),
                    body: body(reply).unwrap(),
                },
                ..Exchange::of(request)
            }
        };
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            exchanges: index.iter().map(exchange).collect(),
        }
    }

    /// Returns every recording below `folder`.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.join("exchange.json").is_file() {
                found.push(Self::read(&path));
            } else if path.is_dir() {
                found.extend(Self::all(&path));
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Puts requests that another library was seen to send to the same servers in place of the recorded ones.
    pub(crate) fn with_requests_of(&self, library: &str, requests: &Value) -> Self {
        let answered = |request: &Value| {
            let request = Exchange::of(request);
            let mut same = self.exchanges.iter();
            let same = same.find(|exchange| exchange.kind() == request.kind());
            let reply = same.expect("the recording has the request").reply.clone();
            Exchange { reply, ..request }
        };
        Self {
            name: format!("{} with the requests of {library}", self.name),
            exchanges: requests.as_array().unwrap().iter().map(answered).collect(),
        }
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.exchanges
            .iter()
            .any(|exchange| exchange.kind() == kind)
    }

    pub(crate) fn last(&self) -> &Exchange {
        self.exchanges.last().unwrap()
    }
}

impl Exchange {
    fn of(request: &Value) -> Self {
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        Self {
            method: text("method").to_owned(),
            url: url::Url::parse(text("url")).unwrap(),
            headers: headers(&request["headers"]),
            body: text("body").to_owned(),
            reply: Reply {
                status: 0,
                headers: Vec::new(),
                body: Vec::new(),
            },
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        kind(&self.url)
    }

    /// Returns a header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns a parameter of the form in the request.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let mut form = url::form_urlencoded::parse(self.body.as_bytes());
        let (_, value) = form.find(|(present, _)| present == name).unwrap();
        value.into_owned()
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(present, _)| present == name)?;
    Some(&found.1)
}

/// What requests to this address are for.
pub(crate) fn kind(url: &url::Url) -> Kind {
    let path = url.path().to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    match last {
        "instance" => Kind::Instance,
        "openid-configuration" => Kind::OpenIdConfiguration,
        "mex" => Kind::Mex,
        "usernamemixed" => Kind::Rst,
        "devicecode" => Kind::DeviceCode,
        "token" => Kind::Token,
        _ if path.starts_with("/common/userrealm/") => Kind::Realm,
        _ => panic!("nobody knows what {url} is for"),
    }
}

/// Header names with their values, which stand alone or in a list.
fn headers(headers: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, values) in headers.as_object().unwrap() {
        let values = match values {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        pairs.extend(
            values
                .iter()
                .map(|value| (name.to_ascii_lowercase(), text(value))),
        );
    }
    pairs
}
