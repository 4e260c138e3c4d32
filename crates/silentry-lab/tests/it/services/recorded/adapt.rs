//! Recorded requests with the lab's names in place of those that were recorded, or blanked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use silentry_lab::{CLIENT_ID, CONFIDENTIAL_CLIENT_ID, Lab, Person, TENANT_ID, User};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

use super::Exchange;
use crate::services::client::{LOGIN, STS};

/// What the recorder put in place of the tenant.
const BLANKED_TENANT: &str = "00000000-0000-0000-0000-000000000000";
/// The AD FS that was recorded.
const MICROSOFTS_STS: &str = "msft.sts.microsoft.com";
/// The resource of the lab that tokens are asked for.
const RESOURCE: &str = "00000003-0000-0000-c000-000000000000";

/// One recording, played by a user of the lab.
pub(super) struct Session {
    user: &'static User,
    /// What AD FS issued last.
    pub(super) assertion: Option<String>,
    /// The codes for another device that Entra gave last.
    pub(super) codes: Option<DeviceCodes>,
}

/// What a device waits with, and what its user types elsewhere.
pub(super) struct DeviceCodes {
    device_code: String,
    user_code: String,
}

impl DeviceCodes {
    pub(super) fn of(reply: &Value) -> Self {
        let member = |name: &str| reply[name].as_str().unwrap().to_owned();
        Self {
            device_code: member("device_code"),
            user_code: member("user_code"),
        }
    }
}

/// A request as the lab is sent it.
pub(super) struct Adapted {
    pub(super) host: &'static str,
    pub(super) path: String,
    pub(super) body: String,
}

impl Session {
    pub(super) fn of(user: &'static User) -> Self {
        Self {
            user,
            assertion: None,
            codes: None,
        }
    }

    /// Signs the user in where the device code is typed.
    pub(super) async fn type_code(&self, lab: &Lab) {
        let codes = self.codes.as_ref().unwrap();
        let person = Person::new(self.user).with_user_code(&codes.user_code);
        let page = "https://microsoft.com/devicelogin";
        lab.browser().unwrap().sign_in(page, &person).await.unwrap();
    }

    pub(super) fn adapt(&self, exchange: &Exchange) -> Adapted {
        let mut path = exchange.url.path().to_owned();
        if exchange.kind() == "realm" {
            let (front, _) = path.rsplit_once('/').unwrap();
            path = format!("{front}/{}", self.user.upn);
        }
        if let Some(query) = exchange.url.query() {
            path = format!("{path}?{query}");
        }
        Adapted {
            host: if exchange.url.host_str() == Some(MICROSOFTS_STS) {
                STS
            } else {
                LOGIN
            },
            path: names(&path),
            body: match exchange.kind() {
                "WS-Trust" => self.envelope(&exchange.request),
                _ if exchange.request.is_empty() => String::new(),
                _ => self.form(&exchange.request),
            },
        }
    }

    fn envelope(&self, recorded: &str) -> String {
        let now = OffsetDateTime::now_utc();
        let times =
            [now, now + time::Duration::minutes(10)].map(|time| time.format(&Rfc3339).unwrap());
        let mut envelope = names(recorded);
        let mut set = |element: &str, text: &str| {
            let (start, end) = (format!("{element}>"), format!("</wsu:{element}>"));
            let end_of_wsse = format!("</wsse:{element}>");
            let from = envelope.find(&start).unwrap() + start.len();
            let to = envelope
                .find(&end)
                .or_else(|| envelope.find(&end_of_wsse))
                .unwrap();
            envelope.replace_range(from..to, text);
        };
        set("Created", &times[0]);
        set("Expires", &times[1]);
        set("Username", self.user.upn);
        // A wrong password was not worth blanking.
        if recorded.contains("[REDACTED]") {
            set("Password", self.user.password);
        }
        envelope
    }

    fn form(&self, recorded: &str) -> String {
        let is_client = parameter(recorded, "grant_type").as_deref() == Some("client_credentials");
        let ours = |name: &str, value: &str| match name {
            "client_id" if is_client => CONFIDENTIAL_CLIENT_ID.to_owned(),
            "client_id" => CLIENT_ID.to_owned(),
            "username" => self.user.upn.to_owned(),
            "password" => self.user.password.to_owned(),
            "device_code" => self.codes.as_ref().unwrap().device_code.clone(),
            "assertion" => STANDARD.encode(self.assertion.as_deref().unwrap()),
            "scope" => {
                let (_, rest) = value.split_once('/').unwrap();
                format!("{RESOURCE}/{rest}")
            }
            _ => value.to_owned(),
        };
        let pairs = form_urlencoded::parse(recorded.as_bytes());
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs.map(|(name, value)| (name.to_string(), ours(&name, &value))))
            .finish()
    }
}

/// Puts the lab's names in place of those that were recorded.
pub(super) fn names(text: &str) -> String {
    text.replace(BLANKED_TENANT, TENANT_ID)
        .replace(MICROSOFTS_STS, STS)
}

/// Returns a parameter of a form.
pub(super) fn parameter(form: &str, name: &str) -> Option<String> {
    let (_, value) =
        form_urlencoded::parse(form.as_bytes()).find(|(present, _)| present == name)?;
    Some(value.into_owned())
}
