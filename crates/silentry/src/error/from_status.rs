//! Statuses that a stage does not expect.

use silentry_protocol::oauth::error_response::ErrorResponse;
use silentry_protocol::xml::content::UnexpectedContent;

use super::{Code, Error, Stage};
use crate::transport::{HttpResponse, retry_after};

const COMPRESSED: &str = "Something between this machine and the server compresses replies, although none is asked to \
    be: let the proxy, gateway or balancer leave this host's as they are.";

/// The first line of text of a page that came with an error's status.
pub(crate) fn first_line(response: &HttpResponse) -> Option<String> {
    UnexpectedContent::of_page(response.body(), response.header("content-type"))
        .map(|page| page.first_line().to_owned())
        .filter(|line| !line.is_empty())
}

impl Error {
    /// The error of a reply whose status is not what `stage` expects and whose body says nothing better.
    pub(crate) fn from_unexpected_status(
        stage: Stage,
        host: &str,
        response: &HttpResponse,
    ) -> Self {
        let status = response.status();
        let entra = matches!(stage, Stage::Discovery | Stage::Realm | Stage::Token);
        let code = match (stage, status) {
            (_, 429) => Code::RequestThrottled,
            (_, 500..) if entra => Code::ServiceNotAvailable,
            (Stage::Discovery, _) => Code::TenantDiscoveryFailed,
            (Stage::Realm, _) => Code::UserRealmDiscoveryFailed,
            (Stage::Mex, _) => Code::AccessingWsMetadataExchangeFailed,
            _ => Code::WstrustRequestFailed,
        };
        let mut message = format!("{host} answered the {stage} request with status {status}");
        let said = ErrorResponse::parse(status, response.body());
        if let Some(description) = said.description().filter(|_| entra) {
            message = format!("{message}: {description}");
        } else if let Some(line) = first_line(response) {
            message = format!("{message}: {line}");
        }
        let mut error = Error::new(code, stage, message)
            .with_status(status)
            .with_aadsts(said.codes().iter().copied());
        let details = error.details_mut();
        details.retryable |= matches!(status, 408 | 429 | 500..);
        details.wait(retry_after(response));
        error.unless_compressed(response)
    }

    /// What this is the error of may be asked for again after the time that the reply gives, if it gives one.
    pub(crate) fn with_wait(mut self, response: &HttpResponse) -> Self {
        let wait = retry_after(response);
        let details = self.details_mut();
        details.retryable |= wait.is_some();
        details.wait(wait);
        self
    }

    /// What this is the error of could not be read; where it is compressed, that is why.
    pub(crate) fn unless_compressed(mut self, response: &HttpResponse) -> Self {
        let Some(how) = response.compression() else {
            return self;
        };
        let details = self.details_mut();
        details.message = format!(
            "the reply of status {} is compressed ({how}), which was not asked for",
            response.status()
        );
        details.mitigation = COMPRESSED.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> HttpResponse {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        HttpResponse::new(status, headers.collect(), body.to_vec())
    }

    #[test]
    fn the_first_line_of_text_of_a_page_is_told_at_every_status() {
        let page = b"<!DOCTYPE html>\n<html><head><title>Blocked by Contoso</title></head></html>";
        for status in [400, 401, 418, 500, 502, 599] {
            for stage in [Stage::Realm, Stage::Mex, Stage::WsTrust] {
                let reply = reply(status, &[("Content-Type", "text/html")], page);
                let error = Error::from_unexpected_status(stage, "sts.contoso.com", &reply);
                let message = error.to_string();
                assert!(message.ends_with(": Blocked by Contoso"), "{message}");
            }
        }
    }

    #[test]
    fn a_reply_that_is_compressed_is_called_that() {
        for (headers, body, how) in [
            (&[][..], &b"\x1f\x8b\x08\0"[..], "(gzip)"),
            (&[("Content-Encoding", "br")], b"\x0b\x02", "(br)"),
            (&[("content-encoding", "deflate")], b"\x78\x9c", "(deflate)"),
        ] {
            let reply = reply(200, headers, body);
            let made = || Error::new(Code::JsonParseFailed, Stage::Token, "it is not JSON");
            let error = made().unless_compressed(&reply);
            assert_eq!(error.code(), "json_parse_failed");
            let message = error.to_string();
            assert!(
                message.contains("compressed") && message.contains(how),
                "{message}"
            );
            error.advice().check(how);
        }
        let plain = reply(200, &[("Content-Encoding", "identity")], b"<html>");
        let error = Error::new(Code::JsonParseFailed, Stage::Token, "it is not JSON");
        assert_eq!(
            error.unless_compressed(&plain).to_string(),
            "it is not JSON"
        );
    }
}
