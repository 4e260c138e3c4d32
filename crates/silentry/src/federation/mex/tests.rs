//! The selection rule on small documents in the shape of AD FS.

use super::*;

mod hostile;

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
fn contract_bindings_policies_and_service_may_each_have_a_section() {
    let (policy, binding) = (policy("p", NEGOTIATE), binding("b", "p", &[ISSUE_2005]));
    let service = service(&[port("b", WINDOWS)]);
    let imported = "<wsdl:import namespace='urn:other' location='#other'/>";
    let types = "<wsdl:types/><wsdl:portType name='I'/>";
    for document in [
        sections(&[
            section("urn:contract", types),
            section("urn:t", &format!("{policy}{binding}{service}")),
        ]),
        sections(&[
            section("urn:t", &format!("{policy}{binding}")),
            section("urn:t", &service),
        ]),
        sections(&[
            section("urn:t", &service),
            section("urn:t", &binding),
            section("urn:t", &policy),
        ]),
        sections(&[
            format!("<x:MetadataSection>{policy}</x:MetadataSection>"),
            section("urn:t", &format!("{imported}{service}")),
            // One that is nested, as of a server that asks another.
            format!(
                "<x:MetadataSection><x:Metadata>{}</x:Metadata></x:MetadataSection>",
                section("urn:other", &binding)
            ),
        ]),
    ] {
        let found = integrated(&document);
        assert_eq!(
            found,
            [(WsTrustVersion::V2005, WINDOWS.to_owned())],
            "{document}"
        );
    }
}

#[test]
fn a_policy_may_be_attached_in_every_way_that_there_is() {
    let bare = binding("b", "none", &[ISSUE_13]);
    let all = format!("<wsp:ExactlyOne><wsp:All>{NEGOTIATE}</wsp:All></wsp:ExactlyOne>");
    let with = |attribute: &str, inside: &str, policies: &str| {
        let binding = bare
            .replace("<wsdl:binding ", &format!("<wsdl:binding {attribute} "))
            .replace("<wsp:PolicyReference URI='#none'/>", inside);
        let service = service(&[port("b", WINDOWS)]);
        sections(&[section("urn:t", &format!("{policies}{binding}{service}"))])
    };
    let reference = "<wsp:PolicyReference URI='#p'/>";
    let attached = [
        // By each kind of id.
        with(
            "",
            reference,
            &format!("<wsp:Policy wsu:Id='p'>{all}</wsp:Policy>"),
        ),
        with(
            "",
            reference,
            &format!("<wsp:Policy xml:id='p'>{all}</wsp:Policy>"),
        ),
        with(
            "",
            reference,
            &format!("<wsp:Policy Id=' p '>{all}</wsp:Policy>"),
        ),
        with(
            "",
            "<wsp:PolicyReference URI=' urn:p '/>",
            &format!("<wsp:Policy Name='urn:p'>{all}</wsp:Policy>"),
        ),
        with(
            "",
            "<wsp:PolicyReference URI='https://sts.contoso.com/mex#p'/>",
            &policy("p", NEGOTIATE),
        ),
        with(
            "",
            "<wsp:PolicyReference URI='urn:policies#p'/>",
            &format!("<wsp:Policy Name='urn:policies#p'>{all}</wsp:Policy>"),
        ),
        with(
            "",
            "<wsp:PolicyReference URI='#richtl%C3%AFnie'/>",
            &policy("richtlïnie", NEGOTIATE),
        ),
        // By the attribute, which takes several.
        with("wsp:PolicyURIs='#other  #p'", "", &policy("p", NEGOTIATE)),
        // Where it stands.
        with("", &format!("<wsp:Policy>{all}</wsp:Policy>"), ""),
        // By another that includes it, and by one that includes itself.
        with(
            "",
            "<wsp:PolicyReference URI='#outer'/>",
            &format!(
                "<wsp:Policy wsu:Id='outer'><wsp:All>{reference}</wsp:All></wsp:Policy>{}",
                policy("p", NEGOTIATE)
            ),
        ),
        with(
            "",
            reference,
            &format!("<wsp:Policy wsu:Id='p'>{reference}{all}</wsp:Policy>"),
        ),
    ];
    for document in &attached {
        assert_eq!(
            integrated(document),
            [(WsTrustVersion::V1_3, WINDOWS.to_owned())],
            "{document}"
        );
    }

    // To the port, and to the port type.
    let policies = policy("p", NEGOTIATE);
    let port = port("b", WINDOWS).replace("'tns:b'>", &format!("'tns:b'>{reference}"));
    let at_port = sections(&[section(
        "urn:t",
        &format!("{policies}{bare}{}", service(&[port])),
    )]);
    let port_type = format!("<wsdl:portType name='I'>{reference}</wsdl:portType>");
    let typed = bare.replace("name='b'", "name='b' type='tns:I'");
    let at_type = sections(&[section(
        "urn:t",
        &format!(
            "{policies}{port_type}{typed}{}",
            service(&[self::port("b", WINDOWS)])
        ),
    )]);
    for document in [at_port, at_type] {
        assert_eq!(integrated(&document).len(), 1, "{document}");
    }

    // To the operation that issues, to its message, and from outside to the address.
    let operation = |inside: &str| {
        let end = "</wsdl:operation>";
        with("", "", &policies).replacen(end, &format!("{inside}{end}"), 1)
    };
    let outside = |subject: &str| {
        let attachment = format!(
            "<wsp:PolicyAttachment><wsp:AppliesTo>{subject}</wsp:AppliesTo>{reference}</wsp:PolicyAttachment>"
        );
        with("", "", &format!("{policies}{attachment}"))
    };
    for document in [
        operation(reference),
        operation(&format!("<wsdl:input>{reference}</wsdl:input>")),
        outside(&format!(
            "<wsa:EndpointReference><wsa:Address> {WINDOWS} </wsa:Address></wsa:EndpointReference>"
        )),
        outside(&format!("<wsp:URI>{WINDOWS}</wsp:URI>")),
        outside("<wsp:URI>HTTPS://STS.Contoso.com:443/w</wsp:URI>"),
        outside("<wsp:URI>urn:t#wsdl11.binding(b)</wsp:URI>"),
    ] {
        assert_eq!(integrated(&document).len(), 1, "{document}");
    }
    for other in [
        "https://sts.contoso.com/other",
        "https://sts.contoso.com:444/w",
        "https://sts.contoso.com/W",
        "urn:t#wsdl11.binding(c)",
        "urn:other#wsdl11.binding(b)",
        "urn:t#wsdl11.portType(b)",
    ] {
        assert_eq!(
            instead(&outside(&format!("<wsp:URI>{other}</wsp:URI>"))),
            FoundInstead::Nothing,
            "{other}"
        );
    }

    // None of it attaches what is not there, or stands elsewhere.
    for document in [
        with("", reference, ""),
        with("PolicyURIs='#p'", "", &policy("p", NEGOTIATE)),
        with("", "", &policy("p", NEGOTIATE)),
    ] {
        assert_eq!(instead(&document), FoundInstead::Nothing, "{document}");
    }
}

