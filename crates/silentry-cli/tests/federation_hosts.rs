//! Which federation servers the command sends a ticket to.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

mod support;

use support::Place;

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
