//! `silentry inspect realm`.

use std::path::Path;

use serde_json::{Value, json};
use silentry::Explain;
use silentry_protocol::wstrust::realm::UserRealm;

use super::document::{InspectError, read};

const STAGE: &str = "realm";

/// Returns who authenticates the users of a realm, and whether the Windows session will do.
pub(crate) fn realm(path: &Path) -> Result<Value, InspectError> {
    let bytes = read(path, STAGE)?;
    let realm = UserRealm::parse(&bytes, None).map_err(|error| InspectError {
        code: error.code().to_string(),
        message: error.to_string(),
        mitigation: error.mitigation().for_command().to_owned(),
        stage: STAGE,
    })?;
    let refusal = realm.integrated_sign_in().err();
    Ok(json!({
        "account_type": realm.account_type_text(),
        "integrated_windows": refusal.is_none(),
        "error": refusal.map(|refusal| refusal.code().to_string()),
        "federation_metadata_url": realm.federation_metadata_url(),
        "cloud_audience_urn": realm.cloud_audience_urn(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::file;
    use super::*;

    #[test]
    fn a_verdict_is_printed_for_every_realm() {
        let url = "https://sts.contoso.com/adfs/services/trust/mex?a=b";
        let federated = json!({
            "ver": 1, "account_type": "Federated", "federation_protocol": "WSTrust",
            "federation_metadata_url": url, "cloud_audience_urn": "urn:federation:x",
        });
        let (_folder, path) = file("realm.json", federated.to_string().as_bytes());
        let expected = json!({
            "account_type": "Federated", "integrated_windows": true, "error": null,
            "federation_metadata_url": url, "cloud_audience_urn": "urn:federation:x",
        });
        assert_eq!(realm(&path), Ok(expected));

        let (_folder, path) = file("realm.json", b"{\"account_type\":\"Unknown\"}");
        let expected = json!({
            "account_type": "Unknown", "integrated_windows": false, "error": "unknown_user_type",
            "federation_metadata_url": null, "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        });
        assert_eq!(realm(&path), Ok(expected));

        let (_folder, path) = file("realm.json", b"noroot");
        assert_eq!(
            realm(&path).unwrap_err().code,
            "user_realm_discovery_failed"
        );
    }
}
