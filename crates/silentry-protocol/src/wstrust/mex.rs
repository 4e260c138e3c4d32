//! AD FS metadata exchange: which endpoint takes which credential.

use std::fmt;

use silentry_text::printable;

use super::address::{AddressError, HttpsUrl};
use super::policy::Credentials;
use super::version::WsTrustVersion;
use super::wsdl::{self, Port};
use crate::xml::document::{self, DocumentError};

/// An endpoint that issues tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FederationEndpoint {
    url: HttpsUrl,
    version: WsTrustVersion,
}

impl FederationEndpoint {
    /// Names an endpoint without metadata, as an administrator may do in a setting.
    pub fn new(url: HttpsUrl, version: WsTrustVersion) -> Self {
        Self { url, version }
    }

    /// Returns where it is.
    pub fn url(&self) -> &HttpsUrl {
        &self.url
    }

    /// Returns its host, which a ticket would be asked for.
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// Returns what it speaks.
    pub fn version(&self) -> WsTrustVersion {
        self.version
    }
}

/// The endpoints of a federation server that a client without a certificate can use.
///
/// Whether a host may be sent a ticket is not decided here: a hostile tenant can write any host
/// into its metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FederationMetadata {
    integrated_windows: Vec<FederationEndpoint>,
    ntlm_only: Vec<FederationEndpoint>,
    username_password: Vec<FederationEndpoint>,
    refused: Vec<(Credentials, AddressError)>,
    certificate_host: bool,
    root_without_wsdl: Option<String>,
}

/// The federation metadata cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the federation metadata cannot be read: {0}")]
pub struct MexError(#[from] DocumentError);

impl FederationMetadata {
    /// Parses the metadata document. Relative addresses are resolved against `mex_url`; without
    /// it they are refused, and [`EndpointNotFound`] says so.
    ///
    /// A document without usable endpoints is not an error here, nor is one without WSDL.
    ///
    /// # Errors
    ///
    /// [`MexError`] when the document is too large, has a DOCTYPE, is a page, or is not XML.
    pub fn parse(
        bytes: &[u8],
        content_type: Option<&str>,
        mex_url: Option<&HttpsUrl>,
    ) -> Result<Self, MexError> {
        let text = document::decode(bytes, content_type)?;
        let xml = document::parse_xml(&text, content_type)?;
        let mut metadata = Self::default();
        match wsdl::ports(&xml) {
            Some(ports) => ports.iter().for_each(|port| metadata.add(port, mex_url)),
            None => {
                let root = xml.root_element().tag_name().name();
                metadata.root_without_wsdl = Some(printable(root, 40));
            }
        }
        // Stable: endpoints of the same version stay in document order.
        metadata
            .integrated_windows
            .sort_by_key(FederationEndpoint::version);
        metadata.ntlm_only.sort_by_key(FederationEndpoint::version);
        metadata
            .username_password
            .sort_by_key(FederationEndpoint::version);
        Ok(metadata)
    }

    /// Returns whether there was anything that could name an endpoint.
    pub fn has_wsdl(&self) -> bool {
        self.root_without_wsdl.is_none()
    }

    /// Returns the endpoints for the Windows session, the preferred one first: WS-Trust 1.3 before
    /// 2005, otherwise in document order. Another may be tried when the first is switched off.
    ///
    /// # Errors
    ///
    /// [`EndpointNotFound`] when there is none, with what was found instead.
    pub fn integrated_windows(&self) -> Result<&[FederationEndpoint], EndpointNotFound> {
        if !self.integrated_windows.is_empty() {
            return Ok(&self.integrated_windows);
        }
        let instead = if !self.ntlm_only.is_empty() {
            FoundInstead::NtlmOnly
        } else if let Some(refused) = self.refused(|c| c.negotiate || c.ntlm) {
            FoundInstead::RefusedAddresses(refused)
        } else if self.certificate_host {
            FoundInstead::CertificateHost
        } else if !self.username_password.is_empty() {
            FoundInstead::UsernamePasswordOnly
        } else {
            self.nothing()
        };
        Err(EndpointNotFound {
            wanted: Wanted::WindowsSession,
            instead,
        })
    }

    /// Returns the endpoints for a user name and password, in the same order.
    ///
    /// # Errors
    ///
    /// [`EndpointNotFound`] when there is none, with what was found instead.
    pub fn username_password(&self) -> Result<&[FederationEndpoint], EndpointNotFound> {
        if !self.username_password.is_empty() {
            return Ok(&self.username_password);
        }
        let instead = match self.refused(|c| c.username) {
            Some(refused) => FoundInstead::RefusedAddresses(refused),
            None => self.nothing(),
        };
        Err(EndpointNotFound {
            wanted: Wanted::Password,
            instead,
        })
    }

    /// Returns the endpoints that take the Windows session by NTLM alone, for callers who allow it.
    pub fn ntlm_only(&self) -> &[FederationEndpoint] {
        &self.ntlm_only
    }

    fn add(&mut self, port: &Port, mex_url: Option<&HttpsUrl>) {
        if port.address.is_empty() {
            return;
        }
        let url = match HttpsUrl::resolve(&port.address, mex_url) {
            Ok(url) => url,
            Err(error) => return self.refused.push((port.credentials, error)),
        };
        let endpoint = FederationEndpoint {
            url,
            version: port.version,
        };
        let Credentials {
            negotiate,
            ntlm,
            username,
        } = port.credentials;
        if (negotiate || ntlm) && asks_for_certificate(&endpoint.url) {
            self.certificate_host = true;
        } else if negotiate {
            self.integrated_windows.push(endpoint.clone());
        } else if ntlm {
            self.ntlm_only.push(endpoint.clone());
        }
        if username {
            self.username_password.push(endpoint);
        }
    }

    fn refused(&self, wanted: impl Fn(&Credentials) -> bool) -> Option<Vec<AddressError>> {
        let refused: Vec<_> = self
            .refused
            .iter()
            .filter(|(credentials, _)| wanted(credentials))
            .map(|(_, error)| error.clone())
            .collect();
        (!refused.is_empty()).then_some(refused)
    }

    fn nothing(&self) -> FoundInstead {
        match &self.root_without_wsdl {
            Some(root) => FoundInstead::NoWsdl { root: root.clone() },
            None => FoundInstead::Nothing,
        }
    }
}

impl MexError {
    /// Returns what is wrong with the document.
    pub fn document(&self) -> &DocumentError {
        &self.0
    }
}

/// The metadata lists no endpoint for a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointNotFound {
    wanted: Wanted,
    instead: FoundInstead,
}

