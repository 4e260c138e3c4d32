//! What an authority means: who it is, where it takes requests, and who may have issued what comes from there.

pub(crate) mod endpoints;
pub(crate) mod issuer;
pub(crate) mod tenant;

use std::borrow::Cow;
use std::fmt;

use silentry_protocol::cloud::{AuthorityKind, Cloud};
use url::Url;

pub use tenant::Tenant;

use crate::error::{Code, Error, Stage};

/// The authority of the public cloud for users of any organisation.
const DEFAULT_AUTHORITY: &str = "https://login.microsoftonline.com/organizations";

/// Whom tokens are asked of: a tenant of Microsoft Entra, an AD FS, or another OpenID Connect server.
///
/// The host is lower-cased and a trailing slash dropped; plain http is refused.
///
/// ```
/// use silentry::Authority;
///
/// let entra = Authority::parse("https://Login.Microsoftonline.com/contoso.com/")?;
/// assert_eq!(entra.to_string(), "https://login.microsoftonline.com/contoso.com");
/// let adfs = Authority::parse("https://sts.contoso.com/adfs")?;
/// assert_eq!(adfs.tenant(), None);
/// let keycloak = Authority::open_id_connect("https://id.contoso.com/realms/staff")?;
/// assert_eq!(keycloak.to_string(), "https://id.contoso.com/realms/staff");
/// # Ok::<(), silentry::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The origin alone.
    origin: Url,
    who: Who,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Entra(Tenant),
    AdFs,
    /// The issuer, as it was given: it is compared by its characters (OpenID Connect Discovery 4.3).
    OpenIdConnect(String),
}

