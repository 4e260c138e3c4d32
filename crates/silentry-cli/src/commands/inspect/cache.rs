//! `silentry inspect cache`: what a token cache of an MSAL holds, without its secrets.

use serde_json::{Value, json};
use silentry::Explain;
use silentry_protocol::cache::{CacheDocument, EntityKind};

use super::document::InspectError;

/// Counts the entities of a cache and lists its accounts, for all clouds.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Value, InspectError> {
    let cache = CacheDocument::parse(bytes).map_err(|error| InspectError {
        code: error.code().to_string(),
        message: error.to_string(),
        mitigation: "Give the plain JSON of a token cache: one that the system encrypted (DPAPI, \
                     Keychain, Secret Service) must be decrypted first."
            .to_owned(),
        stage: "cache",
    })?;
    let count = |kind| cache.entities(kind).count();
    let accounts: Vec<Value> = cache
        .accounts()
        .into_iter()
        .map(|account| {
            json!({
                "username": account.username,
                "home_account_id": account.home_account_id,
                "environment": account.environment,
            })
        })
        .collect();
    Ok(json!({
        "access_tokens": count(EntityKind::AccessToken),
        "refresh_tokens": count(EntityKind::RefreshToken),
        "id_tokens": count(EntityKind::IdToken),
        "app_metadata": count(EntityKind::AppMetadata),
        "accounts": accounts,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_lists_without_secrets() {
        let cache = br#"{"AccessToken":{"a":{"secret":"hunter2"},"b":{}},"RefreshToken":{"a":{"secret":"hunter2"}},
            "Account":{"a":{"home_account_id":"u.t","environment":"sts.windows.net","username":"ana@contoso.com"}}}"#;
        assert_eq!(
            inspect(cache).unwrap(),
            json!({
                "access_tokens": 2, "refresh_tokens": 1, "id_tokens": 0, "app_metadata": 0,
                "accounts": [{
                    "username": "ana@contoso.com",
                    "home_account_id": "u.t",
                    "environment": "login.microsoftonline.com",
                }],
            })
        );
    }

    #[test]
    fn names_what_is_no_cache() {
        let error = inspect(b"hunter2").unwrap_err();
        assert_eq!(error.code, "json_parse_failed");
        assert!(!error.message.contains("hunter2"));
    }
}
