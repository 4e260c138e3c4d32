//! The sign-in pages, with the ids of the real ones, so that programs that drive those work here.

use super::session::SignedIn;
use crate::directory::{Application, User};
use crate::oauth::html::{Field, escape, hidden, page};

const TITLE: &str = "Sign in to your account";

pub(super) fn user_name(visit: &str, hint: &str, problem: Option<&str>) -> String {
    let field = Field {
        id: "i0116",
        name: "loginfmt",
        kind: "email",
        label: "Email, phone, or Skype",
        autocomplete: "username",
        value: hint,
    };
    let fields = field.html("usernameError", problem);
    form(visit, "Sign in", &fields, &next("Next"))
}

pub(super) fn password(visit: &str, user: &User, problem: Option<&str>) -> String {
    let field = Field {
        id: "i0118",
        name: "passwd",
        kind: "password",
        label: "Password",
        autocomplete: "current-password",
        value: "",
    };
    let fields = who(user) + &field.html("passwordError", problem);
    form(visit, "Enter password", &fields, &next("Sign in"))
}

pub(super) fn code(visit: &str, user: &User, problem: Option<&str>) -> String {
    let field = Field {
        id: "idTxtBx_SAOTCC_OTC",
        name: "otc",
        kind: "text",
        label: "Code",
        autocomplete: "one-time-code",
        value: "",
    };
    let fields = format!(
        "{}<p>Please type in the code displayed on your authenticator app from your device.</p>{}",
        who(user),
        field.html("idSpan_SAOTCC_Error_OTC", problem)
    );
    let button = button("idSubmit_SAOTCC_Continue", "Verify");
    form(visit, "Enter code", &fields, &button)
}

pub(super) fn accounts(visit: &str, session: &[SignedIn]) -> String {
    let tiles: String = session
        .iter()
        .map(|known| {
            let (upn, name) = (escape(known.user.upn), escape(known.user.name));
            format!(
                "<button type=\"submit\" class=\"tile\" name=\"account\" value=\"{upn}\" \
                 data-test-id=\"{upn}\">{name} ({upn})</button>"
            )
        })
        .collect();
    let other = "<button type=\"submit\" class=\"tile\" id=\"otherTile\" name=\"account\" \
                 value=\"\">Use another account</button>";
    form(visit, "Pick an account", &(tiles + other), "")
}

pub(super) fn consent(visit: &str, user: &User, application: &Application) -> String {
    let fields = format!(
        "{}<p id=\"appName\">{}</p><p>This app would like to sign you in and read your profile, \
         and to maintain access to data you have given it access to.</p>",
        who(user),
        escape(application.name)
    );
    form(visit, "Permissions requested", &fields, &next("Accept"))
}

pub(super) fn device(visit: &str, user: &User, application: &Application) -> String {
    let fields = format!(
        "{}<p>Do not enter codes from sources you don't trust. Only continue if you started \
         signing in to this app yourself.</p>",
        who(user)
    );
    let heading = format!("Are you trying to sign in to {}?", escape(application.name));
    form(visit, &heading, &fields, &next("Continue"))
}

/// The page where people type the code that a device shows.
pub(super) fn device_code(problem: Option<&str>) -> String {
    let field = Field {
        id: "otc",
        name: "otc",
        kind: "text",
        label: "Code",
        autocomplete: "off",
        value: "",
    };
    let body = format!(
        "<h1>Enter code to allow access</h1><p>Once you enter the code displayed on your app or \
         device, it will have access to your account.</p><form method=\"post\" \
         action=\"/common/oauth2/deviceauth\" novalidate=\"novalidate\">{}{}</form>",
        field.html("otcError", problem),
        next("Next")
    );
    page("Enter code", &body)
}

pub(super) fn device_done(application: &Application) -> String {
    let name = escape(application.name);
    let body = format!(
        "<h1>{name}</h1><p id=\"message\">You have signed in to the {name} application on your \
         device. You may now close this window.</p>"
    );
    page("Signed in", &body)
}

pub(super) fn device_declined() -> String {
    let body = "<h1>You have cancelled</h1><p id=\"message\">Nothing was signed in. You may now \
                close this window.</p>";
    page("Cancelled", body)
}

pub(super) fn error(description: &str) -> String {
    let body = format!(
        "<h1>Sign in</h1><p>Sorry, but we're having trouble signing you in.</p>\
         <p id=\"exceptionMessageContainer\" class=\"error\" role=\"alert\">{}</p>",
        escape(description)
    );
    page(TITLE, &body)
}

/// The page at which clients recognize that the browser is back.
pub(super) fn blank() -> String {
    page("", "")
}

/// What a hotel's network answers in place of anybody else.
pub(super) fn captive_portal() -> String {
    page(
        "Welcome",
        "<h1>Welcome to the guest network</h1><p>Please accept our terms.</p>",
    )
}

fn form(visit: &str, heading: &str, fields: &str, buttons: &str) -> String {
    let body = format!(
        "<h1>{heading}</h1><form id=\"i0281\" name=\"f1\" method=\"post\" action=\"/common/login\" \
         novalidate=\"novalidate\">{}{fields}{buttons}<button type=\"submit\" id=\"idBtn_Back\" \
         name=\"cancel\" value=\"1\">Cancel</button></form>",
        hidden("ctx", visit)
    );
    page(TITLE, &body)
}

fn next(label: &str) -> String {
    button("idSIButton9", label)
}

fn button(id: &str, label: &str) -> String {
    format!("<button type=\"submit\" id=\"{id}\">{label}</button>")
}

fn who(user: &User) -> String {
    format!("<p id=\"displayName\">{}</p>", escape(user.upn))
}
