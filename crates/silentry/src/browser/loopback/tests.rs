use super::*;

async fn say(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

fn post(form: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
}

#[tokio::test]
async fn the_right_answer_is_waited_for_among_others() {
    let listener = LoopbackListener::bind(None).await.unwrap();
    let port = listener.port;
    let browser = tokio::spawn(async move {
        // A connection that a browser opens ahead of time, and never uses.
        let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let mut replies = Vec::new();
        for request in [
            "GET /favicon.ico HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            "DELETE /?code=a&state=mine HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            post(&"x".repeat(MAX_FORM_BYTES + 1)),
            post("code=ours&state=mine"),
        ] {
            replies.push(say(port, &request).await);
        }
        drop(idle);
        replies
    });
    let response = listener.receive("mine").await;
    assert!(matches!(response.outcome, Outcome::Code(code) if code.expose() == "ours"));
    let replies = browser.await.unwrap();
    let status: Vec<&str> = replies.iter().map(|reply| &reply[9..12]).collect();
    assert_eq!(status, ["404", "400", "405", "413", "200"]);
    assert!(replies[4].contains("Signed in") && !replies[4].contains("ours"));
}

#[tokio::test]
async fn an_answer_of_another_sign_in_is_told_so_and_passed_over() {
    let listener = LoopbackListener::bind(None).await.unwrap();
    let port = listener.port;
    let browser = tokio::spawn(async move {
        let get = |query: &str| format!("GET /?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let theirs = say(port, &get("code=theirs&state=other")).await;
        let refused = say(port, &get("error=access_denied&state=other")).await;
        let ours = say(port, &get("code=ours&state=mine")).await;
        [theirs, refused, ours]
    });
    let response = listener.receive("mine").await;
    assert!(matches!(response.outcome, Outcome::Code(code) if code.expose() == "ours"));
    assert!(listener.another_came());
    let pages = browser.await.unwrap();
    for page in &pages[..2] {
        assert!(page.starts_with("HTTP/1.1 400") && !page.contains("theirs"));
    }
    assert!(pages[2].starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_that_never_end_hold_nobody_up() {
    let listener = LoopbackListener::bind(None).await.unwrap();
    let port = listener.port;
    let browser = tokio::spawn(async move {
        let mut idle = Vec::new();
        for _ in 0..3 * MAX_CONNECTIONS {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            // A request that stops in the middle, as a body that stops would.
            let half = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nco";
            stream.write_all(half).await.unwrap();
            idle.push(stream);
        }
        say(port, &post("code=ours&state=mine")).await
    });
    let response = listener.receive("mine").await;
    assert_eq!(response.state, "mine");
    assert!(browser.await.unwrap().contains("Signed in"));
}

/// It is told so, and held for a second to read it, while somebody else has its place.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_connection_of_another_user_gives_its_place_up_at_once() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can become another user");
        return;
    }
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = move || {
        let user = rustix::process::Uid::from_raw(12_345);
        rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        std::net::TcpStream::connect(address).unwrap()
    };
    let theirs = std::thread::spawn(connect).join().unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = TcpStream::from_std(stream).unwrap();

    let (_place, lost) = oneshot::channel();
    let expected = Expected {
        state: "mine".to_owned(),
        another_came: Arc::default(),
        other_users: Arc::default(),
    };
    // The clock goes on when there is nothing but it to wait for.
    let begun = Instant::now();
    assert!(serve(stream, expected, lost).await.is_none());
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drop(theirs);
}

#[tokio::test]
async fn a_port_that_somebody_has_for_ipv6_is_not_taken() {
    let theirs = match std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(theirs) => theirs,
        Err(error) => {
            assert!(is_without_ipv6(&error), "{error}");
            let listener = LoopbackListener::bind(None).await.unwrap();
            return assert!(listener.v6.is_none());
        }
    };
    let port = theirs.local_addr().unwrap().port();
    let error = LoopbackListener::bind(Some(port)).await.err().unwrap();
    assert!(error.to_string().contains("::1"), "{error}");
    let other = LoopbackListener::bind(None).await.unwrap();
    assert!(other.v6.is_some() && other.port != port);
}

#[tokio::test]
async fn a_refusal_is_shown_and_returned() {
    let listener = LoopbackListener::bind(None).await.unwrap();
    let port = listener.port;
    let browser = tokio::spawn(async move {
        let query = "error=access_denied&error_description=no+%3Cb%3E&state=s";
        say(
            port,
            &format!("GET /?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        )
        .await
    });
    let response = listener.receive("s").await;
    assert!(matches!(response.outcome, Outcome::Refused(_)));
    assert!(browser.await.unwrap().contains("no &lt;b&gt;"));
}
