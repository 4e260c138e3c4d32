//! Authorization codes of Entra: what they cost, and what they buy.

use silentry_lab::{Browser, CLIENT_ID, Lab, Person, user};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::services::client::{Response, claims, post_form};

/// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const TOKEN: &str = "/organizations/oauth2/v2.0/token";
/// Nobody listens there: the browser keeps the URL, and the test reads it.
pub(crate) const CALLBACK: &str = "http://localhost:1";

/// Returns an authorization request, with changes; an empty value leaves a parameter out.
pub(crate) fn authorize(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "User.Read openid profile offline_access"),
        ("state", "s 1&"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("client_info", "1"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept.chain(changes).filter(|(_, value)| !value.is_empty()))
        .finish();
    format!("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?{query}")
}

/// Signs in and returns the code.
pub(crate) async fn code(browser: &mut Browser, who: &str, changes: &[(&str, &str)]) -> String {
    let person = Person::new(user(who).unwrap());
    let page = browser.sign_in(&authorize(changes), &person).await.unwrap();
    page.parameter("code")
        .unwrap_or_else(|| panic!("no code: {} {:?}", page.text, page.problem()))
}

/// Redeems a code, with changes.
pub(crate) async fn redeem(lab: &Lab, code: &str, changes: &[(&str, &str)]) -> Response {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let form: Vec<_> = kept
        .chain(changes.iter().copied())
        .filter(|(_, value)| !value.is_empty())
        .collect();
    post_form(lab, TOKEN, &form).await
}

fn number(reply: &Response) -> u64 {
    reply.json()["error_codes"][0].as_u64().unwrap()
}

#[tokio::test]
async fn a_code_buys_tokens_once() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let alice = Person::new(user("alice").unwrap());
    let page = browser.sign_in(&authorize(&[]), &alice).await.unwrap();
    assert!(
        page.url.starts_with("http://localhost:1/?code="),
        "{}",
        page.url
    );
    assert_eq!(page.parameter("state").as_deref(), Some("s 1&"));
    let code = page.parameter("code").unwrap();

    let reply = redeem(&lab, &code, &[]).await;
    let tokens = reply.json();
    // The scope is that of the authorization request, and so is the nonce.
    let scope = "https://graph.microsoft.com/User.Read openid profile";
    assert_eq!(tokens["scope"], scope);
    assert_eq!(
        tokens["client_info"],
        page.parameter("client_info").unwrap()
    );
    assert!(tokens.get("foci").is_none());
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&id["nonce"], &id["preferred_username"]),
        (&"n-1".into(), &"alice@contoso.test".into())
    );

    assert_eq!(number(&redeem(&lab, &code, &[]).await), 54005);
}

#[tokio::test]
async fn a_code_is_for_who_can_prove_to_have_asked() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    for (changes, expected) in [
        (("code_verifier", CHALLENGE), 501481),
        (("code_verifier", ""), 501481),
        (("redirect_uri", "http://localhost:2"), 500112),
        (
            ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
            700005,
        ),
        (("code", "1.forged"), 9002313),
    ] {
        // Only the first time is the password asked for.
        let code = code(&mut browser, "alice", &[]).await;
        let reply = redeem(&lab, &code, &[changes]).await;
        assert_eq!(
            (reply.status, number(&reply)),
            (400, expected),
            "{changes:?}"
        );
    }
    let posted = lab.exchanges();
    let typed = posted
        .iter()
        .filter(|one| one.url.ends_with("/common/login"));
    assert_eq!(typed.count(), 2, "one user name and one password");
}

/// A client that waits for the browser, as every MSAL does.
#[tokio::test]
async fn the_answer_comes_by_query_fragment_and_form() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    for (mode, head) in [
        ("query", "GET /?code="),
        ("fragment", "GET / HTTP/1.1"),
        ("form_post", "POST / HTTP/1.1"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 8192];
            let mut length = 0;
            while !String::from_utf8_lossy(&heard[..length]).contains("\r\n\r\n") {
                length += stream.read(&mut heard[length..]).await.unwrap();
            }
            // The body of a form may come by itself.
            if heard.starts_with(b"POST") && heard[..length].ends_with(b"\r\n\r\n") {
                length += stream.read(&mut heard[length..]).await.unwrap();
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&heard[..length]).into_owned()
        });
        let callback = format!("http://localhost:{port}/");
        let changes = [("redirect_uri", callback.as_str()), ("response_mode", mode)];
        let alice = Person::new(user("alice").unwrap());
        let page = browser.sign_in(&authorize(&changes), &alice).await.unwrap();
        assert_eq!((page.status, page.text.as_str()), (200, "done"), "{mode}");
        let heard = client.await.unwrap();
        assert!(heard.starts_with(head), "{heard}");
        match mode {
            "fragment" => assert!(page.url.contains("/#code=") && !heard.contains("code=")),
            _ => assert!(
                heard.contains("code=1.") && heard.contains("&state=s+1%26"),
                "{heard}"
            ),
        }
    }
}

#[tokio::test]
async fn the_family_shares_its_refresh_tokens() {
    let lab = Lab::start().await.unwrap();
    let (cli, powershell) = (
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("client_id", "1950a258-227b-4e31-a9cf-717495945fc2"),
    );
    let mut browser = lab.browser().unwrap();
    // Neither sends a challenge always, and neither is held to it.
    let code = code(&mut browser, "alice", &[cli, ("code_challenge", "")]).await;
    let tokens = redeem(&lab, &code, &[cli, ("code_verifier", "")])
        .await
        .json();
    assert_eq!(tokens["foci"], "1");
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let refresh = async |client| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            client,
            ("scope", "User.Read offline_access"),
        ];
        post_form(&lab, TOKEN, &form).await
    };
    let renewed = refresh(powershell).await.json();
    assert_eq!(renewed["foci"], "1");
    assert_ne!(renewed["refresh_token"], refresh_token);
    let stranger = refresh(("client_id", CLIENT_ID)).await.json();
    assert_eq!(
        (&stranger["error"], &stranger["suberror"]),
        (&"invalid_grant".into(), &"client_mismatch".into())
    );
}
