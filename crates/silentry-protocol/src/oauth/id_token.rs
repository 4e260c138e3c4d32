//! Claims of a JWT, and who an account is.
//!
//! Nothing here verifies a signature: an id token that came from the token endpoint itself over TLS
//! needs none (OpenID Connect Core 3.1.3.7, point 6), and an access token is the resource's to judge.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::MAX_BODY_BYTES;
use crate::base64;
use crate::guid::is_guid;

/// The header and the claims of a JWT as JSON texts, unverified.
///
/// ```
/// use silentry_protocol::oauth::id_token::UnverifiedJwt;
///
/// let jwt = UnverifiedJwt::decode("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.").unwrap();
/// assert_eq!(jwt.header_json(), r#"{"alg":"none"}"#);
/// assert_eq!(jwt.claims_json(), r#"{"sub":"a"}"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedJwt {
    header: String,
    claims: String,
}

/// Why a text is not a JWT that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// It has not three parts: opaque tokens exist, and personal accounts get no others.
    #[error("the token is not a JWT: it has not three parts between full stops")]
    NotAJwt,
    /// It has five parts: only its audience can decrypt it (RFC 7516).
    #[error("the token is encrypted (JWE), only the resource can read it")]
    Encrypted,
    /// A part is not base64url of a JSON object.
    #[error("the {0} of the token is not base64url of a JSON object")]
    Malformed(&'static str),
    /// It is larger than any answer that is read.
    #[error("the token is larger than 1 MiB")]
    TooLarge,
}

impl UnverifiedJwt {
    /// Decodes the header and the claims of a JWT; the signature is not looked at.
    ///
    /// # Errors
    /// [`JwtError`] when the text is no JWT in the compact form of RFC 7515, section 7.1.
    pub fn decode(token: &str) -> Result<Self, JwtError> {
        let (header, claims) = parts(token)?;
        Ok(Self {
            header: object_text(header).ok_or(JwtError::Malformed("header"))?,
            claims: object_text(claims).ok_or(JwtError::Malformed("payload"))?,
        })
    }

    /// Returns the header: a JSON object.
    #[must_use]
    pub fn header_json(&self) -> &str {
        &self.header
    }

    /// Returns the claims: a JSON object.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        &self.claims
    }
}

impl fmt::Debug for UnverifiedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedJwt").finish_non_exhaustive()
    }
}

/// The claims of an id token that say who the user is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IdToken {
    /// The user's object id in the tenant that issued the token.
    pub oid: Option<String>,
    /// That tenant's id.
    pub tid: Option<String>,
    /// The user's id for this application; at AD FS the only one.
    pub sub: Option<String>,
    /// The user principal name; at AD FS and the v1 endpoint.
    pub upn: Option<String>,
    /// The name that the user signs in with, mostly the UPN; v2 endpoint.
    pub preferred_username: Option<String>,
    /// `unique_name` of the v1 endpoint and AD FS.
    pub unique_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The e-mail addresses that Azure AD B2C tells; MSAL Node takes the first for a user name where there is no other.
    pub emails: Vec<String>,
    /// The name for people.
    pub name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// Who issued the token.
    pub iss: Option<String>,
    /// For which applications.
    pub aud: Vec<String>,
    /// The nonce of the authorization request.
    pub nonce: Option<String>,
    /// The id of the sign-in session, when asked for.
    pub sid: Option<String>,
    /// A hint to give back as `login_hint`, when asked for.
    pub login_hint: Option<String>,
    /// When it ends, in seconds since 1970.
    pub exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    pub iat: Option<i64>,
}

impl IdToken {
    /// Reads the claims of an id token; its header is not needed.
    ///
    /// # Errors
    /// [`JwtError`] when the text is no JWT.
    pub fn decode(token: &str) -> Result<Self, JwtError> {
        let (_, claims) = parts(token)?;
        let members = object(claims).ok_or(JwtError::Malformed("payload"))?;
        let text = |name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Ok(Self {
            oid: text("oid"),
            tid: text("tid"),
            sub: text("sub"),
            upn: text("upn"),
            preferred_username: text("preferred_username"),
            unique_name: text("unique_name"),
            email: text("email"),
            emails: texts(members.get("emails")),
            name: text("name"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            iss: text("iss"),
            aud: texts(members.get("aud")),
            nonce: text("nonce"),
            sid: text("sid"),
            login_hint: text("login_hint"),
            exp: members.get("exp").and_then(seconds),
            iat: members.get("iat").and_then(seconds),
        })
    }

    /// Returns the name that the user is known by, as MSAL.NET and MSAL Python choose it: the
    /// preferred user name, at AD FS and the v1 endpoint the UPN, else what there is.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        [
            &self.preferred_username,
            &self.upn,
            &self.unique_name,
            &self.email,
        ]
        .into_iter()
        .find_map(|name| name.as_deref())
    }

    /// Returns the names that the server vouches for. E-mail addresses are none of them: in many directories anybody may
    /// set them (Microsoft: never use `email` for authorization).
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = [&self.upn, &self.preferred_username, &self.unique_name];
        names.into_iter().filter_map(|name| name.as_deref())
    }

    /// Returns the e-mail addresses, which name nobody.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.email.iter().chain(&self.emails).map(String::as_str)
    }

    /// Returns the user's id in the tenant that issued the token (`local_account_id`): `oid`, at AD FS
    /// `sub`.
    #[must_use]
    pub fn local_account_id(&self) -> Option<&str> {
        self.oid.as_deref().or(self.sub.as_deref())
    }
}

