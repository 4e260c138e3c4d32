//! The applications and resources of the tenant.

use super::{CLIENT_ID, CONFIDENTIAL_CLIENT_ID};

/// A registered client application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Application {
    pub(crate) client_id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) public: bool,
    /// Where a browser may be sent back to; the port of a loopback URI does not count.
    pub(crate) redirect_uris: &'static [&'static str],
    /// Whether a code is given for a challenge only (RFC 7636). Entra demands that of single-page
    /// applications; native ones, which ought to send one, are not held to it.
    pub(crate) needs_pkce: bool,
    /// Whether it shares its refresh tokens with Microsoft's other applications.
    pub(crate) family: bool,
}

const LOOPBACK: [&str; 2] = ["http://localhost", "http://127.0.0.1"];
const NATIVE: [&str; 2] = [
    "http://localhost",
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
];

const APPLICATIONS: [Application; 5] = [
    Application {
        client_id: CLIENT_ID,
        name: "Silentry Lab Client",
        public: true,
        redirect_uris: &LOOPBACK,
        needs_pkce: true,
        family: false,
    },
    Application {
        client_id: CONFIDENTIAL_CLIENT_ID,
        name: "Silentry Lab Service",
        public: false,
        redirect_uris: &[],
        needs_pkce: false,
        family: false,
    },
    // Present in every tenant, so that unmodified programs that carry these ids work here too.
    Application {
        client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        name: "Microsoft Azure CLI",
        public: true,
        redirect_uris: &NATIVE,
        needs_pkce: false,
        family: true,
    },
    Application {
        client_id: "1950a258-227b-4e31-a9cf-717495945fc2",
        name: "Microsoft Azure PowerShell",
        public: true,
        redirect_uris: &NATIVE,
        needs_pkce: false,
        family: true,
    },
    Application {
        client_id: "80faf920-1908-4b52-b5ef-a8e7bedfc67a",
        name: "Azure Kubernetes Service AAD Client",
        public: true,
        redirect_uris: &LOOPBACK,
        needs_pkce: false,
        family: false,
    },
];

pub(crate) fn application(client_id: &str) -> Option<&'static Application> {
    APPLICATIONS
        .iter()
        .find(|app| app.client_id.eq_ignore_ascii_case(client_id))
}

/// A resource that tokens are issued for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// The `aud` of its access tokens.
    pub(crate) audience: &'static str,
    /// The identifiers a scope may start with.
    pub(crate) identifiers: &'static [&'static str],
    /// The permissions the applications have on it.
    pub(crate) permissions: &'static [&'static str],
}

const RESOURCES: [Resource; 5] = [
    Resource {
        audience: "https://graph.microsoft.com",
        identifiers: &[
            "https://graph.microsoft.com",
            "00000003-0000-0000-c000-000000000000",
        ],
        permissions: &["User.Read", "Directory.Read.All"],
    },
    Resource {
        audience: "https://api.contoso.test",
        identifiers: &[
            "https://api.contoso.test",
            "api://9173a53e-918f-446a-9aad-c50289947b70",
        ],
        permissions: &["user_impersonation"],
    },
    Resource {
        audience: "https://management.core.windows.net/",
        identifiers: &[
            "https://management.core.windows.net",
            "https://management.azure.com",
        ],
        permissions: &["user_impersonation"],
    },
    Resource {
        audience: "https://database.windows.net/",
        identifiers: &["https://database.windows.net"],
        permissions: &["user_impersonation"],
    },
    Resource {
        audience: "6dae42f8-4368-4678-94ff-3960e28e3630",
        identifiers: &["6dae42f8-4368-4678-94ff-3960e28e3630"],
        permissions: &["user.read"],
    },
];

/// Finds a resource by the part of a scope before the permission. Entra ignores a final slash.
pub(crate) fn resource(identifier: &str) -> Option<&'static Resource> {
    let identifier = identifier.trim_end_matches('/');
    RESOURCES.iter().find(|resource| {
        resource
            .identifiers
            .iter()
            .any(|known| known.eq_ignore_ascii_case(identifier))
    })
}
