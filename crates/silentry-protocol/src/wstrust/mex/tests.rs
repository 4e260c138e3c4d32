//! The selection rule on small documents in the shape of AD FS.

use super::*;

mod hostile;
mod sections;

const NEGOTIATE: &str =
    "<h:NegotiateAuthentication xmlns:h='http://schemas.microsoft.com/ws/06/2004/policy/http'/>";
const NTLM: &str =
    "<h:NtlmAuthentication xmlns:h='http://schemas.microsoft.com/ws/06/2004/policy/http'/>";
const PASSWORD: &str = "<sp:SignedEncryptedSupportingTokens><wsp:Policy><sp:UsernameToken><wsp:Policy><sp:WssUsernameToken10/>\
     </wsp:Policy></sp:UsernameToken></wsp:Policy></sp:SignedEncryptedSupportingTokens>";
const TRANSPORT: &str = "<sp:TransportBinding/>";
const ISSUE_13: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue";
const ISSUE_2005: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue";

/// A policy in the shape of AD FS.
fn policy(id: &str, assertions: &str) -> String {
    format!(
        "<wsp:Policy wsu:Id='{id}'><wsp:ExactlyOne><wsp:All>{assertions}</wsp:All></wsp:ExactlyOne></wsp:Policy>"
    )
}

fn binding(name: &str, policy: &str, actions: &[&str]) -> String {
    let operations: String = actions
        .iter()
        .map(|action| {
            format!("<wsdl:operation><soap12:operation soapAction='{action}'/></wsdl:operation>")
        })
        .collect();
    format!(
        "<wsdl:binding name='{name}'><wsp:PolicyReference URI='#{policy}'/>\
         <soap12:binding transport='http://schemas.xmlsoap.org/soap/http'/>{operations}</wsdl:binding>"
    )
}

fn port(binding: &str, address: &str) -> String {
    format!(
        "<wsdl:port binding='tns:{binding}'><wsa:EndpointReference><wsa:Address>{address}</wsa:Address></wsa:EndpointReference></wsdl:port>"
    )
}

fn definitions(parts: &[String], ports: &[String]) -> String {
    format!(
        "<wsdl:definitions xmlns:wsdl='http://schemas.xmlsoap.org/wsdl/' xmlns:tns='urn:t' \
         xmlns:soap12='http://schemas.xmlsoap.org/wsdl/soap12/' xmlns:wsa='http://www.w3.org/2005/08/addressing' \
         xmlns:wsp='http://schemas.xmlsoap.org/ws/2004/09/policy' xmlns:sp='http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702' \
         xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'>\
         {}<wsdl:service>{}</wsdl:service></wsdl:definitions>",
        parts.concat(),
        ports.concat()
    )
}

/// Metadata with one policy, one binding and one port.
fn single(assertions: &str, actions: &[&str], address: &str) -> String {
    definitions(
        &[policy("p", assertions), binding("b", "p", actions)],
        &[port("b", address)],
    )
}

fn parse(document: &str) -> FederationMetadata {
    let url = HttpsUrl::parse("https://sts.contoso.com/adfs/services/trust/mex?a=b").unwrap();
    FederationMetadata::parse(document.as_bytes(), Some("text/xml"), Some(&url)).unwrap()
}

fn integrated(document: &str) -> Vec<(WsTrustVersion, String)> {
    let metadata = parse(document);
    let endpoints = metadata.integrated_windows().unwrap_or_default();
    endpoints
        .iter()
        .map(|found| (found.version(), found.url().to_string()))
        .collect()
}

fn instead(document: &str) -> FoundInstead {
    parse(document).integrated_windows().unwrap_err().instead
}

/// Definitions of one section, with a namespace of their own.
fn section(namespace: &str, inside: &str) -> String {
    format!(
        "<x:MetadataSection><wsdl:definitions targetNamespace='{namespace}'>{inside}</wsdl:definitions></x:MetadataSection>"
    )
}

fn sections(sections: &[String]) -> String {
    format!(
        "<x:Metadata xmlns:x='http://schemas.xmlsoap.org/ws/2004/09/mex' xmlns:wsdl='http://schemas.xmlsoap.org/wsdl/' \
         xmlns:soap12='http://schemas.xmlsoap.org/wsdl/soap12/' xmlns:wsa='http://www.w3.org/2005/08/addressing' \
         xmlns:tns='urn:t' xmlns:one='urn:one' xmlns:two='urn:two' \
         xmlns:wsp='http://schemas.xmlsoap.org/ws/2004/09/policy' xmlns:sp='http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702' \
         xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'>{}</x:Metadata>",
        sections.concat()
    )
}

fn service(ports: &[String]) -> String {
    format!("<wsdl:service>{}</wsdl:service>", ports.concat())
}

const WINDOWS: &str = "https://sts.contoso.com/w";

