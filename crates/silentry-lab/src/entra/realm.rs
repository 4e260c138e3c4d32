//! User realm discovery: does this user sign in here, or at a federation service?

use serde::Serialize;

use super::error::EntraError;
use super::{Entra, correlation_id};
use crate::directory::{AUTOLOGON_HOST, DomainKind, FEDERATION_HOST, domain_kind, domain_of};
use crate::http::{Reply, Request};
use crate::scenario::switches;

const STAGE: &str = "realm";

/// The clients that Entra tells about Seamless SSO by calling a managed domain federated. Observed
/// by users of MSAL.NET and Java (issues 1860 and 646): the same user looks managed to all others.
const SEAMLESS_SSO_CLIENTS: [&str; 5] = [
    "MSAL.Desktop",
    "MSAL.Java",
    "PCL.Desktop",
    "ADAL.NET",
    "Java",
];

#[derive(Serialize)]
struct UserRealm {
    ver: &'static str,
    account_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_metadata_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_active_auth_url: Option<String>,
    cloud_instance_name: &'static str,
    cloud_audience_urn: &'static str,
}

impl UserRealm {
    fn of_type(account_type: &'static str) -> Self {
        Self {
            ver: "1.0",
            account_type,
            domain_name: None,
            federation_protocol: None,
            federation_metadata_url: None,
            federation_active_auth_url: None,
            cloud_instance_name: "microsoftonline.com",
            cloud_audience_urn: "urn:federation:MicrosoftOnline",
        }
    }

    fn managed(domain: &str) -> Self {
        Self {
            domain_name: Some(domain.to_owned()),
            ..Self::of_type("Managed")
        }
    }

    fn federated(domain: &str, metadata: String, active: String) -> Self {
        Self {
            domain_name: Some(domain.to_owned()),
            federation_protocol: Some("WSTrust"),
            federation_metadata_url: Some(metadata),
            federation_active_auth_url: Some(active),
            ..Self::of_type("Federated")
        }
    }
}

/// `GET /common/userrealm/{upn}?api-version=1.0`.
pub(super) fn answer(entra: &Entra, request: &Request) -> Reply {
    if entra.switches.realm == switches::Realm::Html {
        return Reply::html(
            STAGE,
            200,
            "<html><body>Blocked by your administrator.</body></html>",
        );
    }
    let upn = user_name(&request.path);
    let domain = domain_of(&upn).to_ascii_lowercase();
    if domain.is_empty() {
        let malformed = EntraError::invalid_request(90013, "Invalid input received from the user.");
        return entra.refuse(STAGE, request, malformed);
    }
    let realm = realm(entra.switches.realm, &domain, request);
    entra
        .json(STAGE, 200, request, &realm)
        .header("cache-control", "no-store, no-cache")
        .header("pragma", "no-cache")
        .header("expires", "-1")
        .header("content-disposition", "inline; filename=userrealm.json")
}

fn realm(switch: switches::Realm, domain: &str, request: &Request) -> UserRealm {
    match (switch, domain_kind(domain)) {
        (switches::Realm::Personal, _) => UserRealm::federated(
            "live.com",
            "https://login.live.com/FederationMetadata/2007-06/FederationMetadata.xml".to_owned(),
            "https://login.live.com/RST2.srf".to_owned(),
        ),
        (switches::Realm::Unknown, _) | (_, None) => UserRealm::of_type("Unknown"),
        (switches::Realm::StagedRollout, Some(_)) | (_, Some(DomainKind::Managed)) => {
            UserRealm::managed(domain)
        }
        (switches::Realm::Saml20, Some(DomainKind::Federated)) => UserRealm {
            federation_protocol: Some("SAML20"),
            federation_metadata_url: None,
            federation_active_auth_url: None,
            ..UserRealm::federated(domain, String::new(), String::new())
        },
        (switch, Some(DomainKind::Federated)) => {
            let server = match switch {
                switches::Realm::FederatedAt(server) => server,
                _ => FEDERATION_HOST,
            };
            let trust = format!("https://{server}/adfs/services/trust");
            UserRealm::federated(
                domain,
                format!("{trust}/mex"),
                format!("{trust}/2005/usernamemixed"),
            )
        }
        (_, Some(DomainKind::SeamlessSso)) => {
            let sku = request.header("x-client-sku").unwrap_or_default();
            if !SEAMLESS_SSO_CLIENTS
                .iter()
                .any(|client| client.eq_ignore_ascii_case(sku))
            {
                return UserRealm::managed(domain);
            }
            let trust = format!("https://{AUTOLOGON_HOST}/{domain}/winauth/trust");
            let id = correlation_id(request);
            UserRealm::federated(
                domain,
                format!("{trust}/mex?client-request-id={id}"),
                format!("{trust}/2005/usernamemixed?client-request-id={id}"),
            )
        }
    }
}

/// Returns the user named by the path. Clients encode it in every way there is: not at all (.NET,
/// Python), as a path segment (Go) or as a form value (Java).
fn user_name(path: &str) -> String {
    let encoded = path
        .trim_start_matches('/')
        .splitn(3, '/')
        .nth(2)
        .unwrap_or_default();
    percent_decode(encoded)
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, following)) = rest.split_first() {
        let hex = following
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match (
            byte,
            hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()),
        ) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &following[2..];
            }
            _ => {
                bytes.push(byte);
                rest = following;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_come_in_every_encoding() {
        assert_eq!(
            user_name("/common/userrealm/ana@contoso.test"),
            "ana@contoso.test"
        );
        assert_eq!(
            user_name("/common/UserRealm/ana%40contoso.test"),
            "ana@contoso.test"
        );
        assert_eq!(user_name("/common/userrealm/a%23EXT%23@x/y"), "a#EXT#@x/y");
        assert_eq!(user_name("/common/userrealm/100%@x%4"), "100%@x%4");
        assert_eq!(user_name("/common/userrealm"), "");
    }
}
