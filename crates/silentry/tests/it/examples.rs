//! The examples as their readers run them: programs of their own, in the lab.

use std::path::PathBuf;
use std::process::Output;

use silentry_lab::Lab;
use tempfile::TempDir;

/// Runs an example in the lab, with another tenant than its user's where one is named.
fn run(lab: &Lab, name: &str, tenant: Option<&str>, session: &TempDir) -> Output {
    let mut command = lab.command(example(name));
    command
        // A keyring of the developer's is none of its business.
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", session.path())
        .envs(tenant.map(|tenant| ("SILENTRY_TENANT", tenant)));
    command.output().unwrap()
}

/// Cargo builds the examples before it runs the tests, but not for `--test` alone.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().join("examples");
    let program = built
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is missing: cargo build --examples",
        program.display()
    );
    program
}

/// What a login session has on Linux: a folder in memory, of this user alone.
#[cfg(target_os = "linux")]
fn session() -> TempDir {
    use std::os::unix::fs::PermissionsExt;

    let private = std::fs::Permissions::from_mode(0o700);
    let mut folder = tempfile::Builder::new();
    folder.permissions(private).tempdir_in("/dev/shm").unwrap()
}

#[cfg(not(target_os = "linux"))]
fn session() -> TempDir {
    TempDir::new().unwrap()
}

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

fn printed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_sample_signs_in_and_then_needs_no_ticket() {
    let lab = lab("default").await;
    let session = session();
    let first = run(&lab, "integrated_windows_auth", None, &session);
    let (stdout, stderr) = printed(&first);
    assert!(first.status.success(), "{stderr}");
    assert_eq!(stdout.trim(), lab.user().upn);
    assert!(stderr.contains("IdentityProvider"), "{stderr}");

    if cfg!(target_os = "linux") {
        let exchanges = lab.exchanges().len();
        let second = run(&lab, "integrated_windows_auth", None, &session);
        let (stdout, stderr) = printed(&second);
        assert_eq!(stdout.trim(), lab.user().upn);
        assert!(stderr.contains("Cache"), "{stderr}");
        assert_eq!(lab.exchanges().len(), exchanges);
    }
}

/// The cache is shared with whoever signed in first.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_sample_takes_no_account_for_being_the_first() {
    use silentry::cache::store::FileStore;
    use silentry::{PublicClientApplication, TokenCache};

    let lab = lab("default").await;
    let session = session();
    let bob = silentry_lab::user("bob").unwrap();
    let place = session.path().join("silentry/silentry-sample.cache");
    let app = PublicClientApplication::builder(silentry_lab::CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_token_cache(TokenCache::with_store(FileStore::new(place)))
        .build()
        .unwrap();
    app.acquire_token_by_username_password(
        ["https://graph.microsoft.com/User.Read"],
        bob.upn,
        silentry::Secret::from(bob.password),
    )
    .await
    .unwrap();
    for source in ["IdentityProvider", "Cache"] {
        let output = run(&lab, "integrated_windows_auth", None, &session);
        let (stdout, stderr) = printed(&output);
        assert_eq!(stdout.trim(), lab.user().upn, "{stderr}");
        assert!(stderr.contains(source), "{stderr}");
    }
    let first = &app.accounts().await.unwrap()[0];
    assert_eq!(first.username(), bob.upn);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_the_documentation_says_about_each_error() {
    let cases = [
        (
            "consent",
            None,
            "consent here: https://login.microsoftonline.com/",
        ),
        ("mfa", None, "only a sign-in that can prompt helps here"),
        (
            "public-client-disabled",
            None,
            "must allow public client flows",
        ),
        (
            "default",
            Some("common"),
            "name the tenant in SILENTRY_TENANT",
        ),
        ("unknown-domain", None, "with_username names who it is"),
        (
            "managed-user",
            None,
            "only a sign-in that can prompt helps here",
        ),
        // One that the documentation does not name.
        ("no-ticket", None, "Run kinit"),
    ];
    for (scenario, tenant, said) in cases {
        let lab = lab(scenario).await;
        let session = session();
        let output = run(&lab, "integrated_windows_auth", tenant, &session);
        let (stdout, stderr) = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{scenario}");
        assert!(stderr.contains(said), "{scenario}: {stderr}");
        assert!(stdout.is_empty(), "{scenario}: {stdout}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_async_signs_in() {
    let lab = lab("default").await;
    let session = session();
    let output = run(&lab, "blocking", None, &session);
    let (stdout, stderr) = printed(&output);
    let upn = lab.user().upn;
    assert!(output.status.success(), "{stderr}");
    assert!(
        stdout.starts_with(&format!("{upn} has a token\n")),
        "{stdout}"
    );
    assert!(
        stdout.contains(&format!("the cache knows {upn}")),
        "{stdout}"
    );
}
