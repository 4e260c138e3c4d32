//! Who the signed-in user is to Entra, and which federation server that leads to.
//!
//! What the caller says is taken as it is; then what Windows says. On Linux and macOS a guess from the Kerberos
//! principal costs nothing but the exchange that is made anyway, and is as good as the UPN when it leads to the
//! federation server; so the directory is asked only when no guess does, or when the configuration names it.

use super::call::Call;
use super::federation::{self, Federation};
use super::{kerberos, signed_in};
use crate::advice::Advice;
use crate::application::Application;
use crate::authority::Authority;
use crate::directory::{self, Failure, Names, Subject};
use crate::error::{Code, Error, Stage};
use crate::identity::{Candidates, SignedIn, UserPrincipalName, same_name, upn_candidates};
use crate::text::printable;

/// Finds the federation server of the user, with the UPN that led to it. `username` leads there, unless it is only the
/// name that the ticket itself has.
pub(super) async fn find(
    call: &Call<'_>,
    authority: &Authority,
    username: Option<&str>,
    ticket: Option<&signed_in::User>,
    own_metadata: Option<&str>,
) -> Result<(UserPrincipalName, Federation), Error> {
    let search = Search {
        call,
        authority,
        own_metadata,
    };
    if let Some(username) = username {
        let is_of_ticket = ticket.is_some_and(|user| user.is_called(username));
        match search.by_name(username, ticket).await {
            Err(error)
                if is_of_ticket
                    && matches!(error.code(), Code::UnknownUserType | Code::InvalidUsername) => {}
            answer => return answer,
        }
    }
    let signed_in = signed_in(call, ticket).await?;
    tracing::debug!(
        principal = signed_in.principal,
        upn = signed_in.upn,
        "signed in"
    );
    match upn_candidates(&signed_in, authority.require_organization()?)? {
        Candidates::Known(upn) => search.known(upn).await,
        Candidates::Guessed(guesses) => search.guess_or_ask(guesses, &signed_in.principal).await,
    }
}

/// Returns whether the user of a ticket is called so: by the ticket itself, or by the directory, which is asked only
/// when it must be. `of_token` are the names in the token that the ticket gave.
pub(super) async fn is_called(
    application: &Application,
    user: &signed_in::User,
    name: &str,
    of_token: &[&str],
) -> bool {
    if user.is_called(name) {
        return true;
    }
    if !application.directory.is_on() {
        return false;
    }
    let meant = match Question::about_account(user.principal(), name) {
        Some(question) => match ask(application, question).await {
            Ok(upn) => upn.as_str().to_owned(),
            Err(_) => return false,
        },
        None => name.to_owned(),
    };
    let is_meant = |own: &str| same_name(own, &meant);
    if of_token.iter().any(|own| is_meant(own)) {
        return true;
    }
    let names = names(application, Question::about_principal(user.principal())).await;
    names.is_ok_and(|names| names.iter().any(is_meant))
}

/// Reads what the caller says: a UPN, or an account name that only the directory can make one of.
async fn named(
    call: &Call<'_>,
    username: &str,
    ticket: Option<&signed_in::User>,
) -> Result<UserPrincipalName, Error> {
    if !username.contains('\\') || !call.application.directory.is_on() {
        return UserPrincipalName::parse(username);
    }
    let signed_in = signed_in(call, ticket).await?;
    let Some(question) = Question::about_account(&signed_in.principal, username) else {
        return UserPrincipalName::parse(username);
    };
    ask(call.application, question).await.map_err(|failure| {
        let shown = printable(username, 120);
        let message =
            format!("`{shown}` is not a UPN, and the directory does not tell it: {failure}");
        Error::new(Code::InvalidUsername, Stage::User, message)
    })
}

/// Returns the user of the ticket, whom the call knows; where there is none, the library says why.
async fn signed_in(call: &Call<'_>, ticket: Option<&signed_in::User>) -> Result<SignedIn, Error> {
    match ticket {
        Some(user) => Ok(user.signed_in().clone()),
        None => kerberos::signed_in_user(&call.application.negotiate).await,
    }
}

/// A search for the federation server.
struct Search<'a> {
    call: &'a Call<'a>,
    authority: &'a Authority,
    own_metadata: Option<&'a str>,
}

