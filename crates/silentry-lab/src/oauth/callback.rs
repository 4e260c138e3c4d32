//! The way back to the client after a sign-in in the browser.

use url::Url;

use super::html;
use crate::http::Reply;

/// How the answer travels back (OAuth 2.0 Multiple Response Types 2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// Reads `response_mode`, whose default for a code is the query.
    pub(crate) fn parse(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("query") => Some(Self::Query),
            Some("fragment") => Some(Self::Fragment),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

/// Where the browser is sent once a sign-in has ended, well or not.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    /// A redirect URI that is registered for the client.
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
}

impl Callback {
    /// Returns the reply that takes these members, and the client's `state`, back to it.
    pub(crate) fn reply(&self, stage: &'static str, members: &[(&str, &str)]) -> Reply {
        let state = self.state.as_deref().map(|state| ("state", state));
        let members: Vec<_> = members.iter().copied().chain(state).collect();
        let answer = || {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&members)
                .finish()
        };
        let uri = &self.redirect_uri;
        let target = match self.mode {
            ResponseMode::FormPost => {
                let page = html::posting(uri, &members);
                return Reply::html(stage, 200, page).header("cache-control", "no-store");
            }
            ResponseMode::Fragment => format!("{uri}#{}", answer()),
            ResponseMode::Query if uri.contains('?') => format!("{uri}&{}", answer()),
            ResponseMode::Query => format!("{uri}?{}", answer()),
        };
        Reply::new(stage, 302)
            .header("location", target)
            .header("cache-control", "no-store")
    }
}

/// Returns whether a redirect URI is one of the registered ones.
///
/// They are compared as text, but for loopback: a native client listens on whatever port is free,
/// so that the port does not count there (RFC 8252 section 7.3), and neither does a final slash.
pub(crate) fn is_registered(registered: &[&str], given: &str) -> bool {
    registered.iter().any(|known| {
        *known == given
            || loopback(known).is_some_and(|known| loopback(given).as_ref() == Some(&known))
    })
}

/// Returns host and path of an http URI of this machine.
fn loopback(uri: &str) -> Option<(String, String)> {
    let url = Url::parse(uri).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str()?;
    let here = matches!(host, "localhost" | "127.0.0.1");
    (url.scheme() == "http" && plain && here)
        .then(|| (host.to_owned(), url.path().trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_loopback_does_not_count() {
        let registered = ["http://localhost", "myapp://auth"];
        for good in [
            "http://localhost",
            "http://localhost:51234",
            "http://localhost:51234/",
            "myapp://auth",
        ] {
            assert!(is_registered(&registered, good), "{good}");
        }
        for bad in [
            "http://localhost:1/elsewhere",
            "http://localhost:1/?x=y",
            "http://localhost:1@evil.test/",
            "http://localhost.evil.test:1/",
            "http://127.0.0.1:1",
            "https://localhost:1",
            "myapp://auth/more",
            "",
        ] {
            assert!(!is_registered(&registered, bad), "{bad}");
        }
    }

    #[test]
    fn the_state_comes_back_in_every_mode() {
        for (mode, location) in [
            (
                ResponseMode::Query,
                "http://localhost:1/?code=a&state=s+%26",
            ),
            (
                ResponseMode::Fragment,
                "http://localhost:1/#code=a&state=s+%26",
            ),
        ] {
            let callback = Callback {
                redirect_uri: "http://localhost:1/".to_owned(),
                mode,
                state: Some("s &".to_owned()),
            };
            let reply = callback.reply("authorize", &[("code", "a")]);
            let response = reply.into_response();
            assert_eq!(response.status(), 302);
            assert_eq!(response.headers()["location"], location);
        }
    }
}