impl fmt::Debug for IdToken {
    /// Shows the ids that support needs, not what is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken")
            .field("oid", &self.oid)
            .field("tid", &self.tid)
            .field("iss", &self.iss)
            .field("aud", &self.aud)
            .finish_non_exhaustive()
    }
}

/// The `client_info` of a token response: the user's id in the home tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The user's object id in the home tenant.
    pub uid: String,
    /// The home tenant's id.
    pub utid: String,
}

impl ClientInfo {
    /// Decodes base64url (padded or not) of `{"uid":...,"utid":...}`. `None` when it is not that.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let members = object(text)?;
        let text = |name| {
            members
                .get(name)
                .and_then(Value::as_str)
                .filter(|id: &&str| !id.is_empty())
                .map(str::to_owned)
        };
        Some(Self {
            uid: text("uid")?,
            utid: text("utid")?,
        })
    }
}

/// Returns the account's id in the cache: `uid.utid` of `client_info`, else the id token's `sub`.
///
/// Only AD FS leaves `client_info` out, and all MSALs then take `sub`. An `oid.tid` of the id token
/// would be wrong for guests, whose home is another tenant. Without either there is no account that
/// could be told from another, and nothing may be cached.
#[must_use]
pub fn home_account_id(
    client_info: Option<&ClientInfo>,
    id_token: Option<&IdToken>,
) -> Option<String> {
    match client_info {
        Some(info) => Some(format!("{}.{}", info.uid, info.utid)),
        None => id_token?.sub.clone(),
    }
}

/// Returns whether two home account ids are of one account. Those of Entra end in the GUID of the home tenant and are
/// case-insensitive; a `sub` is case-sensitive (OpenID Connect Core 2).
pub fn same_account(a: &str, b: &str) -> bool {
    a == b || (a.eq_ignore_ascii_case(b) && is_of_entra(a))
}

/// Returns the one spelling of a home account id, to look it up by.
pub fn canonical_account_id(id: &str) -> Cow<'_, str> {
    match id.bytes().any(|byte| byte.is_ascii_uppercase()) && is_of_entra(id) {
        true => Cow::Owned(id.to_ascii_lowercase()),
        false => Cow::Borrowed(id),
    }
}

fn is_of_entra(home_account_id: &str) -> bool {
    let tenant = home_account_id.rsplit_once('.');
    tenant.is_some_and(|(_, tenant)| is_guid(tenant))
}

fn parts(token: &str) -> Result<(&str, &str), JwtError> {
    if token.len() > MAX_BODY_BYTES {
        return Err(JwtError::TooLarge);
    }
    let mut parts = token.trim().split('.');
    match (parts.next(), parts.next(), parts.next(), parts.count()) {
        (Some(header), Some(claims), Some(_), 0) => Ok((header, claims)),
        (_, _, _, 2) => Err(JwtError::Encrypted),
        _ => Err(JwtError::NotAJwt),
    }
}

fn object_text(part: &str) -> Option<String> {
    let bytes = base64::decode(part)?;
    let text = std::str::from_utf8(&bytes).ok()?;
    serde_json::from_str::<Map<String, Value>>(text).ok()?;
    Some(text.to_owned())
}

fn object(part: &str) -> Option<Map<String, Value>> {
    if part.len() > MAX_BODY_BYTES {
        return None;
    }
    serde_json::from_slice(&base64::decode(part)?).ok()
}

