//! A browser for tests: it keeps cookies, follows redirects and fills in the forms that it finds,
//! as a person at a real browser does. It takes no way around the pages.

mod connection;
mod page;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Method;
use rustls::ClientConfig;
use url::Url;

use crate::directory::{MFA_CODE, User};
use crate::error::LabError;
use connection::Sent;
pub use page::{Field, Form, Page};

/// No sign-in has more redirects or pages.
const MOST: usize = 20;

/// A browser that reaches the lab, and http servers on this machine's loopback, where clients wait
/// for its return. It remembers who has signed in, until it is dropped.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let lab = silentry_lab::Lab::start().await?;
/// let alice = silentry_lab::Person::new(lab.user());
/// let page = lab
///     .browser()?
///     .sign_in("https://microsoft.com/devicelogin", &alice.with_user_code("NO-SUCH"))
///     .await?;
/// assert!(page.problem().unwrap().starts_with("That code didn't work"));
/// # Ok::<(), silentry_lab::LabError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Browser {
    lab: SocketAddr,
    tls: Arc<ClientConfig>,
    /// By host and name.
    cookies: BTreeMap<(String, String), String>,
}

/// What a person in front of a [`Browser`] knows and wants.
#[derive(Clone, Debug)]
pub struct Person {
    user: &'static User,
    password: String,
    mfa_code: String,
    user_code: String,
    consents: bool,
    cancels: bool,
}

impl Person {
    /// Returns somebody who gives every right answer and consents.
    pub fn new(user: &'static User) -> Self {
        Self {
            user,
            password: user.password.to_owned(),
            mfa_code: MFA_CODE.to_owned(),
            user_code: String::new(),
            consents: true,
            cancels: false,
        }
    }

    /// Types this code where a page asks for the code of a device.
    #[must_use]
    pub fn with_user_code(mut self, code: impl Into<String>) -> Self {
        self.user_code = code.into();
        self
    }

    /// Types this password in place of the right one.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Types this code in place of the right one, where a second factor is asked for.
    #[must_use]
    pub fn with_mfa_code(mut self, code: impl Into<String>) -> Self {
        self.mfa_code = code.into();
        self
    }

    /// Cancels where an application asks for consent.
    #[must_use]
    pub fn refusing_consent(mut self) -> Self {
        self.consents = false;
        self
    }

    /// Cancels on the first page that can be cancelled.
    #[must_use]
    pub fn cancelling(mut self) -> Self {
        self.cancels = true;
        self
    }

    /// Returns what to type into a field; `None` leaves it as it is.
    fn types(&self, field: &Field) -> Option<&str> {
        match field.id.as_str() {
            "i0116" | "userNameInput" => Some(self.user.upn),
            "i0118" | "passwordInput" => Some(&self.password),
            "idTxtBx_SAOTCC_OTC" => Some(&self.mfa_code),
            "otc" | "userCodeInput" => Some(&self.user_code),
            _ => None,
        }
    }

    /// Returns which button of a form to press.
    fn presses<'f>(&self, page: &Page, form: &'f Form) -> Option<&'f Field> {
        let cancel = form.buttons.iter().find(|button| button.name == "cancel");
        if cancel.is_some() && (self.cancels || (!self.consents && page.has_element("appName"))) {
            return cancel;
        }
        let tiles = form
            .buttons
            .iter()
            .filter(|button| button.name == "account");
        tiles
            .clone()
            .find(|tile| tile.value == self.user.upn)
            .or_else(|| tiles.clone().find(|tile| tile.value.is_empty()))
            .or_else(|| form.buttons.first())
    }
}

impl Browser {
    /// Returns a browser that takes the lab's addresses to be at this socket, where any name is
    /// served by TLS, and that trusts these authorities (DER).
    ///
    /// # Errors
    ///
    /// A certificate that is none.
    pub fn new(lab: SocketAddr, authorities: &[Vec<u8>]) -> Result<Self, LabError> {
        Ok(Self {
            lab,
            tls: connection::trusting(authorities)?,
            cookies: BTreeMap::new(),
        })
    }