impl Authority {
    /// Reads the URL of a tenant, `https://{host}/{tenant}`, or of an AD FS, `https://{host}/adfs`.
    ///
    /// # Errors
    ///
    /// `invalid_authority` when it is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| invalid(text, why);
        let url = https_url(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(
                "it must be https://{host}/{tenant} and nothing else",
            ));
        }
        let mut segments = url
            .path_segments()
            .into_iter()
            .flatten()
            .filter(|s| !s.is_empty());
        let tenant = segments
            .next()
            .ok_or_else(|| invalid("it names no tenant"))?;
        let who = if tenant.eq_ignore_ascii_case("adfs") {
            Who::AdFs
        } else {
            Who::Entra(Tenant::parse(tenant)?)
        };
        if segments.any(|segment| segment != "v2.0" || who == Who::AdFs) {
            return Err(invalid("nothing may follow the tenant"));
        }
        Ok(Authority {
            origin: origin_of(&url),
            who,
        })
    }

    /// Takes an OpenID Connect server by its issuer, exactly as the server's own discovery document spells it: a final
    /// slash counts.
    ///
    /// # Errors
    ///
    /// `invalid_authority` when it is not an https URL, or has a query or a fragment (OpenID Connect Core 2).
    pub fn open_id_connect(issuer: &str) -> Result<Self, Error> {
        let issuer = issuer.trim();
        let url = https_url(issuer)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(issuer, "an issuer has no query and no fragment"));
        }
        Ok(Authority {
            origin: origin_of(&url),
            who: Who::OpenIdConnect(issuer.to_owned()),
        })
    }

    /// Returns the same authority for another tenant.
    ///
    /// # Errors
    ///
    /// `tenant_override_non_aad` when it is not one of Microsoft Entra: no other has tenants.
    pub fn with_tenant(&self, tenant: Tenant) -> Result<Self, Error> {
        match self.who {
            Who::Entra(_) => Ok(Authority {
                origin: self.origin.clone(),
                who: Who::Entra(tenant),
            }),
            Who::AdFs | Who::OpenIdConnect(_) => Err(Error::new(
                Code::TenantOverrideNonAad,
                Stage::Request,
                format!("{self} has no tenants, so `{tenant}` cannot be one"),
            )),
        }
    }

    /// Returns what kind of server it is.
    pub(crate) fn kind(&self) -> AuthorityKind {
        match self.who {
            Who::Entra(_) => AuthorityKind::Entra,
            Who::AdFs => AuthorityKind::AdFs,
            Who::OpenIdConnect(_) => AuthorityKind::OpenIdConnect,
        }
    }

    /// Returns the host in lower case.
    pub fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// Returns the port, 443 unless the URL said otherwise.
    pub fn port(&self) -> u16 {
        self.origin.port().unwrap_or(443)
    }

    /// Returns the tenant; only an authority of Microsoft Entra has one.
    pub fn tenant(&self) -> Option<&Tenant> {
        match &self.who {
            Who::Entra(tenant) => Some(tenant),
            Who::AdFs | Who::OpenIdConnect(_) => None,
        }
    }

    /// Returns `true` when the host belongs to a cloud that Microsoft publishes, so that nothing needs to be asked
    /// about it.
    pub fn is_known_cloud(&self) -> bool {
        Cloud::of_host(self.host()).is_some()
    }

    /// Returns the same authority at another host of its cloud.
    pub(crate) fn at(&self, host: &str) -> Self {
        let mut moved = self.clone();
        if host != self.host() && moved.origin.set_host(Some(host)).is_ok() {
            // The port belonged to the other host; an https URL can do without one.
            let _ = moved.origin.set_port(None);
        }
        moved
    }

    /// Returns the authority for an account that the cache knows in this environment: its own cloud's, when that is
    /// another one that Microsoft publishes.
    pub(crate) fn in_cloud_of(self, environment: &str) -> Self {
        match Cloud::of_host(environment) {
            Some(cloud) if self.kind() == AuthorityKind::Entra && !cloud.has_alias(self.host()) => {
                self.at(cloud.preferred_network)
            }
            _ => self,
        }
    }

    /// Returns `https://{host}/`, with the port where it is not 443.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// Returns `{host}:{port}`, without the port where it is 443.
    pub(crate) fn host_and_port(&self) -> String {
        match self.origin.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// Returns the `environment` of its rows in the cache. That of Entra and of AD FS is the host, without the port, as
    /// MSAL.NET writes it. That of another server is its issuer without `https://`, since one host may have
    /// several, each with users of its own. It always has a slash, so that no issuer is taken for the Entra or the AD FS
    /// of its host.
    pub(crate) fn environment(&self) -> String {
        match &self.who {
            Who::Entra(_) | Who::AdFs => self.host().to_owned(),
            Who::OpenIdConnect(issuer) => {
                let path = path_of(issuer);
                let path = path.strip_prefix('/').unwrap_or(&path);
                // The document is at the same place with a final slash and without.
                format!("{}/{}", self.host_and_port(), path.trim_end_matches('/'))
            }
        }
    }

    /// Returns the other name under which its rows may stand in the cache: MSAL Node and Python write the port where the
    /// URL has one. Of another OpenID Connect server the port is a part of the one name.
    pub(crate) fn environment_with_port(&self) -> Option<String> {
        match self.who {
            Who::Entra(_) | Who::AdFs => self.origin.port().map(|_| self.host_and_port()),
            Who::OpenIdConnect(_) => None,
        }
    }

    /// Returns the other name of an account's environment, when that is this authority's.
    pub(crate) fn other_environment(&self, environment: &str) -> Option<String> {
        let other = self.environment_with_port()?;
        (environment == self.environment()).then_some(other)
    }

    /// Returns whether its accounts may be in this environment of the cache. The clouds of Entra serve one another's.
    pub(crate) fn may_know_accounts_of(&self, environment: &str) -> bool {
        match self.who {
            Who::Entra(_) => !environment.contains('/'),
            Who::AdFs | Who::OpenIdConnect(_) => {
                environment == self.environment()
                    || self.environment_with_port().as_deref() == Some(environment)
            }
        }
    }

    /// Returns the `realm` of its rows in the cache: the tenant, for AD FS the word that MSAL Python and Go write, else
    /// the path of the issuer.
    pub(crate) fn realm(&self) -> Cow<'_, str> {
        match &self.who {
            Who::Entra(tenant) => tenant.as_str().into(),
            Who::AdFs => "adfs".into(),
            Who::OpenIdConnect(issuer) => path_of(issuer).trim_matches('/').to_owned().into(),
        }
    }

    /// Returns the issuer of an OpenID Connect server.
    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.who {
            Who::OpenIdConnect(issuer) => Some(issuer),
            Who::Entra(_) | Who::AdFs => None,
        }
    }

    /// Refuses, before any network, what no ticket and no assertion is taken by: servers that are not Entra, and the
    /// tenants for which Entra answers AADSTS90010 to every flow that names the user by password or assertion:
    /// `/common`, `/consumers` and the tenant of personal accounts.
    pub(crate) fn require_organization(&self) -> Result<&Tenant, Error> {
        let Some(tenant) = self.tenant() else {
            return Err(Error::new(
                Code::IntegratedWindowsAuthenticationFailed,
                Stage::Request,
                format!(
                    "{self} is not an authority of Microsoft Entra, which alone takes a ticket by way of AD FS"
                ),
            ));
        };
        let why = match tenant {
            Tenant::Common => "it also means personal accounts",
            Tenant::Consumers => "it means personal Microsoft accounts",
            Tenant::Organizations | Tenant::Domain(_) | Tenant::Id(_) => return Ok(tenant),
        };
        Err(Error::new(
            Code::MissingTenantedAuthority,
            Stage::Request,
            format!("integrated sign-in does not work with {self}: {why}"),
        )
        .with_aadsts([90010]))
    }
}

