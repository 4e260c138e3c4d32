//! An honest, minimal client: CONNECT, TLS under the lab's CA, HTTP/1.1, and Negotiate by the
//! `krb5` crate, which shares nothing with the lab.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use krb5::ChannelBindings;
use krb5::ccache::CCache;
use krb5::initiator::{GSS_C_MUTUAL_FLAG, InitOptions};
use krb5::spnego::SpnegoInitiator;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use silentry_lab::{CLIENT_ID, Lab};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const TRUST_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
pub(crate) const TRUST_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";
pub(crate) const SAML1_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml1_1-bearer";
pub(crate) const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
pub(crate) const SOAP: (&str, &str) = ("content-type", "application/soap+xml; charset=utf-8");
pub(crate) const WINDOWS_13: &str = "/adfs/services/trust/13/windowstransport";
pub(crate) const WINDOWS_2005: &str = "/adfs/services/trust/2005/windowstransport";

pub(crate) const LOGIN: &str = "login.microsoftonline.com";
pub(crate) const STS: &str = "sts.contoso.test";

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }
}

/// A connection to one name, with the certificate it showed.
pub(crate) struct Connection {
    host: &'static str,
    sender: SendRequest<Full<Bytes>>,
    pub(crate) leaf: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(lab: &Lab, host: &'static str) -> Self {
        let mut stream = TcpStream::connect(lab.proxy_addr()).await.unwrap();
        let connect = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
        stream.write_all(connect.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Self::over(lab, host, stream).await
    }

    /// Without a proxy, as a program does whose DNS leads here.
    pub(crate) async fn direct(lab: &Lab, host: &'static str) -> Self {
        let stream = TcpStream::connect(lab.proxy_addr()).await.unwrap();
        Self::over(lab, host, stream).await
    }

    async fn over(lab: &Lab, host: &'static str, stream: TcpStream) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in lab.ca_der() {
            roots
                .add(CertificateDer::from(certificate.clone()))
                .unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host).unwrap();
        let tls = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let leaf = tls.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { host, sender, leaf }
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Full::new(body.into()))
            .unwrap();
        let headers = [("host", self.host)]
            .into_iter()
            .chain(headers.iter().copied());
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).unwrap());
        }
        let response = self.sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
        Response {
            status: parts.status.as_u16(),
            reason: reason
                .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned())
                .unwrap_or_default(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Posts a body to windowstransport with a token bound to this connection.
    pub(crate) async fn negotiate(&mut self, ticket: &Ticket, path: &str, body: &str) -> Response {
        let token = ticket.token(Some(&self.leaf)).1;
        self.send(
            Method::POST,
            path,
            &[SOAP, ("authorization", &token)],
            body.to_owned(),
        )
        .await
    }
}

pub(crate) async fn get(lab: &Lab, host: &'static str, path: &str) -> Response {
    Connection::open(lab, host)
        .await
        .send(Method::GET, path, &[], "")
        .await
}

pub(crate) async fn post_form(lab: &Lab, path: &str, form: &[(&str, &str)]) -> Response {
    post_form_to(lab, LOGIN, path, form).await
}

pub(crate) async fn post_form_to(
    lab: &Lab,
    host: &'static str,
    path: &str,
    form: &[(&str, &str)],
) -> Response {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    Connection::open(lab, host)
        .await
        .send(Method::POST, path, &headers, body)
        .await
}

/// Redeems an assertion for a token of the lab's API.
pub(crate) async fn redeem(lab: &Lab, grant: &str, assertion: &str) -> Response {
    let form = [
        ("grant_type", grant),
        ("assertion", &STANDARD.encode(assertion)),
        ("client_id", CLIENT_ID),
        (
            "scope",
            "https://api.contoso.test/user_impersonation openid profile offline_access",
        ),
        ("client_info", "1"),
    ];
    post_form(lab, "/contoso.test/oauth2/v2.0/token", &form).await
}

/// A service ticket from a credential cache of the lab.
pub(crate) struct Ticket(krb5::Credentials);

impl Ticket {
    pub(crate) fn of(lab: &Lab, user: &str, host: &str) -> Self {
        let cache = CCache::read(lab.ccache(user).unwrap()).unwrap();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let service = krb5::Principal::parse(&format!("HTTP/{host}@CORP.CONTOSO.TEST")).unwrap();
        Self(
            cache
                .find(&service, i64::try_from(now).unwrap())
                .expect("a service ticket"),
        )
    }

    /// Returns the context and the header value of a fresh token.
    pub(crate) fn token(&self, leaf: Option<&[u8]>) -> (SpnegoInitiator, String) {
        let binding = leaf.map(|leaf| ChannelBindings::tls_server_end_point(leaf).unwrap());
        let mut options = InitOptions::default();
        options.channel_bindings = binding.as_ref();
        let (context, token) =
            SpnegoInitiator::with_options(&self.0, GSS_C_MUTUAL_FLAG, options).unwrap();
        (context, format!("Negotiate {}", STANDARD.encode(token)))
    }
}

/// Returns a request for a bearer token, as MSAL.NET spells it.
pub(crate) fn rst(trust: &str, security: &str) -> String {
    let key_type = match trust {
        TRUST_13 => format!("{TRUST_13}/Bearer"),
        _ => "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey".to_owned(),
    };
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">{trust}/RST/Issue</a:Action>\
         <a:MessageID>urn:uuid:c3163081-59ba-443d-bfe0-4f3c2e343fa7</a:MessageID><a:ReplyTo>\
         <a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>\
         <a:To s:mustUnderstand=\"1\">https://sts.contoso.test/</a:To>{security}</s:Header><s:Body>\
         <t:RequestSecurityToken xmlns:t=\"{trust}\"><wsp:AppliesTo \
         xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\"><a:EndpointReference>\
         <a:Address>urn:federation:MicrosoftOnline</a:Address></a:EndpointReference></wsp:AppliesTo>\
         <t:KeyType>{key_type}</t:KeyType><t:RequestType>{trust}/Issue</t:RequestType>\
         </t:RequestSecurityToken></s:Body></s:Envelope>"
    )
}

/// Returns the first token of a reply, exactly as it stands there.
pub(crate) fn assertion_in(envelope: &str) -> String {
    let document = roxmltree::Document::parse(envelope).unwrap();
    let holder = document
        .descendants()
        .find(|node| node.tag_name().name() == "RequestedSecurityToken")
        .unwrap_or_else(|| panic!("no token in {envelope}"));
    envelope[holder.first_element_child().unwrap().range()].to_owned()
}

/// Signs in at windowstransport and returns the assertion.
pub(crate) async fn assertion_of(lab: &Lab, user: &str) -> String {
    let ticket = Ticket::of(lab, user, STS);
    let mut connection = Connection::open(lab, STS).await;
    let reply = connection
        .negotiate(&ticket, WINDOWS_13, &rst(TRUST_13, ""))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assertion_in(reply.text())
}

/// Returns the claims of a JWT, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
