//! A corporate proxy between the library and the lab. It checks tickets with the lab's acceptor, closes what it refuses,
//! and passes on the rest.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use silentry::{Error, PublicClientApplication, PublicClientApplicationBuilder};
use silentry_lab::kerberos::acceptor::{Acceptor, ChannelBinding};
use silentry_lab::{CLIENT_ID, Lab};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];
const USER: &str = "alice@contoso.test";
/// `localhost` has an address everywhere.
const SERVICE: &str = "HTTP/localhost";

/// What the proxy asks for, and what it makes of the answer.
struct Demand {
    /// The values of its `Proxy-Authenticate` headers.
    offers: &'static [&'static str],
    /// Whose tickets it opens.
    key_of: &'static str,
    /// What its own proof says in place of the truth.
    proof: Option<&'static str>,
}

const NEGOTIATE: Demand = Demand {
    offers: &["Negotiate"],
    key_of: SERVICE,
    proof: None,
};

struct Proxy {
    address: SocketAddr,
    /// What each CONNECT was told, with the scheme that it came with.
    seen: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Proxy {
    async fn start(lab: &Lab, demand: Demand) -> Proxy {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::default();
        let door = Arc::new(Door {
            acceptor: Acceptor::new(lab.kdc().keytab(demand.key_of).unwrap()),
            demand,
            behind: lab.proxy_addr(),
            seen: Arc::clone(&seen),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let door = Arc::clone(&door);
                tokio::spawn(async move { door.serve(stream).await });
            }
        });
        Proxy { address, seen }
    }

    fn url(&self, user: &str) -> String {
        format!("http://{user}localhost:{}", self.address.port())
    }

    /// The schemes and statuses so far.
    fn seen(&self) -> Vec<(String, u16)> {
        self.seen.lock().unwrap().clone()
    }
}

struct Door {
    acceptor: Acceptor,
    demand: Demand,
    behind: SocketAddr,
    seen: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Door {
    async fn serve(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let credentials = head
            .lines()
            .find_map(|line| line.strip_prefix("Proxy-Authorization: "));
        let scheme = credentials.map_or("", |text| text.split(' ').next().unwrap());
        let Some(proof) = credentials.and_then(|text| self.admit(text)) else {
            self.seen.lock().unwrap().push((scheme.to_owned(), 407));
            let mut reply = "HTTP/1.1 407 Proxy Authentication Required\r\n".to_owned();
            for offer in self.demand.offers {
                reply.push_str(&format!("Proxy-Authenticate: {offer}\r\n"));
            }
            reply.push_str("Content-Length: 4\r\n\r\nsorr");
            let _ = stream.write_all(reply.as_bytes()).await;
            return;
        };
        self.seen.lock().unwrap().push((scheme.to_owned(), 200));
        let mut behind = TcpStream::connect(self.behind).await.unwrap();
        let connect = head.lines().next().unwrap();
        let request = format!("{connect}\r\n\r\n");
        behind.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\n") {
            reply.push(behind.read_u8().await.unwrap());
        }
        reply.truncate(reply.len() - 2);
        reply.extend_from_slice(format!("{proof}\r\n").as_bytes());
        stream.write_all(&reply).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut behind).await;
    }

    /// Returns the header of the proxy's own proof.
    fn admit(&self, credentials: &str) -> Option<String> {
        let (scheme, data) = credentials.split_once(' ')?;
        if scheme == "Basic" {
            return (STANDARD.decode(data).unwrap() == b"user:pass").then(String::new);
        }
        let token = STANDARD.decode(data).unwrap();
        // The proxy's connection has no certificate.
        let accepted = self.acceptor.accept(&token, None, SystemTime::now()).ok()?;
        assert_eq!(accepted.client.to_string(), "alice@CORP.CONTOSO.TEST");
        assert_eq!(accepted.channel_binding, ChannelBinding::Absent);
        assert!(!accepted.delegated);
        let proof = match self.demand.proof {
            Some(forged) => STANDARD.encode(forged),
            None => STANDARD.encode(accepted.reply),
        };
        Some(format!("Proxy-Authenticate: Negotiate {proof}\r\n"))
    }
}

async fn lab() -> Lab {
    Lab::builder().service(SERVICE).start().await.unwrap()
}

fn builder(lab: &Lab, proxy: String) -> PublicClientApplicationBuilder {
    PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_proxy(proxy)
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", lab.ccache(USER).unwrap().display()))
}

async fn sign_in(app: &PublicClientApplication) -> Result<(), Error> {
    let call = app.acquire_token_by_integrated_windows_auth(SCOPES);
    call.with_username(USER).await.map(drop)
}

/// Signs in through a proxy that lets nobody pass; returns the error and what the proxy saw.
async fn fail(demand: Demand, user: &str) -> (Error, Vec<(String, u16)>) {
    let lab = lab().await;
    let proxy = Proxy::start(&lab, demand).await;
    let app = builder(&lab, proxy.url(user)).build().unwrap();
    let error = sign_in(&app).await.unwrap_err();
    assert_eq!(lab.exchanges().len(), 0);
    (error, proxy.seen())
}