/// Metadata whose binding `b` has a port type with this operation `Issue`.
fn with_port_type(operation: &str) -> String {
    let port_type = format!(
        "<wsdl:portType name='I'><wsdl:operation name='Other'><wsp:PolicyReference URI='#other'/></wsdl:operation>\
         <wsdl:operation name='Issue'>{operation}</wsdl:operation></wsdl:portType>"
    );
    let binding = binding("b", "none", &[ISSUE_13])
        .replace("name='b'", "name='b' type='tns:I'")
        .replace("<wsdl:operation>", "<wsdl:operation name=' Issue'>");
    let service = service(&[port("b", WINDOWS)]);
    let policies = format!(
        "{}{}",
        policy("p", NEGOTIATE),
        policy("other", &format!("{TRANSPORT}{PASSWORD}"))
    );
    sections(&[section(
        "urn:t",
        &format!("{policies}{port_type}{binding}{service}"),
    )])
}

#[test]
fn the_port_types_operation_may_have_the_policy() {
    let reference = "<wsp:PolicyReference URI='#p'/>";
    for operation in [
        reference.to_owned(),
        format!("<wsdl:input>{reference}</wsdl:input>"),
        "<wsdl:input wsp:PolicyURIs='#p'/>".to_owned(),
    ] {
        let document = with_port_type(&operation);
        let found = integrated(&document);
        assert_eq!(found, [(WsTrustVersion::V1_3, WINDOWS.to_owned())]);
        // Not that of another operation.
        assert!(parse(&document).username_password().is_err());
    }
    let about_the_answer = format!("<wsdl:output>{reference}</wsdl:output>");
    let document = with_port_type(&about_the_answer);
    assert_eq!(instead(&document), FoundInstead::Nothing);
}

#[test]
fn the_endpoint_reference_of_a_port_may_have_the_policy() {
    let bare = binding("b", "none", &[ISSUE_13]);
    let reference = "<wsp:PolicyReference URI='#p'/>";
    for inside in [
        format!("<wsa:Metadata>{reference}</wsa:Metadata>"),
        reference.to_owned(),
    ] {
        let end = "</wsa:EndpointReference>";
        let port = port("b", WINDOWS).replace(end, &format!("{inside}{end}"));
        let document = definitions(&[policy("p", NEGOTIATE), bare.clone()], &[port]);
        assert_eq!(integrated(&document).len(), 1, "{document}");
    }
}

