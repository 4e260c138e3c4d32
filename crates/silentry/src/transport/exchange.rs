//! One request and its reply: what is repeated, which redirect is followed, what is traced.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use silentry_protocol::http::date;
use silentry_protocol::http::retry_after::RetryAfter;
use url::Url;

use super::{
    Clock, Connections, HttpRequest, HttpResponse, Lease, Origin, TransportError,
    TransportErrorKind,
};
use crate::error::{Code, Error, Stage};
use crate::text::printable;

/// MSAL.NET and MSAL Java repeat once, after one second.
const PAUSE: Duration = Duration::from_secs(1);

/// A `Retry-After` up to this is waited for; a longer one is left to the caller.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Redirects of a GET that are followed.
const MAX_REDIRECTS: usize = 5;

/// The exchanges of one call.
pub(crate) struct Exchange<'a> {
    connections: &'a Connections,
    clock: &'a dyn Clock,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(connections: &'a Connections, clock: &'a dyn Clock) -> Self {
        Exchange { connections, clock }
    }

    /// Sends a request that may be sent twice: it is repeated once when the server failed or the connection broke.
    pub(crate) async fn send(
        &self,
        stage: Stage,
        url: &Url,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Error> {
        let first = self.send_once(stage, url, request).await;
        let Some(pause) = pause_before_repeating(&first) else {
            return first.map_err(|error| Error::from_transport(stage, &error));
        };
        tracing::debug!(%stage, seconds = pause.as_secs(), "repeating the request");
        self.clock.sleep(pause).await;
        let second = self.send_once(stage, url, request).await;
        second.map_err(|error| Error::from_transport(stage, &error))
    }

    /// Sends a request that must not be sent twice, as a password or a code is in it: on a connection of its own, since
    /// of a kept one nobody knows whether a server that closes it has read the request.
    pub(crate) async fn send_single(
        &self,
        stage: Stage,
        url: &Url,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Error> {
        let sent = async {
            let lease = self.connections.open(&origin(url)?).await?;
            self.send_on(stage, lease, request).await
        };
        sent.await
            .map_err(|error| Error::from_transport(stage, &error))
    }

    /// Sends a GET and follows redirects within its https host. `request` makes the request for each URL.
    ///
    /// Returns the reply with the URL that gave it, as relative addresses in a document refer to that.
    pub(crate) async fn get(
        &self,
        stage: Stage,
        url: &Url,
        request: impl Fn(&Url) -> HttpRequest,
    ) -> Result<(HttpResponse, Url), Error> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(stage, &url, &request(&url)).await?;
            if !is_redirect(&response) {
                return Ok((response, url));
            }
            url = redirect_target(stage, &url, &response)?;
        }
        Err(Error::new(
            Code::RedirectRefused,
            stage,
            format!(
                "{} redirects more than {MAX_REDIRECTS} times",
                url.host_str().unwrap_or_default()
            ),
        ))
    }

    /// Returns a connection to the host of `url`, for a request that depends on the connection carrying it.
    pub(crate) async fn lease(&self, url: &Url) -> Result<Lease, TransportError> {
        self.connections.lease(&origin(url)?).await
    }

    /// Sends one request on `lease`; keeps the connection afterwards.
    pub(crate) async fn send_on(
        &self,
        stage: Stage,
        mut lease: Lease,
        request: &HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let method = request.method().as_str();
        let reply = lease.connection.send(request).await;
        match &reply {
            Ok(reply) => {
                tracing::debug!(%stage, method, origin = %lease.origin(), status = reply.status(), "exchange");
                self.connections.give_back(lease);
            }
            Err(error) => {
                tracing::debug!(%stage, method, origin = %lease.origin(), %error, "exchange failed");
            }
        }
        reply
    }

    async fn send_once(
        &self,
        stage: Stage,
        url: &Url,
        request: &HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let lease = self.lease(url).await?;
        let reused = lease.reused;
        match self.send_on(stage, lease, request).await {
            // The server closed a kept connection at the very moment it was used again: nothing has happened yet.
            Err(error) if reused && is_stale(&error) => {
                let lease = self.connections.open(&origin(url)?).await?;
                self.send_on(stage, lease, request).await
            }
            reply => reply,
        }
    }
}

/// Returns `true` when a kept connection turned out to be closed.
pub(crate) fn is_stale(error: &TransportError) -> bool {
    error.kind() == TransportErrorKind::Closed { before_reply: true }
}

/// Returns `true` for the statuses that name another location (RFC 9110 15.4).
pub(crate) fn is_redirect(response: &HttpResponse) -> bool {
    matches!(response.status(), 301 | 302 | 303 | 307 | 308)
}

fn origin(url: &Url) -> Result<Origin, TransportError> {
    Origin::of(url).ok_or_else(|| {
        TransportError::new(
            TransportErrorKind::Unusable,
            format!("`{url}` is not https"),
        )
    })
}

fn pause_before_repeating(reply: &Result<HttpResponse, TransportError>) -> Option<Duration> {
    match reply {
        Ok(response) if response.status() >= 500 => match retry_after(response) {
            Some(pause) => (pause <= LONGEST_PAUSE).then_some(pause),
            None => Some(PAUSE),
        },
        Err(error) if matches!(error.kind(), TransportErrorKind::Closed { .. }) => Some(PAUSE),
        Ok(_) | Err(_) => None,
    }
}

/// How long `Retry-After` says to wait. A date is read by the server's own clock, its `Date`, as ours may be wrong.
pub(crate) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let asked = RetryAfter::parse(response.header("retry-after")?)?;
    let theirs = response.header("date").and_then(date::parse);
    let now = theirs.unwrap_or_else(SystemTime::now);
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(asked.delay(now.as_secs()))
}

fn redirect_target(stage: Stage, url: &Url, response: &HttpResponse) -> Result<Url, Error> {
    let location = response.header("location").unwrap_or_default();
    match url.join(location) {
        Ok(target) if !location.is_empty() && Origin::of(&target) == Origin::of(url) => Ok(target),
        _ => Err(redirect_refused(stage, url, location)),
    }
}

/// The error of a redirect that would lead elsewhere, or would carry a credential along.
pub(crate) fn redirect_refused(stage: Stage, url: &Url, location: &str) -> Error {
    let from = url.host_str().unwrap_or_default();
    // The query of a sign-in page tells about the user.
    let location = printable(location.split('?').next().unwrap_or_default(), 200);
    Error::new(
        Code::RedirectRefused,
        stage,
        format!("{from} redirects to `{location}`"),
    )
}
