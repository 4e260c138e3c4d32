//! Authorities other than the tenants of known clouds, against the lab.

mod adfs;
mod clouds;
mod openid;

use std::sync::Arc;

use silentry::PublicClientApplicationBuilder;
use silentry_lab::Lab;

use crate::support::{PersonAtBrowser, client, person};

async fn lab() -> Arc<Lab> {
    Arc::new(Lab::start().await.unwrap())
}

fn builder(lab: &Lab) -> PublicClientApplicationBuilder {
    let ccache = lab.ccache(lab.user().upn).unwrap();
    client(lab).with_ticket_cache(format!("FILE:{}", ccache.display()))
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

fn alice(lab: &Arc<Lab>) -> PersonAtBrowser {
    PersonAtBrowser {
        lab: Arc::clone(lab),
        person: person("alice"),
    }
}
