//! The authorization endpoint: what the browser is sent there with, and what it brings back (RFC 6749
//! section 4.1, RFC 7636, OpenID Connect Core 3.1.2).

use std::fmt;

use url::Url;
use url::form_urlencoded;

use super::claims::ClaimsRequest;
use super::error_response::ErrorResponse;
use super::scopes::Scopes;
use crate::cloud::AuthorityKind;
use crate::secret::Secret;

/// How Entra treats a user who is signed in already, in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// The user chooses an account.
    SelectAccount,
    /// The user types the password again.
    Login,
    /// The user is asked for consent, though it was given.
    Consent,
    /// Nothing is shown: what would need the user is an error.
    None,
    /// The user makes a new account.
    Create,
}

impl Prompt {
    /// Returns the value of the parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SelectAccount => "select_account",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::None => "none",
            Self::Create => "create",
        }
    }
}

/// Where the browser is sent.
pub struct AuthorizationRequest<'a> {
    /// Whose endpoint it is, as each knows words that others do not.
    pub server: AuthorityKind,
    /// Whether the answer can come as a form.
    pub form_post: bool,
    /// The client id.
    pub client_id: &'a str,
    /// What the token is to be for.
    pub scopes: &'a Scopes,
    /// Whether a refresh token is wanted.
    pub offline_access: bool,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// What it must bring back, so that nobody else's answer is taken.
    pub state: &'a str,
    /// What the id token must name.
    pub nonce: &'a str,
    /// The S256 code challenge (RFC 7636 section 4.2).
    pub code_challenge: &'a str,
    /// What the user is asked.
    pub prompt: Option<Prompt>,
    /// Who is expected to sign in.
    pub login_hint: Option<&'a str>,
    /// The domain that leads to the user's federation server at once.
    pub domain_hint: Option<&'a str>,
    /// Further demands, those of the client's capabilities merged in.
    pub claims: Option<&'a ClaimsRequest>,
    /// The correlation id.
    pub correlation_id: &'a str,
    /// What the program adds.
    pub extra_query_parameters: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// Returns the address for the browser.
    pub fn url(&self, endpoint: &Url) -> Url {
        let mut url = endpoint.clone();
        let scope = self.scopes.with_reserved(self.offline_access).to_string();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", self.client_id)
                .append_pair("response_type", "code")
                .append_pair("redirect_uri", self.redirect_uri)
                .append_pair("scope", &scope)
                .append_pair("state", self.state)
                .append_pair("nonce", self.nonce)
                .append_pair("code_challenge", self.code_challenge)
                .append_pair("code_challenge_method", "S256");
            let is_entra = self.server == AuthorityKind::Entra;
            let is_microsoft = self.server != AuthorityKind::OpenIdConnect;
            let optional = [
                // A form in a POST stays out of the browser's history, and of what its plug-ins read.
                ("response_mode", self.form_post.then_some("form_post")),
                ("client_info", is_entra.then_some("1")),
                (
                    "client-request-id",
                    is_microsoft.then_some(self.correlation_id),
                ),
                ("prompt", self.prompt.map(Prompt::as_str)),
                ("login_hint", self.login_hint),
                ("domain_hint", self.domain_hint),
                ("claims", self.claims.map(ClaimsRequest::as_str)),
            ];
            for (name, value) in optional {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            query.extend_pairs(self.extra_query_parameters);
        }
        url
    }
}

/// What the browser brought back.
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// What the request said.
    pub state: String,
    /// Who answers, where the answer says so (RFC 9207).
    pub issuer: Option<String>,
    /// What the server says.
    pub outcome: Outcome,
}

/// How a sign-in in the browser ended.
pub enum Outcome {
    /// The user signed in: what the program redeems.
    Code(Secret),
    /// The user chose not to.
    Cancelled,
    /// The user did not, or could not.
    Refused(Box<ErrorResponse>),
}

impl AuthorizationResponse {
    /// Reads a query or a form; `None` when it is no answer of an authorization endpoint. `state`
    /// decides whose answer it is, so one without is none.
    pub fn parse(form: &[u8]) -> Option<Self> {
        let member = |wanted: &str| {
            form_urlencoded::parse(form)
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        let outcome = if member("error").is_none() {
            Outcome::Code(Secret::from(member("code")?))
        } else if member("error_subcode").as_deref() == Some("cancel") {
            Outcome::Cancelled
        } else {
            Outcome::Refused(Box::new(ErrorResponse::parse(400, form)))
        };
        Some(Self {
            state: member("state")?,
            issuer: member("iss"),
            outcome,
        })
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code"),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_told_everything_once() {
        let scopes = Scopes::new(["api://x/read"]).unwrap();
        let mut request = AuthorizationRequest {
            server: AuthorityKind::Entra,
            form_post: true,
            client_id: "c",
            scopes: &scopes,
            offline_access: true,
            redirect_uri: "http://localhost:1234",
            state: "s",
            nonce: "n",
            code_challenge: "x",
            prompt: Some(Prompt::SelectAccount),
            login_hint: Some("ana+b@contoso.com"),
            domain_hint: None,
            claims: None,
            correlation_id: "g",
            extra_query_parameters: &[("dc".into(), "a b".into())],
        };
        let endpoint = Url::parse("https://login.example/t/oauth2/v2.0/authorize").unwrap();
        let url = request.url(&endpoint);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let value = |name: &str| {
            let mut found = pairs.iter().filter(|(own, _)| own == name);
            let value = found.next().map(|(_, value)| value.as_str());
            assert!(found.next().is_none(), "{name} twice");
            value
        };
        assert_eq!(
            value("scope"),
            Some("api://x/read offline_access openid profile")
        );
        assert_eq!(value("login_hint"), Some("ana+b@contoso.com"));
        assert_eq!(value("code_challenge_method"), Some("S256"));
        assert_eq!(value("prompt"), Some("select_account"));
        assert_eq!(value("domain_hint"), None);
        assert_eq!(value("dc"), Some("a b"));
        assert_eq!(value("client_info"), Some("1"));
        assert_eq!(value("response_mode"), Some("form_post"));

        (request.server, request.form_post) = (AuthorityKind::OpenIdConnect, false);
        let foreign = request.url(&endpoint);
        for word in ["client_info", "client-request-id", "response_mode"] {
            assert!(
                foreign.query_pairs().all(|(name, _)| name != word),
                "{word}"
            );
        }
    }

    #[test]
    fn only_an_answer_with_a_state_is_one() {
        assert!(AuthorizationResponse::parse(b"code=x").is_none());
        assert!(AuthorizationResponse::parse(b"state=s").is_none());
        assert!(AuthorizationResponse::parse(b"code=&state=s").is_none());
        let code =
            AuthorizationResponse::parse(b"state=s&code=a%2Bb&iss=https%3A%2F%2Fid.test").unwrap();
        assert_eq!(code.state, "s");
        assert_eq!(code.issuer.as_deref(), Some("https://id.test"));
        assert!(matches!(&code.outcome, Outcome::Code(code) if code.expose() == "a+b"));
        assert!(!format!("{code:?}").contains("a+b"));
        let cancelled = b"error=access_denied&error_subcode=cancel&state=s";
        let cancelled = AuthorizationResponse::parse(cancelled).unwrap();
        assert!(matches!(cancelled.outcome, Outcome::Cancelled));
        let refused = b"error=access_denied&error_description=AADSTS65004%3a+no&state=s";
        let refused = AuthorizationResponse::parse(refused).unwrap();
        let Outcome::Refused(error) = refused.outcome else {
            panic!("no refusal");
        };
        assert_eq!(error.error(), "access_denied");
    }
}
