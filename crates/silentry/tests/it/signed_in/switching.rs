//! A transport on which something else happens meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use silentry::transport::{
    BoxFuture, Connection, HttpRequest, HttpResponse, HyperTransport, Origin, Transport,
    TransportError,
};

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
pub(crate) struct SwitchingTransport {
    pub(crate) plan: Plan,
    pub(crate) transport: HyperTransport,
}

impl Transport for SwitchingTransport {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let connection = self.transport.connect(origin).await?;
            self.plan.wait();
            let plan = self.plan.clone();
            Ok(Box::new(SwitchingConnection { plan, connection }) as Box<dyn Connection>)
        })
    }
}

struct SwitchingConnection {
    plan: Plan,
    connection: Box<dyn Connection>,
}

impl Connection for SwitchingConnection {
    fn leaf_certificate(&self) -> Option<&[u8]> {
        self.connection.leaf_certificate()
    }

    fn send<'a>(
        &'a mut self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let response = self.connection.send(request).await;
            self.plan.wait();
            response
        })
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }
}
