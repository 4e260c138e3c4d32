//! The `claims` parameter: what a client passes on of an API's or Entra's own demand.

use serde_json::{Value, json};

/// What the lab understands of it; everything else is ignored, as are texts that are no JSON:
/// MSAL Python sends `claims=None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Demands {
    /// `xms_cc` with `cp1`: the client takes claims challenges, and gets long-lived tokens for it.
    pub(super) handles_challenges: bool,
    /// `acrs`: the authentication context that an API demands.
    pub(super) context: Option<String>,
    /// `nbf`: a token from before this second since 1970 is of no use.
    pub(super) not_before: Option<i64>,
}

impl Demands {
    /// Reads the parameter.
    pub(super) fn parse(claims: &str) -> Self {
        let claims: Value = serde_json::from_str(claims).unwrap_or_default();
        let demanded = |name| values(&claims["access_token"][name]);
        Self {
            handles_challenges: demanded("xms_cc").iter().any(|value| value == "cp1"),
            // Some samples demand `cp1` as an authentication context, which it is not.
            context: demanded("acrs").into_iter().find(|value| value != "cp1"),
            not_before: demanded("nbf").first().and_then(|value| value.parse().ok()),
        }
    }

    /// Returns the `claims` of a refusal that only a second factor cures.
    pub(super) fn context_claims(&self) -> String {
        let context = self.context.as_deref().unwrap_or_default();
        json!({"access_token": {"acrs": {"essential": true, "values": [context]}}}).to_string()
    }
}

/// Returns `value` and `values` of a claim (OpenID Connect Core 5.5.1).
fn values(claim: &Value) -> Vec<String> {
    let one = claim.get("value").into_iter();
    let several = claim.get("values").and_then(Value::as_array).into_iter();
    one.chain(several.flatten())
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_are_read_in_both_spellings() {
        let merged = "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1701477303\"},\
                      \"xms_cc\":{\"values\":[\"cp1\"]},\"acrs\":{\"essential\":true,\"values\":\
                      [\"c1\",\"c2\"]}},\"id_token\":{\"acrs\":{\"value\":\"c9\"}}}";
        let expected = Demands {
            handles_challenges: true,
            context: Some("c1".to_owned()),
            not_before: Some(1_701_477_303),
        };
        assert_eq!(Demands::parse(merged), expected);
        for nothing in [
            "None",
            "",
            "[]",
            "{\"access_token\":null}",
            "{\"access_token\":{\"nbf\":7}}",
        ] {
            assert_eq!(Demands::parse(nothing), Demands::default(), "{nothing}");
        }
    }
}
