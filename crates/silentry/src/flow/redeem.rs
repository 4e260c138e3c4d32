//! A grant becomes tokens, and the tokens go into the cache.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::consent::ConsentRequest;
use silentry_protocol::oauth::error_response::ErrorResponse;
use silentry_protocol::oauth::id_token::{ClientInfo, IdToken, home_account_id, same_account};
use silentry_protocol::oauth::token_request::{TokenGrant, TokenRequest};
use silentry_protocol::oauth::token_response::{TokenResponse, TokenResponseError};
use silentry_protocol::wstrust::assertion::{SamlAssertion, SamlVersion};
use zeroize::Zeroizing;

use super::asked::Asked;
use super::call::Call;
use super::endpoints;
use super::whose::{self, Proof};
use crate::advice::Advice;
use crate::authority::endpoints::Endpoints;
use crate::authority::issuer::{IdTokenError, Issuer};
use crate::cache::{self, NewTokens, SignedInUser};
use crate::error::{Code, Error, Stage, is_about_scopes};
use crate::result::{Account, AuthenticationResult, TokenSource};
use crate::transport::{HttpResponse, retry_after};

const WRONG_PASSWORD: &str = "Check the user name ({username}) and the password; the server may also not let this \
    application or this user sign in with one.";

const FOREIGN_REFRESH_TOKEN: &str = "The refresh token in the cache is another user's: remove the account ({remove-account}) and sign in again.";

/// What a token request is about, whatever it is made with.
#[derive(Clone, Copy)]
pub(super) struct Redemption<'a> {
    pub(super) asked: &'a Asked,
    /// How the user signed in, as the cache tells other programs (`account_source`).
    pub(super) source: &'static str,
    /// What the user signed in with, as far as it tells who that is.
    pub(super) proof: Proof<'a>,
    /// What the id token must name, where the browser was told to ask for it.
    pub(super) nonce: Option<&'a str>,
    /// Whose token it must be, where the account is known already. An answer to a refresh may name nobody (OpenID
    /// Connect Core 12.2).
    pub(super) account: Option<&'a Account>,
}

