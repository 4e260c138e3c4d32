//! The HTTP messages that the services of the lab see: a request with its whole body, and a reply.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::journal::PresentedTicket;
use crate::tls::Leaf;

/// A request as the services see it.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The name the client connected to, lower case.
    pub(crate) host: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The certificate that this very connection showed.
    pub(crate) leaf: Arc<Leaf>,
}

impl Request {
    /// Returns a header as text; one that is not visible ASCII counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the decoded value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Returns the media type without its parameters, lower case.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }
}

/// A reply, and the stage of a sign-in that it belongs to.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) stage: &'static str,
    /// The ticket that came with the request, for the journal.
    pub(crate) ticket: Option<PresentedTicket>,
    status: StatusCode,
    reason: Option<String>,
    headers: HeaderMap,
    body: ReplyBody,
}

impl Reply {
    /// Returns an empty reply. An invalid status number is a defect of the lab and shows as 500.
    pub(crate) fn new(stage: &'static str, status: u16) -> Self {
        Self {
            stage,
            ticket: None,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason: None,
            headers: HeaderMap::new(),
            body: ReplyBody::Full(Some(Bytes::new())),
        }
    }

    pub(crate) fn text(stage: &'static str, status: u16, text: impl Into<String>) -> Self {
        Self::new(stage, status).body("text/plain; charset=utf-8", text.into())
    }

    pub(crate) fn html(stage: &'static str, status: u16, html: impl Into<String>) -> Self {
        Self::new(stage, status).body("text/html; charset=utf-8", html.into())
    }

    pub(crate) fn body(mut self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = ReplyBody::Full(Some(body.into()));
        self.header("content-type", media_type)
    }

    /// Adds a header, beside those of the same name. A value that HTTP cannot carry is left out.
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// Sets the text behind the status number: http.sys says there what went wrong.
    pub(crate) fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sends the body one byte at a time.
    pub(crate) fn dripping(mut self, pause: Duration) -> Self {
        if let ReplyBody::Full(Some(bytes)) = self.body {
            self.body = ReplyBody::Drip {
                bytes,
                pause,
                sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            };
        }
        self
    }

    /// Closes the connection after this reply.
    pub(crate) fn closing(self) -> Self {
        self.header("connection", "close")
    }

    /// Notes the ticket that came with the request.
    pub(crate) fn with_ticket(mut self, ticket: Option<PresentedTicket>) -> Self {
        self.ticket = ticket;
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(reason) = self
            .reason
            .and_then(|text| ReasonPhrase::try_from(text.into_bytes()).ok())
        {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// The body of a reply.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// All at once; `None` once it was sent.
    Full(Option<Bytes>),
    /// Byte by byte, for clients that must not wait for ever.
    Drip {
        /// What is still to send.
        bytes: Bytes,
        /// How long to wait before each byte.
        pause: Duration,
        /// The wait under way.
        sleep: Pin<Box<tokio::time::Sleep>>,
    },
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Full(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Drip { bytes, .. } if bytes.is_empty() => Poll::Ready(None),
            Self::Drip {
                bytes,
                pause,
                sleep,
            } => {
                std::task::ready!(sleep.as_mut().poll(context));
                sleep.set(tokio::time::sleep(*pause));
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(1)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Drip { bytes, .. } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = match self {
            Self::Full(bytes) => bytes.as_ref().map_or(0, Bytes::len),
            Self::Drip { bytes, .. } => bytes.len(),
        };
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}
