//! The loopback address where the browser brings the answer.
//!
//! Browsers open connections that they never use, ask for icons, and choose IPv6 or IPv4 as they like: both are listened
//! on, and every connection is served by itself, in bounded time and size. Anybody on the machine can connect: another
//! user's connection is refused, an answer with another state is not taken, and nothing of it ends the waiting.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use silentry_protocol::oauth::authorization::{AuthorizationResponse, Outcome};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::page;
use super::peer::{self, Peer};

/// Codes have a few kilobytes.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// Connections that are served at the same time; a browser opens a handful.
const MAX_CONNECTIONS: usize = 32;
/// How long a connection is served, from the first byte of the request to the last of the page.
const CONNECTION_LIMIT: Duration = Duration::from_secs(15);
/// How long it is served at least while others wait for its place.
const CONNECTION_LEAST: Duration = Duration::from_secs(1);
/// Before the next try, when a connection could not be accepted: no file descriptor is left, for one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many free ports of IPv4 are tried, as the same port of IPv6 may be taken.
const PORTS_TO_TRY: usize = 16;

/// Why the browser's answer cannot be received.
#[derive(Debug, Error)]
#[error("port {port} of {ip} cannot be listened on: {reason}")]
pub(crate) struct LoopbackError {
    ip: IpAddr,
    port: u16,
    reason: io::Error,
}

/// Waits on `http://localhost:{port}` for the browser to come back.
pub(crate) struct LoopbackListener {
    v4: TcpListener,
    v6: Option<TcpListener>,
    port: u16,
    /// Whether answers to other sign-ins came.
    another_came: Arc<AtomicBool>,
    other_users: Arc<OtherUsers>,
}

/// Connections of other users. The page that refuses them is sent outside the places for the browser, which they could
/// fill otherwise.
#[derive(Debug)]
struct OtherUsers {
    seen: AtomicBool,
    /// How many are sent the page at the same time; further connections are closed without it.
    refusals: Arc<Semaphore>,
}

impl Default for OtherUsers {
    fn default() -> Self {
        Self {
            seen: AtomicBool::new(false),
            refusals: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }
}

/// What one connection brought.
type Brought = Arc<Mutex<Option<AuthorizationResponse>>>;

impl LoopbackListener {
    /// Takes a free port, or this one.
    pub(crate) async fn bind(port: Option<u16>) -> Result<Self, LoopbackError> {
        let mut tries = if port.is_some() { 1 } else { PORTS_TO_TRY };
        loop {
            let v4 = listen(Ipv4Addr::LOCALHOST, port.unwrap_or(0)).await?;
            let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
            let own = v4.local_addr().map_err(|reason| LoopbackError {
                ip,
                port: port.unwrap_or(0),
                reason,
            })?;
            let port = own.port();
            tries -= 1;
            let v6 = match listen(Ipv6Addr::LOCALHOST, port).await {
                Ok(v6) => Some(v6),
                Err(error) if is_without_ipv6(&error.reason) => None,
                // Whoever has the port there would be brought the code.
                Err(error) if tries == 0 => return Err(error),
                Err(_) => continue,
            };
            return Ok(Self {
                v4,
                v6,
                port,
                another_came: Arc::default(),
                other_users: Arc::default(),
            });
        }
    }

    /// Returns what Entra is told: public clients may come back to any port of `http://localhost`.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Returns whether answers came that were none to this sign-in.
    pub(crate) fn another_came(&self) -> bool {
        self.another_came.load(Ordering::Relaxed)
    }

    /// Serves the browser until it brings the answer with this state; any other gets a page that says so.
    pub(crate) async fn receive(&self, state: &str) -> AuthorizationResponse {
        let mut connections = JoinSet::new();
        // Who is dropped from here gives up the place.
        let mut places: VecDeque<(Instant, oneshot::Sender<Infallible>)> = VecDeque::new();
        loop {
            let full = connections.len() >= MAX_CONNECTIONS;
            // One at a time: who has lost a place leaves it a moment later.
            let oldest = places.front().filter(|_| places.len() >= MAX_CONNECTIONS);
            let oldest = oldest.map(|(since, _)| *since + CONNECTION_LEAST);
            tokio::select! {
                stream = self.accept(), if !full => {
                    let (place, lost) = oneshot::channel();
                    places.push_back((Instant::now(), place));
                    let expected = Expected {
                        state: state.to_owned(),
                        another_came: Arc::clone(&self.another_came),
                        other_users: Arc::clone(&self.other_users),
                    };
                    connections.spawn(serve(stream, expected, lost));
                }
                Some(served) = connections.join_next() => {
                    if let Ok(Some(response)) = served {
                        return response;
                    }
                    places.retain(|(_, place)| !place.is_closed());
                }
                () = sleep_until(oldest.unwrap_or_else(Instant::now)), if oldest.is_some() => {
                    places.pop_front();
                }
            }
        }
    }

