//! Which proxy leads to an origin.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;
use zeroize::Zeroizing;

use super::no_proxy::NoProxy;
use super::{Origin, TransportError, TransportErrorKind};

/// The variables that name the proxy of https, the one that is looked at first in front. Like curl, Python and .NET
/// it prefers the lower case, and like curl, Go and .NET it passes over a variable that is set to nothing.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy in force, and what is reached without it.
pub(super) struct Proxies {
    way: Way,
    exempt: NoProxy,
}

enum Way {
    Direct,
    Named(Proxy),
    /// The settings of Windows or macOS, which know exceptions of their own.
    System(Box<Matcher>),
}

/// One proxy, spoken to in plain HTTP.
#[derive(Clone)]
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// `Basic` with the user and password of its URL.
    authorization: Option<Zeroizing<String>>,
}

impl Proxies {
    pub(super) fn none() -> Self {
        Proxies {
            way: Way::Direct,
            exempt: NoProxy::default(),
        }
    }

    /// The environment's proxy, else the one of the system's settings. Whoever starts a program that has more rights
    /// than himself does not choose where its secrets go.
    pub(super) fn of_system() -> Result<Self, String> {
        if silentry_files::elevated() {
            return Ok(Self::none());
        }
        Self::of_environment(|name| std::env::var(name).ok())
    }

    /// This proxy for every origin.
    pub(super) fn fixed(url: &str) -> Result<Self, String> {
        Ok(Proxies {
            way: Way::Named(Proxy::parse(url)?),
            exempt: NoProxy::default(),
        })
    }

    pub(super) fn for_origin(&self, origin: &Origin) -> Result<Option<Proxy>, TransportError> {
        if self.exempt.contains(origin) {
            return Ok(None);
        }
        match &self.way {
            Way::Direct => Ok(None),
            Way::Named(proxy) => Ok(Some(proxy.clone())),
            Way::System(matcher) => {
                let uri = format!("https://{origin}/").parse().ok();
                let intercept = uri.and_then(|uri| matcher.intercept(&uri));
                let proxy = intercept.map(|found| Proxy::of_system(&found)).transpose();
                proxy.map_err(|why| TransportError::new(TransportErrorKind::Unusable, why))
            }
        }
    }

    fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let first = |names: &'static [&str]| {
            names.iter().find_map(|name| {
                let value = variable(name)?.trim().to_owned();
                (!value.is_empty()).then_some((*name, value))
            })
        };
        let way = match first(&PROXY_VARIABLES) {
            Some((name, value)) => {
                Way::Named(Proxy::parse(&value).map_err(|why| format!("{name}: {why}"))?)
            }
            None => Way::System(Box::new(Matcher::from_system())),
        };
        let exempt = first(&NO_PROXY_VARIABLES).map(|(_, list)| NoProxy::parse(&list));
        Ok(Proxies {
            way,
            exempt: exempt.unwrap_or_default(),
        })
    }
}

impl Proxy {
    /// Reads `http://user:password@host:port/`; everything but the host may be left out.
    fn parse(text: &str) -> Result<Self, String> {
        let text = spelled_out(text)?;
        // The text may hold a password.
        let url = Url::parse(&text).map_err(|error| format!("the proxy is not a URL: {error}"))?;
        check_scheme(url.scheme())?;
        // As the WHATWG rules spell it, so that an unescaped `@` in the password is read as people mean it.
        let matcher = Matcher::builder().https(url.as_str()).build();
        let anywhere = hyper::Uri::from_static("https://host.invalid/");
        matcher
            .intercept(&anywhere)
            .and_then(|intercept| Proxy::of(&intercept))
            .ok_or_else(|| "a proxy is written http://host:port".to_owned())
    }

    fn of_system(intercept: &Intercept) -> Result<Self, String> {
        check_scheme(intercept.uri().scheme_str().unwrap_or_default())?;
        Proxy::of(intercept).ok_or_else(|| "the system's proxy has no host".to_owned())
    }