/// The credential that an endpoint was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The session of the user who is signed in to Windows, or a Kerberos ticket elsewhere.
    WindowsSession,
    /// A user name and a password.
    Password,
}

/// What metadata without the wanted endpoint has instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundInstead {
    /// The Windows session is taken by NTLM alone.
    NtlmOnly,
    /// There are endpoints, but their addresses cannot be used.
    RefusedAddresses(Vec<AddressError>),
    /// The Windows session is taken only where a client certificate is asked for.
    CertificateHost,
    /// Only passwords are taken, as AD FS says to clients outside the corporate network.
    UsernamePasswordOnly,
    /// The XML contains no WSDL.
    NoWsdl {
        /// The name of its root element.
        root: String,
    },
    /// None of its endpoints takes a Windows session or a password.
    Nothing,
}

impl EndpointNotFound {
    /// Returns the credential that an endpoint was looked for.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Returns what the metadata has instead.
    pub fn found_instead(&self) -> &FoundInstead {
        &self.instead
    }
}

impl fmt::Display for EndpointNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the federation metadata has no endpoint for a {}: ",
            match self.wanted {
                Wanted::WindowsSession => "Windows session",
                Wanted::Password => "user name and password",
            }
        )?;
        match &self.instead {
            FoundInstead::NtlmOnly => f.write_str("it offers NTLM only, not Kerberos"),
            FoundInstead::RefusedAddresses(refused) => {
                for (index, error) in refused.iter().take(3).enumerate() {
                    write!(f, "{}{error}", if index == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            FoundInstead::CertificateHost => f.write_str("it offers only a certificate endpoint"),
            FoundInstead::UsernamePasswordOnly => {
                f.write_str("it lists passwords only, as it does outside the corporate network")
            }
            FoundInstead::NoWsdl { root } => {
                write!(
                    f,
                    "the document contains no WSDL, its root element is {root}"
                )
            }
            FoundInstead::Nothing => f.write_str("nothing it lists can be used"),
        }
    }
}

impl std::error::Error for EndpointNotFound {}

/// AD FS asks for client certificates at a host or port of its own, where a ticket is of no use.
fn asks_for_certificate(url: &HttpsUrl) -> bool {
    url.host().starts_with("certauth.") || url.port() == 49443
}

#[cfg(test)]
mod tests;