#[test]
fn version_13_comes_first_then_document_order() {
    let parts = [
        policy("p", NEGOTIATE),
        binding("old", "p", &[ISSUE_2005]),
        binding("new", "p", &[ISSUE_13]),
    ];
    let ports = [
        port("old", "https://a.example/1"),
        port("new", "https://a.example/2"),
        port("new", "https://a.example/3"),
        port("old", "https://a.example/4"),
    ];
    let found = integrated(&definitions(&parts, &ports));
    let order: String = found.iter().map(|(_, url)| &url[url.len() - 1..]).collect();
    assert_eq!(order, "2314");
    assert_eq!(found[0].0, WsTrustVersion::V1_3);
}

#[test]
fn a_policy_is_known_by_what_is_anywhere_in_it() {
    let address = "https://sts.contoso.com/w";
    for nested in [
        format!("{NTLM}{NEGOTIATE}"),
        format!(
            "<wsp:ExactlyOne><wsp:All>{NTLM}</wsp:All><wsp:All>{NEGOTIATE}</wsp:All></wsp:ExactlyOne>"
        ),
    ] {
        assert_eq!(integrated(&single(&nested, &[ISSUE_13], address)).len(), 1);
    }
    let ntlm = single(NTLM, &[ISSUE_13], address);
    assert_eq!(instead(&ntlm), FoundInstead::NtlmOnly);
    assert_eq!(parse(&ntlm).ntlm_only()[0].url().as_str(), address);
}

#[test]
fn a_token_that_is_included_counts_among_supporting_tokens_alone() {
    let token = policy(
        "t",
        "<sp:UsernameToken><wsp:Policy><sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>",
    );
    let reference = "<wsp:PolicyReference URI='#t'/>";
    for (inside, usable) in [
        (
            format!(
                "{TRANSPORT}<sp:SignedSupportingTokens>{reference}</sp:SignedSupportingTokens>"
            ),
            true,
        ),
        (format!("{TRANSPORT}{reference}"), false),
    ] {
        let document = definitions(
            &[
                token.clone(),
                policy("p", &inside),
                binding("b", "p", &[ISSUE_13]),
            ],
            &[port("b", "https://a.example/u")],
        );
        assert_eq!(
            parse(&document).username_password().is_ok(),
            usable,
            "{inside}"
        );
    }
}

#[test]
fn a_password_policy_needs_transport_security() {
    for (assertions, usable) in [
        (format!("{TRANSPORT}{PASSWORD}"), true),
        (
            format!(
                "{TRANSPORT}{}",
                PASSWORD.replace("SignedEncrypted", "Signed")
            ),
            true,
        ),
        (format!("<sp:SymmetricBinding/>{PASSWORD}"), false),
        (TRANSPORT.to_owned(), false),
        (
            format!(
                "{TRANSPORT}{}",
                PASSWORD.replace("SignedEncrypted", "Endorsing")
            ),
            false,
        ),
    ] {
        let metadata = parse(&single(&assertions, &[ISSUE_13], "https://a.example/u"));
        assert_eq!(metadata.username_password().is_ok(), usable, "{assertions}");
        assert!(metadata.integrated_windows().is_err());
    }
}

#[test]
fn both_generations_of_policy_namespaces_count_and_others_do_not() {
    let document = single(
        &format!("{TRANSPORT}{PASSWORD}"),
        &[ISSUE_2005],
        "https://a.example/u",
    );
    for (from, to, usable) in [
        (
            "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
            "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
            true,
        ),
        (
            "http://schemas.xmlsoap.org/ws/2004/09/policy",
            "http://www.w3.org/ns/ws-policy",
            true,
        ),
        (
            "http://schemas.xmlsoap.org/wsdl/'",
            "http://schemas.xmlsoap.org/wsdl2/'",
            false,
        ),
        ("http://www.w3.org/2005/08/addressing", "urn:other", false),
        (
            "http://schemas.xmlsoap.org/ws/2004/09/policy",
            "urn:other",
            false,
        ),
    ] {
        let metadata = parse(&document.replace(from, to));
        assert_eq!(metadata.username_password().is_ok(), usable, "{to}");
    }
}

#[test]
fn prefixes_mean_nothing() {
    let document = single(NEGOTIATE, &[ISSUE_2005], "https://a.example/w");
    let renamed = document
        .replace("<wsdl:", "<")
        .replace("</wsdl:", "</")
        .replace("xmlns:wsdl=", "xmlns=")
        .replace("wsp:", "q:")
        .replace("xmlns:wsp=", "xmlns:q=")
        .replace("wsu:", "z:")
        .replace("xmlns:wsu=", "xmlns:z=")
        .replace("tns:b", "other:b");
    assert_eq!(integrated(&renamed).len(), 1, "{renamed}");
}

#[test]
fn the_first_operation_that_issues_decides() {
    let cancel = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Cancel";
    for (actions, version) in [
        (
            &[cancel, ISSUE_2005, ISSUE_13][..],
            Some(WsTrustVersion::V2005),
        ),
        (&[&ISSUE_13.to_uppercase()], Some(WsTrustVersion::V1_3)),
        (&[cancel], None),
        (&[""], None),
        (&[], None),
    ] {
        let found = integrated(&single(NEGOTIATE, actions, "https://a.example/w"));
        assert_eq!(
            found.first().map(|(version, _)| *version),
            version,
            "{actions:?}"
        );
    }
}

