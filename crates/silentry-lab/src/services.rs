//! Which part of the lab answers a request.

use std::sync::Arc;

use crate::adfs::Adfs;
use crate::api;
use crate::clock::{Clock, http_date};
use crate::entra::Entra;
use crate::entra::autologon::Autologon;
use crate::hosts::{Part, part_of};
use crate::http::{Reply, Request};
use crate::scenario::switches::Switches;
use crate::tls::{Certificates, Leaf};

/// Everything that answers HTTP.
pub(crate) struct Services {
    pub(crate) adfs: Adfs,
    pub(crate) autologon: Autologon,
    pub(crate) entra: Entra,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) switches: Switches,
}

impl Services {
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        match part_of(request.host) {
            Some((_, Part::Entra)) => self.entra.answer(request),
            Some((_, Part::Website)) => website(request),
            Some((_, Part::Federation)) => self.adfs.answer(request),
            Some((_, Part::Autologon)) => self.autologon.answer(request),
            Some((_, Part::Api)) => {
                api::answer(request, &self.adfs, &self.entra, self.switches.api)
            }
            None => Reply::text("front", 421, "the lab does not play this name"),
        }
    }

    /// Returns whether the scenario makes this name unreachable.
    pub(crate) fn is_down(&self, name: &str) -> bool {
        !self.switches.adfs.reachable && is_federation(name)
    }

    /// Returns the certificate that the next connection to this name shows.
    pub(crate) fn leaf(&self, name: &str) -> Option<Arc<Leaf>> {
        if self.switches.adfs.farm && is_federation(name) {
            self.certificates.in_turn(name)
        } else {
            self.certificates.only(name)
        }
    }

    /// Returns the `Date` that the servers of this name believe in.
    pub(crate) fn date(&self, name: &str) -> String {
        let clock = if is_federation(name) {
            self.adfs.clock
        } else {
            Clock::default()
        };
        http_date(clock.now())
    }
}

/// The page that a device code names leads to Entra.
fn website(request: &Request) -> Reply {
    let path = request.path.trim_end_matches('/');
    if path.eq_ignore_ascii_case("/devicelogin") {
        let page = "https://login.microsoftonline.com/common/oauth2/deviceauth";
        return Reply::new("sign-in", 302).header("location", page);
    }
    Reply::text("front", 404, "the lab has nothing at this path")
}

fn is_federation(name: &str) -> bool {
    part_of(name).is_some_and(|(_, part)| part == Part::Federation)
}