impl Redemption<'_> {
    /// Exchanges an assertion of the federation server.
    pub(super) async fn assertion(
        &self,
        call: &Call<'_>,
        assertion: &SamlAssertion,
    ) -> Result<AuthenticationResult, Error> {
        let grant = match assertion.version() {
            SamlVersion::V1_1 => TokenGrant::Saml11Bearer(assertion.as_bytes()),
            SamlVersion::V2_0 => TokenGrant::Saml2Bearer(assertion.as_bytes()),
        };
        self.grant(call, grant, Grant::SamlAssertion).await
    }

    /// Asks the token endpoint, and keeps what it gives.
    pub(super) async fn grant(
        &self,
        call: &Call<'_>,
        grant: TokenGrant<'_>,
        kind: Grant,
    ) -> Result<AuthenticationResult, Error> {
        let endpoints = endpoints::of(call, &self.asked.authority).await?;
        self.check_server(&endpoints)?;
        let mut token = self.ask(call, &endpoints, grant, kind).await?;
        let id = id_token(&endpoints, &token)?;
        if let Some(id) = &id {
            self.check_issuer(call, &endpoints, id).await?;
        }
        self.check_nonce(id.as_ref())?;
        if endpoints.authority.kind() == AuthorityKind::AdFs {
            token.scope = token
                .scope
                .map(|given| given.as_ad_fs_means(&self.asked.scopes));
        }
        let result = self.result(call, &endpoints, &token, id.as_ref());
        self.check_account(&result)?;
        let options = &self.asked.options;
        let also_called = whose::check(call, options, self.proof, &result, id.as_ref()).await?;
        let not_kept = match result.account().home_account_id() {
            Some(_) => self
                .keep(call, &endpoints, token, id, also_called)
                .await
                .err(),
            None => Some("the answer does not tell whose the token is".to_owned()),
        };
        Ok(AuthenticationResult {
            not_kept: not_kept.map(Arc::new),
            ..result
        })
    }

    async fn ask(
        &self,
        call: &Call<'_>,
        endpoints: &Endpoints,
        grant: TokenGrant<'_>,
        kind: Grant,
    ) -> Result<TokenResponse, Error> {
        let server = endpoints.authority.kind();
        let mut request = TokenRequest::new(&call.application.client_id, &self.asked.scopes, grant);
        if let Some(claims) = &self.asked.claims {
            request = request.with_claims(claims);
        }
        if !call.application.refresh_tokens {
            request = request.without_offline_access();
        }
        if server != AuthorityKind::Entra {
            request = request.without_client_info();
        }
        let mut url = endpoints.token.clone();
        let extra = &self.asked.options.extra_query_parameters;
        if !extra.is_empty() {
            url.query_pairs_mut().extend_pairs(extra);
        }
        let form = Zeroizing::new(request.form().expose().as_bytes().to_vec());
        let request = call
            .post(server, &url, form)
            .with_extra_headers(&self.asked.options.extra_headers);
        let response = if grant.is_single() {
            call.exchange
                .send_single(Stage::Token, &url, &request)
                .await?
        } else {
            call.exchange.send(Stage::Token, &url, &request).await?
        };
        let refused = || {
            let error = self.refused_by(call, Stage::Token, kind, &response);
            let wrong_password = *error.code() == Code::InvalidGrant
                && matches!(grant, TokenGrant::Password { .. })
                // Entra says in numbers what was wrong.
                && server != AuthorityKind::Entra;
            match wrong_password {
                true => error.with_mitigation(WRONG_PASSWORD),
                false => error,
            }
        };
        if !(200..300).contains(&response.status()) {
            return Err(refused());
        }
        TokenResponse::parse(response.body()).map_err(|error| match error {
            TokenResponseError::ErrorReply => refused(),
            error => Error::of(Stage::Token, &error).unless_compressed(&response),
        })
    }

    /// The id token must be the answer to this very sign-in (OpenID Connect Core 3.1.3.7).
    fn check_nonce(&self, id: Option<&IdToken>) -> Result<(), Error> {
        let named = id.and_then(|id| id.nonce.as_deref());
        if self.nonce.is_some() && named != self.nonce {
            let message = "the id token does not name the nonce of this sign-in";
            return Err(Error::new(Code::NonceMismatch, Stage::Token, message));
        }
        Ok(())
    }

    /// The id token must come from this authority, for this client (OpenID Connect Core 3.1.3.7).
    async fn check_issuer(
        &self,
        call: &Call<'_>,
        endpoints: &Endpoints,
        id: &IdToken,
    ) -> Result<(), Error> {
        let application = call.application;
        let now = seconds(application.clock.now());
        let now = now.try_into().unwrap_or(i64::MAX);
        let mut checked = endpoints.issuer.check(id, &application.client_id, now);
        if let (Issuer::AdFs(_), Err(IdTokenError::Issuer(..))) = (&endpoints.issuer, &checked) {
            // An administrator may have given it another name, which its document tells.
            if let Ok(server) = endpoints::configuration(call, &endpoints.authority).await {
                checked = Issuer::AdFs(server.issuer).check(id, &application.client_id, now);
            }
        }
        checked.map_err(|error| Error::of(Stage::Token, &error))
    }

    /// A refresh token goes to the server that gave it, though applications of others may share the cache.
    fn check_server(&self, endpoints: &Endpoints) -> Result<(), Error> {
        match self.account.map(Account::environment) {
            Some(other) if !endpoints.knows_accounts_of(other) => {
                let message = format!(
                    "the account is one of {other}, not of {}",
                    self.asked.authority
                );
                Err(Error::new(Code::NoTokensFound, Stage::Cache, message))
            }
            _ => Ok(()),
        }
    }

    /// A refresh token gives its own account's token, or none (MSAL.NET `user_mismatch`).
    fn check_account(&self, result: &AuthenticationResult) -> Result<(), Error> {
        match (self.known_account(), result.account().home_account_id()) {
            (Some(expected), Some(given)) if !same_account(given, expected) => {
                let asked_for = self.account.map(Account::username).unwrap_or_default();
                let given = result.account().username();
                let message = format!(
                    "the refresh token of {asked_for} gives a token for another account, of {given}"
                );
                Err(Error::new(Code::UserMismatch, Stage::Token, message)
                    .with_mitigation(FOREIGN_REFRESH_TOKEN))
            }
            _ => Ok(()),
        }
    }

    /// A refreshed token is found where the account is, which may be known by another host of its cloud.
    fn environment(&self, endpoints: &Endpoints) -> String {
        match self.account {
            Some(account) => account.environment().to_owned(),
            None => endpoints.authority.environment(),
        }
    }

    fn known_account(&self) -> Option<&str> {
        self.account.and_then(Account::home_account_id)
    }

    /// The error of the authorization endpoint, which the browser brought.
    #[cfg(feature = "interactive")]
    pub(super) fn refused(&self, call: &Call<'_>, kind: Grant, error: &ErrorResponse) -> Error {
        let tenant = self.asked.authority.realm();
        let consent = self.consent(call, &tenant);
        let made = Error::from_oauth(Stage::Browser, error, kind, consent.as_ref(), None, None);
        self.about_scopes(made, error)
    }

    /// Only Entra has pages for it.
    fn consent<'b>(&'b self, call: &'b Call<'_>, tenant: &'b str) -> Option<ConsentRequest<'b>> {
        let authority = &self.asked.authority;
        (authority.kind() == AuthorityKind::Entra).then(|| ConsentRequest {
            authority_host: authority.host(),
            tenant,
            client_id: &call.application.client_id,
            scopes: &self.asked.scopes,
            redirect_uri: None,
        })
    }

    /// The error of an answer of the endpoint of `stage` that is not what was asked for.
    pub(super) fn refused_by(
        &self,
        call: &Call<'_>,
        stage: Stage,
        kind: Grant,
        response: &HttpResponse,
    ) -> Error {
        let error = ErrorResponse::parse(response.status(), response.body());
        let tenant = self.asked.authority.realm();
        let clocks = call.clock_difference(response);
        let made = Error::from_oauth(
            stage,
            &error,
            kind,
            self.consent(call, &tenant).as_ref(),
            retry_after(response),
            clocks.as_deref(),
        );
        let made = self.about_scopes(made, &error);
        match error.is_oauth_error() {
            true => made,
            false => made.unless_compressed(response),
        }
    }

    /// Suggests what was probably meant where the server refused the scopes.
    fn about_scopes(&self, made: Error, error: &ErrorResponse) -> Error {
        match self.asked.scopes.without_permission() {
            Some((scope, wanted)) if is_about_scopes(error) => made.with_mitigation(
                Advice::from(
                    "`{resource}` names a resource and no permission of it: ask for `{wanted}` by {scope}.",
                )
                .with("resource", scope)
                .with("wanted", &wanted),
            ),
            _ => made,
        }
    }

    /// A token that cannot be kept is a token all the same.
    async fn keep(
        &self,
        call: &Call<'_>,
        endpoints: &Endpoints,
        response: TokenResponse,
        id: Option<IdToken>,
        also_called: Option<String>,
    ) -> Result<(), String> {
        let application = call.application;
        let client_id = application.client_id.clone();
        let environment = self.environment(endpoints);
        let other_environment = endpoints.authority.environment_with_port();
        let tenant = endpoints.authority.realm().into_owned();
        let server = endpoints.authority.kind();
        let scopes = self.asked.scopes.clone();
        let source = self.source;
        let signed_in = self.proof.signed_in();
        let account = self.known_account().map(str::to_owned);
        let now = seconds(application.clock.now());
        let kept = application
            .cache
            .change(&*application.clock, move |document| {
                let new = NewTokens {
                    client_id: &client_id,
                    environment: &environment,
                    other_environment: other_environment.as_deref(),
                    tenant: &tenant,
                    server,
                    scopes: &scopes,
                    response: &response,
                    id: id.as_ref(),
                    source,
                    signed_in: signed_in.as_ref().map(|(os_user, principal)| SignedInUser {
                        os_user,
                        principal,
                        also_called: also_called.as_deref(),
                    }),
                    account: account.as_deref(),
                    now,
                };
                cache::store_tokens(document, &new)
            });
        kept.await.map_err(|error| {
            tracing::warn!(%error, "the token could not be kept in the cache");
            error.to_string()
        })
    }

    fn result(
        &self,
        call: &Call<'_>,
        endpoints: &Endpoints,
        token: &TokenResponse,
        id: Option<&IdToken>,
    ) -> AuthenticationResult {
        let client_info = token.client_info.as_deref().and_then(ClientInfo::decode);
        let now = call.application.clock.now();
        let after = |seconds: u64| now.checked_add(Duration::from_secs(seconds)).unwrap_or(now);
        AuthenticationResult {
            access_token: token.access_token.clone(),
            id_token: token.id_token.clone(),
            expires_on: after(token.lifetime(seconds(now))),
            extended_expires_on: token.ext_expires_in.map(after),
            refresh_on: token.refresh_in.map(after),
            scopes: token.scope.as_ref().unwrap_or(&self.asked.scopes).clone(),
            tenant_id: id.and_then(|id| id.tid.as_deref()).map(Into::into),
            unique_id: id.and_then(|id| id.local_account_id()).map(Into::into),
            account: Account {
                username: id
                    .and_then(IdToken::username)
                    .or(self.account.map(Account::username))
                    .unwrap_or_default()
                    .into(),
                home_account_id: home_account_id(client_info.as_ref(), id)
                    .or(self.known_account().map(str::to_owned))
                    .map(Into::into),
                environment: self.environment(endpoints).into(),
            },
            correlation_id: call.correlation_id.clone(),
            token_source: TokenSource::IdentityProvider,
            flow: None,
            not_kept: None,
        }
    }
}

/// Reads the id token. It comes straight from the token endpoint over TLS, so its signature need not be checked (OpenID
/// Connect Core 3.1.3.7). One of Entra or AD FS that cannot be read counts as none, as in the MSALs: an access token was
/// asked for, and no account comes of it.
fn id_token(endpoints: &Endpoints, token: &TokenResponse) -> Result<Option<IdToken>, Error> {
    let Some(text) = &token.id_token else {
        return Ok(None);
    };
    match IdToken::decode(text.expose()) {
        Ok(id) => Ok(Some(id)),
        Err(error) if endpoints.authority.kind() == AuthorityKind::OpenIdConnect => {
            Err(Error::of(Stage::Token, &error))
        }
        Err(_) => Ok(None),
    }
}

fn seconds(time: std::time::SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
