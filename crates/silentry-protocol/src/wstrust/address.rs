//! A URL that may be asked for or sent a ticket: https by construction.

use std::fmt;

use silentry_text::printable;
use url::Url;

/// The longest address that is used, in bytes. Real ones stay below 200; metadata may list thousands that are relative
/// to its own, each of which becomes as long as that.
const MAX_ADDRESS_BYTES: usize = 2048;

/// An absolute `https` URL with a host.
///
/// The query string is kept: Seamless SSO puts a request id there that must come back.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl(Url);

/// Why an address from a document or a setting is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not https; a ticket or password must not travel in the clear.
    #[error("the address {address} is not https")]
    NotHttps {
        /// The address, shortened.
        address: String,
    },
    /// It is relative, and what it is relative to is not known.
    #[error("the address {address} is relative, and the URL of the metadata is not known")]
    Relative {
        /// The address, shortened.
        address: String,
    },
    /// It is not a URL, it carries a user name, or it is longer than 2,048 bytes.
    #[error("the address {address} is not a usable URL")]
    Invalid {
        /// The address, shortened.
        address: String,
    },
}

impl HttpsUrl {
    /// Parses an absolute URL; white space around it is tolerated.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when it is not an `https` URL with a host and without user information, of 2,048 bytes at most.
    ///
    /// ```
    /// use silentry_protocol::wstrust::address::HttpsUrl;
    ///
    /// let url = HttpsUrl::parse("https://sts.contoso.com/adfs/services/trust/mex?id=1")?;
    /// assert_eq!(url.host(), "sts.contoso.com");
    /// assert!(HttpsUrl::parse("http://sts.contoso.com/").is_err());
    /// # Ok::<(), silentry_protocol::wstrust::address::AddressError>(())
    /// ```
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        Self::resolve(address, None)
    }

    /// Parses a URL that may be relative to `base`.
    pub(super) fn resolve(address: &str, base: Option<&Self>) -> Result<Self, AddressError> {
        let address = address.trim();
        let shown = || excerpt_of_url(address);
        let url = Url::options()
            .base_url(base.map(|base| &base.0))
            .parse(address)
            .map_err(|error| match error {
                url::ParseError::RelativeUrlWithoutBase => {
                    AddressError::Relative { address: shown() }
                }
                _ => AddressError::Invalid { address: shown() },
            })?;
        if url.scheme() != "https" {
            return Err(AddressError::NotHttps { address: shown() });
        }
        if url.as_str().len() > MAX_ADDRESS_BYTES {
            return Err(AddressError::Invalid { address: shown() });
        }
        // A name before the host only makes the URL look like one of another host.
        if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Invalid { address: shown() });
        }
        Ok(Self(url))
    }

    /// The URL itself, for the requests of this crate.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns the URL as it goes on the wire.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the host in lower case, without port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Returns the host, with the port unless it is 443, as people name a server.
    pub fn authority(&self) -> String {
        match self.port() {
            443 => self.host().to_owned(),
            port => format!("{}:{port}", self.host()),
        }
    }

    /// Returns the port, 443 when the URL names none.
    pub fn port(&self) -> u16 {
        self.0.port().unwrap_or(443)
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({self})")
    }
}

/// Shortens an address for an error; the query is left out, it may carry what nobody should see.
fn excerpt_of_url(address: &str) -> String {
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    match shown.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            printable(&format!("{scheme}://{rest}"), 200)
        }
        None => printable(shown, 200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_with_a_plain_host_is_accepted() {
        for refused in ["http://a/", "ftp://a/", "file:///etc/passwd", "urn:a:b"] {
            assert!(
                matches!(HttpsUrl::parse(refused), Err(AddressError::NotHttps { .. })),
                "{refused}"
            );
        }
        for refused in [
            "https://",
            "https://user@a/",
            "https://sts.contoso.com:p@evil.example/",
        ] {
            assert!(
                matches!(HttpsUrl::parse(refused), Err(AddressError::Invalid { .. })),
                "{refused}"
            );
        }
        assert!(matches!(
            HttpsUrl::parse("/adfs"),
            Err(AddressError::Relative { .. })
        ));
    }

    #[test]
    fn an_address_is_bounded_however_it_comes_about() -> Result<(), AddressError> {
        let path = "a".repeat(MAX_ADDRESS_BYTES - "https://sts.contoso.com/".len());
        let base = HttpsUrl::parse(&format!("https://sts.contoso.com/{path}"))?;
        for long in [
            HttpsUrl::parse(&format!("{base}a")),
            HttpsUrl::resolve("?a", Some(&base)),
            HttpsUrl::parse(&format!("https://sts.contoso.com/{}", "ä".repeat(400))),
        ] {
            assert!(matches!(long, Err(AddressError::Invalid { .. })));
        }
        Ok(())
    }

    #[test]
    fn errors_quote_neither_query_nor_password() {
        let error = HttpsUrl::parse("http://user:secret@sts.contoso.com/mex?key=secret");
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err("the address http://sts.contoso.com/mex is not https".to_owned())
        );
    }

    #[test]
    fn the_query_and_port_are_kept_and_relative_addresses_resolved() -> Result<(), AddressError> {
        let base = HttpsUrl::parse(" https://STS.contoso.com:8443/adfs/services/trust/mex?a=b&c ")?;
        assert_eq!(
            base.as_str(),
            "https://sts.contoso.com:8443/adfs/services/trust/mex?a=b&c"
        );
        assert_eq!((base.host(), base.port()), ("sts.contoso.com", 8443));
        for (address, resolved) in [
            ("/x/y?z", "https://sts.contoso.com:8443/x/y?z"),
            (
                "2005/windowstransport",
                "https://sts.contoso.com:8443/adfs/services/trust/2005/windowstransport",
            ),
            ("//other.example/x", "https://other.example/x"),
            ("https://other.example/x", "https://other.example/x"),
        ] {
            assert_eq!(HttpsUrl::resolve(address, Some(&base))?.as_str(), resolved);
        }
        Ok(())
    }
}
