//! User realm discovery: who authenticates a domain's users.

use serde_json::{Map, Value};
use silentry_text::printable;

use super::address::{AddressError, HttpsUrl};
use crate::xml::content::{self, ContentKind};
use crate::xml::document::{self, DocumentError};

/// The audience of an assertion when the realm names none, as MSAL for Java and Python assume it.
const DEFAULT_AUDIENCE: &str = "urn:federation:MicrosoftOnline";

/// The answer of `GET /common/userrealm/{upn}?api-version=1.0`.
///
/// It is about the *domain* of the user, and depends on who asks: for a managed domain with
/// Seamless SSO, Entra says `Federated` to the clients it has listed and `Managed` to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRealm {
    account_type: AccountType,
    account_type_text: String,
    federation_protocol: Option<String>,
    federation_metadata_url: Option<String>,
    federation_active_auth_url: Option<String>,
    domain_name: Option<String>,
    cloud_instance_name: Option<String>,
    cloud_audience_urn: String,
}

/// Who authenticates the users of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountType {
    /// Entra itself.
    Managed,
    /// A federation server, such as AD FS.
    Federated,
    /// Entra does not know the domain.
    Unknown,
    /// A type that we do not know, or none at all.
    Other,
}

/// Why a document is not a user realm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RealmError {
    /// It is too large, empty, cannot be decoded, is a page, or is not well-formed JSON.
    #[error("the user realm cannot be read: {0}")]
    Document(#[from] DocumentError),
    /// It is JSON, but not an object.
    #[error("the user realm is not a JSON object")]
    NotAnObject,
    /// A member has another type than text.
    #[error("the member {name} of the user realm is not text")]
    NotText {
        /// The name of the member.
        name: &'static str,
    },
}

/// Why a user of this realm cannot sign in with the Windows session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RealmRefusal {
    /// Entra keeps the password: there is no federation server to ask.
    #[error("the users of this domain are managed by Entra, not by a federation server")]
    ManagedUser,
    /// Entra does not know the domain, or says what we do not know.
    #[error("Entra does not know this user's domain (account type {account_type:?})")]
    UnknownUserType {
        /// What the realm says, shortened.
        account_type: String,
    },
    /// A personal Microsoft account.
    #[error("this is a personal Microsoft account")]
    PersonalAccount,
    /// The federation server does not speak WS-Trust.
    #[error("the domain is federated by {protocol}, not by WS-Trust")]
    UnsupportedProtocol {
        /// What the realm says, shortened.
        protocol: String,
    },
    /// The realm does not say where the federation metadata is.
    #[error("the user realm names no federation metadata")]
    MissingMetadataUrl,
    /// The address of the federation metadata cannot be used.
    #[error("the federation metadata cannot be asked for: {0}")]
    UnusableMetadataUrl(AddressError),
}

