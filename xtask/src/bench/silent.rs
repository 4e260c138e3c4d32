//! What a token from the cache costs, as a whole process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::measure::{Cost, measure};
use crate::lab::Lab;

/// As many accounts as no cache has.
pub(super) const CROWD: u32 = 10_000;
const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "99999999-0000-0000-0000-000000000000";
const SCOPE: &str = "https://graph.microsoft.com/User.Read";
const HOST: &str = "login.microsoftonline.com";

/// The costs of the silent ways.
pub(super) struct Silent {
    /// For the user of the ticket: the Kerberos library says who that is.
    pub(super) signed_in: Cost,
    /// For a user who is named.
    pub(super) named: Cost,
    /// The same, of many.
    pub(super) of_many: Cost,
}

/// Signs in once, and then takes the token from the file of the cache.
pub(super) fn silent(silentry: &Path, lab: &Lab, folder: &Path, runs: usize) -> Result<Silent> {
    let cache = folder.join("tokens.json");
    let token = |arguments: &[&str]| {
        let mut command = Command::new(silentry);
        command.args(["token", "--output", "none"]).args(arguments);
        lab.enter(&mut command);
        command.env("HOME", folder).env("SILENTRY_CACHE", &cache);
        command
    };
    let status = token(&["--mode", "iwa"]).status()?;
    ensure!(status.success(), "silentry token ended with {status}");
    // As it is for whoever signed in a while ago: a file that was written just now is read under its lock.
    thread::sleep(Duration::from_secs(4));
    let signed_in = measure(runs, || Ok(token(&["--mode", "silent"])))?;
    let by_name = ["--mode", "silent", "--username", "alice@contoso.test"];
    let named = measure(runs, || Ok(token(&by_name)))?;

    let crowded = folder.join("crowded.json");
    fs::write(&crowded, crowd(CROWD)?.to_string())?;
    fs::set_permissions(&crowded, fs::Permissions::from_mode(0o600))?;
    let name = username(CROWD / 2);
    let of_many = measure(runs, || {
        let mut command = token(&["--mode", "silent", "--username", &name]);
        command
            .env("SILENTRY_CACHE", &crowded)
            .env("SILENTRY_CLIENT_ID", CLIENT_ID)
            .env("SILENTRY_TENANT", TENANT)
            .env("SILENTRY_SCOPE", SCOPE);
        Ok(command)
    })?;
    Ok(Silent {
        signed_in,
        named,
        of_many,
    })
}

/// A cache in the layout of MSAL Python: of each account an access token, a refresh token and an id token.
pub(super) fn crowd(accounts: u32) -> Result<Value> {
    let end = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(24 * 60 * 60);
    let end = end.as_secs().to_string();
    let mut roots = ["AccessToken", "RefreshToken", "IdToken", "Account"].map(|_| Map::new());
    for number in 0..accounts {
        let object_id = format!("{number:08}-0000-0000-0000-000000000000");
        let home = format!("{object_id}.{TENANT}");
        let key = |rest: &str| format!("{home}-{HOST}-{rest}").to_lowercase();
        let row = |mut row: Value| {
            row["home_account_id"] = json!(home);
            row["environment"] = json!(HOST);
            row
        };
        // MSAL Node looks into it.
        let claims =
            json!({"oid": object_id, "tid": TENANT, "preferred_username": username(number)});
        let id_token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let [access, refresh, id, account] = &mut roots;
        access.insert(
            key(&format!("accesstoken-{CLIENT_ID}-{TENANT}-{SCOPE}")),
            row(json!({
                "credential_type": "AccessToken", "secret": "a".repeat(1500), "client_id": CLIENT_ID,
                "target": SCOPE, "realm": TENANT, "token_type": "Bearer", "cached_at": "1",
                "expires_on": end, "extended_expires_on": end,
            })),
        );
        refresh.insert(
            key(&format!("refreshtoken-{CLIENT_ID}--{SCOPE}")),
            row(json!({
                "credential_type": "RefreshToken", "secret": "r".repeat(1000), "client_id": CLIENT_ID,
                "target": SCOPE,
            })),
        );
        id.insert(
            key(&format!("idtoken-{CLIENT_ID}-{TENANT}-")),
            row(json!({
                "credential_type": "IdToken", "secret": id_token, "client_id": CLIENT_ID,
                "realm": TENANT,
            })),
        );
        account.insert(
            key(TENANT),
            row(json!({
                "realm": TENANT, "local_account_id": object_id, "username": username(number),
                "authority_type": "MSSTS",
            })),
        );
    }
    let [access, refresh, id, account] = roots;
    Ok(json!({
        "AccessToken": access, "RefreshToken": refresh, "IdToken": id, "Account": account, "AppMetadata": {},
    }))
}

fn username(number: u32) -> String {
    format!("u{number}@contoso.test")
}

#[cfg(test)]
mod tests {
    use super::crowd;

    #[test]
    fn each_account_has_its_rows() {
        let cache = crowd(3).unwrap();
        for root in ["AccessToken", "RefreshToken", "IdToken", "Account"] {
            let rows = cache[root].as_object().unwrap();
            assert_eq!(rows.len(), 3, "{root}");
            for row in rows.values() {
                let home = row["home_account_id"].as_str().unwrap();
                assert!(home.ends_with(super::TENANT), "{row}");
            }
        }
    }
}
