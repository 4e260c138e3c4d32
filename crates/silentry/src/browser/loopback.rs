//! The loopback address where the browser brings the answer.
//!
//! Browsers open connections that they never use, ask for icons, and choose IPv6 or IPv4 as they like:
//! both are listened on, and every connection is served by itself.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::page;
use crate::oauth::authorization::{AuthorizationResponse, Outcome};

/// Codes have a few kilobytes.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// Connections that are served at the same time; a browser opens a handful.
const MAX_CONNECTIONS: usize = 32;
/// How long a browser may take to send a request.
const HEADER_LIMIT: Duration = Duration::from_secs(30);

/// Why the browser's answer cannot be received.
#[derive(Debug, Error)]
pub(crate) enum LoopbackError {
    /// No port of the loopback address is to be had.
    #[error("no port of the loopback address can be listened on: {0}")]
    NoPort(io::Error),
    /// Listening failed later.
    #[error("listening on the loopback address failed: {0}")]
    Failed(io::Error),
}

/// Waits on `http://localhost:{port}` for the browser to come back.
pub(crate) struct LoopbackListener {
    v4: TcpListener,
    v6: Option<TcpListener>,
    port: u16,
}

/// What one connection brought.
type Brought = Arc<Mutex<Option<AuthorizationResponse>>>;

impl LoopbackListener {
    /// Takes a free port, or this one.
    pub(crate) async fn bind(port: Option<u16>) -> Result<Self, LoopbackError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let v4 = TcpListener::bind(wanted)
            .await
            .map_err(LoopbackError::NoPort)?;
        let port = v4.local_addr().map_err(LoopbackError::NoPort)?.port();
        // Machines without IPv6 exist, and there localhost means IPv4 alone.
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { v4, v6, port })
    }

    /// Returns what Entra is told: public clients may come back to any port of `http://localhost`.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Serves the browser until it brings an answer; one without this state gets a page that says so.
    pub(crate) async fn receive(
        &self,
        state: &str,
    ) -> Result<AuthorizationResponse, LoopbackError> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                stream = self.accept(), if connections.len() < MAX_CONNECTIONS => {
                    let stream = stream.map_err(LoopbackError::Failed)?;
                    connections.spawn(serve(stream, state.to_owned()));
                }
                Some(served) = connections.join_next() => {
                    if let Ok(Some(response)) = served {
                        return Ok(response);
                    }
                }
            }
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        poll_fn(|context| {
            if let Poll::Ready(accepted) = self.v4.poll_accept(context) {
                return Poll::Ready(accepted);
            }
            match &self.v6 {
                Some(v6) => v6.poll_accept(context),
                None => Poll::Pending,
            }
        })
        .await
        .map(|(stream, _)| stream)
    }
}

/// Serves one connection to its end, so that the browser has the page before anybody goes on; returns the answer that
/// it brought.
async fn serve(stream: TcpStream, state: String) -> Option<AuthorizationResponse> {
    let brought = Brought::default();
    let service = service_fn(|request| {
        let (state, brought) = (state.clone(), Arc::clone(&brought));
        async move { Ok::<_, Infallible>(answer(request, &state, &brought).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(MAX_FORM_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a connection of the browser ended");
    }
    lock(&brought).take()
}

async fn answer(
    request: Request<Incoming>,
    state: &str,
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
        Some(response) if response.state == state => {
            let reply = page_for(&response.outcome);
            lock(brought).get_or_insert(response);
            reply
        }
        Some(response) => {
            lock(brought).get_or_insert(response);
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
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn say(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    }

    fn post(form: &str) -> String {
        format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        )
    }

    #[tokio::test]
    async fn the_right_answer_is_waited_for_among_others() {
        let listener = LoopbackListener::bind(None).await.unwrap();
        let port = listener.port;
        let browser = tokio::spawn(async move {
            // A connection that a browser opens ahead of time, and never uses.
            let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            let mut replies = Vec::new();
            for request in [
                "GET /favicon.ico HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
                "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
                "DELETE /?code=a&state=mine HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
                post(&"x".repeat(MAX_FORM_BYTES + 1)),
                post("code=ours&state=mine"),
            ] {
                replies.push(say(port, &request).await);
            }
            drop(idle);
            replies
        });
        let response = listener.receive("mine").await.unwrap();
        assert!(matches!(response.outcome, Outcome::Code(code) if code.expose() == "ours"));
        let replies = browser.await.unwrap();
        let status: Vec<&str> = replies.iter().map(|reply| &reply[9..12]).collect();
        assert_eq!(status, ["404", "400", "405", "413", "200"]);
        assert!(replies[4].contains("Signed in") && !replies[4].contains("ours"));
    }

    #[tokio::test]
    async fn an_answer_of_another_sign_in_is_no_success() {
        let listener = LoopbackListener::bind(None).await.unwrap();
        let port = listener.port;
        let browser = tokio::spawn(async move {
            say(
                port,
                "GET /?code=theirs&state=other HTTP/1.1\r\nhost: localhost\r\n\r\n",
            )
            .await
        });
        let response = listener.receive("mine").await.unwrap();
        assert_eq!(response.state, "other");
        let page = browser.await.unwrap();
        assert!(page.starts_with("HTTP/1.1 400") && !page.contains("theirs"));
    }

    #[tokio::test]
    async fn a_refusal_is_shown_and_returned() {
        let listener = LoopbackListener::bind(None).await.unwrap();
        let port = listener.port;
        let browser = tokio::spawn(async move {
            let query = "error=access_denied&error_description=no+%3Cb%3E&state=s";
            say(
                port,
                &format!("GET /?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            )
            .await
        });
        let response = listener.receive("s").await.unwrap();
        assert!(matches!(response.outcome, Outcome::Refused(_)));
        assert!(browser.await.unwrap().contains("no &lt;b&gt;"));
    }
}