fn saw(seen: &[(String, u16)], expected: &[(&str, u16)]) {
    let seen: Vec<_> = seen
        .iter()
        .map(|(scheme, status)| (scheme.as_str(), *status))
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_proxy_that_asks_for_the_ticket_gets_it_and_from_then_on_at_once() {
    let lab = lab().await;
    let proxy = Proxy::start(&lab, NEGOTIATE).await;
    let app = builder(&lab, proxy.url("")).build().unwrap();
    sign_in(&app).await.unwrap();
    // One connection to Entra, one to the federation server; each carries two exchanges.
    let tokens = [("", 407), ("Negotiate", 200), ("Negotiate", 200)];
    saw(&proxy.seen(), &tokens);
    sign_in(&app).await.unwrap();
    saw(&proxy.seen(), &tokens);
    assert_eq!(lab.exchanges().len(), 6);
}

#[tokio::test]
async fn a_refused_ticket_is_not_sent_again() {
    let (error, seen) = fail(
        Demand {
            key_of: "HTTP/sts.contoso.test",
            ..NEGOTIATE
        },
        "",
    )
    .await;
    assert_eq!(error.code(), "proxy_ticket_refused");
    saw(&seen, &[("", 407), ("Negotiate", 407)]);
}

#[tokio::test]
async fn a_proxy_with_a_forged_proof_gets_no_request() {
    let (error, seen) = fail(
        Demand {
            proof: Some("it is me"),
            ..NEGOTIATE
        },
        "",
    )
    .await;
    assert_eq!(error.code(), "proxy_mutual_authentication_failed");
    saw(&seen, &[("", 407), ("Negotiate", 200)]);
}

#[tokio::test]
async fn ntlm_and_digest_are_not_spoken() {
    let (error, seen) = fail(
        Demand {
            offers: &["NTLM", "Digest realm=\"proxy, Negotiate\", nonce=\"x\""],
            ..NEGOTIATE
        },
        "",
    )
    .await;
    assert_eq!(error.code(), "proxy_scheme_not_supported");
    assert!(
        error.to_string().ends_with("wants NTLM or Digest"),
        "{error}"
    );
    saw(&seen, &[("", 407)]);
}

#[tokio::test]
async fn without_a_ticket_for_the_proxy_the_error_says_so() {
    let lab = lab().await;
    let folder = tempfile::tempdir().unwrap();
    // None, and files that MIT's library crashed at.
    for (name, content) in [
        ("absent", None),
        ("empty", Some("")),
        ("short", Some("\u{5}\u{4}\0")),
        ("noise", Some("not a ccache")),
    ] {
        let ccache = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&ccache, content).unwrap();
        }
        let proxy = Proxy::start(&lab, NEGOTIATE).await;
        let app = builder(&lab, proxy.url(""))
            .with_ticket_cache(format!("FILE:{}", ccache.display()))
            .build()
            .unwrap();
        let error = sign_in(&app).await.unwrap_err();
        assert_eq!(error.code(), "proxy_ticket_unavailable", "{name}");
        let message = error.to_string();
        let begins = message.starts_with("no ticket for the proxy localhost: ");
        assert!(begins && message.contains(name), "{name}: {message}");
        let advice = error.mitigation();
        assert!(advice.contains("ccache"), "{name}: {advice}");
        saw(&proxy.seen(), &[("", 407)]);
    }
}

#[tokio::test]
async fn a_proxy_with_another_name_has_the_principal_that_is_given() {
    let lab = lab().await;
    let proxy = Proxy::start(&lab, NEGOTIATE).await;
    let by_address = proxy.url("").replace("localhost", "127.0.0.1");
    let app = builder(&lab, by_address.clone()).build().unwrap();
    let error = sign_in(&app).await.unwrap_err();
    assert_eq!(error.code(), "proxy_ticket_unavailable");
    let named = builder(&lab, by_address).with_proxy_service_principal_name("HTTP/localhost");
    sign_in(&named.build().unwrap()).await.unwrap();
    let tokens = [("", 407), ("", 407), ("Negotiate", 200), ("Negotiate", 200)];
    saw(&proxy.seen(), &tokens);
}

#[tokio::test]
async fn credentials_in_the_url_are_sent_as_basic_and_nothing_else_is() {
    let both = Demand {
        offers: &["Negotiate", "Basic realm=\"proxy\""],
        ..NEGOTIATE
    };
    let (error, seen) = fail(both, "user:wrong@").await;
    assert_eq!(error.code(), "proxy_refused");
    assert!(!format!("{error:?} {error}").contains("wrong"));
    saw(&seen, &[("Basic", 407)]);

    let lab = lab().await;
    let proxy = Proxy::start(&lab, NEGOTIATE).await;
    let app = builder(&lab, proxy.url("user:pass@")).build().unwrap();
    sign_in(&app).await.unwrap();
    saw(&proxy.seen(), &[("Basic", 200), ("Basic", 200)]);
}
