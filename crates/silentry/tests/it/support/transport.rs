//! Networks for tests: one that is a function, and one that is watched.

use silentry::transport::{
    BoxFuture, Connection, HttpRequest, HttpResponse, HyperTransport, Origin, Transport,
    TransportError,
};
use silentry_lab::Lab;

/// What stands for all servers.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    /// Returns what the host replies to the request.
    fn answer(&self, host: &str, request: &HttpRequest) -> HttpResponse;
}

/// A transport that asks nobody but this.
pub(crate) struct Answering<A>(pub(crate) A);

impl<A: Answer> Transport for Answering<A> {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        let (server, host) = (self.0.clone(), origin.host().to_owned());
        Box::pin(async move { Ok(Box::new(Answered { server, host }) as Box<dyn Connection>) })
    }
}

struct Answered<A> {
    server: A,
    host: String,
}

impl<A: Answer> Connection for Answered<A> {
    fn leaf_certificate(&self) -> Option<&[u8]> {
        None
    }

    fn send<'a>(
        &'a mut self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, TransportError>> {
        let response = self.server.answer(&self.host, request);
        Box::pin(async move { Ok(response) })
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

/// What happens on the way to the servers and back.
pub(crate) trait Watch: Clone + Send + Sync + 'static {
    /// A connection was opened.
    fn connected(&self) {}

    /// A request is about to be sent to the host.
    fn asks(&self, _host: &str, _request: &HttpRequest) {}

    /// The reply came; returns the one that the library is to get.
    fn replied(&self, response: HttpResponse) -> HttpResponse {
        response
    }
}

/// The library's own transport, watched.
pub(crate) struct Watched<W> {
    watch: W,
    transport: HyperTransport,
}

impl<W: Watch> Watched<W> {
    /// Watches what goes to the lab and comes from there.
    pub(crate) fn in_lab(lab: &Lab, watch: W) -> Self {
        let transport = in_lab(lab);
        Self { watch, transport }
    }
}

/// Returns the library's own transport to the lab.
pub(crate) fn in_lab(lab: &Lab) -> HyperTransport {
    HyperTransport::builder()
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .build()
        .unwrap()
}

impl<W: Watch> Transport for Watched<W> {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let inner = self.transport.connect(origin).await?;
            self.watch.connected();
            let (watch, host) = (self.watch.clone(), origin.host().to_owned());
            Ok(Box::new(WatchedConnection { watch, host, inner }) as Box<dyn Connection>)
        })
    }
}

struct WatchedConnection<W> {
    watch: W,
    host: String,
    inner: Box<dyn Connection>,
}

impl<W: Watch> Connection for WatchedConnection<W> {
    fn leaf_certificate(&self) -> Option<&[u8]> {
        self.inner.leaf_certificate()
    }

    fn send<'a>(
        &'a mut self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            self.watch.asks(&self.host, request);
            let response = self.inner.send(request).await;
            response.map(|response| self.watch.replied(response))
        })
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}
