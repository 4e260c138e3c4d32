//! TLS and HTTP/1.1 for one connection to a name the lab plays.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Front, IDLE, PATIENCE, sniff};
use crate::hosts::part_of;
use crate::http::{Reply, ReplyBody, Request};
use crate::tls::Leaf;

/// No honest request of a sign-in is longer, and http.sys allows a header of 64 KB at most.
const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 64 * 1024;
/// A client that never reads its reply is let go, and one that lives long connects anew.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Serves a client that speaks TLS from the first byte, by its server name.
pub(super) async fn direct(stream: TcpStream, front: &Arc<Front>) -> io::Result<()> {
    let sniffed = tokio::time::timeout(PATIENCE, sniff::server_name(stream)).await;
    let (name, mut stream) = sniffed.map_err(|_| io::ErrorKind::TimedOut)??;
    let name = name.unwrap_or_default();
    if let Some(target) = front.map.get(&name.to_ascii_lowercase()) {
        let mut upstream = TcpStream::connect(target).await?;
        return tokio::io::copy_bidirectional(&mut stream, &mut upstream)
            .await
            .map(drop);
    }
    match part_of(&name) {
        Some((name, _)) if !front.services.is_down(name) => tunnel(stream, name, front).await,
        // There is no certificate to say so with; TLS has only an alert, which is what closing
        // before the handshake amounts to.
        _ => Err(io::Error::other(format!(
            "the lab does not play {name:.255}"
        ))),
    }
}

/// Serves one name over TLS.
pub(super) async fn tunnel<S>(stream: S, name: &'static str, front: &Arc<Front>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(leaf) = front.services.leaf(name) else {
        return Ok(());
    };
    let handshake = TlsAcceptor::from(Arc::clone(&leaf.config)).accept(stream);
    let tls = tokio::time::timeout(PATIENCE, handshake)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;

    let service = service_fn(|request| exchange(request, name, &leaf, front));
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MAX_HEADERS)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(tls), service);
    match tokio::time::timeout(LONGEST, serving).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn exchange(
    request: hyper::Request<Incoming>,
    name: &'static str,
    leaf: &Arc<Leaf>,
    front: &Front,
) -> Result<hyper::Response<ReplyBody>, Infallible> {
    let started = Instant::now();
    let method = request.method().clone();
    let url = format!("https://{name}{}", request.uri().path());
    let reply = match read(request, name, leaf).await {
        Ok(request) => front.services.answer(&request),
        Err(reply) => reply,
    };
    let mut reply = reply.header("date", front.services.date(name));
    let ticket = reply.ticket.take();
    let took = started.elapsed();
    front.journal.record(
        reply.stage,
        method.as_str(),
        url,
        reply.status(),
        took,
        ticket,
    );
    Ok(reply.into_response())
}

async fn read(
    request: hyper::Request<Incoming>,
    name: &'static str,
    leaf: &Arc<Leaf>,
) -> Result<Request, Reply> {
    let (parts, body) = request.into_parts();
    let host = parts
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let host = host.strip_suffix(":443").unwrap_or(host);
    if part_of(host).is_none_or(|(host, _)| host != name) {
        // RFC 9110 section 7.4: this connection was not made for that name.
        return Err(Reply::text(
            "front",
            421,
            "the Host header is not the name connected to",
        ));
    }
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BODY).collect());
    let body: Bytes = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return Err(Reply::text("front", 413, "the body is too large or broken").closing());
        }
        Err(_) => return Err(Reply::text("front", 408, "the body did not arrive").closing()),
    };
    Ok(Request {
        method: parts.method,
        host: name,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        leaf: Arc::clone(leaf),
    })
}
