//! When the directory is asked for the UPN, and what follows when it does not tell. That it tells, Samba shows in
//! `cargo xtask interop`.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use silentry::Directory;
use silentry_lab::Lab;

use crate::support::client_with_ticket;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

async fn lab() -> Lab {
    Lab::builder().scenario("default").start().await.unwrap()
}

/// A server that ends every connection, and counts them.
fn broken_directory() -> (Directory, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            seen.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    (Directory::Host(address), count)
}

#[tokio::test]
async fn a_directory_that_fails_is_asked_once_and_guessed_instead() {
    let lab = lab().await;
    let (directory, questions) = broken_directory();
    let app = client_with_ticket(&lab)
        .with_directory(directory)
        .build()
        .unwrap();
    for _ in 0..2 {
        let token = app
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .await
            .unwrap();
        assert_eq!(token.account().username(), "alice@contoso.test");
    }
    assert_eq!(questions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_caller_says_is_not_asked_about() {
    let lab = lab().await;
    let (directory, questions) = broken_directory();
    let app = client_with_ticket(&lab)
        .with_directory(directory)
        .build()
        .unwrap();
    app.acquire_token_by_integrated_windows_auth(SCOPES)
        .with_username("alice@contoso.test")
        .await
        .unwrap();
    assert_eq!(questions.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_account_name_that_no_directory_resolves_says_why() {
    let lab = lab().await;
    let (broken, _) = broken_directory();
    for (directory, why) in [
        (Directory::Off, "a UPN is user@domain"),
        (broken, "the directory does not tell it"),
    ] {
        let app = client_with_ticket(&lab)
            .with_directory(directory)
            .build()
            .unwrap();
        let error = app
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .with_username("CONTOSO\\alice")
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid_username");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(lab.exchanges().is_empty());
}

#[tokio::test]
async fn an_unknown_user_is_told_what_the_directory_said() {
    let lab = lab().await;
    let (directory, _) = broken_directory();
    let app = client_with_ticket(&lab)
        .with_tenant_id("organizations")
        .with_directory(directory)
        .build()
        .unwrap();
    let error = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unknown_user");
    for part in ["alice@corp.contoso.test", "the directory does not tell it"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}
