//! Documents of the largest size, each with few elements that many others lead to.
//!
//! Read once for each that leads there, such an element takes minutes; the limit of time is generous, so that a busy
//! machine fails no test.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::xml::document::MAX_DOCUMENT_BYTES;

const LIMIT: Duration = Duration::from_secs(60);

/// Returns the number of endpoints for the ticket, in time.
fn endpoints(what: &str, document: String) -> usize {
    assert!(
        document.len() <= MAX_DOCUMENT_BYTES,
        "{what}: {} bytes",
        document.len()
    );
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(integrated(&document).len()));
    let found = receiver.recv_timeout(LIMIT);
    found.unwrap_or_else(|_| panic!("{what}: not read within {LIMIT:?}"))
}

fn each(count: usize, write: impl Fn(usize) -> String) -> String {
    (0..count).map(write).collect()
}

/// Ports of the binding `b`, as short as they can be.
fn ports(count: usize) -> String {
    format!(
        "<wsdl:service>{}</wsdl:service>",
        each(count, |at| format!(
            "<wsdl:port binding='b'><soap12:address location='https://a.example/{at}'/></wsdl:port>"
        ))
    )
}

fn document(parts: &[&str]) -> String {
    let policy = policy("p", NEGOTIATE);
    sections(&[section("urn:t", &format!("{policy}{}", parts.concat()))])
}

/// Parts of a binding `b` that issues, with more in it.
fn issuing(attributes: &str, inside: &str) -> String {
    binding("b", "p", &[ISSUE_13])
        .replace("<wsdl:binding ", &format!("<wsdl:binding {attributes} "))
        .replace("<wsp:PolicyReference URI='#p'/>", inside)
}

#[test]
fn many_ports_of_one_large_binding_are_read_in_time() {
    let references = "#p ".repeat(150_000);
    let other = "<wsdl:operation name='o'/>";
    let operation = format!("<wsdl:operation><soap12:operation soapAction='{ISSUE_13}'/>");
    let cases = [
        (
            "PolicyURIs",
            issuing(&format!("wsp:PolicyURIs='{references}'"), ""),
        ),
        (
            "references",
            issuing("", &"<wsp:PolicyReference URI='#p'/>".repeat(12_000)),
        ),
        (
            "operations",
            issuing(
                "",
                &format!("<wsp:PolicyReference URI='#p'/>{}", other.repeat(15_000)),
            ),
        ),
        (
            "inputs",
            issuing("", "<wsp:PolicyReference URI='#p'/>").replace(
                &operation,
                &format!("{operation}{}", "<wsdl:input/>".repeat(25_000)),
            ),
        ),
    ];
    for (what, binding) in cases {
        assert_eq!(
            endpoints(what, document(&[&binding, &ports(5_000)])),
            5_000,
            "{what}"
        );
    }
}

#[test]
fn many_bindings_of_one_large_port_type_are_read_in_time() {
    let bindings = each(3_000, |at| {
        issuing("type='I'", "").replace("'b'", &format!("'b{at}'"))
    });
    let bindings = bindings.replace("<wsdl:operation>", "<wsdl:operation name='o'>");
    let service = format!(
        "<wsdl:service>{}</wsdl:service>",
        port("b2999", "https://a.example/w")
    );
    for (what, inside) in [
        (
            "operations",
            "<wsdl:operation name='o'><wsp:PolicyReference URI='#p'/></wsdl:operation>"
                .repeat(2_500),
        ),
        (
            "inputs",
            format!(
                "<wsdl:operation name='o'><wsp:PolicyReference URI='#p'/>{}</wsdl:operation>",
                "<wsdl:input/>".repeat(15_000)
            ),
        ),
        (
            "references",
            "<wsp:PolicyReference URI='#p'/>".repeat(6_000),
        ),
    ] {
        let port_type = format!("<wsdl:portType name='I'>{inside}</wsdl:portType>");
        assert_eq!(
            endpoints(what, document(&[&port_type, &bindings, &service])),
            1,
            "{what}"
        );
    }
}