fn https_url(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text.trim()).map_err(|error| invalid(text, &error.to_string()))?;
    if url.scheme() != "https" {
        return Err(invalid(text, "it must start with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The text is not repeated: there is a secret in it.
        let host = url.host_str().unwrap_or_default();
        return Err(invalid(host, "a name and a password do not belong in it"));
    }
    match url.host_str() {
        Some(_) => Ok(url),
        None => Err(invalid(text, "it names no host")),
    }
}

/// The path of an issuer, as it is asked for.
fn path_of(issuer: &str) -> String {
    Url::parse(issuer).map_or_else(|_| String::new(), |url| url.path().to_owned())
}

fn origin_of(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}

fn invalid(text: &str, why: &str) -> Error {
    Error::new(
        Code::InvalidAuthority,
        Stage::Request,
        format!("`{text}` is not an authority: {why}"),
    )
}

impl Default for Authority {
    /// Returns `https://login.microsoftonline.com/organizations`.
    fn default() -> Self {
        Authority::parse(DEFAULT_AUTHORITY).expect("the default authority is well-formed")
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::Entra(tenant) => write!(f, "{}{tenant}", self.origin),
            Who::AdFs => write!(f, "{}adfs", self.origin),
            Who::OpenIdConnect(issuer) => f.write_str(issuer),
        }
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
            odd.to_string(),
            "https://login.contoso.test:8443/contoso.com"
        );
        assert_eq!((odd.host(), odd.port()), ("login.contoso.test", 8443));
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
            "https://login.microsoftonline.com/contoso.com#x",
            "https://login.microsoftonline.com/contoso.com/oauth2/authorize",
            "https://login.microsoftonline.com/con%20toso",
            "https://fs.contoso.com/adfs/oauth2",
            "https://fs.contoso.com/adfs/v2.0",
        ] {
            let error = Authority::parse(text).unwrap_err();
            assert_eq!(error.code(), "invalid_authority", "{text}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn tenants_are_those_of_entra() {
        let tenant = || Tenant::parse("contoso.com").unwrap();
        let entra = Authority::default().with_tenant(tenant()).unwrap();
        assert_eq!(entra.tenant(), Some(&tenant()));
        for other in [
            Authority::parse("https://FS.contoso.com/ADFS/").unwrap(),
            Authority::open_id_connect("https://id.contoso.com/realms/staff").unwrap(),
        ] {
            assert_eq!(other.tenant(), None);
            let error = other.with_tenant(tenant()).unwrap_err();
            assert_eq!(error.code(), "tenant_override_non_aad");
            let error = other.require_organization().unwrap_err();
            assert_eq!(error.code(), "integrated_windows_authentication_failed");
        }
    }

    #[test]
    fn an_issuer_is_kept_as_it_is_spelt() {
        for (issuer, environment, realm) in [
            ("https://id.contoso.com", "id.contoso.com/", ""),
            ("https://id.contoso.com/", "id.contoso.com/", ""),
            ("https://id.contoso.com/adfs", "id.contoso.com/adfs", "adfs"),
            (
                "https://ID.contoso.com:8443/Realms/staff/",
                "id.contoso.com:8443/Realms/staff",
                "Realms/staff",
            ),
        ] {
            let authority = Authority::open_id_connect(issuer).unwrap();
            assert_eq!(authority.to_string(), issuer);
            assert_eq!(authority.environment(), environment);
            assert_eq!(authority.realm(), realm);
        }
        for text in [
            "id.contoso.com",
            "http://id.contoso.com",
            "https://id.contoso.com?x",
            "https://id.contoso.com#x",
        ] {
            let error = Authority::open_id_connect(text).unwrap_err();
            assert_eq!(error.code(), "invalid_authority", "{text}");
        }
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