    /// Returns the next connection. One that cannot be accepted ends nothing: the reason may pass.
    async fn accept(&self) -> TcpStream {
        loop {
            let accepted = tokio::select! {
                accepted = self.v4.accept() => accepted,
                accepted = accept_on(self.v6.as_ref()) => accepted,
            };
            match accepted {
                Ok((stream, _)) => return stream,
                Err(error) => tracing::debug!(%error, "a connection could not be accepted"),
            }
            sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn listen(ip: impl Into<IpAddr>, port: u16) -> Result<TcpListener, LoopbackError> {
    let ip = ip.into();
    let bound = TcpListener::bind((ip, port)).await;
    bound.map_err(|reason| LoopbackError { ip, port, reason })
}

async fn accept_on(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Machines without IPv6 exist, and there localhost means IPv4 alone: the address, or the family, is not there.
fn is_without_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT of Linux, macOS and Windows; the standard library has no kind for it.
    const NO_FAMILY: [i32; 3] = [97, 47, 10047];
    error.kind() == ErrorKind::AddrNotAvailable
        || error
            .raw_os_error()
            .is_some_and(|code| NO_FAMILY.contains(&code))
}

/// What a connection is to bring.
#[derive(Clone)]
struct Expected {
    state: String,
    another_came: Arc<AtomicBool>,
    other_users: Arc<OtherUsers>,
}

/// Serves one connection to its end, so that the browser has the page before anybody goes on; returns the answer that
/// it brought.
async fn serve(
    stream: TcpStream,
    expected: Expected,
    place_lost: oneshot::Receiver<Infallible>,
) -> Option<AuthorizationResponse> {
    if !may_come(&stream, &expected.other_users.seen).await {
        if let Ok(permit) = Arc::clone(&expected.other_users.refusals).try_acquire_owned() {
            tokio::spawn(async move {
                let _ = timeout(CONNECTION_LEAST, turn_away(stream)).await;
                drop(permit);
            });
        }
        return None;
    }
    let brought = Brought::default();
    let service = service_fn(|request| {
        let (expected, brought) = (expected.clone(), Arc::clone(&brought));
        async move { Ok::<_, Infallible>(answer(request, &expected, &brought).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_FORM_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = connection => if let Err(error) = served {
            tracing::trace!(%error, "a connection of the browser ended");
        },
        () = sleep(CONNECTION_LIMIT) => tracing::trace!("a connection of the browser took too long"),
        _ = place_lost => tracing::trace!("a connection of the browser gave up its place"),
    }
    lock(&brought).take()
}

/// Asks whose connection it is. Where the system does not tell, anybody may come.
///
/// Another user's is told once: whoever can connect could fill the terminal with lines.
async fn may_come(stream: &TcpStream, seen: &AtomicBool) -> bool {
    let (Ok(own), Ok(other)) = (stream.local_addr(), stream.peer_addr()) else {
        return false;
    };
    // The list of all connections may be long.
    let asked = tokio::task::spawn_blocking(move || peer::of(own, other)).await;
    match asked {
        Ok(Ok(Peer::SameUser | Peer::Unknown)) => true,
        Ok(Ok(Peer::OtherUser(uid))) => {
            if !seen.swap(true, Ordering::Relaxed) {
                tracing::warn!(uid, "another user's connection to the sign-in was refused");
            }
            false
        }
        Ok(Ok(Peer::Gone)) => {
            tracing::debug!("a connection of the browser was closed before its time");
            false
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a connection was refused: whose it is cannot be found out");
            false
        }
        // The runtime is ending.
        Err(_) => false,
    }
}

/// Says why, whatever is asked for.
async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    let page = page::render(
        "This sign-in belongs to another user",
        "It can only be finished in a browser of the user who started it.",
    );
    let head = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await?;
    // What is left unread would take the page back (RFC 1122 section 4.2.2.13).
    let mut unread = stream.take(MAX_FORM_BYTES as u64);
    tokio::io::copy(&mut unread, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    expected: &Expected,
    brought: &Brought,
) -> Response<Full<Bytes>> {
    if request.uri().path() != "/" {
        return reply(StatusCode::NOT_FOUND, "Nothing here", "");
    }
    let form = match *request.method() {
        Method::GET => request
            .uri()
            .query()
            .unwrap_or_default()
            .as_bytes()
            .to_vec(),
        Method::POST => match Limited::new(request.into_body(), MAX_FORM_BYTES)
            .collect()
            .await
        {
            Ok(body) => body.to_bytes().to_vec(),
            Err(_) => return reply(StatusCode::PAYLOAD_TOO_LARGE, "Too much", ""),
        },
        _ => return reply(StatusCode::METHOD_NOT_ALLOWED, "Not that way", ""),
    };
    match AuthorizationResponse::parse(&form) {
        Some(response) if response.state == expected.state => {
            let reply = page_for(&response.outcome);
            lock(brought).get_or_insert(response);
            reply
        }
        Some(_) => {
            if !expected.another_came.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "the browser brought the answer to another sign-in, which was not taken"
                );
            }
            reply(
                StatusCode::BAD_REQUEST,
                "This is not the sign-in that is waited for",
                "The answer belongs to another sign-in, perhaps an older one. Start again from the application.",
            )
        }
        None => reply(
            StatusCode::BAD_REQUEST,
            "Nothing to sign in with",
            "This address is for the end of a sign-in.",
        ),
    }
}

fn page_for(outcome: &Outcome) -> Response<Full<Bytes>> {
    match outcome {
        Outcome::Code(_) => reply(
            StatusCode::OK,
            "Signed in",
            "You can close this window and return to the application.",
        ),
        Outcome::Cancelled => reply(
            StatusCode::OK,
            "Cancelled",
            "You have not signed in. You can close this window and return to the application.",
        ),
        Outcome::Refused(error) => reply(
            StatusCode::OK,
            "Not signed in",
            error.description().unwrap_or_else(|| error.error()),
        ),
    }
}

fn reply(status: StatusCode, title: &str, sentence: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(page::render(title, sentence)));
    *response.status_mut() = status;
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        // The address of this page may have the code in it.
        ("referrer-policy", "no-referrer"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

fn lock(brought: &Brought) -> std::sync::MutexGuard<'_, Option<AuthorizationResponse>> {
    brought.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
