//! Requests and replies, as every transport carries them.

use std::fmt;

use bytes::Bytes;
use silentry_protocol::http::compression;
use url::Url;
use zeroize::Zeroizing;

use crate::text::printable;

/// The two methods that a public client needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET, which is safe to repeat.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// Returns the method as it stands on the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// One request. Its headers and body may hold secrets: `Debug` shows neither, and both are wiped on drop.
pub struct HttpRequest {
    method: Method,
    target: String,
    headers: Vec<(&'static str, Zeroizing<String>)>,
    extra_headers: Vec<(String, String)>,
    /// Wipes itself with its last clone.
    body: Bytes,
}

impl HttpRequest {
    pub(crate) fn get(url: &Url) -> Self {
        HttpRequest {
            method: Method::Get,
            target: target(url),
            headers: Vec::new(),
            extra_headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn post(url: &Url, content_type: &str, body: Zeroizing<Vec<u8>>) -> Self {
        HttpRequest {
            method: Method::Post,
            body: Bytes::from_owner(body),
            ..HttpRequest::get(url)
        }
        .with_header("content-type", content_type)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Zeroizing::new(value.into())));
        self
    }

    pub(crate) fn with_extra_headers(mut self, headers: &[(String, String)]) -> Self {
        self.extra_headers.extend_from_slice(headers);
        self
    }

    /// Replaces the header `name`.
    #[cfg(feature = "integrated")]
    pub(crate) fn set_header(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, Zeroizing::new(value.to_owned())));
    }

    /// Returns the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the headers, without `host` and `content-length`.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        own.chain(
            self.extra_headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }

    /// Returns the body, empty for a GET.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body for who keeps it longer, without a copy.
    pub(super) fn shared_body(&self) -> Bytes {
        self.body.clone()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Path and query of `url`, as they stand on the request line.
fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// One reply, read whole. The body may hold secrets: `Debug` does not show it, and it is wiped on drop.
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// Makes a reply from its parts.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self::of(status, headers, Zeroizing::new(body))
    }

    pub(super) fn of(
        status: u16,
        headers: Vec<(String, String)>,
        body: Zeroizing<Vec<u8>>,
    ) -> Self {
        HttpResponse {
            status,
            headers,
            body,
        }
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(present, _)| present.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// Returns every header called `name`, in any case.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(present, _)| present.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns how the body is compressed, which no request asks for.
    pub(crate) fn compression(&self) -> Option<String> {
        let named = self.header("content-encoding").map(str::trim);
        let named = named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
        let told = named.map(|name| printable(name, 20));
        told.or_else(|| compression::of(&self.body).map(str::to_owned))
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
