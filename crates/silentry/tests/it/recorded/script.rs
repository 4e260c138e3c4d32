//! A transport that answers with what was recorded, and holds what is asked against it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use silentry::transport::{HttpRequest, HttpResponse};

use crate::recorded::compare;
use crate::recorded::recording::{self, Exchange, Kind, Recording, Reply};
use crate::support::Answer;

/// Requests that the recorded client sent and ours need not.
const NOT_NEEDED: [Kind; 2] = [Kind::Instance, Kind::OpenIdConfiguration];

/// Replies in their recorded order; a request out of order, or for another address, fails the test.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

struct State {
    name: String,
    left: Vec<Exchange>,
    differences: BTreeSet<String>,
}

impl Script {
    pub(crate) fn of(recording: &Recording) -> Self {
        Self(Arc::new(Mutex::new(State {
            name: recording.name.clone(),
            left: recording.exchanges.clone(),
            differences: BTreeSet::new(),
        })))
    }

    /// Answers one request and notes how it differs from the recorded one.
    pub(crate) fn reply(&self, method: &str, url: &str, body: &str) -> Reply {
        self.take(method, &url::Url::parse(url).unwrap(), None, body)
    }

    /// Passes over a request that the library cannot make yet.
    pub(crate) fn pass(&self, expected: &Exchange) {
        let next = self.0.lock().unwrap().left.remove(0);
        assert_eq!(next.kind(), expected.kind());
    }

    /// Returns every difference from the recording, whose end must have been reached.
    pub(crate) fn finish(self) -> BTreeSet<String> {
        let state = self.0.lock().unwrap();
        let left: Vec<_> = state.left.iter().map(Exchange::kind).collect();
        assert!(left.is_empty(), "{}: {left:?} were never asked", state.name);
        state.differences.clone()
    }

    fn take(
        &self,
        method: &str,
        url: &url::Url,
        headers: Option<&[(String, String)]>,
        body: &str,
    ) -> Reply {
        let mut state = self.0.lock().unwrap();
        let state = &mut *state;
        let kind = recording::kind(url);
        while let Some(next) = state.left.first() {
            if !NOT_NEEDED.contains(&next.kind()) || next.kind() == kind {
                break;
            }
            let skipped = state.left.remove(0).kind();
            state
                .differences
                .insert(format!("{skipped:?}: is not asked"));
        }
        assert!(
            !state.left.is_empty(),
            "{}: {url} after the end",
            state.name
        );
        let recorded = state.left.remove(0);
        let asked = (method, kind, url.host_str(), url.query());
        let before = &recorded.url;
        assert_eq!(
            asked,
            (
                recorded.method.as_str(),
                recorded.kind(),
                before.host_str(),
                before.query()
            ),
            "{}: {url} in place of {before}",
            state.name
        );
        let mut seen = compare::paths(kind, &recorded.url, url);
        if let Some(headers) = headers {
            seen.extend(compare::headers(&recorded.headers, headers));
        }
        seen.extend(match kind {
            Kind::Rst => compare::envelopes(&recorded.body, body),
            Kind::Token => compare::forms(&recorded.body, body),
            _ => {
                assert!(body.is_empty(), "{}: a body for {url}", state.name);
                Vec::new()
            }
        });
        let seen = seen
            .into_iter()
            .map(|difference| format!("{kind:?}: {difference}"));
        state.differences.extend(seen);
        recorded.reply
    }
}

impl Answer for Script {
    fn answer(&self, host: &str, request: &HttpRequest) -> HttpResponse {
        let url = format!("https://{host}{}", request.target());
        let url = url::Url::parse(&url).unwrap();
        let owned = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.to_owned());
        let headers: Vec<_> = request.headers().map(owned).collect();
        let body = std::str::from_utf8(request.body()).unwrap();
        let method = request.method().as_str();
        let reply = self.take(method, &url, Some(&headers), body);
        HttpResponse::new(reply.status, reply.headers, reply.body)
    }
}
