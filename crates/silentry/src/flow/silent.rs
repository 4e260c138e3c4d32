//! A token from the cache, or by the refresh token that is in it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::asked::Asked;
use super::cache_failed;
use super::call::Call;
use super::redeem::Redemption;
use crate::cache::{self, Found, Wanted};
use crate::client::{Account, AcquireTokenSilent, Application, AuthenticationResult, TokenSource};
use crate::error::{Error, Stage};
use crate::oauth::classification::Grant;
use crate::oauth::token_request::TokenGrant;
use crate::secret::Secret;

/// An access token that ends sooner is not given out any more, as in every MSAL: it must outlive the
/// call that it is for.
const MARGIN: i64 = 5 * 60;

pub(crate) async fn acquire(request: AcquireTokenSilent) -> Result<AuthenticationResult, Error> {
    let silent = Silent::of(request)?;
    let application = &*silent.application;
    if silent.may_use_cache()
        && let Some(found) = silent.find()
    {
        return Ok(silent.give(found));
    }
    let caught_up = application.cache.catch_up(&*application.clock).await;
    caught_up.map_err(|error| cache_failed(&error))?;
    if silent.may_use_cache()
        && let Some(found) = silent.find()
    {
        return Ok(silent.give(found));
    }
    silent.refresh().await
}

/// A silent sign-in, its request understood.
#[derive(Clone)]
struct Silent {
    application: Arc<Application>,
    account: Account,
    environment: String,
    asked: Asked,
    force_refresh: bool,
}

impl Silent {
    fn of(request: AcquireTokenSilent) -> Result<Self, Error> {
        let application = request.application;
        Ok(Self {
            asked: Asked::new(&application, &request.scopes, request.options)?,
            environment: cache::environment(&request.account.environment).into_owned(),
            account: request.account,
            force_refresh: request.force_refresh,
            application,
        })
    }

    /// Claims of the request say that the token in the cache was refused (those of the client's
    /// capabilities do not).
    fn may_use_cache(&self) -> bool {
        !self.force_refresh && self.asked.options.claims.is_none()
    }

    fn find(&self) -> Option<Found> {
        let tenant = self.asked.authority.realm();
        let found = self
            .application
            .cache
            .access_token(&self.wanted(&tenant)?)?;
        (found.token.expires_on - self.now() > MARGIN).then_some(found)
    }

    /// Gives out a token of the cache; when Entra would like it renewed, that happens meanwhile.
    fn give(&self, found: Found) -> AuthenticationResult {
        if found
            .token
            .refresh_on
            .is_some_and(|time| self.now() > time + self.application.refresh_jitter)
        {
            self.refresh_meanwhile();
        }
        let Found { token, identity } = found;
        AuthenticationResult {
            access_token: token.secret.clone(),
            id_token: identity.id_token,
            expires_on: time(token.expires_on),
            extended_expires_on: token.extended_expires_on.map(time),
            refresh_on: token.refresh_on.map(time),
            scopes: token.scopes.iter().map(str::to_owned).collect(),
            tenant_id: identity.tenant_id,
            unique_id: identity.unique_id,
            account: Account {
                username: identity
                    .username
                    .unwrap_or_else(|| self.account.username.clone()),
                ..self.account.clone()
            },
            correlation_id: self
                .asked
                .options
                .correlation_id
                .clone()
                .unwrap_or_default(),
            token_source: TokenSource::Cache,
            way: None,
        }
    }

    /// A failure is nobody's trouble as long as the token is good.
    fn refresh_meanwhile(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let silent = self.clone();
        runtime.spawn(async move {
            if let Err(error) = silent.refresh().await {
                tracing::debug!(%error, "the access token could not be renewed early");
            }
        });
    }

    /// Redeems a refresh token; those of the family serve when the client's own does not.
    async fn refresh(&self) -> Result<AuthenticationResult, Error> {
        let call = Call::new(&self.application, &self.asked.options)?;
        let redemption = Redemption {
            expected: self.account.home_account_id.as_deref(),
            ..self.asked.redemption("refresh_token")
        };
        let mut refused = None;
        for token in self.refresh_tokens() {
            let grant = TokenGrant::RefreshToken(&token);
            match redemption.grant(&call, grant, Grant::Other).await {
                Ok(result) => return Ok(result),
                // Dead, or of a family that the client is not in: the next one may be good.
                Err(error) if error.code() == "invalid_grant" => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error.with_correlation_id(&call.correlation_id)),
            }
        }
        let error = refused.unwrap_or_else(|| {
            let who = match self.account.username.as_str() {
                "" => "this account",
                name => name,
            };
            let message = format!(
                "the token cache has no token and no refresh token of {who} for this client"
            );
            Error::new("no_tokens_found", Stage::Cache, message)
        });
        Err(error.with_correlation_id(&call.correlation_id))
    }

    fn refresh_tokens(&self) -> Vec<Secret> {
        let tenant = self.asked.authority.realm();
        let family = self.application.family_tokens;
        self.wanted(&tenant).map_or_else(Vec::new, |wanted| {
            self.application.cache.refresh_tokens(&wanted, family)
        })
    }

    fn wanted<'a>(&'a self, tenant: &'a str) -> Option<Wanted<'a>> {
        Some(Wanted {
            client_id: &self.application.client_id,
            environment: &self.environment,
            home_account_id: self.account.home_account_id.as_deref()?,
            tenant,
            scopes: &self.asked.scopes,
        })
    }

    fn now(&self) -> i64 {
        let since = self.application.clock.now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
    }
}

fn time(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(seconds.try_into().unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}
