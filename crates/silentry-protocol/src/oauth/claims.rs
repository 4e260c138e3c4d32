//! The `claims` parameter: claims requests of OpenID Connect, claims challenges, client capabilities.

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::base64;

/// A claims request, ready for the `claims` parameter of a token or authorization request.
///
/// What came in one piece goes out exactly as it came: Entra treats its own challenges as opaque,
/// and so do we. Only a merge reads and rewrites it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsRequest(String);

/// The claims are not a JSON object, so nothing can be merged with them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the claims are not a JSON object")]
pub struct ClaimsError;

impl ClaimsRequest {
    /// Takes claims that a person or a program wrote: a JSON object, or its base64, which is how they stand in
    /// `WWW-Authenticate`.
    ///
    /// # Errors
    /// [`ClaimsError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, ClaimsError> {
        if is_object(text) {
            return Ok(Self(text.to_owned()));
        }
        let decoded = base64::decode(text.trim().trim_matches('"')).ok_or(ClaimsError)?;
        let decoded = String::from_utf8(decoded.to_vec()).map_err(|_| ClaimsError)?;
        object(&decoded).map(|_| Self(decoded))
    }

    /// Takes the claims of a challenge as they are, whatever they are: they go back to the server
    /// that sent them.
    #[must_use]
    pub fn from_challenge(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the request that announces client capabilities such as `cp1` (which opts in to
    /// continuous access evaluation), or `None` without any.
    #[must_use]
    pub fn from_capabilities<S: AsRef<str>>(
        capabilities: impl IntoIterator<Item = S>,
    ) -> Option<Self> {
        let values: Vec<String> = capabilities
            .into_iter()
            .map(|value| value.as_ref().to_owned())
            .collect();
        (!values.is_empty())
            .then(|| Self(json!({"access_token": {"xms_cc": {"values": values}}}).to_string()))
    }

    /// Returns one request that asks for what either asks for; where both say something about the
    /// same member, `other` wins.
    ///
    /// Objects are united at every depth and lists become unions, as MSAL.NET and MSAL Java do with
    /// the capabilities and the claims of a challenge.
    ///
    /// # Errors
    /// [`ClaimsError`] when one of them is a challenge that is not a JSON object.
    pub fn merge(&self, other: &Self) -> Result<Self, ClaimsError> {
        let mut merged = Value::Object(object(&self.0)?);
        merge_value(&mut merged, Value::Object(object(&other.0)?));
        Ok(Self(merged.to_string()))
    }

    /// Returns the text for the `claims` parameter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether the text is a JSON object.
pub fn is_object(text: &str) -> bool {
    object(text).is_ok()
}

fn object(text: &str) -> Result<Map<String, Value>, ClaimsError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ClaimsError),
    }
}

/// `null` asks for a claim without conditions (OpenID Connect Core 5.5), so it never replaces one
/// with conditions. The depth is bounded by the reader's (128).
fn merge_value(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge_value(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for value in from {
                if !into.contains(&value) {
                    into.push(value);
                }
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> ClaimsRequest {
        ClaimsRequest::parse(text).unwrap()
    }

    fn merged(one: &ClaimsRequest, other: &ClaimsRequest) -> Value {
        serde_json::from_str(one.merge(other).unwrap().as_str()).unwrap()
    }

    #[test]
    fn capabilities_join_a_challenge() {
        let capabilities = ClaimsRequest::from_capabilities(["cp1"]).unwrap();
        assert_eq!(
            capabilities.as_str(),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
        );
        let challenge =
            request(r#"{"access_token":{"nbf":{"essential":true,"value":"1701477303"}}}"#);
        assert_eq!(
            merged(&capabilities, &challenge),
            json!({"access_token": {
                "xms_cc": {"values": ["cp1"]},
                "nbf": {"essential": true, "value": "1701477303"},
            }})
        );
    }

    #[test]
    fn lists_become_unions_and_conditions_outlive_null() {
        let one =
            request(r#"{"access_token":{"xms_cc":{"values":["cp1"]},"acrs":{"essential":true}}}"#);
        let other = request(
            r#"{"access_token":{"xms_cc":{"values":["cp1","cp2"]},"acrs":null},"id_token":null}"#,
        );
        assert_eq!(
            merged(&one, &other),
            json!({
                "access_token": {"xms_cc": {"values": ["cp1", "cp2"]}, "acrs": {"essential": true}},
                "id_token": null,
            })
        );
    }

    #[test]
    fn the_later_value_wins_over_one_of_another_kind() {
        let one = request(r#"{"access_token":null,"x":[1],"y":"a"}"#);
        let other = request(r#"{"access_token":{"a":null},"x":{"b":1},"y":"b"}"#);
        assert_eq!(
            merged(&one, &other),
            json!({"access_token": {"a": null}, "x": {"b": 1}, "y": "b"})
        );
    }

    #[test]
    fn a_challenge_stays_as_it_came_until_it_must_be_merged() {
        let opaque = ClaimsRequest::from_challenge("some_claims");
        assert_eq!(opaque.as_str(), "some_claims");
        let capabilities = ClaimsRequest::from_capabilities(["cp1"]).unwrap();
        assert_eq!(capabilities.merge(&opaque), Err(ClaimsError));
        assert_eq!(ClaimsRequest::from_capabilities([""; 0]), None);
        for bad in ["", "some_claims", "[]", "null", "{", "\"{}\""] {
            assert_eq!(ClaimsRequest::parse(bad), Err(ClaimsError), "{bad:?}");
        }
    }
}
