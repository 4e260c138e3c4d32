//! A token from the cache, or by the refresh token that is in it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::scopes::Scopes;
use silentry_protocol::oauth::token_request::TokenGrant;
use silentry_protocol::secret::Secret;

use super::asked::{self, Asked};
use super::cache_failed;
use super::call::Call;
use super::flight::{self, Accept, Cleared};
use super::redeem::Redemption;
use crate::application::Application;
use crate::cache::{self, Found, Wanted};
use crate::client::AcquireTokenSilent;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::memory::Asking;
use crate::memory::FlightKey;
use crate::request::RequestOptions;
use crate::result::{Account, AuthenticationResult, TokenSource};

pub(crate) async fn acquire(request: AcquireTokenSilent) -> Result<AuthenticationResult, Error> {
    match from_memory(&request) {
        Some(result) => Ok(result),
        // In a box, as a hit must not carry the state of a refresh around.
        None => Box::pin(from_elsewhere(request)).await,
    }
}

/// The common case, and all that it needs: a token in memory that need not be renewed yet.
fn from_memory(request: &AcquireTokenSilent) -> Option<AuthenticationResult> {
    let application = &*request.application;
    let options = &request.options;
    if !may_use_cache(request.force_refresh, options) {
        return None;
    }
    let scopes = Scopes::new(&request.scopes).ok()?;
    let of_request;
    let authority = match &options.tenant {
        Some(_) => {
            of_request = asked::authority(application, options).ok()?;
            &of_request
        }
        None => &application.authority,
    };
    let policy = &application.policy;
    let allowed = policy.check_request(Flow::Silent, &application.client_id, authority);
    allowed.ok()?;
    let now = now(application);
    let realm = authority.realm();
    let found = find(application, &request.account, &realm, &scopes, now)?;
    (!is_due(application, &found, now)).then(|| give(found, &request.account, options))
}

async fn from_elsewhere(request: AcquireTokenSilent) -> Result<AuthenticationResult, Error> {
    let silent = Silent::of(request)?;
    let application = &*silent.application;
    let mut found = silent.find_if_wanted();
    if found.is_none() {
        let caught_up = application
            .cache
            .catch_up_to_sign_in(&*application.clock)
            .await;
        caught_up.map_err(|error| cache_failed(&error))?;
        found = silent.find_if_wanted();
    }
    match found {
        Some(found) => {
            let is_due = is_due(application, &found, now(application));
            let result = give(found, &silent.account, &silent.asked.options);
            if is_due {
                silent.refresh_meanwhile();
            }
            Ok(result)
        }
        None => silent.refresh().await,
    }
}

/// Claims of the request say that the token in the cache was refused (those of the client's capabilities do not).
fn may_use_cache(force_refresh: bool, options: &RequestOptions) -> bool {
    !force_refresh && options.claims.is_none()
}

/// Looks for a token that is good for a while.
pub(super) fn find(
    application: &Application,
    account: &Account,
    realm: &str,
    scopes: &Scopes,
    now: i64,
) -> Option<Found> {
    let environment = cache::environment(&account.environment);
    // Applications of several servers may share the cache, and a program may take an account for another's.
    if !application.authority.may_know_accounts_of(&environment) {
        return None;
    }
    let other_environment = application.authority.other_environment(&environment);
    application.cache.access_token(&Wanted {
        server: application.authority.kind(),
        client_id: &application.client_id,
        environment: &environment,
        other_environment: other_environment.as_deref(),
        home_account_id: account.home_account_id()?,
        tenant: realm,
        scopes,
        now,
    })
}

/// Returns whether Entra would like the token to be renewed by now, although it is good.
fn is_due(application: &Application, found: &Found, now: i64) -> bool {
    let jitter = application.refresh_jitter;
    let due = found
        .token
        .refresh_on
        .map(|time| time.saturating_add(jitter));
    due.is_some_and(|time| now > time)
}

/// Gives out a token of the cache.
pub(super) fn give(
    found: Found,
    account: &Account,
    options: &RequestOptions,
) -> AuthenticationResult {
    let Found { token, identity } = found;
    AuthenticationResult {
        access_token: token.secret.clone(),
        id_token: identity.id_token,
        expires_on: time(token.expires_on),
        extended_expires_on: token.extended_expires_on.map(time),
        refresh_on: token.refresh_on.map(time),
        scopes: token.scopes.clone(),
        tenant_id: identity.tenant_id,
        unique_id: identity.unique_id,
        account: Account {
            username: identity
                .username
                .unwrap_or_else(|| account.username.clone()),
            ..account.clone()
        },
        correlation_id: options.correlation_id.clone().unwrap_or_default(),
        token_source: TokenSource::Cache,
        flow: None,
        not_kept: None,
    }
}

/// A silent sign-in that memory alone could not serve.
struct Silent {
    application: Arc<Application>,
    account: Account,
    asked: Asked,
    force_refresh: bool,
}

impl Silent {
    fn of(request: AcquireTokenSilent) -> Result<Self, Error> {
        let application = request.application;
        let mut asked = Asked::new(Flow::Silent, &application, &request.scopes, request.options)?;
        asked.authority = asked.authority.in_cloud_of(&request.account.environment);
        Ok(Self {
            asked,
            account: request.account,
            force_refresh: request.force_refresh,
            application,
        })
    }