    fn of(intercept: &Intercept) -> Option<Self> {
        let uri = intercept.uri();
        let authorization = intercept.basic_auth().and_then(|value| value.to_str().ok());
        Some(Proxy {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            authorization: authorization.map(|value| Zeroizing::new(value.to_owned())),
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns what its URL says to authorize with.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(|value| value.as_str())
    }
}

/// Returns the address with its scheme, and the user as people write him, `CONTOSO\alice`, as URLs have him.
///
/// The WHATWG rules take `\` for `/`, so that the domain would be the host, and end the host at `/`, `?` and `#`, so that
/// a password with one of them would be a port or a path. curl takes the first as it is meant and refuses the others.
fn spelled_out(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if path.contains('@') {
        return Err(
            "in the user and the password of a proxy `/` is written %2F, `?` %3F and `#` %23"
                .to_owned(),
        );
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{}@", user.replace('\\', "%5C")), host),
        None => (String::new(), authority),
    };
    // `http:\\proxy`, which would be a user `http` with a password.
    let is_backslashed = !text.contains("://") && rest.to_ascii_lowercase().starts_with("http");
    let is_backslashed = is_backslashed && authority.contains(":\\");
    if is_backslashed || host.contains('\\') || path.contains('\\') {
        return Err(
            "a proxy is written http://host:port, with `/`; in a user name `\\` is written %5C"
                .to_owned(),
        );
    }
    Ok(format!("{scheme}://{user}{host}{path}"))
}

/// A proxy that is named by another scheme is not spoken to in plain HTTP all the same: whoever wrote `https` did not
/// want the password of the URL on the wire.
fn check_scheme(scheme: &str) -> Result<(), String> {
    match scheme {
        "http" => Ok(()),
        other => Err(format!(
            "`{other}` proxies are not supported, only http://host:port"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(&Url::parse(text).unwrap()).unwrap()
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::of_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    /// The proxy that leads to the federation server.
    fn proxy(variables: &[(&str, &str)]) -> Option<(String, u16)> {
        let found = environment(variables).unwrap();
        let proxy = found.for_origin(&origin("https://sts.contoso.test"));
        proxy.unwrap().map(|proxy| (proxy.host, proxy.port))
    }

    #[test]
    fn a_fixed_proxy_serves_every_origin() {
        let proxies = Proxies::fixed("http://user:pass@proxy.contoso.test:3128").unwrap();
        let proxy = proxies
            .for_origin(&origin("https://login.microsoftonline.com"))
            .unwrap()
            .unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy.contoso.test", 3128));
        assert_eq!(proxy.authorization(), Some("Basic dXNlcjpwYXNz"));
        let none = Proxies::none().for_origin(&origin("https://a.test"));
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn a_proxy_is_written_in_many_ways() {
        for (text, host, port, basic) in [
            ("http://proxy:3128", "proxy", 3128, None),
            ("http://proxy:3128/", "proxy", 3128, None),
            ("proxy:3128", "proxy", 3128, None),
            ("Proxy.Contoso.test:3128/", "proxy.contoso.test", 3128, None),
            ("HTTP://proxy", "proxy", 80, None),
            ("proxy", "proxy", 80, None),
            ("http://[::1]:3128", "[::1]", 3128, None),
            (
                "user:pass@proxy:3128",
                "proxy",
                3128,
                Some("Basic dXNlcjpwYXNz"),
            ),
            (
                "http://user:p%40ss@proxy:3128",
                "proxy",
                3128,
                Some("Basic dXNlcjpwQHNz"),
            ),
            (
                "http://user:p@ss@proxy:3128",
                "proxy",
                3128,
                Some("Basic dXNlcjpwQHNz"),
            ),
            // As every Windows administrator writes it.
            (
                "http://CONTOSO\\alice:pw@proxy:3128",
                "proxy",
                3128,
                Some("Basic Q09OVE9TT1xhbGljZTpwdw=="),
            ),
            (
                "CONTOSO\\alice:pw@proxy:3128/",
                "proxy",
                3128,
                Some("Basic Q09OVE9TT1xhbGljZTpwdw=="),
            ),
            (
                "http://CONTOSO%5Calice:pw@proxy:3128",
                "proxy",
                3128,
                Some("Basic Q09OVE9TT1xhbGljZTpwdw=="),
            ),
            (
                "http://alice:p\\w@proxy:3128",
                "proxy",
                3128,
                Some("Basic YWxpY2U6cFx3"),
            ),
            (
                "http://user@proxy:3128",
                "proxy",
                3128,
                Some("Basic dXNlcjo="),
            ),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.host(), proxy.port()), (host, port), "{text}");
            assert_eq!(proxy.authorization(), basic, "{text}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_spoken_to_is_named_and_not_passed_over() {
        for (text, reason) in [
            ("https://proxy:3128", "`https` proxies are not supported"),
            ("socks5://proxy:1080", "`socks5` proxies are not supported"),
            ("http://proxy:port", "invalid port"),
            ("http://", "empty host"),
            ("http:\\\\proxy:3128", "%5C"),
            ("http:\\\\CONTOSO\\alice:pw@proxy:3128", "%5C"),
            ("http://CONTOSO\\alice", "%5C"),
            ("http://proxy\\x:3128", "%5C"),
            ("http://user:1/secret@proxy:3128", "%2F"),
            ("http://user:1?secret@proxy:3128", "%3F"),
            ("http://user:1#secret@proxy:3128", "%23"),
        ] {
            let error = environment(&[("ALL_PROXY", text)]).err().unwrap();
            assert!(error.starts_with("ALL_PROXY: "), "{error}");
            assert!(error.contains(reason), "{error}");
        }
        for text in [
            "http://user:secret@proxy:port",
            "http://user:1#secret@proxy:3128",
            "http://user:secret@pro\\xy:3128",
        ] {
            let error = Proxies::fixed(text).err().unwrap();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn variables_come_in_both_cases() {
        let named = |host: &str| Some((host.to_owned(), 80));
        for (variables, expected) in [
            (&[("HTTPS_PROXY", "upper")][..], named("upper")),
            (&[("https_proxy", "lower")], named("lower")),
            (
                &[("HTTPS_PROXY", "upper"), ("https_proxy", "lower")],
                named("lower"),
            ),
            (
                &[("HTTPS_PROXY", "upper"), ("https_proxy", "")],
                named("upper"),
            ),
            (&[("ALL_PROXY", "all")], named("all")),
            (
                &[("all_proxy", "all"), ("HTTPS_PROXY", " https ")],
                named("https"),
            ),
            (
                &[("ALL_PROXY", "socks5://p:1080"), ("HTTPS_PROXY", "https")],
                named("https"),
            ),
            (&[("HTTP_PROXY", "http"), ("http_proxy", "http")], None),
            (&[("HTTPS_PROXY", "p"), ("NO_PROXY", "contoso.test")], None),
            (&[("HTTPS_PROXY", "p"), ("no_proxy", "contoso.test")], None),
            (
                &[
                    ("HTTPS_PROXY", "p"),
                    ("NO_PROXY", "contoso.test"),
                    ("no_proxy", "else.test"),
                ],
                named("p"),
            ),
            (
                &[
                    ("HTTPS_PROXY", "p"),
                    ("NO_PROXY", "contoso.test"),
                    ("no_proxy", ""),
                ],
                None,
            ),
        ] {
            assert_eq!(proxy(variables), expected, "{variables:?}");
        }
    }
}
