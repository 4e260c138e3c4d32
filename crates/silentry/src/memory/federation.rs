//! Which federation servers users have.

use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::FederationMetadata;
use silentry_protocol::wstrust::realm::UserRealm;

use super::Remembered;

/// A process signs in few users; more than this means something else is wrong.
const MOST: usize = 64;

/// What was learnt about realms and federation servers.
pub(crate) struct FederationMemory {
    /// By authority and UPN.
    pub(crate) realms: Remembered<String, UserRealm>,
    /// By the address that the realm answer names; with the one that gave it, where a redirect led elsewhere.
    pub(crate) metadata: Remembered<HttpsUrl, (FederationMetadata, HttpsUrl)>,
}

impl Default for FederationMemory {
    fn default() -> Self {
        Self {
            realms: Remembered::up_to(MOST),
            metadata: Remembered::up_to(MOST),
        }
    }
}
