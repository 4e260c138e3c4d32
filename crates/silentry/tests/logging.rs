//! What a program's log shows of a sign-in.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]
#![cfg(feature = "integrated")]

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use silentry::Secret;
use silentry::{AuthenticationResult, PublicClientApplication};
use silentry_lab::{CLIENT_ID, Lab};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// Writes down everything that there is to see.
#[derive(Clone, Default)]
struct Log {
    text: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Log {
    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(metadata.name().to_owned());
        record(&mut line);
        line.0.push('\n');
        self.text.lock().unwrap().push_str(&line.0);
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |line| span.record(line));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn assert_span(log: &str, way: &str, result: &AuthenticationResult) {
    let id = result.correlation_id();
    let span = format!("acquire_token flow=\"{way}\" correlation_id={id}\n");
    assert!(log.contains(&span), "no `{span}` in\n{log}");
}

#[tokio::test]
async fn a_call_is_a_span_with_its_correlation_id_and_shows_no_secret() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let lab = Lab::start().await.unwrap();
    let user = lab.user();
    let app = PublicClientApplication::builder(CLIENT_ID)
        .with_tenant_id("contoso.test")
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", lab.ccache(user.upn).unwrap().display()))
        .build()
        .unwrap();
    let with_ticket = app.acquire_token_by_integrated_windows_auth(SCOPES);
    let with_ticket = with_ticket.await.unwrap();
    let silent = app
        .acquire_token_silent(SCOPES, with_ticket.account())
        .with_force_refresh(true)
        .await
        .unwrap();
    let password = Secret::from(user.password);
    let with_password = app
        .acquire_token_by_username_password(SCOPES, user.upn, password)
        .await
        .unwrap();

    let log = log.text.lock().unwrap();
    assert_span(&log, "iwa", &with_ticket);
    assert_span(&log, "silent", &silent);
    assert_span(&log, "password", &with_password);
    for stage in ["realm", "mex", "wstrust", "token"] {
        assert!(log.contains(&format!("stage={stage}")), "{stage} in\n{log}");
    }
    for result in [&with_ticket, &silent, &with_password] {
        assert!(!log.contains(result.access_token()));
        assert!(!log.contains(result.id_token().unwrap()));
    }
    for secret in [user.password, "<saml", "refresh_token=", "YII"] {
        assert!(!log.contains(secret), "`{secret}` in\n{log}");
    }
}
