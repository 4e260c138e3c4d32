//! Documents in several sections, and the ways in which a policy is attached to an endpoint.

use super::*;

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
