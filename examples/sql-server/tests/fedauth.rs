//! The program as it stands, in the lab and before a small SQL Server of the test's own.

mod tds;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use silentry_lab::Lab;
use tempfile::TempDir;

/// Returns the claims of a token, as SQL Server reads them; the lab's own tests check its signatures.
fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn log_in(lab: &Lab, server: SocketAddr, session: &Path) -> Output {
    let database = "encrypt=DANGER_PLAINTEXT;database=sales";
    let mut program = lab.command(env!("CARGO_BIN_EXE_sql-server"));
    program
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", session)
        .env(
            "SQL_SERVER",
            format!("server=tcp:127.0.0.1,{};{database}", server.port()),
        );
    program.output().unwrap()
}

/// What a login session has: a folder in memory, of this user alone.
fn session() -> TempDir {
    use std::os::unix::fs::PermissionsExt;

    let private = std::fs::Permissions::from_mode(0o700);
    let mut folder = tempfile::Builder::new();
    folder.permissions(private).tempdir_in("/dev/shm").unwrap()
}

/// Returns the only access token in the program's cache.
fn cached_token(session: &Path) -> String {
    let cache = std::fs::read(session.join("silentry").join("sql-server.cache")).unwrap();
    let cache: Value = serde_json::from_slice(&cache).unwrap();
    let tokens: Vec<_> = cache["AccessToken"].as_object().unwrap().values().collect();
    let [token] = tokens[..] else {
        panic!("{} access tokens", tokens.len());
    };
    token["secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_server_gets_exactly_the_token_and_no_password() {
    let lab = Lab::start().await.unwrap();
    let session = session();
    let (server, served) = tds::serve(|login| {
        let claims = claims(&login.token).ok_or("no JSON Web Token")?;
        let name = claims["upn"].as_str().ok_or("a token of nobody")?;
        (claims["aud"] == "https://database.windows.net/")
            .then(|| name.to_owned())
            .ok_or("a token for something else".to_owned())
    });
    let program = log_in(&lab, server, session.path());
    let login = served.join().unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&program.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&program.stderr).into_owned();
    assert!(program.status.success(), "{stderr}");
    assert_eq!(
        stdout.trim(),
        format!("SQL Server knows me as {}", lab.user().upn)
    );

    assert!(login.token == cached_token(session.path()), "another token");
    assert_eq!((login.username.as_str(), login.password.as_str()), ("", ""));
    assert_eq!(login.database, "sales");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_an_error_that_does_not_show_it() {
    let lab = Lab::start().await.unwrap();
    let session = session();
    let (server, served) =
        tds::serve(|_| Err("Login failed for user '<token-identified principal>'.".to_owned()));
    let program = log_in(&lab, server, session.path());
    let login = served.join().unwrap().unwrap();
    let stderr = String::from_utf8_lossy(&program.stderr).into_owned();
    assert!(!program.status.success());
    assert!(stderr.contains("<token-identified principal>"), "{stderr}");
    assert!(!stderr.contains(&login.token));
}
