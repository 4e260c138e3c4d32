//! WWW-Authenticate: the challenges of a server or an API.
//!
//! RFC 9110 section 11.6.1 allows several challenges in one header, each with either one token68 or
//! parameters, all separated by the same comma. Servers write worse than that; what cannot be
//! understood is passed over.

use std::fmt;

use crate::base64;

/// Bytes of a header that are read: a Kerberos token has up to 64 KiB before base64.
const MAX_HEADER: usize = 128 * 1024;
/// Challenges of a header, and parameters of a challenge, that are kept.
const MAX_ITEMS: usize = 32;

/// One challenge: a scheme with either a token68 or parameters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme as written, for example `Negotiate`; compare it without regard to case.
    pub scheme: String,
    /// The data of schemes such as Negotiate and NTLM.
    pub token68: Option<String>,
    /// The parameters: names in lower case, values without quotes.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// Returns whether the challenge is of this scheme.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// Returns a parameter by its name, in any case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the `claims` of a challenge for access tokens, decoded.
    pub fn claims(&self) -> Option<String> {
        let value = (self.is("Bearer") || self.is("PoP"))
            .then(|| self.param("claims"))
            .flatten()?;
        if value.trim_start().starts_with('{') {
            return Some(value.to_owned());
        }
        let bytes = base64::decode(value)?;
        let text = std::str::from_utf8(&bytes).ok()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }
}

impl fmt::Debug for Challenge {
    /// Leaves values out: Negotiate data belongs to a security context, claims to a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .field("token68_bytes", &self.token68.as_ref().map(String::len))
            .field(
                "params",
                &self.params.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .finish()
    }
}

/// Reads the value of one `WWW-Authenticate` or `Proxy-Authenticate` header; a response may have
/// several.
///
/// ```
/// use silentry_protocol::http::challenge::{offered_schemes, parse};
///
/// let challenges = parse(r#"Negotiate, NTLM, Basic realm="sts.contoso.com""#);
/// assert_eq!(offered_schemes(&challenges), ["Negotiate", "NTLM", "Basic"]);
/// ```
#[must_use]
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut end = header.len().min(MAX_HEADER);
    while !header.is_char_boundary(end) {
        end -= 1;
    }
    let mut reader = Reader {
        rest: &header[..end],
    };
    let mut challenges: Vec<Challenge> = Vec::new();
    while let Some(token) = reader.next_token() {
        if reader.take_equals() {
            let value = reader.value();
            if let Some(challenge) = challenges.last_mut()
                && challenge.params.len() < MAX_ITEMS
            {
                challenge.params.push((token.to_ascii_lowercase(), value));
            }
            continue;
        }
        if challenges.len() == MAX_ITEMS {
            break;
        }
        let token68 = reader.token68();
        challenges.push(Challenge {
            scheme: token.to_owned(),
            token68,
            params: Vec::new(),
        });
    }
    challenges
}

/// Returns the schemes on offer, in the server's order.
#[must_use]
pub fn offered_schemes(challenges: &[Challenge]) -> Vec<&str> {
    challenges
        .iter()
        .map(|challenge| challenge.scheme.as_str())
        .collect()
}

/// Returns the data of the Negotiate challenge that has some: the server's part of the handshake.
#[must_use]
pub fn negotiate_token(challenges: &[Challenge]) -> Option<Vec<u8>> {
    let mut tokens = challenges
        .iter()
        .filter(|one| one.is("Negotiate"))
        .filter_map(|one| one.token68.as_deref());
    tokens.find_map(|token| base64::decode(token).map(|bytes| bytes.to_vec()))
}

/// Returns the claims that an API demands of the next token (continuous access evaluation, and
/// authentication contexts): the JSON text of a Bearer challenge's `claims`.
///
/// Base64 of either alphabet, with or without padding, and bare JSON are understood. It goes on to
/// the next request as [`ClaimsRequest::from_challenge`](crate::oauth::claims::ClaimsRequest::from_challenge).
#[must_use]
pub fn bearer_claims(challenges: &[Challenge]) -> Option<String> {
    let mut bearer = challenges.iter().filter(|one| one.is("Bearer"));
    bearer.find_map(Challenge::claims)
}

