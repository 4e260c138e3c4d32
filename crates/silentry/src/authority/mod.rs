//! What an authority URL means: its host, its tenant, its cloud.

pub mod clouds;
mod tenant;

use std::fmt;

use url::Url;

pub use tenant::Tenant;

use crate::error::{Error, Stage};

/// The authority of the public cloud for users of any organisation.
const DEFAULT_AUTHORITY: &str = "https://login.microsoftonline.com/organizations";

/// A Microsoft Entra authority: `https://{host}/{tenant}`.
///
/// The host is lower-cased and a trailing slash dropped; plain http is refused.
///
/// ```
/// use silentry::Authority;
///
/// let authority = Authority::parse("https://Login.Microsoftonline.com/contoso.com/")?;
/// assert_eq!(authority.to_string(), "https://login.microsoftonline.com/contoso.com");
/// # Ok::<(), silentry::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: u16,
    tenant: Tenant,
}

impl Authority {
    /// Reads an authority URL.
    ///
    /// # Errors
    ///
    /// `invalid_authority` when it is no https URL of the form `https://{host}/{tenant}`, or when it names an AD FS
    /// server (`https://{host}/adfs`), which has flows of its own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| {
            Error::new(
                "invalid_authority",
                Stage::Request,
                format!("`{text}` is no authority: {why}"),
            )
        };
        let url = Url::parse(text.trim()).map_err(|error| invalid(&error.to_string()))?;
        if url.scheme() != "https" {
            return Err(invalid("it must start with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(invalid(
                "it must be https://{host}/{tenant} and nothing else",
            ));
        }
        let host = url.host_str().ok_or_else(|| invalid("it names no host"))?;
        let mut segments = url
            .path_segments()
            .into_iter()
            .flatten()
            .filter(|s| !s.is_empty());
        let tenant = segments
            .next()
            .ok_or_else(|| invalid("it names no tenant"))?;
        if tenant.eq_ignore_ascii_case("adfs") {
            return Err(Error::new(
                "integrated_windows_authentication_failed",
                Stage::Request,
                format!("`{text}` is an AD FS authority, not one of Microsoft Entra"),
            ));
        }
        if segments.any(|segment| segment != "v2.0") {
            return Err(invalid("nothing may follow the tenant"));
        }
        Ok(Authority {
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            tenant: Tenant::parse(tenant)?,
        })
    }

    /// Returns the same authority for another tenant.
    pub fn with_tenant(&self, tenant: Tenant) -> Self {
        Authority {
            tenant,
            ..self.clone()
        }
    }

    /// Returns the host in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, 443 unless the URL said otherwise.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Returns `true` when the host belongs to a cloud that Microsoft publishes, so that nothing needs to be asked
    /// about it.
    pub fn is_known_cloud(&self) -> bool {
        clouds::Cloud::of_host(&self.host).is_some()
    }

    /// Returns `https://{host}` with the port where it is not 443.
    pub(crate) fn origin(&self) -> String {
        match self.port {
            443 => format!("https://{}", self.host),
            port => format!("https://{}:{port}", self.host),
        }
    }

    /// Returns the v2.0 token endpoint.
    pub(crate) fn token_endpoint(&self) -> String {
        format!("{self}/oauth2/v2.0/token")
    }

    /// Returns the v2.0 authorization endpoint.
    #[cfg(feature = "interactive")]
    pub(crate) fn authorization_endpoint(&self) -> String {
        format!("{self}/oauth2/v2.0/authorize")
    }

    /// Returns the v2.0 device authorization endpoint.
    pub(crate) fn device_code_endpoint(&self) -> String {
        format!("{self}/oauth2/v2.0/devicecode")
    }

    /// Refuses, before any network, the tenants for which Entra answers AADSTS90010 to every flow that names the user
    /// by password or assertion: `/common`, `/consumers` and the tenant of personal accounts.
    pub(crate) fn require_organization(&self) -> Result<(), Error> {
        let why = match &self.tenant {
            Tenant::Common => "it also means personal accounts",
            Tenant::Consumers => "it means personal Microsoft accounts",
            Tenant::Organizations | Tenant::Domain(_) | Tenant::Id(_) => return Ok(()),
        };
        Err(Error::new(
            "missing_tenanted_authority",
            Stage::Request,
            format!("integrated sign-in does not work with {self}: {why}"),
        )
        .with_aadsts([90010]))
    }
}

impl Default for Authority {
    /// Returns `https://login.microsoftonline.com/organizations`.
    fn default() -> Self {
        Authority::parse(DEFAULT_AUTHORITY).expect("the default authority is well-formed")
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin(), self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_lower_cased_and_bare() {
        for text in [
            "https://LOGIN.microsoftonline.COM/Contoso.com",
            "https://login.microsoftonline.com/contoso.com/",
            "https://login.microsoftonline.com:443/contoso.com/v2.0",
            "  https://login.microsoftonline.com/contoso.com  ",
        ] {
            let authority = Authority::parse(text).unwrap();
            assert_eq!(
                authority.to_string(),
                "https://login.microsoftonline.com/contoso.com"
            );
        }
        let odd = Authority::parse("https://login.contoso.test:8443/contoso.com").unwrap();
        assert_eq!(
            odd.token_endpoint(),
            "https://login.contoso.test:8443/contoso.com/oauth2/v2.0/token"
        );
        assert!(!odd.is_known_cloud());
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        for text in [
            "",
            "login.microsoftonline.com/contoso.com",
            "http://login.microsoftonline.com/contoso.com",
            "https://login.microsoftonline.com",
            "https://login.microsoftonline.com/",
            "https://user:secret@login.microsoftonline.com/contoso.com",
            "https://login.microsoftonline.com/contoso.com?x=1",
            "https://login.microsoftonline.com/contoso.com/oauth2/authorize",
            "https://login.microsoftonline.com/con%20toso",
        ] {
            let error = Authority::parse(text).unwrap_err();
            assert_eq!(error.code(), "invalid_authority", "{text}: {error}");
            assert!(!error.to_string().contains("secret") || text.contains("secret"));
        }
        let adfs = Authority::parse("https://fs.contoso.com/adfs").unwrap_err();
        assert_eq!(adfs.code(), "integrated_windows_authentication_failed");
    }

    #[test]
    fn personal_accounts_are_refused_with_the_advice_of_aadsts90010() {
        for tenant in [
            "common",
            "Consumers",
            "9188040d-6c67-4c5b-b112-36a304b66dad",
        ] {
            let authority =
                Authority::parse(&format!("https://login.microsoftonline.com/{tenant}")).unwrap();
            let error = authority.require_organization().unwrap_err();
            assert_eq!(error.code(), "missing_tenanted_authority");
            assert_eq!(error.aadsts(), [90010]);
            assert!(error.mitigation().contains("/organizations"));
        }
        assert!(Authority::default().require_organization().is_ok());
    }
}
