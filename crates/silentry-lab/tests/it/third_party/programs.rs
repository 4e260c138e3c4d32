//! Programs that share nothing with the lab judge it: `xmlsec1` its signatures, `curl` with MIT
//! Kerberos its Negotiate.

use std::path::Path;
use std::process::{Command, Output};

use silentry_lab::{CLIENT_ID, Lab, user};

const TRUST: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
const SAML1: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
const SAML2: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const WINDOWS: &str = "https://sts.contoso.test/adfs/services/trust/13/windowstransport";
const TOKEN: &str = "https://login.microsoftonline.com/contoso.test/oauth2/v2.0/token";

fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("{:?} must be installed: {error}", command.get_program()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn curl(lab: &Lab, arguments: &[&str]) -> String {
    let output = run(lab
        .command("curl")
        .args(["-sS", "--max-time", "60"])
        .args(arguments));
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Signs in with MIT's GSSAPI, from a ticket-granting ticket and the lab's KDC.
fn sign_in(lab: &Lab) -> String {
    let request = lab.directory().join("rst.xml");
    let envelope = format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header><a:Action>{TRUST}/RST/Issue\
         </a:Action></s:Header><s:Body><t:RequestSecurityToken xmlns:t=\"{TRUST}\"><p:AppliesTo \
         xmlns:p=\"http://schemas.xmlsoap.org/ws/2004/09/policy\"><a:EndpointReference>\
         <a:Address>urn:federation:MicrosoftOnline</a:Address></a:EndpointReference></p:AppliesTo>\
         <t:KeyType>{TRUST}/Bearer</t:KeyType><t:RequestType>{TRUST}/Issue</t:RequestType>\
         </t:RequestSecurityToken></s:Body></s:Envelope>"
    );
    std::fs::write(&request, envelope).unwrap();
    let body = format!("@{}", request.display());
    let soap = "Content-Type: application/soap+xml; charset=utf-8";
    let arguments = [
        "--negotiate",
        "-u",
        ":",
        "-H",
        soap,
        "--data-binary",
        &body,
        "-w",
        "%{http_code}",
        WINDOWS,
    ];
    curl(lab, &arguments)
}

fn assertion_in(reply: &str) -> &str {
    let from = reply.find("RequestedSecurityToken>").unwrap() + "RequestedSecurityToken>".len();
    let prefix = if reply.contains("<saml:Assertion") {
        "saml:"
    } else {
        ""
    };
    let end = format!("</{prefix}Assertion>");
    let to = reply.find(&end).unwrap() + end.len();
    &reply[from..to]
}

fn redeem(lab: &Lab, grant: &str, assertion: &Path) -> String {
    let encoded = run(Command::new("base64").arg("-w0").arg(assertion));
    let assertion = format!("assertion={}", text(&encoded.stdout));
    let (grant, client) = (
        format!("grant_type={grant}"),
        format!("client_id={CLIENT_ID}"),
    );
    let mut arguments = vec![];
    for member in [&grant, &assertion, &client, "scope=User.Read"] {
        arguments.extend(["--data-urlencode", member]);
    }
    arguments.push(TOKEN);
    curl(lab, &arguments)
}

fn xmlsec1_accepts(file: &Path, id: (&str, &str)) -> bool {
    let (namespace, attribute) = id;
    let id = format!("--id-attr:{attribute}");
    let element = format!("{namespace}:Assertion");
    // `--insecure`: the certificate of the token signer is nobody's but its own.
    let mut command = Command::new("xmlsec1");
    command
        .args(["--verify", "--insecure", &id, &element])
        .arg(file);
    run(&mut command).status.success()
}

#[tokio::test]
#[ignore = "needs xmlsec1, curl and MIT Kerberos"]
async fn signatures_are_valid_in_the_eyes_of_xmlsec1() {
    for (scenario, id, grant) in [
        (
            "default",
            (SAML1, "AssertionID"),
            "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
        ),
        (
            "saml2",
            (SAML2, "ID"),
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
        ),
    ] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let reply = sign_in(&lab);
        assert!(reply.ends_with("200"), "{reply}");
        let assertion = assertion_in(&reply);
        let file = lab.directory().join("assertion.xml");
        std::fs::write(&file, assertion).unwrap();
        assert!(xmlsec1_accepts(&file, id), "{scenario}");
        assert!(redeem(&lab, grant, &file).contains("access_token"));

        std::fs::write(&file, assertion.replace("alice@", "malice@")).unwrap();
        assert!(!xmlsec1_accepts(&file, id), "{scenario}");
    }
}

