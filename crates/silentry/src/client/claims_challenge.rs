//! What an API that is not content with its token demands of the next one.

use std::fmt;

use silentry_protocol::http::challenge;
use silentry_protocol::oauth::claims::is_object;

/// The claims that an API demands of the next token: continuous access evaluation (CAE), where Entra has taken a token
/// back, and authentication contexts, where an operation needs a stronger sign-in.
///
/// The API answers 401 with a claims challenge. The claims in it go on to the next request for a token, which then passes
/// the cache by and asks Entra: silently if Entra is content, by a flow that can prompt if not.
///
/// APIs send such challenges only to applications that say that they handle them:
/// `with_client_capabilities(["cp1"])`.
///
/// # Once, not in a loop
///
/// Repeat the call to the API **once** with the new token. If it answers 401 again, that is the answer: asking again with
/// the same claims gives the same token, and Entra counts clients that do (AADSTS50196).
///
/// ```
/// use silentry::ClaimsChallenge;
///
/// let headers = [r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#];
/// let challenge = ClaimsChallenge::from_www_authenticate(headers).unwrap();
/// assert_eq!(challenge.claims(), r#"{"access_token":{}}"#);
/// // app.acquire_token(scopes).with_claims(challenge).await?
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge {
    claims: String,
}

impl ClaimsChallenge {
    /// Reads the `WWW-Authenticate` headers of an API's 401, of which there may be several with several challenges each.
    ///
    /// `None` when none of them demands claims: then the token is refused for another reason. A challenge of the scheme
    /// Bearer or PoP that says `insufficient_claims` comes first, as in MSAL.NET; one that has claims but names another
    /// error, as Azure Resource Manager's does for a revoked session, is understood as well.
    #[must_use]
    pub fn from_www_authenticate<I>(headers: I) -> Option<Self>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut second_best = None;
        for header in headers {
            for challenge in challenge::parse(header.as_ref()) {
                let Some(claims) = challenge.claims().filter(|claims| is_usable(claims)) else {
                    continue;
                };
                let found = Self { claims };
                if challenge.param("error") == Some("insufficient_claims") {
                    return Some(found);
                }
                second_best.get_or_insert(found);
            }
        }
        second_best
    }

    /// Returns the claims (JSON), for `with_claims`.
    #[must_use]
    pub fn claims(&self) -> &str {
        &self.claims
    }
}

impl From<ClaimsChallenge> for String {
    fn from(challenge: ClaimsChallenge) -> Self {
        challenge.claims
    }
}

impl fmt::Debug for ClaimsChallenge {
    /// Leaves the claims out, which belong to a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimsChallenge").finish_non_exhaustive()
    }
}

fn is_usable(claims: &str) -> bool {
    is_object(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"access_token":{}}` and `{"id_token":{}}`.
    const ACCESS: &str = "eyJhY2Nlc3NfdG9rZW4iOnt9fQ";
    const ID: &str = "eyJpZF90b2tlbiI6e319";

    fn claims_of(headers: &[String]) -> Option<String> {
        ClaimsChallenge::from_www_authenticate(headers).map(String::from)
    }

    #[test]
    fn the_demand_is_found_among_headers_and_challenges() {
        let access = Some(r#"{"access_token":{}}"#.to_owned());
        let demand = format!(r#"error="insufficient_claims", claims="{ACCESS}""#);
        for headers in [
            vec![format!("Bearer realm=\"\", {demand}")],
            vec!["Negotiate".into(), format!("PoP nonce=\"x\", {demand}")],
            vec![format!("Basic realm=\"a\", Bearer {demand}, NTLM")],
            vec![
                format!("Bearer error=\"invalid_token\", claims=\"{ID}\""),
                format!("bearer {demand}"),
            ],
            vec![format!(
                "Bearer error=\"invalid_token\", claims=\"{ACCESS}\""
            )],
        ] {
            assert_eq!(claims_of(&headers), access, "{headers:?}");
        }
    }

    #[test]
    fn another_refusal_is_no_demand() {
        for header in [
            String::new(),
            "Bearer error=\"insufficient_claims\"".into(),
            "Bearer error=\"invalid_token\"".into(),
            format!("Basic error=\"insufficient_claims\", claims=\"{ACCESS}\""),
            // `[]`, and no JSON at all.
            "Bearer error=\"insufficient_claims\", claims=\"W10=\"".into(),
            "Bearer error=\"insufficient_claims\", claims=\"bm9uZQ==\"".into(),
        ] {
            assert_eq!(claims_of(std::slice::from_ref(&header)), None, "{header}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let header = format!("Bearer error=\"insufficient_claims\", claims=\"{ACCESS}\"");
        let challenge = ClaimsChallenge::from_www_authenticate([header]).unwrap();
        assert!(!format!("{challenge:?}").contains("access_token"));
    }
}
