//! Microsoft Entra ID: discovery, user realms, tokens and keys of one tenant.

mod assertion;
mod authorization;
mod authorize;
pub(crate) mod autologon;
mod claims;
mod desktop_sso;
mod device;
mod discovery;
mod error;
mod grants;
mod issue;
pub(crate) mod jwt;
mod pages;
mod parameters;
mod proof;
mod realm;
mod session;
mod sign_in;
mod token;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Method;
use serde::Serialize;

use crate::clock::Clock;
use crate::directory::{Tenant, User};
use crate::http::{Reply, Request};
use crate::keys::Keys;
use crate::oauth::{Devices, Store};
use crate::random::{guid, is_guid, opaque};
use crate::scenario::switches;

use authorization::AuthorizationCode;
use error::EntraError;
pub(crate) use issue::AccessClaims;
use issue::RefreshToken;
use session::SignedIn;
use sign_in::Visit;

/// The directory service.
pub(crate) struct Entra {
    clock: Clock,
    keys: Arc<Keys>,
    switches: switches::Entra,
    /// Refresh tokens that were issued; they are opaque to everybody else.
    refresh_tokens: Store<RefreshToken>,
    codes: Store<AuthorizationCode>,
    devices: Devices,
    /// Browsers that are between two pages.
    visits: Store<Visit>,
    /// Browsers that have signed somebody in.
    sessions: Store<Vec<SignedIn>>,
    /// Which user has consented to which application.
    consents: Mutex<HashSet<(&'static str, &'static str)>>,
    /// Whether the one failure of the scenario was spent.
    failed_once: AtomicBool,
}

impl Entra {
    pub(crate) fn new(keys: Arc<Keys>, switches: switches::Entra) -> Self {
        Self {
            clock: Clock::default(),
            keys,
            switches,
            refresh_tokens: Store::default(),
            codes: Store::default(),
            devices: Devices::new(switches.device_code),
            visits: Store::default(),
            sessions: Store::default(),
            consents: Mutex::default(),
            failed_once: AtomicBool::new(false),
        }
    }