    fn find_if_wanted(&self) -> Option<Found> {
        may_use_cache(self.force_refresh, &self.asked.options)
            .then(|| self.find())
            .flatten()
    }

    fn find(&self) -> Option<Found> {
        let application = &*self.application;
        let realm = self.asked.authority.realm();
        let scopes = &self.asked.scopes;
        find(application, &self.account, &realm, scopes, now(application))
    }

    /// A failure is nobody's trouble as long as the token is good.
    fn refresh_meanwhile(mut self) {
        // The call has its token; this is nobody's call any more.
        self.asked.options.correlation_id = None;
        let application = Arc::clone(&self.application);
        let (Ok(runtime), Some(key)) = (tokio::runtime::Handle::try_current(), self.key()) else {
            return;
        };
        let token = flight::name(&application, &self.who(), &self.asked);
        if !application
            .early_renewals
            .begin(&token, application.clock.now())
        {
            return;
        }
        let joined = application.flights.join(key, self.exchange(Accept::Newer));
        if joined.is_first {
            runtime.spawn(async move {
                match joined.work.await {
                    Ok(_) => application.early_renewals.succeeded(&token),
                    Err(error) => {
                        tracing::debug!(%error, "the access token could not be renewed early");
                    }
                }
            });
        }
    }

    /// Takes part in the one exchange of all who want this token now.
    async fn refresh(self) -> Result<AuthenticationResult, Error> {
        let application = Arc::clone(&self.application);
        let accept = match (&self.asked.options.claims, self.force_refresh) {
            (Some(_), _) => Accept::None,
            (None, true) => Accept::Newer,
            (None, false) => Accept::Any,
        };
        let tenant = self.asked.options.tenant.clone();
        let account = self.account.clone();
        let key = self.key();
        let result = application.flights.share(key, self.exchange(accept)).await;
        result.map_err(|error| error.about(Some(account.username()), tenant.as_deref()))
    }

    fn key(&self) -> Option<FlightKey> {
        let force = self.force_refresh.then(|| "force".to_owned());
        flight::key(Flow::Silent, &self.who(), vec![force], &self.asked)
    }

    /// The account, in its cloud.
    fn who(&self) -> String {
        let id = self.account.home_account_id().unwrap_or_default();
        format!("{id} {}", cache::environment(&self.account.environment))
    }

    async fn exchange(self, accept: Accept) -> Result<AuthenticationResult, Error> {
        let application = &*self.application;
        let name = flight::name(application, &self.who(), &self.asked);
        let find = || {
            let found = self.find()?;
            Some(give(found, &self.account, &self.asked.options))
        };
        match flight::clear_other_processes(application, &name, accept, find).await {
            Cleared::Found(result) => Ok(result),
            Cleared::Go(_lock) => self.redeem().await,
        }
    }

    async fn redeem(&self) -> Result<AuthenticationResult, Error> {
        let call = Call::new(&self.application, &self.asked.options)?;
        call.run(Flow::Silent, self.redeem_one(&call)).await
    }

    /// Redeems a refresh token; those of the family serve when the client's own does not.
    async fn redeem_one(&self, call: &Call<'_>) -> Result<AuthenticationResult, Error> {
        let redemption = Redemption {
            account: Some(&self.account),
            ..self.asked.redemption("refresh_token")
        };
        let mut refused = None;
        for token in self.refresh_tokens() {
            let asking = self.asking(&token);
            let grant = TokenGrant::RefreshToken(&token);
            let exchange = redemption.grant(call, grant, Grant::Other);
            let throttle = &self.application.throttle;
            match throttle
                .around(&*self.application.clock, &asking, exchange)
                .await
            {
                Ok(result) => return Ok(result),
                // Dead, or of a family that the client is not in: the next one may be good.
                Err(error) if *error.code() == Code::InvalidGrant => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.unwrap_or_else(|| {
            let who = match self.account.username() {
                "" => "this account",
                name => name,
            };
            let message = format!(
                "the token cache has no token and no refresh token of {who} for this client"
            );
            Error::new(Code::NoTokensFound, Stage::Cache, message)
        }))
    }

    fn asking(&self, refresh_token: &Secret) -> Asking {
        let application = &*self.application;
        let name = flight::name(application, &self.who(), &self.asked);
        let claims = self.asked.options.claims.as_deref();
        application
            .throttle
            .asking_with_token(name, refresh_token, claims)
    }

    fn refresh_tokens(&self) -> Vec<Secret> {
        let application = &*self.application;
        let environment = cache::environment(&self.account.environment);
        let Some(home_account_id) = self.account.home_account_id() else {
            return Vec::new();
        };
        let other_environment = application.authority.other_environment(&environment);
        let wanted = Wanted {
            server: application.authority.kind(),
            client_id: &application.client_id,
            environment: &environment,
            other_environment: other_environment.as_deref(),
            home_account_id,
            tenant: &self.asked.authority.realm(),
            scopes: &self.asked.scopes,
            now: now(application),
        };
        let family = application.family_tokens;
        application.cache.refresh_tokens(&wanted, family)
    }
}

/// Seconds since 1970.
pub(super) fn now(application: &Application) -> i64 {
    let since = application.clock.now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

fn time(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(seconds.try_into().unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}