#[test]
fn either_name_of_soap_over_http_will_do() {
    let document = single(NEGOTIATE, &[ISSUE_13], WINDOWS).replace(
        "http://schemas.xmlsoap.org/soap/http",
        "http://www.w3.org/2003/05/soap/bindings/HTTP/",
    );
    assert_eq!(integrated(&document).len(), 1);
}

#[test]
fn a_binding_is_that_of_the_ports_own_section_unless_its_name_says_otherwise() {
    let policies = [format!("{TRANSPORT}{PASSWORD}"), NEGOTIATE.to_owned()];
    let addresses = ["https://sts.contoso.com/u", WINDOWS];
    let binding = binding("b", "p", &[ISSUE_13]);
    let two = |namespaces: [&str; 2], names: [&str; 2]| {
        let part = |at: usize| {
            let port = port("b", addresses[at]).replace("tns:b", names[at]);
            let inside = format!(
                "{}{binding}{}",
                policy("p", &policies[at]),
                service(&[port])
            );
            match namespaces[at] {
                "" => section("", &inside).replace("targetNamespace=''", ""),
                namespace => section(namespace, &inside),
            }
        };
        sections(&[part(0), part(1)])
    };
    let endpoints = |document: &str| {
        let metadata = parse(document);
        let url = |found: Result<&[FederationEndpoint], EndpointNotFound>| {
            let found = found.unwrap_or_default().iter();
            found.map(|one| one.url().to_string()).collect::<Vec<_>>()
        };
        (
            url(metadata.username_password()),
            url(metadata.integrated_windows()),
        )
    };
    let own = (vec![addresses[0].to_owned()], vec![addresses[1].to_owned()]);
    for namespaces in [
        ["urn:one", "urn:two"],
        ["", ""],
        ["urn:t", "urn:t"],
        ["", "urn:two"],
    ] {
        for name in ["b", "q:b", "tns:b"] {
            let document = two(namespaces, [name, name]);
            assert_eq!(endpoints(&document), own, "{namespaces:?} {name}");
        }
    }
    // Each names that of the other.
    let crossed = two(["urn:one", "urn:two"], ["two:b", "one:b"]);
    let other = (own.1.clone(), own.0.clone());
    assert_eq!(endpoints(&crossed), other);

    // A port that stands elsewhere and does not say which it means means neither.
    for (name, found) in [
        ("b", (vec![], vec![])),
        ("q:b", (vec![], vec![])),
        ("two:b", (vec![], vec![WINDOWS.to_owned()])),
    ] {
        let services = service(&[port("b", WINDOWS).replace("tns:b", name)]);
        let parts = [("urn:one", 0), ("urn:two", 1)].map(|(namespace, at)| {
            section(
                namespace,
                &format!("{}{binding}", policy("p", &policies[at])),
            )
        });
        let document = sections(&[section("urn:t", &services), parts.concat()]);
        assert_eq!(endpoints(&document), found, "{name}");
    }
}

#[test]
fn names_and_ids_mean_those_of_their_own_section_first() {
    let one = format!(
        "{}{}",
        policy("p", NEGOTIATE),
        binding("b", "p", &[ISSUE_13])
    );
    let two = format!(
        "{}{}",
        policy("p", &format!("{TRANSPORT}{PASSWORD}")),
        binding("b", "p", &[ISSUE_13])
    );
    let ports = [
        port("b", "https://sts.contoso.com/u").replace("tns:", "two:"),
        port("b", WINDOWS).replace("tns:", "one:"),
    ];
    let document = sections(&[
        section("urn:one", &one),
        section("urn:two", &two),
        section("urn:t", &service(&ports)),
    ]);
    let metadata = parse(&document);
    let url = |found: &[FederationEndpoint]| {
        found
            .iter()
            .map(|one| one.url().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(url(metadata.integrated_windows().unwrap()), [WINDOWS]);
    assert_eq!(
        url(metadata.username_password().unwrap()),
        ["https://sts.contoso.com/u"]
    );
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

#[test]
fn advice_is_about_the_endpoint_that_was_looked_for() {
    let nothing = parse(&single(TRANSPORT, &[ISSUE_13], "https://a.example/c"));
    let for_ticket = nothing.integrated_windows().unwrap_err().mitigation();
    let for_password = nothing.username_password().unwrap_err().mitigation();
    for (advice, speaks, silent) in [
        (&for_ticket, "windowstransport", "usernamemixed"),
        (&for_password, "usernamemixed", "windowstransport"),
    ] {
        advice.check(speaks);
        let text = advice.for_command();
        assert!(text.contains(speaks) && !text.contains(silent), "{text}");
    }
}
