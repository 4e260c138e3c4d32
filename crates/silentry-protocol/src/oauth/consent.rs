//! The addresses at which a user or an administrator consents to an application beforehand.
//!
//! Integrated sign-in cannot ask for consent, so Microsoft's documentation of it lists what can be
//! done instead; two of the ways are addresses to open in a browser.

use url::form_urlencoded::byte_serialize;

use super::scopes::Scopes;

/// An application that wants consent: where its tenant lives, and what it asks for.
#[derive(Clone, Copy, Debug)]
pub struct ConsentRequest<'a> {
    /// The authority's host, with its port if it has one.
    pub authority_host: &'a str,
    /// The tenant: an id, a domain, or `organizations`.
    pub tenant: &'a str,
    /// The application (client) id.
    pub client_id: &'a str,
    /// What it asks for.
    pub scopes: &'a Scopes,
    /// Where the browser goes afterwards; must be registered for the application.
    pub redirect_uri: Option<&'a str>,
}

impl ConsentRequest<'_> {
    /// Returns the address at which the user consents for themselves
    /// ("Microsoft identity platform and OAuth 2.0 authorization code flow", `prompt=consent`).
    #[must_use]
    pub fn user_url(&self) -> String {
        let scopes = self.scopes.with_reserved(true).to_string();
        let mut query = vec![
            ("client_id", self.client_id),
            ("response_type", "code"),
            ("scope", &scopes),
            ("prompt", "consent"),
        ];
        query.extend(self.redirect_uri.map(|uri| ("redirect_uri", uri)));
        self.url("oauth2/v2.0/authorize", &query)
    }

    /// Returns the address at which an administrator consents for the whole tenant
    /// ("Admin consent on the Microsoft identity platform").
    ///
    /// The v2.0 page insists on a redirect URI; without one it is the older page, which asks for the
    /// permissions that the application's registration lists.
    #[must_use]
    pub fn admin_url(&self) -> String {
        let Some(redirect_uri) = self.redirect_uri else {
            return self.url("adminconsent", &[("client_id", self.client_id)]);
        };
        let scopes = self.scopes.to_string();
        self.url(
            "v2.0/adminconsent",
            &[
                ("client_id", self.client_id),
                ("scope", &scopes),
                ("redirect_uri", redirect_uri),
            ],
        )
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        let (host, tenant) = (self.authority_host, escape(self.tenant));
        format!("https://{host}/{tenant}/{path}?{}", query.join("&"))
    }
}

/// Percent-encodes all but letters, digits and `*-._`; a blank becomes `%20`, as people paste these
/// addresses into programs that do not know `+`.
fn escape(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_addresses_are_the_documented_ones() {
        let scopes = Scopes::new(["User.Read", "https://api.contoso.com/x+y"]).unwrap();
        let mut request = ConsentRequest {
            authority_host: "login.microsoftonline.us",
            tenant: "contoso.com",
            client_id: "11111111-2222-3333-4444-555555555555",
            scopes: &scopes,
            redirect_uri: Some("http://localhost:1234/?a&b"),
        };
        assert_eq!(
            request.user_url(),
            "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/authorize?client_id=11111111-2222-3333-4444-555555555555&response_type=code&scope=https%3A%2F%2Fapi.contoso.com%2Fx%2By%20offline_access%20openid%20profile%20User.Read&prompt=consent&redirect_uri=http%3A%2F%2Flocalhost%3A1234%2F%3Fa%26b"
        );
        assert_eq!(
            request.admin_url(),
            "https://login.microsoftonline.us/contoso.com/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=https%3A%2F%2Fapi.contoso.com%2Fx%2By%20User.Read&redirect_uri=http%3A%2F%2Flocalhost%3A1234%2F%3Fa%26b"
        );
        request.redirect_uri = None;
        request.tenant = "a/../b?c";
        assert_eq!(
            request.admin_url(),
            "https://login.microsoftonline.us/a%2F..%2Fb%3Fc/adminconsent?client_id=11111111-2222-3333-4444-555555555555"
        );
        assert!(!request.user_url().contains("redirect_uri"));
    }
}
