//! The pages of AD FS, with the ids of the real ones.

use crate::oauth::html::{Field, escape, page};

/// The sign-in page, which posts to the address it came from.
pub(super) fn sign_in(query: &str, user_name: &str, problem: Option<&str>) -> String {
    let body = format!(
        "<h1>Contoso</h1><p id=\"loginMessage\">Sign in with your organizational account</p>\
         <form method=\"post\" id=\"loginForm\" action=\"/adfs/oauth2/authorize/?{}\" \
         novalidate=\"novalidate\">{}<input type=\"hidden\" id=\"optionForms\" \
         name=\"AuthMethod\" value=\"FormsAuthentication\"/>\
         <button type=\"submit\" id=\"submitButton\">Sign in</button></form>",
        escape(query),
        credentials(user_name, problem)
    );
    page("Sign In", &body)
}

/// The page where people type the code of a device.
pub(super) fn device(user_code: &str, user_name: &str, problem: Option<&str>) -> String {
    let code = Field {
        id: "userCodeInput",
        name: "user_code",
        kind: "text",
        label: "Code",
        autocomplete: "off",
        value: user_code,
    };
    let body = format!(
        "<h1>Contoso</h1><p>Enter the code that your device shows, and sign in.</p>\
         <form method=\"post\" id=\"loginForm\" action=\"/adfs/oauth2/deviceauth\" \
         novalidate=\"novalidate\">{}{}\
         <button type=\"submit\" id=\"submitButton\">Sign in</button>\
         <button type=\"submit\" id=\"cancelButton\" name=\"cancel\" value=\"1\">Cancel</button>\
         </form>",
        code.html("errorText", problem),
        credentials(user_name, None)
    );
    page("Sign In", &body)
}

pub(super) fn device_done(message: &str) -> String {
    let body = format!("<h1>Contoso</h1><p id=\"message\">{}</p>", escape(message));
    page("Signed in", &body)
}

pub(super) fn error(description: &str) -> String {
    let body = format!(
        "<h1>An error occurred</h1><p>An error occurred. Contact your administrator for more \
         information.</p><p id=\"errorMessage\" class=\"error\" role=\"alert\">{}</p>",
        escape(description)
    );
    page("Error", &body)
}

fn credentials(user_name: &str, problem: Option<&str>) -> String {
    let user_name = Field {
        id: "userNameInput",
        name: "UserName",
        kind: "email",
        label: "User account",
        autocomplete: "username",
        value: user_name,
    };
    let password = Field {
        id: "passwordInput",
        name: "Password",
        kind: "password",
        label: "Password",
        autocomplete: "current-password",
        value: "",
    };
    user_name.html("errorText", problem) + &password.html("", None)
}