/// The other way: `xmlsec1` signs what AD FS would not write like this, and Entra must see that it
/// is good. White space, comments, CDATA, inherited and inclusive namespaces are all canonicalized.
#[tokio::test]
#[ignore = "needs xmlsec1, curl and MIT Kerberos"]
async fn signatures_of_xmlsec1_are_valid_in_the_eyes_of_entra() {
    let lab = Lab::start().await.unwrap();
    let alice = user("alice").unwrap();
    let template = format!(
        r##"<?xml version="1.0"?>
<saml:Assertion xmlns:saml="{SAML1}" xmlns:unused="urn:unused" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    MinorVersion='1' MajorVersion='1' AssertionID="_a1"
    Issuer="http://sts.contoso.test/adfs/services/trust" IssueInstant="2020-01-01T00:00:00Z">
  <saml:Conditions NotOnOrAfter="2999-01-01T00:00:00Z" NotBefore="2020-01-01T00:00:00Z">
    <saml:AudienceRestrictionCondition><saml:Audience>urn:federation:MicrosoftOnline</saml:Audience></saml:AudienceRestrictionCondition>
  </saml:Conditions>
  <saml:AttributeStatement><!-- gone --><odd xmlns="urn:odd" a="&#10;&lt;'&quot;"><![CDATA[<&>]]>&#13;<bare xmlns=""/></odd>
    <saml:Attribute AttributeName="UPN" AttributeNamespace="urn:x"><saml:AttributeValue>{upn}</saml:AttributeValue></saml:Attribute>
    <saml:Attribute AttributeName="ImmutableID" AttributeNamespace="urn:x"><saml:AttributeValue>{id}</saml:AttributeValue></saml:Attribute>
  </saml:AttributeStatement>
  <ds:Signature><ds:SignedInfo>
    <ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
    <ds:Reference URI="#_a1"><ds:Transforms>
      <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
      <ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces
        xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="unused"/></ds:Transform>
    </ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
  </ds:SignedInfo><ds:SignatureValue/></ds:Signature>
</saml:Assertion>"##,
        upn = alice.upn,
        id = alice.immutable_id,
    );
    let (unsigned, signed) = (
        lab.directory().join("template.xml"),
        lab.directory().join("signed.xml"),
    );
    std::fs::write(&unsigned, template).unwrap();
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys/adfs-token-signing.pem");
    let mut command = Command::new("xmlsec1");
    command.args([
        "--sign",
        "--id-attr:AssertionID",
        &format!("{SAML1}:Assertion"),
        "--privkey-pem",
    ]);
    command.arg(key).arg("--output").arg(&signed).arg(&unsigned);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", text(&output.stderr));

    let grant = "urn:ietf:params:oauth:grant-type:saml1_1-bearer";
    let reply = redeem(&lab, grant, &signed);
    assert!(reply.contains("access_token"), "{reply}");
    let changed = std::fs::read_to_string(&signed)
        .unwrap()
        .replace("urn:unused", "urn:used");
    std::fs::write(&signed, changed).unwrap();
    assert!(redeem(&lab, grant, &signed).contains("AADSTS50008"));
}

/// What MIT Kerberos makes of the scenarios that are decided between it and the KDC: no token comes
/// to AD FS, and nothing but the reason differs.
#[tokio::test]
#[ignore = "needs xmlsec1, curl and MIT Kerberos"]
async fn tickets_are_refused_to_mit_kerberos_for_the_right_reason() {
    for (scenario, reason) in [
        ("no-ticket", "No credentials cache found"),
        ("expired-ticket", "Ticket expired"),
        ("wrong-clock", "Clock skew too great"),
        ("rc4-only-service", "KDC has no support for encryption type"),
        ("unknown-spn", "not found in Kerberos database"),
        ("kdc-down", "Cannot contact any KDC"),
    ] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        assert!(sign_in(&lab).ends_with("401"), "{scenario}");
        let kvno = run(lab
            .command("kvno")
            .arg("HTTP/sts.contoso.test@CORP.CONTOSO.TEST"));
        let said = text(&kvno.stderr);
        assert!(
            !kvno.status.success() && said.contains(reason),
            "{scenario}: {said}"
        );
    }
}

/// The trusted realm is reached by referral: nothing in `krb5.conf` says where AD FS is.
#[tokio::test]
#[ignore = "needs xmlsec1, curl and MIT Kerberos"]
async fn mit_kerberos_finds_adfs_from_the_trusted_realm() {
    let lab = Lab::builder()
        .scenario("trusted-realm")
        .start()
        .await
        .unwrap();
    let reply = sign_in(&lab);
    assert!(assertion_in(&reply).contains(">ivan@contoso.test<"));
}
