//! What http.sys answers, the web server below AD FS and other services of Windows.

use crate::http::Reply;

/// A reply of the web server below AD FS, which says little: a page when nobody listens at an address, or
/// not at the moment, and nothing at all in a 401.
///
/// MSAL Java has no message for a reply without a body, so that what it says tells which replies have one:
/// of a 401 of windowstransport its users report the same `NullPointerException` (issue 15 of
/// ms-identity-java-desktop).
pub(crate) fn reply(stage: &'static str, status: u16, reason: &str) -> Reply {
    let reply = Reply::new(stage, status).header("server", "Microsoft-HTTPAPI/2.0");
    let reply = match status {
        404 => page(
            reply,
            "Not Found",
            "",
            "404. The requested resource is not found.",
        ),
        503 => page(
            reply,
            "Service Unavailable",
            "",
            "503. The service is unavailable.",
        ),
        _ => reply,
    };
    if reason.is_empty() {
        reply
    } else {
        reply.reason(reason)
    }
}
/// Gives the reply a page of http.sys; their lengths (404: 315 bytes, 503: 326) are in many a log.
pub(crate) fn page(reply: Reply, title: &str, detail: &str, error: &str) -> Reply {
    let page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n\
         <HTML><HEAD><TITLE>{title}</TITLE>\r\n\
         <META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n\
         <BODY><h2>{title}{detail}</h2>\r\n<hr><p>HTTP Error {error}</p>\r\n</BODY></HTML>\r\n"
    );
    reply.body("text/html; charset=us-ascii", page)
}
