//! Signing in with a browser: which page comes next, and what happens with what was typed there.
//!
//! A visit is one browser on its way through the pages. What it has proven stands here and not in
//! the forms: each form carries the visit's secret and the answer to its own question, no more.

use super::authorization::{self, Asked, Prompt};
use super::claims::Demands;
use super::error::{EntraError, MFA_DEMANDED, not_in_directory};
use super::session::{SignedIn, remember, session};
use super::{Entra, pages};
use crate::directory::{self, Application, Demand, MFA_CODE, Tenant, User};
use crate::http::{Reply, Request};
use crate::oauth::{Device, Form, member, parse_form};

/// A visit must be done by then.
const LIFETIME: i64 = 900;

/// What the user signs in for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// A client that waits on a redirect URI.
    Authorize(Asked),
    /// A device whose code was typed.
    Device { user_code: String, device: Device },
}

/// A browser on its way through the pages.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    purpose: Purpose,
    /// Who signs in, once that is known.
    user: Option<&'static User>,
    password: bool,
    mfa: bool,
    /// Whether the user saw which application a device code is for.
    confirmed: bool,
    consented: bool,
    /// Whether the user wants an account that is not signed in yet.
    other_account: bool,
    expires: i64,
}

/// The question that comes next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Account,
    UserName,
    Password(&'static User),
    Code(&'static User),
    Device(&'static User),
    Consent(&'static User),
    Done(&'static User),
}

/// Begins a visit: shows the first page, or none where the browser's cookie answers everything.
pub(super) fn begin(entra: &Entra, request: &Request, purpose: Purpose) -> Reply {
    let session = session(entra, request);
    let visit = Visit::new(purpose, &session, entra.clock.unix() + LIFETIME);
    if let Purpose::Authorize(asked) = &visit.purpose
        && asked.prompt == Prompt::None
        && let Some(error) = visit.step(entra, &session).forbidden()
    {
        return authorization::refuse(entra, request, &asked.callback, &error);
    }
    proceed(entra, request, None, visit, &session, None)
}

/// `POST /{tenant}/login`: what was typed on a page.
pub(super) fn answer(entra: &Entra, request: &Request) -> Reply {
    let form = parse_form(&request.body);
    let secret = member(&form, "ctx").unwrap_or_default();
    let visit = entra.visits.get(secret);
    let Some(mut visit) = visit.filter(|visit| visit.expires > entra.clock.unix()) else {
        let error = EntraError::invalid_request(
            50089,
            "Authentication failed due to flow token expired. Go back to the application and sign \
             in again.",
        );
        return error_page(entra, request, &error);
    };
    let session = session(entra, request);
    let step = visit.step(entra, &session);
    if form.contains_key("cancel") {
        entra.visits.take(secret);
        return cancel(entra, request, &visit.purpose, step);
    }
    let problem = visit.take(entra, step, &form, &session).err();
    proceed(entra, request, Some(secret), visit, &session, problem)
}

/// Shows the next page, or ends the visit.
fn proceed(
    entra: &Entra,
    request: &Request,
    secret: Option<&str>,
    visit: Visit,
    session: &[SignedIn],
    problem: Option<&str>,
) -> Reply {
    let step = visit.step(entra, session);
    if let Step::Done(user) = step {
        if let Some(secret) = secret {
            entra.visits.take(secret);
        }
        return finish(entra, request, visit, user);
    }
    let application = visit.application();
    let hint = visit.login_hint().unwrap_or_default().to_owned();
    let secret = match secret {
        Some(secret) => {
            entra.visits.replace(secret, visit);
            secret.to_owned()
        }
        None => entra.visits.put("", visit),
    };
    let html = match step {
        Step::Account => pages::accounts(&secret, session),
        Step::UserName => pages::user_name(&secret, &hint, problem),
        Step::Password(user) => pages::password(&secret, user, problem),
        Step::Code(user) => pages::code(&secret, user, problem),
        Step::Device(user) => pages::device(&secret, user, application),
        Step::Consent(user) | Step::Done(user) => pages::consent(&secret, user, application),
    };
    entra.page(request, html)
}

fn finish(entra: &Entra, request: &Request, visit: Visit, user: &'static User) -> Reply {
    let Some(object_id) = user.object_id else {
        let error = not_in_directory(user.upn);
        return error_page(entra, request, &error);
    };
    if visit.consented {
        entra.consent(user, visit.application().client_id);
    }
    let signed_in = SignedIn {
        user,
        mfa: visit.mfa,
    };
    let application = visit.application();
    let reply = match visit.purpose {
        Purpose::Authorize(asked) => authorization::grant(entra, asked, user, object_id, visit.mfa),
        Purpose::Device { user_code, .. } => {
            entra.devices.grant(&user_code, user, visit.mfa);
            entra.page(request, pages::device_done(application))
        }
    };
    reply.header("set-cookie", remember(entra, request, signed_in))
}

fn cancel(entra: &Entra, request: &Request, purpose: &Purpose, step: Step) -> Reply {
    match purpose {
        Purpose::Authorize(asked) => {
            let error = match step {
                Step::Consent(_) => authorization::declined(),
                _ => authorization::cancelled(),
            };
            authorization::refuse(entra, request, &asked.callback, &error)
        }
        Purpose::Device { user_code, .. } => {
            entra.devices.decline(user_code);
            entra.page(request, pages::device_declined())
        }
    }
}

/// A page for a refusal that no client may be told of.
pub(super) fn error_page(entra: &Entra, request: &Request, error: &EntraError) -> Reply {
    let body = error.clone().body(
        entra.clock.now(),
        request.host,
        &super::correlation_id(request),
    );
    let html = pages::error(&body.error_description);
    let reply = Reply::html(authorization::STAGE, body.status, html);
    entra.dressed(reply, request)
}

impl Visit {
    /// Begins with what the browser's session and the client's hints answer.
    fn new(purpose: Purpose, session: &[SignedIn], expires: i64) -> Self {
        let mut visit = Self {
            purpose,
            user: None,
            password: false,
            mfa: false,
            confirmed: false,
            consented: false,
            other_account: false,
            expires,
        };
        let hinted = visit.login_hint().and_then(directory::by_upn);
        let hinted = hinted.filter(|user| user.object_id.is_some());
        let prompt = visit.prompt();
        if matches!(prompt, Prompt::Auto | Prompt::None | Prompt::Consent) {
            match (visit.candidates(session).as_slice(), hinted) {
                ([one], _) => visit.continue_as(*one),
                ([], hinted) => visit.user = hinted,
                (_, _) => {}
            }
        } else if prompt == Prompt::Login {
            visit.user = hinted;
        }
        visit
    }

    /// Returns those of the session whom the client may mean.
    fn candidates(&self, session: &[SignedIn]) -> Vec<SignedIn> {
        let domain = self.domain_hint();
        session
            .iter()
            .copied()
            .filter(|other| {
                let upn = other.user.upn;
                self.login_hint()
                    .is_none_or(|hint| hint.eq_ignore_ascii_case(upn))
                    && domain.is_none_or(|domain| domain.eq_ignore_ascii_case(other.user.domain()))
            })
            .collect()
    }

    fn continue_as(&mut self, known: SignedIn) {
        self.user = Some(known.user);
        self.password = true;
        self.mfa = known.mfa;
    }

    /// Returns what is to be asked next.
    fn step(&self, entra: &Entra, session: &[SignedIn]) -> Step {
        let Some(user) = self.user else {
            let choice = !session.is_empty() && !self.other_account;
            let login = self.prompt() == Prompt::Login;
            return if choice && !login {
                Step::Account
            } else {
                Step::UserName
            };
        };
        if !self.password {
            return Step::Password(user);
        }
        if self.needs_code(user) && !self.mfa {
            return Step::Code(user);
        }
        if matches!(self.purpose, Purpose::Device { .. }) && !self.confirmed {
            return Step::Device(user);
        }
        let given = entra.has_consented(user, self.application().client_id);
        let missing = user.demand == Demand::Consent && !given;
        if (missing || self.prompt() == Prompt::Consent) && !self.consented {
            return Step::Consent(user);
        }
        Step::Done(user)
    }

    /// Takes what was typed, or says what is wrong with it.
    fn take(
        &mut self,
        entra: &Entra,
        step: Step,
        form: &Form,
        session: &[SignedIn],
    ) -> Result<(), &'static str> {
        match step {
            Step::Account => {
                let chosen = member(form, "account");
                let known = session.iter().find(|known| Some(known.user.upn) == chosen);
                match known {
                    Some(known) => self.continue_as(*known),
                    None => self.other_account = true,
                }
            }
            Step::UserName => {
                self.user = Some(self.named(member(form, "loginfmt").unwrap_or_default())?);
            }
            Step::Password(user) => {
                if form
                    .get("passwd")
                    .is_none_or(|given| given != user.password)
                {
                    return Err(
                        "Your account or password is incorrect. If you don't remember \
                                your password, reset it now.",
                    );
                }
                if !user.enabled {
                    return Err(
                        "Your account has been locked or disabled. Contact your support \
                                person to unlock it, then try again.",
                    );
                }
                if entra.switches.password_expired {
                    return Err("Your password has expired. Change it where you sign in to \
                                Windows, then try again.");
                }
                self.password = true;
            }
            Step::Code(_) => {
                if member(form, "otc").is_none_or(|given| given.trim() != MFA_CODE) {
                    return Err(
                        "You didn't enter the expected verification code. Please try \
                                again.",
                    );
                }
                self.mfa = true;
            }
            Step::Device(_) => self.confirmed = true,
            Step::Consent(_) | Step::Done(_) => self.consented = true,
        }
        Ok(())
    }

    /// Finds whom a person means who types a user name.
    fn named(&self, typed: &str) -> Result<&'static User, &'static str> {
        let typed = typed.trim();
        let whole = match self.domain_hint() {
            Some(domain) if !typed.contains('@') => format!("{typed}@{domain}"),
            _ => typed.to_owned(),
        };
        let user = directory::by_upn(&whole).filter(|user| user.object_id.is_some());
        let user = user.ok_or(
            "This username may be incorrect. Make sure you typed it correctly. Otherwise, contact \
             your admin.",
        )?;
        match &self.purpose {
            Purpose::Authorize(asked) if asked.tenant == Tenant::Consumers => Err(
                "You can't sign in here with a work or school account. Use your personal \
                     account instead.",
            ),
            _ => Ok(user),
        }
    }

    /// Whether this user needs a second factor. Nobody comes from inside the corporate network
    /// through a browser: it sends no ticket to AD FS here.
    fn needs_code(&self, user: &User) -> bool {
        let claims = match &self.purpose {
            Purpose::Authorize(asked) => asked.claims.as_deref(),
            Purpose::Device { device, .. } => device.claims.as_deref(),
        };
        let demands = Demands::parse(claims.unwrap_or_default());
        matches!(user.demand, Demand::Mfa | Demand::MfaOutside) || demands.context.is_some()
    }

    fn application(&self) -> &'static Application {
        match &self.purpose {
            Purpose::Authorize(asked) => asked.application,
            Purpose::Device { device, .. } => directory::application(device.client_id)
                .expect("a device code is given to registered applications only"),
        }
    }

    fn prompt(&self) -> Prompt {
        match &self.purpose {
            Purpose::Authorize(asked) => asked.prompt,
            // Who types a code is asked which account it is for.
            Purpose::Device { .. } => Prompt::SelectAccount,
        }
    }

    fn login_hint(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Authorize(asked) => asked.login_hint.as_deref(),
            Purpose::Device { .. } => None,
        }
    }

    /// Returns the hint if it is a domain: `organizations` and `consumers` are hints as well.
    fn domain_hint(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Authorize(asked) => asked
                .domain_hint
                .as_deref()
                .filter(|domain| directory::domain_kind(domain).is_some()),
            Purpose::Device { .. } => None,
        }
    }
}

impl Step {
    /// Returns why this page may not be shown where none may.
    fn forbidden(self) -> Option<EntraError> {
        let error = |error, code, text: &str| Some(EntraError::new(400, error, code, text));
        match self {
            Self::UserName | Self::Password(_) => error(
                "login_required",
                50058,
                "A silent sign-in request was sent but no user is signed in.",
            ),
            Self::Account => error(
                "interaction_required",
                16000,
                "Either multiple user identities are available for the current request or \
                 selected account is not supported for the scenario.",
            ),
            Self::Code(_) => {
                let text = format!("{MFA_DEMANDED} to access the resource.");
                error("interaction_required", 50076, &text)
            }
            Self::Consent(_) | Self::Device(_) => error(
                "consent_required",
                65001,
                "The user or administrator has not consented to use the application. Send an \
                 interactive authorization request for this user and resource.",
            ),
            Self::Done(_) => None,
        }
    }
}