impl UserRealm {
    /// Parses the realm document.
    ///
    /// A missing `account_type` is not an error here: [`integrated_sign_in`](Self::integrated_sign_in)
    /// says `unknown_user_type`, as MSAL.NET does.
    ///
    /// # Errors
    ///
    /// [`RealmError`] when it is not a JSON object whose members of interest are text.
    ///
    /// ```
    /// use silentry_protocol::wstrust::realm::{AccountType, UserRealm};
    ///
    /// let realm = UserRealm::parse(br#"{"account_type":"Managed"}"#, Some("application/json"))?;
    /// assert_eq!(realm.account_type(), AccountType::Managed);
    /// # Ok::<(), silentry_protocol::wstrust::realm::RealmError>(())
    /// ```
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, RealmError> {
        let text = document::decode(bytes, content_type)?;
        let Value::Object(members) = parse_json(&text, content_type)? else {
            return Err(RealmError::NotAnObject);
        };
        let account_type_text = member(&members, "account_type")?.unwrap_or_default();
        Ok(Self {
            account_type: AccountType::parse(&account_type_text),
            account_type_text,
            federation_protocol: member(&members, "federation_protocol")?,
            federation_metadata_url: member(&members, "federation_metadata_url")?,
            federation_active_auth_url: member(&members, "federation_active_auth_url")?,
            domain_name: member(&members, "domain_name")?,
            cloud_instance_name: member(&members, "cloud_instance_name")?,
            cloud_audience_urn: member(&members, "cloud_audience_urn")?
                .unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned()),
        })
    }

    /// Answers whether a user of this realm may sign in with the Windows session, and where the
    /// federation metadata is.
    ///
    /// # Errors
    ///
    /// [`RealmRefusal`] says why not, with the code that MSAL.NET gives where it has one.
    pub fn integrated_sign_in(&self) -> Result<HttpsUrl, RealmRefusal> {
        // First, as in MSAL.NET: a personal account says Federated too.
        if self.is_personal_account() {
            return Err(RealmRefusal::PersonalAccount);
        }
        match self.account_type {
            AccountType::Federated => {}
            AccountType::Managed => return Err(RealmRefusal::ManagedUser),
            AccountType::Unknown | AccountType::Other => {
                let account_type = printable(&self.account_type_text, 40);
                return Err(RealmRefusal::UnknownUserType { account_type });
            }
        }
        if !self.speaks_ws_trust() {
            let protocol = self
                .federation_protocol
                .as_deref()
                .unwrap_or("an unnamed protocol");
            return Err(RealmRefusal::UnsupportedProtocol {
                protocol: printable(protocol, 40),
            });
        }
        let Some(metadata) = &self.federation_metadata_url else {
            return Err(RealmRefusal::MissingMetadataUrl);
        };
        HttpsUrl::parse(metadata).map_err(RealmRefusal::UnusableMetadataUrl)
    }

    /// Returns who authenticates the domain's users.
    pub fn account_type(&self) -> AccountType {
        self.account_type
    }

    /// Returns the account type as the document spells it, empty when it has none.
    pub fn account_type_text(&self) -> &str {
        &self.account_type_text
    }

    /// Returns the federation protocol as the document spells it.
    pub fn federation_protocol(&self) -> Option<&str> {
        self.federation_protocol.as_deref()
    }

    /// Returns whether the federation server speaks WS-Trust; third parties may speak SAML 2.0 only.
    pub fn speaks_ws_trust(&self) -> bool {
        self.federation_protocol
            .as_deref()
            .is_some_and(|name| name.eq_ignore_ascii_case("WSTrust"))
    }

    /// Returns the address of the federation metadata as the document gives it, unchecked.
    pub fn federation_metadata_url(&self) -> Option<&str> {
        self.federation_metadata_url.as_deref()
    }

    /// Returns the address for user names and passwords when the metadata cannot be had.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when the document gives one that is not an https URL.
    pub fn active_auth_url(&self) -> Result<Option<HttpsUrl>, AddressError> {
        self.federation_active_auth_url
            .as_deref()
            .map(HttpsUrl::parse)
            .transpose()
    }

    /// Returns the domain that was asked about.
    pub fn domain_name(&self) -> Option<&str> {
        self.domain_name.as_deref()
    }

    /// Returns the cloud that the domain lives in, e.g. `microsoftonline.us`.
    pub fn cloud_instance_name(&self) -> Option<&str> {
        self.cloud_instance_name.as_deref()
    }

    /// Returns the audience that the assertion must be for; national clouds have their own.
    pub fn cloud_audience_urn(&self) -> &str {
        &self.cloud_audience_urn
    }

    /// Returns whether this is the realm of personal Microsoft accounts.
    ///
    /// MSAL.NET looks for the domain `live.com` alone; their metadata also lives at fixed hosts.
    pub fn is_personal_account(&self) -> bool {
        let domain = self.domain_name.as_deref().unwrap_or("");
        let metadata = self.federation_metadata_url.as_deref().map(HttpsUrl::parse);
        domain.eq_ignore_ascii_case("live.com")
            || matches!(metadata, Some(Ok(url)) if is_personal_host(url.host()))
    }
}

impl AccountType {
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "managed" => Self::Managed,
            "federated" => Self::Federated,
            "unknown" => Self::Unknown,
            _ => Self::Other,
        }
    }
}

fn is_personal_host(host: &str) -> bool {
    ["live.com", "msn.com"].iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn parse_json(text: &str, content_type: Option<&str>) -> Result<Value, RealmError> {
    let text = text.trim_start_matches('\u{FEFF}');
    serde_json::from_str(text).map_err(|error| {
        let kind = match content::kind_of(text) {
            ContentKind::Json => {
                return RealmError::Document(DocumentError::Malformed {
                    what: "the JSON is not well-formed",
                    line: u32::try_from(error.line()).unwrap_or(u32::MAX),
                    column: u32::try_from(error.column()).unwrap_or(u32::MAX),
                });
            }
            kind => kind,
        };
        RealmError::Document(content::unexpected(kind, text, content_type))
    })
}

/// Returns a member that must be text when it is there; blank and null count as absent.
fn member(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, RealmError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        Some(_) => Err(RealmError::NotText { name }),
    }
}

#[cfg(test)]
mod tests;