#[test]
fn a_binding_with_a_missing_piece_is_skipped_alone() {
    let broken = single(NEGOTIATE, &[ISSUE_13], "https://a.example/broken");
    let good = "<wsdl:binding name='good'><wsp:PolicyReference URI='#none'/><wsp:PolicyReference/>\
        <wsp:PolicyReference URI='#p'/><soap12:binding transport='http://schemas.xmlsoap.org/soap/http'/>\
        <wsdl:operation><soap12:operation soapAction='http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue'/></wsdl:operation>\
        </wsdl:binding><wsdl:service>";
    let broken = broken.replacen("<wsdl:service>", good, 1).replace(
        "</wsdl:service>",
        &format!("{}</wsdl:service>", port("good", "https://a.example/good")),
    );
    assert_eq!(integrated(&broken).len(), 2);
    for (from, to) in [
        ("name='b'", ""),
        ("name='b'", "name=' '"),
        ("transport='http://schemas.xmlsoap.org/soap/http'", ""),
        (
            "transport='http://schemas.xmlsoap.org/soap/http'",
            "transport='urn:smtp'",
        ),
        ("URI='#p'", ""),
        ("URI='#p'", "URI='p'"),
        ("soapAction='http://docs", "x='http://docs"),
        ("binding='tns:b'", ""),
        ("<wsa:Address>https://a.example/broken</wsa:Address>", ""),
        (
            "soap12:binding",
            "soap11:binding xmlns:soap11='http://schemas.xmlsoap.org/wsdl/soap/'",
        ),
    ] {
        let document = broken.replacen(from, to, 1);
        assert_ne!(document, broken);
        let urls: Vec<_> = integrated(&document)
            .into_iter()
            .map(|(_, url)| url)
            .collect();
        assert_eq!(urls, ["https://a.example/good"], "{from} -> {to}");
    }
}

#[test]
fn the_addressing_address_wins_over_soaps_unless_it_is_empty() {
    let document = |address: &str| {
        single(NEGOTIATE, &[ISSUE_13], address).replace(
            "</wsdl:port>",
            "<soap12:address location='&#10; https://soap.example/w&#9;'/></wsdl:port>",
        )
    };
    for (address, host) in [
        (
            "\r\n https://<!-- -->addressing.example/w\t",
            "https://addressing.example/w",
        ),
        (" \n", "https://soap.example/w"),
    ] {
        assert_eq!(integrated(&document(address))[0].1, host);
    }
    // One that is there but refused is not replaced: the two are said to be the same place.
    assert!(matches!(
        instead(&document("http://a.example/w")),
        FoundInstead::RefusedAddresses(_)
    ));
}

#[test]
fn relative_addresses_are_resolved_and_http_ones_refused() {
    let relative = single(
        NEGOTIATE,
        &[ISSUE_13],
        "../trust/13/windowstransport?x=1&amp;y=2",
    );
    let resolved = "https://sts.contoso.com/adfs/services/trust/13/windowstransport?x=1&y=2";
    assert_eq!(integrated(&relative)[0].1, resolved);
    let unresolved = FederationMetadata::parse(relative.as_bytes(), None, None).unwrap();
    assert!(
        unresolved
            .integrated_windows()
            .unwrap_err()
            .to_string()
            .contains("relative")
    );
    let http = single(NEGOTIATE, &[ISSUE_13], "HTTP://sts.contoso.com/w");
    assert!(matches!(instead(&http), FoundInstead::RefusedAddresses(_)));
}

#[test]
fn certificate_endpoints_are_not_for_tickets() {
    for address in [
        "https://certauth.sts.contoso.com/w",
        "https://sts.contoso.com:49443/w",
    ] {
        let document = single(NEGOTIATE, &[ISSUE_13], address);
        assert_eq!(instead(&document), FoundInstead::CertificateHost);
    }
}

#[test]
fn the_definitions_may_be_wrapped() {
    let inner = single(NEGOTIATE, &[ISSUE_13], "https://a.example/w");
    for (open, close) in [
        (
            "<x:Metadata xmlns:x='http://schemas.xmlsoap.org/ws/2004/09/mex'><x:MetadataSection>",
            "</x:MetadataSection></x:Metadata>",
        ),
        (
            "<s:Envelope xmlns:s='https://www.w3.org/2003/05/soap-envelope'><s:Body>",
            "</s:Body></s:Envelope>",
        ),
    ] {
        assert_eq!(
            integrated(&format!("{open}{inner}{close}")).len(),
            1,
            "{open}"
        );
    }
    let root = FoundInstead::NoWsdl {
        root: "Fault".to_owned(),
    };
    assert_eq!(instead("<Fault/>"), root);
}

#[test]
fn passwords_alone_mean_that_we_are_outside() {
    let document = single(
        &format!("{TRANSPORT}{PASSWORD}"),
        &[ISSUE_13],
        "https://a.example/u",
    );
    assert_eq!(instead(&document), FoundInstead::UsernamePasswordOnly);
    let nothing = single(TRANSPORT, &[ISSUE_13], "https://a.example/certificatemixed");
    assert_eq!(instead(&nothing), FoundInstead::Nothing);
}
