//! How the user's ticket is got and used.

use std::path::PathBuf;
use std::time::Duration;

use super::PublicClientApplicationBuilder;
use crate::directory::Directory;
use crate::kerberos_settings::MutualAuthentication;

impl PublicClientApplicationBuilder {
    /// Sets whether the federation server must prove who it is. [`MutualAuthentication::Required`] by default.
    pub fn with_mutual_authentication(mut self, mutual: MutualAuthentication) -> Self {
        self.negotiate.mutual_authentication = mutual;
        self
    }

    /// Sets whether the Negotiate token is bound to the TLS connection (Extended Protection). `true` by default; the
    /// only reason for `false` is a load balancer or TLS inspection that ends TLS before AD FS. Without the binding,
    /// whoever ends TLS can use the token at the real AD FS.
    pub fn with_channel_binding(mut self, bind: bool) -> Self {
        self.negotiate.channel_binding = bind;
        self
    }

    /// Sets whether Windows may fall back to NTLM. `false` by default. NTLM neither proves who the server is nor
    /// resists relaying as Kerberos does.
    pub fn with_ntlm(mut self, allow: bool) -> Self {
        self.negotiate.ntlm = allow;
        self
    }

    /// Requests the ticket for this service principal name (`HTTP/name`) instead of the one of the federation server's
    /// host. If it names another host than the server's, the server must be listed by
    /// [`with_federation_hosts`](Self::with_federation_hosts): otherwise whoever chooses the server could take a ticket
    /// for that host.
    pub fn with_service_principal_name(mut self, spn: impl Into<String>) -> Self {
        self.negotiate.service_principal_name = Some(spn.into());
        self
    }

    /// When the proxy demands a ticket, requests it for this service principal name (`HTTP/name`) instead of the one of
    /// the host by which the proxy is configured. It is needed where that host is a short name or an alias, which the
    /// KDC does not know.
    pub fn with_proxy_service_principal_name(mut self, spn: impl Into<String>) -> Self {
        self.negotiate.proxy_service_principal_name = Some(spn.into());
        self
    }

    /// Uses this ccache (a file, or `DIR:`, `KEYRING:`, `KCM:` with its name) instead of the login's.
    pub fn with_ticket_cache(mut self, ccache: impl Into<String>) -> Self {
        self.negotiate.ticket_cache = Some(ccache.into());
        self
    }

    /// Signs in with the keys in this client keytab instead of the login's ticket, for services without a login.
    pub fn with_client_keytab(mut self, keytab: impl Into<PathBuf>) -> Self {
        self.negotiate.client_keytab = Some(keytab.into());
        self
    }

    /// Loads this GSSAPI library instead of the system's. Its code runs in this process with the user's tickets, so it
    /// must be as trustworthy as the program itself. A library is refused (`kerberos_library_not_trusted`) if users
    /// other than root and this user can write to it, or to a folder or link on the way to it.
    pub fn with_gssapi_library(mut self, library: impl Into<PathBuf>) -> Self {
        self.negotiate.library = Some(library.into());
        self
    }

    /// Sets how long each call of the Kerberos library may take. 15 s by default.
    pub fn with_kerberos_timeout(mut self, timeout: Duration) -> Self {
        self.negotiate.timeout = timeout;
        self
    }

    /// Chooses the directory that is asked for the signed-in user's UPN on Linux and macOS. [`Directory::Automatic`] by
    /// default.
    ///
    /// It is asked with the user's own ticket, over a connection that this ticket protects, for two seconds at most. An
    /// answer is remembered for an hour, a missing answer for thirty seconds. On Windows the system asks its own
    /// directory, and this setting has no effect.
    pub fn with_directory(mut self, directory: Directory) -> Self {
        self.directory.server = directory;
        self
    }

    /// Reads the UPN from this attribute of the directory instead of `userPrincipalName`, for tenants that know users
    /// by an alternate login id, such as `mail`. The directory is then asked before anything is guessed.
    pub fn with_upn_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.directory.upn_attribute = Some(attribute.into());
        self
    }
}