/// What is left of a header. Every step either takes something off or ends the loop.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes the next token, passing over blanks, commas and anything that cannot start one.
    fn next_token(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start_matches(|c: char| !is_token_char(c));
        let end = self
            .rest
            .find(|c: char| !is_token_char(c))
            .unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// Takes the `=` of a parameter, with the blanks that RFC 9110 tolerates around it.
    fn take_equals(&mut self) -> bool {
        let Some(rest) = self.rest.trim_start_matches(is_blank).strip_prefix('=') else {
            return false;
        };
        self.rest = rest.trim_start_matches(is_blank);
        true
    }

    /// Takes the value of a parameter: a quoted string, also one that is never closed, or what
    /// stands before the next comma or blank.
    fn value(&mut self) -> String {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self
                .rest
                .find(|c| c == ',' || is_blank(c))
                .unwrap_or(self.rest.len());
            let (value, rest) = self.rest.split_at(end);
            self.rest = rest;
            return value.to_owned();
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return value;
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                _ => value.push(c),
            }
        }
        self.rest = "";
        value
    }

    /// Takes the token68 after a scheme: only when it fills the place up to the next comma, as
    /// otherwise it is the name of a parameter.
    fn token68(&mut self) -> Option<String> {
        let text = self
            .rest
            .strip_prefix(is_blank)?
            .trim_start_matches(is_blank);
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        let body = token.trim_end_matches('=');
        let well_formed = !body.is_empty() && body.chars().all(is_token68_char);
        let rest = rest.trim_start_matches(is_blank);
        if !well_formed || !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
        self.rest = rest;
        Some(token.to_owned())
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// RFC 9110 section 11.2, without the trailing `=`.
fn is_token68_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(scheme: &str, token68: Option<&str>, params: &[(&str, &str)]) -> Challenge {
        Challenge {
            scheme: scheme.into(),
            token68: token68.map(Into::into),
            params: params
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }
    }

    #[test]
    fn several_challenges_share_one_header() {
        assert_eq!(
            parse(
                r#"Negotiate oRQwEqADCgEB/w==, Bearer Realm="a, b", error=insufficient_claims ,x = "q\"\\" , Basic,NTLM"#
            ),
            [
                challenge("Negotiate", Some("oRQwEqADCgEB/w=="), &[]),
                challenge(
                    "Bearer",
                    None,
                    &[
                        ("realm", "a, b"),
                        ("error", "insufficient_claims"),
                        ("x", "q\"\\")
                    ]
                ),
                challenge("Basic", None, &[]),
                challenge("NTLM", None, &[]),
            ]
        );
        assert_eq!(
            parse("Bearer authorization_uri=https://login.microsoftonline.com/common, realm="),
            [challenge(
                "Bearer",
                None,
                &[
                    (
                        "authorization_uri",
                        "https://login.microsoftonline.com/common"
                    ),
                    ("realm", "")
                ]
            )]
        );
    }

    #[test]
    fn malformed_headers_are_passed_over() {
        assert_eq!(parse(""), []);
        assert_eq!(parse(" ,, = \" "), []);
        assert_eq!(parse("realm=\"x\""), [], "a parameter without a scheme");
        assert_eq!(
            parse("Basic realm=\"never closed"),
            [challenge("Basic", None, &[("realm", "never closed")])]
        );
        assert_eq!(
            parse("Basic realm=\"x\\"),
            [challenge("Basic", None, &[("realm", "x")])]
        );
        assert_eq!(
            parse("Négotiate"),
            [challenge("N", None, &[]), challenge("gotiate", None, &[])]
        );
        let many = parse(&"A,".repeat(10_000));
        assert_eq!(many.len(), MAX_ITEMS);
        assert_eq!(
            parse(&format!("A {}", "b=c,".repeat(1000)))[0].params.len(),
            MAX_ITEMS
        );
        assert!(parse(&format!("Negotiate {}", "€".repeat(MAX_HEADER))).len() <= MAX_ITEMS);
    }

    #[test]
    fn negotiate_data_is_found_wherever_it_stands() {
        let found = |header: &str| negotiate_token(&parse(header));
        assert_eq!(found("Negotiate TlRM").unwrap(), b"NTL");
        assert_eq!(found("NTLM, negotiate\tTlRMTQ").unwrap(), b"NTLM");
        assert_eq!(found("Negotiate, Negotiate TlRM").unwrap(), b"NTL");
        for none in [
            "Negotiate",
            "NTLM TlRM",
            "Negotiate !",
            "Negotiate realm=x",
            "",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn claims_of_an_api_come_in_every_base64() {
        let json = r#"{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}"#;
        for value in [
            "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ==",
            "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ",
        ] {
            let header =
                format!(r#"PoP, Bearer claims="{value}", error="insufficient_claims", realm="""#);
            assert_eq!(
                bearer_claims(&parse(&header)).as_deref(),
                Some(json),
                "{header}"
            );
        }
        let bare = r#"Bearer claims="{\"access_token\":{\"acrs\":{\"essential\":true,\"value\":\"cp1\"}}}""#;
        assert_eq!(bearer_claims(&parse(bare)).as_deref(), Some(json));
        for none in [
            "Bearer",
            "Bearer claims=\"\"",
            "Bearer claims=\"!\"",
            "Bearer claims=\"/w==\"",
            "Basic claims=\"e30=\"",
        ] {
            assert_eq!(bearer_claims(&parse(none)), None, "{none}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!(
            "{:?}",
            parse("Negotiate c2VjcmV0, Bearer claims=\"c2VjcmV0\"")
        );
        assert!(
            !shown.contains("c2VjcmV0") && shown.contains("claims"),
            "{shown}"
        );
    }
}
