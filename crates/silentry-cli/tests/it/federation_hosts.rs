//! Which federation servers the command sends a ticket to.

use crate::support::{Place, metadata};

const IWA: [&str; 6] = [
    "token",
    "--mode=iwa",
    "--cache=none",
    "-o=json",
    "--scope=https://graph.microsoft.com/User.Read",
    "--tenant=contoso.test",
];

#[test]
fn the_list_comes_from_the_line_the_environment_or_the_file() {
    let place = Place::of("foreign-mex-host");
    let error = place.run(&IWA).error(5);
    assert_eq!(error["error"], "federation_host_not_trusted");

    let list = ["--federation-hosts", "a.test,sts.fabrikam.test:443"];
    let arguments: Vec<_> = IWA.into_iter().chain(list).collect();
    place.run(&arguments).ok();

    let mut command = place.silentry(&IWA);
    command.env("SILENTRY_FEDERATION_HOSTS", "a.test, sts.fabrikam.test");
    assert!(command.output().unwrap().status.success());

    let file = place.folder.path().join("config.toml");
    std::fs::write(&file, "federation-hosts = [\"sts.fabrikam.test\"]\n").unwrap();
    let file = format!("--config={}", file.display());
    let arguments: Vec<_> = IWA.into_iter().chain([file.as_str()]).collect();
    place.run(&arguments).ok();

    let list = ["--federation-hosts=https://sts.fabrikam.test/"];
    let arguments: Vec<_> = IWA.into_iter().chain(list).collect();
    let error = place.run(&arguments).error(2);
    assert_eq!(error["error"], "invalid_federation_host");
}

/// Whoever writes the realm answer chooses the server; the ticket must not be worth something elsewhere.
#[test]
fn the_ticket_of_another_host_needs_a_listed_server() {
    let place = Place::new();
    let with = |arguments: &[&str]| place.run(&[&IWA[..], arguments].concat());
    let other = ["--spn", "HTTP/intranet.contoso.test"];
    let error = with(&other).error(5);
    assert_eq!(error["error"], "federation_host_not_trusted");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("HTTP/intranet.contoso.test"), "{message}");

    let listed = ["--federation-hosts", "sts.contoso.test"];
    let error = with(&[listed, other].concat()).error(5);
    assert_eq!(error["error"], "kerberos_unknown_service_principal");
    for own in [
        "HTTP/sts.contoso.test",
        "HTTP/sts.contoso.test@CORP.CONTOSO.TEST",
    ] {
        with(&["--spn", own]).ok();
    }
}

/// The caller vouches for the hosts in the document, and for none of the realm answer's.
#[test]
fn an_address_without_a_host_in_own_metadata_leads_nowhere() {
    let place = Place::of("foreign-mex-host");
    let file = place.folder.path().join("mex.xml");
    let arguments = ["--federation-metadata", file.to_str().unwrap()];
    let arguments = [&IWA[..], &arguments].concat();
    let path = "/adfs/services/trust/13/windowstransport";
    for (address, code) in [
        (path.to_owned(), "wstrust_endpoint_not_found"),
        (
            format!("https://10.0.0.5{path}"),
            "federation_host_not_trusted",
        ),
    ] {
        std::fs::write(&file, metadata(&address)).unwrap();
        assert_eq!(place.run(&arguments).error(5)["error"], code, "{address}");
    }
    std::fs::write(&file, metadata(&format!("https://sts.contoso.test{path}"))).unwrap();
    place.run(&arguments).ok();
}

/// Another file was named by mistake; it may hold a secret.
#[test]
fn a_file_that_is_no_metadata_is_not_repeated() {
    let place = Place::new();
    let file = place.folder.path().join("mex.xml");
    let arguments = ["--federation-metadata", file.to_str().unwrap()];
    let arguments = [&IWA[..], &arguments].concat();
    for text in [
        "hunter2-Secret",
        "<html><title>hunter2</title></html>",
        "{\"hunter2\": 1}",
        "<?xml version='1.0' encoding='hunter2'?><a/>",
        "<hunter2:a/>",
        "<hunter2/>",
        "<hunter2 xmlns='urn:hunter2'>hunter2</hunter2>",
        "<a></hunter2>",
        "",
    ] {
        std::fs::write(&file, text).unwrap();
        let error = place.run(&arguments).error(2);
        assert_eq!(error["error"], "invalid_federation_metadata", "{text}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
