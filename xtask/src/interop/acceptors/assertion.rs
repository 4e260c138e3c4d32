//! xmlsec1 checks what the lab signs and Silentry forwards: the assertion that curl was given by Negotiate,
//! as `silentry inspect` cuts it out.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::interop::Ground;
use crate::process;

const ENDPOINT: &str = "https://sts.contoso.test/adfs/services/trust/13/windowstransport";

/// Fails unless xmlsec1 verifies the assertion of the scenario, and refuses it once a letter is changed.
pub(super) fn verifies(ground: &Ground, scenario: &str) -> Result<()> {
    let reply = ground.folder.join("reply.xml");
    let mut exec = ground.lab();
    exec.args(["exec", "--scenario", scenario, "--", "curl"]);
    exec.args([
        "--silent",
        "--show-error",
        "--fail",
        "--negotiate",
        "--user",
        ":",
    ]);
    exec.args([
        "--header",
        "content-type: application/soap+xml; charset=utf-8",
        "--data-binary",
    ]);
    exec.arg(format!("@{}", ground.prepared.join("rst.xml").display()));
    exec.arg("--output").arg(&reply).arg(ENDPOINT);
    ground.run(&mut exec)?;

    let assertion = ground.folder.join("assertion.xml");
    let mut inspect = ground.silentry();
    inspect.args(["inspect", "wstrust"]).arg(&reply);
    ground.run(inspect.arg("--assertion-out").arg(&assertion))?;
    ground.run(xmlsec1().arg(&assertion))?;

    let signed = std::fs::read_to_string(&assertion)?;
    let forged = signed.replacen("alice", "alicf", 1);
    ensure!(forged != signed, "the assertion does not name alice");
    std::fs::write(&assertion, forged)?;
    ensure!(
        ground.run(xmlsec1().arg(&assertion)).is_err(),
        "xmlsec1 takes a forged assertion"
    );
    Ok(())
}

/// xmlsec1, judging by the certificate in the signature and knowing the ids of both SAML versions.
fn xmlsec1() -> Command {
    process::command(
        "xmlsec1 --verify --insecure \
         --id-attr:AssertionID urn:oasis:names:tc:SAML:1.0:assertion:Assertion \
         --id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
    )
}