    /// Opens a page, following redirects.
    ///
    /// A redirect to where no page can be had (nobody listens there, or it is no http) ends at a
    /// page with that URL and status 0, as a browser keeps it in its address bar.
    ///
    /// # Errors
    ///
    /// The URL is none, or the lab did not answer.
    pub async fn open(&mut self, url: &str) -> Result<Page, LabError> {
        let url = Url::parse(url).map_err(|error| failed(url, &error))?;
        self.walk(Method::GET, url, String::new()).await
    }

    /// Submits a form with a button, typing into its fields by name or id.
    ///
    /// # Errors
    ///
    /// As [`Browser::open`].
    pub async fn submit(
        &mut self,
        page: &Page,
        form: &Form,
        typed: &[(&str, &str)],
        button: Option<&Field>,
    ) -> Result<Page, LabError> {
        let body = filled_in(form, typed, button);
        let base = Url::parse(&page.url).map_err(|error| failed(&page.url, &error))?;
        let mut target = base
            .join(&form.action)
            .map_err(|error| failed(&form.action, &error))?;
        if form.posts {
            return self.walk(Method::POST, target, body).await;
        }
        target.set_query(Some(&body));
        self.walk(Method::GET, target, String::new()).await
    }

    /// Opens a page and fills in every form that comes, until there is none or one was not liked.
    ///
    /// # Errors
    ///
    /// As [`Browser::open`], or that there is no end to the pages.
    pub async fn sign_in(&mut self, url: &str, person: &Person) -> Result<Page, LabError> {
        let mut page = self.open(url).await?;
        for _ in 0..MOST {
            let Some(form) = page.forms.first().filter(|_| page.problem.is_none()) else {
                return Ok(page);
            };
            let form = form.clone();
            let typed: Vec<_> = form
                .fields
                .iter()
                .filter_map(|field| Some((field.name.as_str(), person.types(field)?)))
                .collect();
            let button = person.presses(&page, &form);
            page = self.submit(&page, &form, &typed, button).await?;
        }
        Err(failed(url, &"there is no end to the pages"))
    }

    async fn walk(&mut self, method: Method, url: Url, body: String) -> Result<Page, LabError> {
        let mut sent = Sent { method, url, body };
        for _ in 0..MOST {
            let shown = sent.url.to_string();
            let elsewhere = !matches!(sent.url.scheme(), "http" | "https");
            let cookies = self.cookies_for(&sent.url);
            let answer = match connection::send(&sent, self.lab, &self.tls, &cookies).await {
                Ok(answer) => answer,
                // A client that waits no longer, or one that waits for another scheme.
                Err(error) if elsewhere || error.kind() == ErrorKind::ConnectionRefused => {
                    return Ok(Page::read(shown, 0, String::new()));
                }
                Err(error) => return Err(failed(&shown, &error)),
            };
            self.keep(&sent.url, &answer.cookies);
            let Some(location) = answer.location else {
                return Ok(Page::read(shown, answer.status, answer.body));
            };
            let next = sent.url.join(&location);
            sent = Sent {
                url: next.map_err(|error| failed(&location, &error))?,
                method: Method::GET,
                body: String::new(),
            };
        }
        Err(failed(
            sent.url.as_str(),
            &"there is no end to the redirects",
        ))
    }

    fn cookies_for(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let mine = self.cookies.iter().filter(|((of, _), _)| of == host);
        mine.map(|((_, name), value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn keep(&mut self, url: &Url, cookies: &[String]) {
        let host = url.host_str().unwrap_or_default();
        for cookie in cookies {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let key = (host.to_owned(), name.trim().to_owned());
                self.cookies.insert(key, value.trim().to_owned());
            }
        }
    }
}

/// What the browser sends of a form.
fn filled_in(form: &Form, typed: &[(&str, &str)], button: Option<&Field>) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
        let given = typed
            .iter()
            .find(|(name, _)| *name == field.name || *name == field.id);
        body.append_pair(&field.name, given.map_or(&field.value, |(_, value)| value));
    }
    if let Some(button) = button.filter(|button| !button.name.is_empty()) {
        body.append_pair(&button.name, &button.value);
    }
    body.finish()
}

fn failed(url: &str, why: &dyn Display) -> LabError {
    // The query may hold a code.
    let url = url.split(['?', '#']).next().unwrap_or_default();
    LabError::Browser {
        url: url.to_owned(),
        reason: why.to_string(),
    }
}
