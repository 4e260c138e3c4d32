//! One call: its correlation id, and how it presents itself to Entra and to the federation server.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::guid;
use silentry_protocol::http::date;
use silentry_protocol::wstrust::rst::WsTrustRequest;
use tracing::Instrument;
use url::Url;
use zeroize::Zeroizing;

use crate::application::Application;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::random;
use crate::request::RequestOptions;
use crate::transport::{Exchange, HttpRequest, HttpResponse};

/// What MSAL.NET asks for everywhere, `application/json`, makes strict servers answer 406 to a metadata request.
const METADATA: &str =
    "text/xml, application/xml, application/wsdl+xml, application/soap+xml;q=0.9, */*;q=0.1";

/// Clocks further apart than this make Kerberos and SAML fail (RFC 4120 1.6, the default of AD and of WCF).
pub(super) const ALLOWED_SKEW: Duration = Duration::from_secs(5 * 60);

/// One call of the library.
pub(super) struct Call<'a> {
    pub(super) application: &'a Arc<Application>,
    pub(super) exchange: Exchange<'a>,
    pub(super) correlation_id: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        application: &'a Arc<Application>,
        options: &RequestOptions,
    ) -> Result<Self, Error> {
        options.check_extra_headers()?;
        let correlation_id = match &options.correlation_id {
            Some(given) => guid::parse(given).ok_or_else(|| {
                Error::new(
                    Code::InvalidRequestOptions,
                    Stage::Request,
                    "the correlation id is not a GUID",
                )
            })?,
            None => random::guid()?,
        };
        let exchange = Exchange::new(&application.connections, application.clock.as_ref());
        Ok(Call {
            application,
            exchange,
            correlation_id,
        })
    }

    /// Does what the call is about, in a span with its correlation id, which every error gets as well.
    pub(super) async fn run<T>(
        &self,
        flow: Flow,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let span = tracing::info_span!("acquire_token", flow = flow.as_str(), correlation_id = %self.correlation_id);
        let result = work.instrument(span.clone()).await;
        result.map_err(|error| {
            let error = error.with_correlation_id(&self.correlation_id);
            let (code, stage) = (error.code().as_str(), error.stage());
            span.in_scope(|| tracing::debug!(code, %stage, "no token"));
            error
        })
    }

    /// A GET for an authority.
    pub(super) fn get(&self, kind: AuthorityKind, url: &Url) -> HttpRequest {
        self.present(kind, HttpRequest::get(url))
    }

    /// A form for an authority.
    pub(super) fn post(
        &self,
        kind: AuthorityKind,
        url: &Url,
        form: Zeroizing<Vec<u8>>,
    ) -> HttpRequest {
        let content_type = "application/x-www-form-urlencoded";
        let request = self.present(kind, HttpRequest::post(url, content_type, form));
        match kind {
            AuthorityKind::Entra => request.with_header("x-ms-lib-capability", "retry-after, h429"),
            AuthorityKind::AdFs | AuthorityKind::OpenIdConnect => request,
        }
    }

    /// A GET for federation metadata, without a word about the user.
    pub(super) fn metadata_get(&self, url: &Url) -> HttpRequest {
        HttpRequest::get(url)
            .with_header("accept", METADATA)
            .with_header("client-request-id", self.correlation_id.as_str())
    }

    /// An RST for the federation server, which copies the correlation id into the assertion.
    pub(super) fn soap_post(&self, url: &Url, rst: &WsTrustRequest) -> HttpRequest {
        let body = Zeroizing::new(rst.as_bytes().to_vec());
        HttpRequest::post(url, WsTrustRequest::CONTENT_TYPE, body)
            .with_header("soapaction", rst.soap_action())
            .with_header("accept", "application/soap+xml, text/xml;q=0.9, */*;q=0.1")
            .with_header("client-request-id", self.correlation_id.as_str())
    }

    /// Says how far this machine's clock is from the server's, when that is too far for Kerberos and SAML.
    pub(super) fn clock_difference(&self, response: &HttpResponse) -> Option<String> {
        let theirs = date::parse(response.header("date")?)?;
        let ours = self.application.clock.now();
        let apart = ours
            .duration_since(theirs)
            .unwrap_or_else(|error| error.duration());
        (apart > ALLOWED_SKEW).then(|| {
            let (ours, theirs) = (date::format(ours), date::format(theirs));
            format!("this machine's clock says {ours}, the server's {theirs}")
        })
    }

    /// The headers that MSALs send on every call to Entra; the realm answer of a tenant with Seamless SSO depends on
    /// the first two. AD FS knows the correlation id alone (MS-OAPX 2.2.1.1), and what program runs on which system is
    /// no other server's business.
    fn present(&self, kind: AuthorityKind, request: HttpRequest) -> HttpRequest {
        let request = request.with_header("accept", "application/json");
        match kind {
            AuthorityKind::Entra => self.introduce(request),
            AuthorityKind::AdFs => {
                request.with_header("client-request-id", self.correlation_id.as_str())
            }
            AuthorityKind::OpenIdConnect => request,
        }
    }

    fn introduce(&self, request: HttpRequest) -> HttpRequest {
        request
            .with_header("x-client-sku", self.application.client_sku.as_str())
            .with_header("x-client-ver", env!("CARGO_PKG_VERSION"))
            .with_header("x-client-os", std::env::consts::OS)
            .with_header("x-client-cpu", std::env::consts::ARCH)
            .with_header("client-request-id", self.correlation_id.as_str())
            .with_header("return-client-request-id", "true")
    }
}
