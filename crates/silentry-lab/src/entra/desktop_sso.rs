//! The token of Seamless SSO.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::error::EntraError;
use super::jwt;
use crate::directory::{self, AUTOLOGON_HOST, TENANT_ID, User};
use crate::keys::SigningKey;
use crate::random::opaque;

/// The token inside the otherwise empty assertion.
#[derive(Deserialize, Serialize)]
pub(super) struct DesktopSso {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    upn: String,
}

impl DesktopSso {
    /// Returns the token of a user whose ticket was good.
    pub(super) fn issue(key: &SigningKey, user: &User, now: i64) -> String {
        let claims = Self {
            aud: "urn:federation:MicrosoftOnline".to_owned(),
            iss: format!("https://{AUTOLOGON_HOST}/{TENANT_ID}/"),
            iat: now,
            nbf: now,
            exp: now + Duration::minutes(10).whole_seconds(),
            jti: opaque(),
            upn: user.upn.to_owned(),
        };
        jwt::sign(key, &claims)
    }

    /// Returns the user that a token of Seamless SSO identifies.
    pub(super) fn verify(
        key: &SigningKey,
        token: &str,
        now: i64,
    ) -> Result<&'static User, EntraError> {
        let invalid =
            || EntraError::invalid_grant(81008, "Unable to validate the Kerberos ticket.");
        let claims: Self = jwt::verify(key, token).ok_or_else(invalid)?;
        if claims.iss != format!("https://{AUTOLOGON_HOST}/{TENANT_ID}/") {
            return Err(invalid());
        }
        if claims.exp <= now {
            let text = "The Kerberos ticket has expired or is invalid.";
            return Err(EntraError::invalid_grant(81010, text));
        }
        directory::by_upn(&claims.upn).ok_or_else(invalid)
    }
}