/// `aud` is one text or a list of them (RFC 7519 section 4.1.3), and `emails` may be too.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// A NumericDate may have a fraction (RFC 7519 section 2), and v1 endpoints write numbers as text.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        // The cast saturates.
        number => number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64)),
    }
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    fn jwt(claims: &str) -> String {
        format!(
            "{}.{}.c2ln",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    #[test]
    fn reads_who_the_user_is() {
        let token = jwt(
            r#"{"oid":"o","tid":"t","sub":"s","preferred_username":"ana@contoso.com","name":"Ana","aud":"c","exp":1637195112,"iat":"1637191212","nonce":"n","upn":7,"email":"","emails":["a@x.test",7]}"#,
        );
        let claims = IdToken::decode(&token).unwrap();
        assert_eq!(claims.username(), Some("ana@contoso.com"));
        assert_eq!(claims.local_account_id(), Some("o"));
        assert_eq!(
            (claims.exp, claims.iat),
            (Some(1_637_195_112), Some(1_637_191_212))
        );
        assert_eq!(
            (&claims.upn, &claims.email, &claims.aud),
            (&None, &None, &vec!["c".to_owned()])
        );
        assert_eq!(claims.addresses().collect::<Vec<_>>(), ["a@x.test"]);
    }

    #[test]
    fn reads_fixtures_whose_header_is_no_json_and_whose_payload_is_padded() {
        let claims = URL_SAFE.encode(r#"{"sub":"sub","upn":"ana@contoso.com"}"#);
        let token = IdToken::decode(&format!("header.{claims}.signature")).unwrap();
        assert_eq!(token.username(), Some("ana@contoso.com"));
        assert_eq!(token.local_account_id(), Some("sub"));
        assert_eq!(
            UnverifiedJwt::decode(&format!("header.{claims}.signature")),
            Err(JwtError::Malformed("header"))
        );
    }

    #[test]
    fn tells_what_is_not_a_readable_jwt() {
        let huge = "a".repeat(MAX_BODY_BYTES + 1);
        for (token, expected) in [
            ("", JwtError::NotAJwt),
            ("EwBwA8l6BAAU", JwtError::NotAJwt),
            ("a.b", JwtError::NotAJwt),
            ("a.b.c.d", JwtError::NotAJwt),
            ("a.b.c.d.e", JwtError::Encrypted),
            ("e30.!.c", JwtError::Malformed("payload")),
            ("e30.W10.c", JwtError::Malformed("payload")),
            (huge.as_str(), JwtError::TooLarge),
        ] {
            assert_eq!(
                UnverifiedJwt::decode(token).unwrap_err(),
                expected,
                "{token:.20}"
            );
        }
    }

    #[test]
    fn the_account_is_the_home_one() {
        let info = ClientInfo::decode("eyJ1aWQiOiJ1aWQiLCAidXRpZCI6InV0aWQifQ==").unwrap();
        let guest = IdToken::decode(&jwt(r#"{"oid":"other","tid":"resource","sub":"s"}"#)).unwrap();
        assert_eq!(
            home_account_id(Some(&info), Some(&guest)).as_deref(),
            Some("uid.utid")
        );
        assert_eq!(home_account_id(None, Some(&guest)).as_deref(), Some("s"));
        assert_eq!(home_account_id(None, Some(&IdToken::default())), None);
        assert_eq!(home_account_id(None, None), None);
        for bad in ["", "!", "e30", &URL_SAFE.encode(r#"{"uid":"u","utid":""}"#)] {
            assert_eq!(ClientInfo::decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_of_entra_have_no_case_and_others_have() {
        const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        for (id, has_case) in [
            (
                format!("9f4880d8-80ba-4c40-97bc-f7a23c703084.{TENANT}"),
                false,
            ),
            (format!("9f4880d8-b2c_1_signin.{TENANT}"), false),
            ("vmn3kwAmjkIz6ahpJBtmVMjPRvA+kF6iX2cz4=".to_owned(), true),
            ("alice".to_owned(), true),
            ("alice.contoso".to_owned(), true),
        ] {
            let capitals = id.to_ascii_uppercase();
            assert_eq!(same_account(&id, &capitals), !has_case, "{id}");
            let same = canonical_account_id(&id) == canonical_account_id(&capitals);
            assert_eq!(same, !has_case, "{id}");
            assert!(same_account(&id, &id) && !same_account(&id, TENANT), "{id}");
        }
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let token = IdToken::decode(&jwt(
            r#"{"name":"Ana","preferred_username":"ana@contoso.com"}"#,
        ))
        .unwrap();
        assert!(!format!("{token:?}").to_lowercase().contains("ana"));
        let whole = UnverifiedJwt::decode(&jwt(r#"{"name":"Ana"}"#)).unwrap();
        assert!(!format!("{whole:?}").contains("Ana"));
    }
}
