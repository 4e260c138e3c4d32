//! The proxy and its listeners.

use hyper::Method;
use silentry_lab::Lab;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::services::client::{Connection, LOGIN, get};

async fn say(lab: &Lab, request: &str) -> String {
    let mut stream = TcpStream::connect(lab.proxy_addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn refusals_are_whole_replies_with_a_reason() {
    let lab = Lab::start().await.unwrap();
    for (request, status) in [
        ("CONNECT example.com:443 HTTP/1.1\r\n\r\n", "403 Forbidden"),
        (
            "CONNECT login.microsoftonline.com:80 HTTP/1.1\r\n\r\n",
            "403 Forbidden",
        ),
        (
            "CONNECT login.microsoftonline.com.evil.test:443 HTTP/1.1\r\n\r\n",
            "403 Forbidden",
        ),
        (
            "GET http://login.microsoftonline.com/ HTTP/1.1\r\n\r\n",
            "403 Forbidden",
        ),
        ("GET / HTTP/1.1\r\n\r\n", "403 Forbidden"),
        ("CONNECT nowhere HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("rubbish\r\n\r\n", "400 Bad Request"),
    ] {
        let answer = say(&lab, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{request}: {answer}"
        );
        let (_, reason) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(reason.lines().count(), 1, "{request}: {answer}");
    }
    let refused = &lab.exchanges()[0];
    assert_eq!((refused.stage.as_str(), refused.status), ("proxy", 403));
    assert_eq!(refused.url, "example.com:443");
}

#[tokio::test]
async fn every_name_has_a_certificate_and_an_answer() {
    let lab = Lab::start().await.unwrap();
    for host in [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
        "microsoft.com",
        "www.microsoft.com",
        "sts.contoso.test",
        "sts.fabrikam.test",
        "autologon.microsoftazuread-sso.com",
        "graph.microsoft.com",
        "api.contoso.test",
    ] {
        let response = get(&lab, host, "/nothing/here").await;
        assert!(
            matches!(response.status, 401 | 404),
            "{host}: {}",
            response.status
        );
    }
}

#[tokio::test]
async fn tls_without_a_proxy_is_served_by_name() {
    let lab = Lab::start().await.unwrap();
    let mut connection = Connection::direct(&lab, LOGIN).await;
    let path = "/common/userrealm/alice@contoso.test?api-version=1.0";
    // Twice, as the connection is kept.
    for _ in 0..2 {
        let response = connection.send(Method::GET, path, &[], "").await;
        assert_eq!(response.json()["account_type"], "Federated");
    }
}

#[tokio::test]
async fn a_connection_answers_for_its_own_name_only() {
    let lab = Lab::start().await.unwrap();
    let mut connection = Connection::open(&lab, "graph.microsoft.com").await;
    let response = connection
        .send(Method::GET, "/", &[("host", LOGIN)], "")
        .await;
    assert_eq!(response.status, 421);
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let lab = Lab::start().await.unwrap();
    let mut connection = Connection::open(&lab, LOGIN).await;
    let body = vec![b'x'; 1024 * 1024 + 1];
    let response = connection
        .send(Method::POST, "/common/oauth2/v2.0/token", &[], body)
        .await;
    assert_eq!(response.status, 413);
}

#[tokio::test]
async fn mapped_names_are_passed_on_untouched() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let lab = Lab::builder()
        .map("Git.Contoso.Test", address)
        .start()
        .await
        .unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(&heard).await.unwrap();
    });

    let mut stream = TcpStream::connect(lab.proxy_addr()).await.unwrap();
    stream
        .write_all(b"CONNECT git.contoso.test:8443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 39];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 Connection established\r\n\r\n");
    stream.write_all(b"ping").await.unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"ping");
    serving.await.unwrap();
}

#[tokio::test]
async fn a_dropped_lab_takes_its_port_and_files_along() {
    let lab = Lab::start().await.unwrap();
    let (address, directory) = (lab.proxy_addr(), lab.directory().to_owned());
    let mut open = TcpStream::connect(address).await.unwrap();
    assert!(directory.join("ca.pem").is_file());
    drop(lab);
    assert!(!directory.exists());
    // The runtime ends in the background.
    let mut nothing = [0];
    let read = open.read(&mut nothing);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), read)
        .await
        .unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::start().await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(lab.directory()), 0o700);
    lab.ccache("alice").unwrap();
    for entry in lab.directory().read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn labs_do_not_meet() {
    let (one, other) = tokio::join!(Lab::start(), Lab::start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.ca_pem(), other.ca_pem());
    get(&one, LOGIN, "/common/userrealm/a@b?api-version=1.0").await;
    assert_eq!((one.exchanges().len(), other.exchanges().len()), (1, 0));
}