    /// Answers a request to one of Entra's names. Paths ignore case, as they do there.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let lower = request.path.to_ascii_lowercase();
        let segments: Vec<&str> = lower.trim_matches('/').split('/').collect();
        let get = matches!(request.method, Method::GET | Method::HEAD);
        let post = request.method == Method::POST;
        match segments.as_slice() {
            ["common", "discovery", "instance"] if get => discovery::instance(self, request),
            [tenant, "v2.0", ".well-known", "openid-configuration"] if get => {
                discovery::openid_configuration(self, request, tenant)
            }
            [tenant, ".well-known", "openid-configuration"] if get => {
                discovery::openid_configuration(self, request, tenant)
            }
            [_, "discovery", "v2.0", "keys"] | [_, "discovery", "keys"] if get => {
                discovery::keys(self, request)
            }
            ["common", "userrealm", ..] if get => realm::answer(self, request),
            [tenant, "oauth2", "v2.0", "token"] | [tenant, "oauth2", "token"] if post => {
                token::answer(self, request, tenant)
            }
            [tenant, "oauth2", "v2.0", "authorize"] | [tenant, "oauth2", "authorize"]
                if get || post =>
            {
                authorize::answer(self, request, tenant)
            }
            [tenant, "oauth2", "v2.0", "devicecode"] | [tenant, "oauth2", "devicecode"]
                if get || post =>
            {
                device::answer(self, request, tenant)
            }
            [_, "oauth2", "deviceauth"] | ["device"] if get || post => device::page(self, request),
            // Where clients that have no page of their own let the browser end.
            ["common", "oauth2", "nativeclient"] if get => self.page(request, pages::blank()),
            [_, "login"] if post => sign_in::answer(self, request),
            [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"] => {
                let wrong = EntraError::invalid_request(
                    900561,
                    "The endpoint only accepts POST requests. Received a GET request.",
                );
                self.refuse("token", request, wrong)
            }
            _ => self.dressed(Reply::html("entra", 404, NOT_FOUND), request),
        }
    }

    /// Checks an access token that was issued for one of these audiences.
    pub(crate) fn verify_access_token(
        &self,
        token: &str,
        audience: &str,
    ) -> Result<AccessClaims, &'static str> {
        issue::verify_access_token(self, token, audience)
    }

    fn consent(&self, user: &'static User, client_id: &'static str) {
        self.consents().insert((user.upn, client_id));
    }

    fn has_consented(&self, user: &User, client_id: &str) -> bool {
        self.consents().contains(&(user.upn, client_id))
    }

    fn consents(&self) -> MutexGuard<'_, HashSet<(&'static str, &'static str)>> {
        self.consents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a page that no cache may keep.
    fn page(&self, request: &Request, html: String) -> Reply {
        let reply = Reply::html("sign-in", 200, html);
        self.dressed(reply, request)
            .header("cache-control", "no-store, no-cache")
            .header("pragma", "no-cache")
    }

    fn json(
        &self,
        stage: &'static str,
        status: u16,
        request: &Request,
        body: &impl Serialize,
    ) -> Reply {
        let text = serde_json::to_string(body).expect("replies serialize: their keys are strings");
        let reply = Reply::new(stage, status).body("application/json; charset=utf-8", text);
        self.dressed(reply, request)
    }

    fn refuse(&self, stage: &'static str, request: &Request, error: EntraError) -> Reply {
        let correlation_id = correlation_id(request);
        let code = error.code();
        let body = error.body(self.clock.now(), request.host, &correlation_id);
        let text = serde_json::to_string(&body).expect("replies serialize: their keys are strings");
        let reply = Reply::new(stage, body.status).body("application/json; charset=utf-8", text);
        let reply = self.dressed_for(reply, &body.correlation_id);
        let reply = reply
            .header("cache-control", "no-store, no-cache")
            .header("pragma", "no-cache");
        if matches!(stage, "token" | "devicecode") {
            reply
                .header("x-ms-clitelem", format!("1,{code},0,,"))
                .header("expires", "-1")
        } else {
            reply
        }
    }

    /// Adds the headers of every recorded reply.
    fn dressed(&self, reply: Reply, request: &Request) -> Reply {
        self.dressed_for(reply, &correlation_id(request))
    }

    fn dressed_for(&self, reply: Reply, correlation_id: &str) -> Reply {
        reply
            .header(
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            )
            .header("x-content-type-options", "nosniff")
            .header("p3p", "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"")
            .header("client-request-id", correlation_id)
            .header("x-ms-request-id", guid())
            .header("x-ms-ests-server", "2.1.20106.4 - LAB ProdSlices")
            .header("x-ms-srs", "1.P")
            .header("x-xss-protection", "0")
            .header(
                "set-cookie",
                format!("fpc={}; path=/; secure; HttpOnly; SameSite=None", opaque()),
            )
            .header(
                "set-cookie",
                "x-ms-gateway-slice=estsfd; path=/; secure; httponly",
            )
            .header(
                "set-cookie",
                "stsservicecookie=estsfd; path=/; secure; httponly",
            )
    }
}

/// Returns the tenant of a path, or the error Entra has for one that does not exist.
fn tenant(word: &str) -> Result<Tenant, EntraError> {
    Tenant::parse(word).ok_or_else(|| {
        EntraError::new(
            400,
            if is_guid(word) { "invalid_request" } else { "invalid_tenant" },
            90002,
            format!(
                "Tenant '{word:.100}' not found. Check to make sure you have the correct tenant ID \
                 and are signing into the correct cloud. Check with your subscription \
                 administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        )
    })
}

/// Returns the client's request id, or a new one: Entra correlates by it.
fn correlation_id(request: &Request) -> String {
    let given = request
        .header("client-request-id")
        .filter(|id| is_guid(id))
        .map(str::to_owned);
    given
        .or_else(|| {
            request
                .query_value("client-request-id")
                .filter(|id| is_guid(id))
        })
        .unwrap_or_else(guid)
}

const NOT_FOUND: &str = "<!DOCTYPE html><html><head><title>Sign in to your account</title></head>\
<body><p>AADSTS900561: the lab has nothing at this path.</p></body></html>";
