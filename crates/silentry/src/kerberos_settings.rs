//! How the user's ticket is got and used.

use std::path::PathBuf;
use std::time::Duration;

/// A silent KDC holds MIT's library for about 27 s, too long for anybody to wait.
const KERBEROS_TIMEOUT: Duration = Duration::from_secs(15);

/// Whether the federation server must prove that it is the server that the ticket was issued for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MutualAuthentication {
    /// It must: a reply without proof is refused.
    #[default]
    Required,
    /// A proof must verify if there is one; a reply without proof is accepted.
    WhenOffered,
}

/// How the Negotiate token is made.
#[derive(Clone, Debug)]
pub(crate) struct NegotiateSettings {
    pub(crate) mutual_authentication: MutualAuthentication,
    pub(crate) channel_binding: bool,
    pub(crate) ntlm: bool,
    pub(crate) service_principal_name: Option<String>,
    pub(crate) proxy_service_principal_name: Option<String>,
    pub(crate) ticket_cache: Option<String>,
    pub(crate) client_keytab: Option<PathBuf>,
    pub(crate) library: Option<PathBuf>,
    pub(crate) timeout: Duration,
}

impl Default for NegotiateSettings {
    fn default() -> Self {
        NegotiateSettings {
            mutual_authentication: MutualAuthentication::Required,
            channel_binding: true,
            ntlm: false,
            service_principal_name: None,
            proxy_service_principal_name: None,
            ticket_cache: None,
            client_keytab: None,
            library: None,
            timeout: KERBEROS_TIMEOUT,
        }
    }
}
