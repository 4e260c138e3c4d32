//! The HTTP CONNECT proxy (RFC 9110 section 9.3.6).

use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Front, PATIENCE, serve};
use crate::hosts::part_of;

const MAX_HEAD: usize = 16 * 1024;

/// What the proxy does with a request.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    /// The lab itself answers for this name.
    Play(&'static str),
    /// A server of the user's answers: its `host:port`.
    PassOn(String),
    /// Nobody does.
    Refuse {
        status: &'static str,
        why: String,
        url: String,
        method: String,
    },
}

/// Reads one request, and either opens the tunnel or says why not. A refused client gets a whole
/// reply: some reconnect for ever when a proxy just hangs up (Node does so thousands of times a
/// second).
pub(super) async fn proxy(mut stream: TcpStream, front: &std::sync::Arc<Front>) -> io::Result<()> {
    let started = Instant::now();
    let Ok(head) = tokio::time::timeout(PATIENCE, read_head(&mut stream)).await else {
        return refuse(
            &mut stream,
            "408 Request Timeout",
            "the request did not arrive",
        )
        .await;
    };
    match judge(&head?, front) {
        Verdict::Play(name) => {
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            serve::tunnel(stream, name, front).await
        }
        Verdict::PassOn(target) => match TcpStream::connect(&target).await {
            Ok(mut upstream) => {
                stream
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await?;
                tokio::io::copy_bidirectional(&mut stream, &mut upstream)
                    .await
                    .map(drop)
            }
            Err(error) => {
                let why = format!("the mapped server {target} does not answer: {error}");
                refuse(&mut stream, "502 Bad Gateway", &why).await
            }
        },
        Verdict::Refuse {
            status,
            why,
            url,
            method,
        } => {
            let number = status
                .get(..3)
                .and_then(|number| number.parse().ok())
                .unwrap_or(400);
            front
                .journal
                .record("proxy", &method, url, number, started.elapsed(), None);
            refuse(&mut stream, status, &why).await
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        // A byte at a time beyond the head would be the client's ClientHello: it waits for our
        // reply before it sends one, so nothing of it can be read here.
        if head.len() >= MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

fn judge(head: &[u8], front: &Front) -> Verdict {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let refuse = |status, why: String| Verdict::Refuse {
        status,
        why,
        url: target.split('?').next().unwrap_or_default().to_owned(),
        method: method.to_owned(),
    };

    if !words
        .next()
        .is_some_and(|version| version.starts_with("HTTP/1."))
    {
        return refuse(
            "400 Bad Request",
            "this is an HTTP proxy; it did not understand".into(),
        );
    }
    if method != "CONNECT" {
        let why = "the lab's proxy only opens tunnels for https; plain http goes nowhere".into();
        return refuse("403 Forbidden", why);
    }
    let Some((name, port)) = target.rsplit_once(':') else {
        return refuse("400 Bad Request", "CONNECT wants host:port".into());
    };
    if let Some(mapped) = front.map.get(&name.to_ascii_lowercase()) {
        return Verdict::PassOn(mapped.clone());
    }
    match part_of(name) {
        Some((name, _)) if front.services.is_down(name) => refuse(
            "503 Service Unavailable",
            format!("{name} is down in this scenario"),
        ),
        Some((name, _)) if port == "443" => Verdict::Play(name),
        Some((name, _)) => refuse(
            "403 Forbidden",
            format!("the lab plays {name} on port 443 only"),
        ),
        None => refuse(
            "403 Forbidden",
            format!("the lab does not play {name:.255}"),
        ),
    }
}

async fn refuse(stream: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}
