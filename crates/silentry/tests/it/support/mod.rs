//! What several tests need: applications in a lab, somebody at a browser, networks that are not what they seem.

#[cfg(feature = "interactive")]
mod person;
mod transport;

use silentry::{PublicClientApplication, PublicClientApplicationBuilder};
use silentry_lab::{CLIENT_ID, Lab};

#[cfg(feature = "interactive")]
pub(crate) use self::person::{PersonAtBrowser, person};
pub(crate) use self::transport::{Answer, Answering, Watch, Watched, in_lab};

/// Returns an application that reaches the lab.
pub(crate) fn client(lab: &Lab) -> PublicClientApplicationBuilder {
    PublicClientApplication::builder(CLIENT_ID)
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
}

/// Returns one of the tenant, with the ticket of the lab's user.
#[cfg(feature = "integrated")]
pub(crate) fn client_with_ticket(lab: &Lab) -> PublicClientApplicationBuilder {
    let ccache = lab.ccache(lab.user().upn).unwrap();
    client(lab)
        .with_tenant_id("contoso.test")
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
}