impl Search<'_> {
    async fn by_name(
        &self,
        username: &str,
        ticket: Option<&signed_in::User>,
    ) -> Result<(UserPrincipalName, Federation), Error> {
        self.known(named(self.call, username, ticket).await?).await
    }

    async fn known(
        &self,
        upn: UserPrincipalName,
    ) -> Result<(UserPrincipalName, Federation), Error> {
        let federation =
            federation::discover(self.call, self.authority, &upn, self.own_metadata).await?;
        Ok((upn, federation))
    }

    async fn guess_or_ask(
        &self,
        mut guesses: Vec<UserPrincipalName>,
        principal: &str,
    ) -> Result<(UserPrincipalName, Federation), Error> {
        let application = self.call.application;
        let settings = &application.directory;
        let question = Question::about_principal(principal);
        if settings.is_first() || question.is_answered(application) {
            match ask(application, question.clone()).await {
                // The implicit UPN of an account without one is no more than a guess.
                Ok(upn) if guesses.iter().any(|guess| same(guess, &upn)) => {
                    guesses.retain(|guess| !same(guess, &upn));
                    guesses.insert(0, upn);
                }
                Ok(upn) => return self.known(upn).await,
                Err(failure) => tracing::debug!(%failure, "the directory does not tell the UPN"),
            }
        }
        let dead_end = match self.guess(&guesses).await? {
            Guess::Led(upn, federation) => return Ok((upn, federation)),
            Guess::Nowhere(error) => error,
        };
        if !settings.is_on() {
            return Err(dead_end);
        }
        match ask(application, question).await {
            Ok(upn) if guesses.iter().any(|guess| same(guess, &upn)) => Err(dead_end),
            Ok(upn) => self.known(upn).await,
            Err(failure) if *dead_end.code() == Code::UnknownUser => {
                let message = format!("{dead_end}; the directory does not tell it: {failure}");
                Err(Error::new(Code::UnknownUser, Stage::User, message)
                    .with_mitigation(dead_end.advice().clone()))
            }
            Err(failure) => {
                tracing::debug!(%failure, "the directory does not tell the UPN");
                Err(dead_end)
            }
        }
    }

    /// Asks Entra about each guess until one leads to a federation server.
    async fn guess(&self, guesses: &[UserPrincipalName]) -> Result<Guess, Error> {
        let mut managed = None;
        for upn in guesses {
            match self.known(upn.clone()).await {
                Ok((upn, federation)) => return Ok(Guess::Led(upn, federation)),
                Err(error) if *error.code() == Code::UnknownUserType => {
                    tracing::debug!(%upn, "Entra does not know this domain");
                }
                Err(error)
                    if *error.code() == Code::IntegratedWindowsAuthNotSupportedManagedUser =>
                {
                    managed.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Guess::Nowhere(managed.unwrap_or_else(|| {
            let tried: Vec<_> = guesses.iter().map(ToString::to_string).collect();
            let message = format!(
                "your UPN is not known: Entra knows none of {}",
                tried.join(", ")
            );
            let error = Error::new(Code::UnknownUser, Stage::User, message);
            // Whoever guesses `@contoso.test` has it from the tenant, which is likely to be mistyped.
            let tenant = self.authority.realm();
            match guesses.iter().any(|guess| guess.is_of(&tenant)) {
                true => error.with_mitigation(
                    Advice::from(
                        "No tenant of Microsoft Entra has the domain `{domain}`: correct {tenant}. If it is \
                         right, give your UPN yourself by {username}.",
                    )
                    .with("domain", &tenant),
                ),
                false => error,
            }
        })))
    }
}

fn same(one: &UserPrincipalName, other: &UserPrincipalName) -> bool {
    same_name(one.as_str(), other.as_str())
}

/// What guessing came to.
enum Guess {
    Led(UserPrincipalName, Federation),
    /// Entra knows none, or knows a guess as a user without a federation server.
    Nowhere(Error),
}

/// A question to the directory.
#[derive(Clone)]
struct Question<'a> {
    realm: &'a str,
    subject: Subject,
    /// What the answer is remembered by.
    key: &'a str,
}

impl<'a> Question<'a> {
    /// About the user of a ticket.
    fn about_principal(principal: &'a str) -> Self {
        let name = principal
            .rsplit_once('@')
            .map_or(principal, |(name, _)| name);
        Question {
            realm: realm_of(principal),
            subject: Subject::Principal(name.replace('\\', "")),
            key: principal,
        }
    }

    /// About `DOMAIN\user`, in the domain of this ticket; `None` when it is not written so.
    fn about_account(principal: &'a str, username: &'a str) -> Option<Self> {
        let key = username.trim();
        let (netbios, account) = key.split_once('\\')?;
        let (netbios, account) = (netbios.to_owned(), account.to_owned());
        Some(Question {
            realm: realm_of(principal),
            subject: Subject::Account { netbios, account },
            key,
        })
    }

    /// Whether it was asked before, and answered.
    fn is_answered(&self, application: &Application) -> bool {
        matches!(recall(application, self.key), Some(Ok(_)))
    }
}

fn realm_of(principal: &str) -> &str {
    principal.rsplit_once('@').map_or("", |(_, realm)| realm)
}

/// Asks the directory for the name that Entra knows the user by.
async fn ask(
    application: &Application,
    question: Question<'_>,
) -> Result<UserPrincipalName, Failure> {
    let names = names(application, question).await?;
    let name = names.at_entra(&application.directory)?;
    UserPrincipalName::parse(name).map_err(|error| Failure::NotFound(error.to_string()))
}

/// Asks the directory, unless its answer is remembered.
async fn names(application: &Application, question: Question<'_>) -> Result<Names, Failure> {
    if let Some(answer) = recall(application, question.key) {
        return answer;
    }
    let settings = application.directory.clone();
    let negotiator = kerberos::negotiator(&application.negotiate);
    let (realm, subject) = (question.realm.to_owned(), question.subject);
    let look_up = move || directory::find_user(&settings, &negotiator, &realm, &subject);
    let answer = kerberos::on_own_thread(look_up)
        .await
        .unwrap_or_else(|error| Err(Failure::NotFound(error.to_string())));
    tracing::debug!(user = question.key, ?answer, "asked the directory");
    remember(application, question.key, &answer);
    answer
}

fn recall(application: &Application, key: &str) -> Option<Result<Names, Failure>> {
    application
        .directory_memory
        .recall(key, application.clock.now())
}

fn remember(application: &Application, key: &str, answer: &Result<Names, Failure>) {
    application
        .directory_memory
        .remember(key, answer.clone(), application.clock.now());
}
