//! What else happens while the network is waited for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use silentry::transport::HttpResponse;

use crate::support::Watch;

type Deed = Box<dyn FnOnce() + Send>;

/// What is going to happen, by how often the network is waited for until then.
#[derive(Clone, Default)]
pub(crate) struct Plan(Arc<Mutex<(usize, BTreeMap<usize, Deed>)>>);

impl Plan {
    pub(crate) fn begin(&self, deeds: BTreeMap<usize, Deed>) {
        *self.0.lock().unwrap() = (0, deeds);
    }

    /// Does what has not happened.
    pub(crate) fn end(&self) {
        let (_, left) = std::mem::take(&mut *self.0.lock().unwrap());
        left.into_values().for_each(|deed| deed());
    }

    fn wait(&self) {
        let mut plan = self.0.lock().unwrap();
        let (waits, deeds) = &mut *plan;
        if let Some(deed) = deeds.remove(waits) {
            deed();
        }
        *waits += 1;
    }
}

/// Carries out the plan each time the network is waited for.
impl Watch for Plan {
    fn connected(&self) {
        self.wait();
    }

    fn replied(&self, response: HttpResponse) -> HttpResponse {
        self.wait();
        response
    }
}
