//! Authorities other than the tenants of known clouds, against the lab.

mod adfs;
mod clouds;
mod openid;

use std::sync::Arc;

use silentry::{Browser, BrowserError, PublicClientApplication, PublicClientApplicationBuilder};
use silentry_lab::{CLIENT_ID, Lab, Person, user};

async fn lab() -> Arc<Lab> {
    Arc::new(Lab::start().await.unwrap())
}

fn builder(lab: &Lab) -> PublicClientApplicationBuilder {
    let ccache = lab.ccache(lab.user().upn).unwrap();
    PublicClientApplication::builder(CLIENT_ID)
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
}

/// What the lab was asked since `from`: the stage and the host.
fn asked(lab: &Lab, from: usize) -> Vec<String> {
    let exchanges = lab.exchanges().into_iter().skip(from);
    let asked = exchanges.map(|exchange| {
        let host = exchange
            .url
            .split('/')
            .nth(2)
            .unwrap_or_default()
            .to_owned();
        format!("{} {host}", exchange.stage)
    });
    asked.collect()
}

/// A person of the lab at a browser, beside the test; how it ended the application says.
struct PersonAtBrowser(Arc<Lab>, Person);

impl PersonAtBrowser {
    fn alice(lab: &Arc<Lab>) -> Self {
        Self(Arc::clone(lab), Person::new(user("alice").unwrap()))
    }
}

impl Browser for PersonAtBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        let (lab, person, url) = (Arc::clone(&self.0), self.1.clone(), url.to_owned());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                lab.browser()
                    .unwrap()
                    .sign_in(&url, &person)
                    .await
                    .map(drop)
            })
        });
        Ok(())
    }
}