#[test]
fn many_attachments_to_one_address_are_read_in_time() {
    let address = "<wsp:URI>https://a.example/w</wsp:URI>";
    let reference = "<wsp:PolicyReference URI='#p'/>";
    let same =
        "<wsdl:port binding='b'><soap12:address location='https://a.example/w'/></wsdl:port>";
    let service = format!("<wsdl:service>{}</wsdl:service>", same.repeat(3_000));
    let bare = issuing("", "");
    for (what, attachments) in [
        (
            "attachments",
            format!(
                "<wsp:PolicyAttachment><wsp:AppliesTo>{address}</wsp:AppliesTo>{reference}</wsp:PolicyAttachment>"
            )
            .repeat(4_500),
        ),
        (
            "addresses and references",
            format!(
                "<wsp:PolicyAttachment><wsp:AppliesTo>{}</wsp:AppliesTo>{}</wsp:PolicyAttachment>",
                address.repeat(8_000),
                reference.repeat(10_000)
            ),
        ),
    ] {
        assert_eq!(
            endpoints(what, document(&[&bare, &attachments, &service])),
            3_000,
            "{what}"
        );
    }
}

#[test]
fn policies_in_each_other_are_read_in_time() {
    let port = service(&[port("b", "https://a.example/w")]);
    let nested = |inside: &str| {
        let open = each(110, |at| format!("<wsp:Policy Id='n{at}'>"));
        format!("{open}{inside}{}", "</wsp:Policy>".repeat(110))
    };
    let refers_to = |id: &str| issuing("", &format!("<wsp:PolicyReference URI='#{id}'/>"));
    let chain = |at: usize| {
        format!(
            "<wsp:Policy Id='c{at}'><wsp:PolicyReference URI='#c{}'/></wsp:Policy>",
            at + 1
        )
    };
    let last = "<wsp:Policy Id='c12000'><wsp:PolicyReference URI='#p'/></wsp:Policy>";
    let assertions = format!(
        "<e xmlns='{HTTP}'>{}</e>",
        "<NegotiateAuthentication/>".repeat(30_000)
    );
    for (what, policies, id) in [
        (
            "references in nested policies",
            nested(&"<wsp:PolicyReference URI='#p'/>".repeat(30_000)),
            "n0",
        ),
        ("assertions in nested policies", nested(&assertions), "n0"),
        (
            "policies in nested policies",
            nested(&each(30_000, |at| format!("<wsp:Policy Id='i{at}'/>"))).replace(
                "Id='i29999'/>",
                &format!("Id='i29999'>{NEGOTIATE}</wsp:Policy>"),
            ),
            "n0",
        ),
        ("a chain", format!("{}{last}", each(12_000, chain)), "c0"),
        (
            "a chain from its end",
            format!("{last}{}", each(12_000, |at| chain(11_999 - at))),
            "c0",
        ),
    ] {
        assert_eq!(
            endpoints(what, document(&[&policies, &refers_to(id), &port])),
            1,
            "{what}"
        );
    }
}

const HTTP: &str = "http://schemas.microsoft.com/ws/06/2004/policy/http";

#[test]
fn long_names_and_spaces_are_not_read_for_each_port() {
    let long = "x".repeat(400_000);
    let bare = "<wsdl:binding name='b'/>".repeat(5_000);
    let issuing = issuing("", "<wsp:PolicyReference URI='#p'/>");
    let policy = policy("p", NEGOTIATE);
    let ports = ports(4_000);
    for (what, namespace) in [
        ("a long namespace", long.clone()),
        ("white space", " ".repeat(400_000)),
    ] {
        let inside = format!("{policy}{issuing}{bare}{ports}");
        let document = sections(&[section(&namespace, &inside)]);
        assert_eq!(endpoints(what, document), 4_000, "{what}");
    }
    let prefixed = ports.replace("binding='b'", "binding='q:b'");
    let document = sections(&[section("urn:t", &format!("{policy}{issuing}{prefixed}"))]);
    let document = document.replacen("<x:Metadata ", &format!("<x:Metadata xmlns:q='{long}' "), 1);
    assert_eq!(endpoints("a long prefix's namespace", document), 4_000);
    let host = format!("https://{}", "xn--a-ecp.".repeat(90_000));
    let attachment = format!(
        "<wsp:PolicyAttachment><wsp:AppliesTo><wsp:URI>{host}</wsp:URI></wsp:AppliesTo></wsp:PolicyAttachment>"
    );
    let service = super::service(&[port("b", "https://a.example/w")]);
    let inside = format!("{policy}{attachment}{issuing}{service}");
    let document = sections(&[section("urn:t", &inside)]);
    assert_eq!(endpoints("a long host", document), 1);
}
