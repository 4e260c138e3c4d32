//! What Entra and AD FS have in common: both are OAuth 2.0 servers with pages for people.

mod callback;
mod device;
pub(crate) mod html;
mod pkce;
mod store;

use std::collections::HashMap;

pub(crate) use callback::{Callback, ResponseMode, is_registered};
pub(crate) use device::{Device, Devices, LIFETIME as DEVICE_LIFETIME, Poll};
pub(crate) use pkce::Challenge;
pub(crate) use store::Store;

use crate::http::Request;

/// The members of a form or a query. Repeated members are an error at Entra; the first counts here.
pub(crate) type Form = HashMap<String, String>;

/// Reads `application/x-www-form-urlencoded`, in which every byte string is something.
pub(crate) fn parse_form(text: &[u8]) -> Form {
    let mut form = Form::new();
    for (name, value) in url::form_urlencoded::parse(text) {
        form.entry(name.into_owned())
            .or_insert_with(|| value.into_owned());
    }
    form
}

/// Returns a member that is there and not empty.
pub(crate) fn member<'f>(form: &'f Form, name: &str) -> Option<&'f str> {
    form.get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

/// Returns a cookie of the request (RFC 6265 section 4.2.1).
pub(crate) fn cookie<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let headers = request.headers.get_all("cookie").iter();
    headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}
