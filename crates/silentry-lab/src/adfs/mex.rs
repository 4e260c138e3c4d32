//! The metadata of AD FS (`GET /adfs/services/trust/mex`).
//!
//! The document follows recorded ones of real farms in structure and order. Within that freedom it
//! is written so that every MSAL reads it: the prefixes are the literal ones MSAL Go and Java look
//! for, `xmlns:sp` stands on the `TransportBinding` itself (Go), addresses have no white space
//! around them (Java, Python), each binding has one policy and only known actions (Go), names are
//! unique (.NET), and `2005/usernamemixed` is listed beside 1.3 (.NET never matches the latter).

use std::fmt::Write as _;
use std::time::Duration;

use super::Trust;
use crate::directory::{FOREIGN_FEDERATION_HOST, REALM};
use crate::front::http::Reply;
use crate::scenario::switches::{Mex, Published};
use crate::xml::escape;

const SP_2005: &str = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy";
const SP_13: &str = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";
const POLICY_HTTP: &str = "http://schemas.microsoft.com/ws/06/2004/policy/http";

/// Larger than any client should take; real documents have at most 100 KB.
const TOO_LARGE: usize = 16 * 1024 * 1024;

/// Answers the metadata URL as the scenario wants it.
pub(super) fn answer(host: &str, mex: Mex, published: Published) -> Reply {
    let site = Site {
        base: format!("https://{host}/adfs/services/trust"),
        query: String::new(),
        published,
        seamless_sso: false,
    };
    let document = || document(&site);
    match mex {
        Mex::Document => metadata(&site),
        Mex::Drip => xml(document()).dripping(Duration::from_secs(1)),
        Mex::TooLarge => {
            let padding = format!("<!--{}-->", "x".repeat(TOO_LARGE));
            xml(document().replacen("</wsdl:definitions>", &(padding + "</wsdl:definitions>"), 1))
        }
        Mex::Doctype => xml(document().replacen(
            "<wsdl:definitions",
            "<!DOCTYPE wsdl:definitions [<!ENTITY hosts SYSTEM \"file:///etc/hosts\">]>\
             <wsdl:definitions",
            1,
        )),
        Mex::LoginPage => Reply::html(
            "mex",
            200,
            "<!DOCTYPE html><html><head><title>Sign in to the network</title></head>\
             <body><form method=\"post\"><input name=\"user\"><br></form></body></html>",
        ),
        Mex::NotFound => super::http_sys("mex", 404, "Not Found"),
        Mex::Unavailable => super::http_sys("mex", 503, "Service Unavailable"),
    }
}

/// Where the endpoints of one document are.
pub(crate) struct Site {
    /// The URL that the endpoints' paths follow.
    pub(crate) base: String,
    /// What every endpoint's URL ends with, `?` included.
    pub(crate) query: String,
    pub(crate) published: Published,
    /// Whether only what Seamless SSO offers is listed: WS-Trust 2005, by ticket or password.
    pub(crate) seamless_sso: bool,
}

/// Returns a document as a reply.
pub(crate) fn metadata(site: &Site) -> Reply {
    xml(document(site))
}

fn xml(document: String) -> Reply {
    Reply::new("mex", 200)
        .body("text/xml; charset=UTF-8", document)
        .header("server", "Microsoft-HTTPAPI/2.0 Microsoft-HTTPAPI/2.0")
}

/// One address at which tokens are issued.
struct Endpoint {
    /// Also the name of its port; its policy is called the same with `_policy` behind.
    binding: &'static str,
    trust: Trust,
    policy: Policy,
    path: &'static str,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Policy {
    Windows,
    Certificate,
    UserName,
    /// Listed because a client that chooses by the name of the binding takes it for windowstransport.
    Kerberos,
}

const ENDPOINTS: [Endpoint; 8] = [
    Endpoint {
        binding: "CustomBinding_IWSTrustFeb2005Async",
        trust: Trust::Feb2005,
        policy: Policy::Windows,
        path: "2005/windowstransport",
    },
    Endpoint {
        binding: "CertificateWSTrustBinding_IWSTrustFeb2005Async",
        trust: Trust::Feb2005,
        policy: Policy::Certificate,
        path: "2005/certificatemixed",
    },
    Endpoint {
        binding: "UserNameWSTrustBinding_IWSTrustFeb2005Async",
        trust: Trust::Feb2005,
        policy: Policy::UserName,
        path: "2005/usernamemixed",
    },
    Endpoint {
        binding: "CustomBinding_IWSTrustFeb2005Async1",
        trust: Trust::Feb2005,
        policy: Policy::Kerberos,
        path: "2005/kerberosmixed",
    },
    Endpoint {
        binding: "CustomBinding_IWSTrust13Async",
        trust: Trust::V13,
        policy: Policy::Kerberos,
        path: "13/kerberosmixed",
    },
    Endpoint {
        binding: "CertificateWSTrustBinding_IWSTrust13Async",
        trust: Trust::V13,
        policy: Policy::Certificate,
        path: "13/certificatemixed",
    },
    Endpoint {
        binding: "UserNameWSTrustBinding_IWSTrust13Async",
        trust: Trust::V13,
        policy: Policy::UserName,
        path: "13/usernamemixed",
    },
    Endpoint {
        binding: "CustomBinding_IWSTrust13Async1",
        trust: Trust::V13,
        policy: Policy::Windows,
        path: "13/windowstransport",
    },
];

impl Endpoint {
    fn is_published(&self, site: &Site) -> bool {
        if site.seamless_sso {
            return self.trust == Trust::Feb2005
                && matches!(self.policy, Policy::Windows | Policy::UserName);
        }
        match site.published {
            Published::Everything | Published::ForeignHost | Published::NtlmOnly => true,
            Published::Extranet => matches!(self.policy, Policy::Certificate | Policy::UserName),
            Published::Trust2005Only => {
                self.policy != Policy::Windows || self.trust == Trust::Feb2005
            }
        }
    }

    fn address(&self, site: &Site) -> String {
        let Site { base, query, .. } = site;
        if site.published == Published::ForeignHost && self.policy == Policy::Windows {
            return format!(
                "https://{FOREIGN_FEDERATION_HOST}/adfs/services/trust/{}",
                self.path
            );
        }
        escape(&format!("{base}/{}{query}", self.path))
    }

    fn policy(&self, published: Published) -> String {
        let Self { binding, trust, .. } = self;
        // Real metadata states the transport of windowstransport in the old namespace, even at 1.3.
        let sp = match (trust, self.policy) {
            (Trust::V13, Policy::Windows) | (Trust::Feb2005, _) => SP_2005,
            (Trust::V13, _) => SP_13,
        };
        let authentication = match (self.policy, published) {
            (Policy::Windows, Published::NtlmOnly) => "NtlmAuthentication",
            (Policy::Windows, _) => "NegotiateAuthentication",
            _ => "",
        };
        let mut policy =
            format!("<wsp:Policy wsu:Id=\"{binding}_policy\"><wsp:ExactlyOne><wsp:All>");
        if !authentication.is_empty() {
            push(
                &mut policy,
                format_args!("<http:{authentication} xmlns:http=\"{POLICY_HTTP}\"/>"),
            );
        }
        let token = if sp == SP_2005 {
            " RequireClientCertificate=\"false\""
        } else {
            ""
        };
        let suite = if self.policy == Policy::Kerberos {
            "Basic128"
        } else {
            "Basic256"
        };
        let timestamp = if self.policy == Policy::Windows {
            ""
        } else {
            "<sp:IncludeTimestamp/>"
        };
        push(
            &mut policy,
            format_args!(
                "<sp:TransportBinding xmlns:sp=\"{sp}\"><wsp:Policy><sp:TransportToken><wsp:Policy>\
                 <sp:HttpsToken{token}/></wsp:Policy></sp:TransportToken><sp:AlgorithmSuite>\
                 <wsp:Policy><sp:{suite}/></wsp:Policy></sp:AlgorithmSuite><sp:Layout><wsp:Policy>\
                 <sp:Strict/></wsp:Policy></sp:Layout>{timestamp}</wsp:Policy></sp:TransportBinding>"
            ),
        );
        policy.push_str(&self.supporting_tokens(sp));
        policy.push_str("<wsaw:UsingAddressing/></wsp:All></wsp:ExactlyOne></wsp:Policy>");
        policy
    }

    fn supporting_tokens(&self, sp: &str) -> String {
        let user_name = format!(
            "<sp:UsernameToken sp:IncludeToken=\"{sp}/IncludeToken/AlwaysToRecipient\"><wsp:Policy>\
             <sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>"
        );
        let (signed, endorsing) = match (self.policy, self.trust) {
            (Policy::Windows, _) => return String::new(),
            (Policy::UserName, Trust::Feb2005) => (
                format!(
                    "<sp:SignedSupportingTokens xmlns:sp=\"{sp}\"><wsp:Policy>{user_name}\
                     </wsp:Policy></sp:SignedSupportingTokens>"
                ),
                String::new(),
            ),
            (Policy::UserName, Trust::V13) => (
                format!(
                    "<sp:SignedEncryptedSupportingTokens xmlns:sp=\"{sp}\"><wsp:Policy>{user_name}\
                     </wsp:Policy></sp:SignedEncryptedSupportingTokens>"
                ),
                String::new(),
            ),
            (Policy::Certificate, _) => (
                String::new(),
                format!(
                    "<sp:X509Token sp:IncludeToken=\"{sp}/IncludeToken/AlwaysToRecipient\">\
                     <wsp:Policy><sp:RequireThumbprintReference/><sp:WssX509V3Token10/></wsp:Policy>\
                     </sp:X509Token>"
                ),
            ),
            (Policy::Kerberos, _) => (
                String::new(),
                format!(
                    "<sp:KerberosToken sp:IncludeToken=\"{sp}/IncludeToken/Once\"><wsp:Policy>\
                     <sp:WssGssKerberosV5ApReqToken11/></wsp:Policy></sp:KerberosToken>"
                ),
            ),
        };
        let (proof, version) = match self.trust {
            Trust::Feb2005 => (
                format!(
                    "<mssp:RsaToken sp:IncludeToken=\"{sp}/IncludeToken/Never\" \
                     wsp:Optional=\"true\" \
                     xmlns:mssp=\"http://schemas.microsoft.com/ws/2005/07/securitypolicy\"/>"
                ),
                "Trust10",
            ),
            Trust::V13 => (
                format!(
                    "<sp:KeyValueToken sp:IncludeToken=\"{sp}/IncludeToken/Never\" \
                     wsp:Optional=\"true\"/>"
                ),
                "Trust13",
            ),
        };
        format!(
            "{signed}<sp:EndorsingSupportingTokens xmlns:sp=\"{sp}\"><wsp:Policy>{endorsing}{proof}\
             <sp:SignedParts><sp:Header Name=\"To\" \
             Namespace=\"http://www.w3.org/2005/08/addressing\"/></sp:SignedParts></wsp:Policy>\
             </sp:EndorsingSupportingTokens><sp:Wss11 xmlns:sp=\"{sp}\"><wsp:Policy/></sp:Wss11>\
             <sp:{version} xmlns:sp=\"{sp}\"><wsp:Policy><sp:MustSupportIssuedTokens/>\
             <sp:RequireClientEntropy/><sp:RequireServerEntropy/></wsp:Policy></sp:{version}>"
        )
    }

    fn binding(&self) -> String {
        let (name, action) = (self.binding, self.trust.issue_action());
        let (contract, operation) = contract(self.trust);
        format!(
            "<wsdl:binding name=\"{name}\" type=\"tns:{contract}\">\
             <wsp:PolicyReference URI=\"#{name}_policy\"/>\
             <soap12:binding transport=\"http://schemas.xmlsoap.org/soap/http\"/>\
             <wsdl:operation name=\"{operation}\">\
             <soap12:operation soapAction=\"{action}\" style=\"document\"/>\
             <wsdl:input><soap12:body use=\"literal\"/></wsdl:input>\
             <wsdl:output><soap12:body use=\"literal\"/></wsdl:output>\
             </wsdl:operation></wsdl:binding>"
        )
    }

    fn port(&self, site: &Site) -> String {
        let (name, address) = (self.binding, self.address(site));
        let identity = match self.policy {
            Policy::Windows => format!(
                "<Identity xmlns=\"http://schemas.xmlsoap.org/ws/2006/02/addressingidentity\">\
                 <Upn>adfs-svc@{}</Upn></Identity>",
                REALM.to_ascii_lowercase()
            ),
            _ => String::new(),
        };
        format!(
            "<wsdl:port name=\"{name}\" binding=\"tns:{name}\">\
             <soap12:address location=\"{address}\"/><wsa10:EndpointReference>\
             <wsa10:Address>{address}</wsa10:Address>{identity}</wsa10:EndpointReference></wsdl:port>"
        )
    }
}

fn document(site: &Site) -> String {
    let endpoints = || {
        ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.is_published(site))
    };
    let mut document = String::from(OPENING);
    for endpoint in endpoints() {
        document.push_str(&endpoint.policy(site.published));
    }
    push(
        &mut document,
        format_args!(
            "<wsdl:types><xsd:schema targetNamespace=\"{TARGET}/Imports\">\
             <xsd:import schemaLocation=\"{base}/mex?xsd=xsd0\" \
             namespace=\"http://schemas.microsoft.com/Message\"/></xsd:schema></wsdl:types>",
            base = site.base,
        ),
    );
    for trust in [Trust::Feb2005, Trust::V13] {
        document.push_str(&messages_and_port_type(trust));
    }
    for endpoint in endpoints() {
        document.push_str(&endpoint.binding());
    }
    document.push_str("<wsdl:service name=\"SecurityTokenService\">");
    for endpoint in endpoints() {
        document.push_str(&endpoint.port(site));
    }
    document.push_str("</wsdl:service></wsdl:definitions>");
    document
}

fn contract(trust: Trust) -> (&'static str, &'static str) {
    match trust {
        Trust::Feb2005 => ("IWSTrustFeb2005Async", "TrustFeb2005IssueAsync"),
        Trust::V13 => ("IWSTrust13Async", "Trust13IssueAsync"),
    }
}

fn messages_and_port_type(trust: Trust) -> String {
    let (contract, operation) = contract(trust);
    let (prefix, reply) = match trust {
        Trust::Feb2005 => ("t", "RequestSecurityTokenResponse"),
        Trust::V13 => ("trust", "RequestSecurityTokenResponseCollection"),
    };
    let (request_action, reply_action) = (trust.issue_action(), trust.reply_action());
    format!(
        "<wsdl:message name=\"{contract}_{operation}_InputMessage\">\
         <wsdl:part name=\"request\" element=\"{prefix}:RequestSecurityToken\"/></wsdl:message>\
         <wsdl:message name=\"{contract}_{operation}_OutputMessage\">\
         <wsdl:part name=\"{operation}Result\" element=\"{prefix}:{reply}\"/></wsdl:message>\
         <wsdl:portType name=\"{contract}\"><wsdl:operation name=\"{operation}\">\
         <wsdl:input wsaw:Action=\"{request_action}\" \
         message=\"tns:{contract}_{operation}_InputMessage\"/>\
         <wsdl:output wsaw:Action=\"{reply_action}\" \
         message=\"tns:{contract}_{operation}_OutputMessage\"/>\
         </wsdl:operation></wsdl:portType>"
    )
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing to a String does not fail");
}

const TARGET: &str = "http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice";

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
<wsdl:definitions name=\"SecurityTokenService\" \
targetNamespace=\"http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice\" \
xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\" \
xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\" \
xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" \
xmlns:tns=\"http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice\" \
xmlns:msc=\"http://schemas.microsoft.com/ws/2005/12/wsdl/contract\" \
xmlns:wsam=\"http://www.w3.org/2007/05/addressing/metadata\" \
xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\" \
xmlns:wsa10=\"http://www.w3.org/2005/08/addressing\" \
xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
xmlns:wsaw=\"http://www.w3.org/2006/05/addressing/wsdl\" \
xmlns:wsx=\"http://schemas.xmlsoap.org/ws/2004/09/mex\" \
xmlns:wsap=\"http://schemas.xmlsoap.org/ws/2004/08/addressing/policy\" \
xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\" \
xmlns:trust=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\" \
xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\">";

#[cfg(test)]
mod tests {
    use super::*;

    fn site(published: Published) -> Site {
        Site {
            base: "https://sts.contoso.test/adfs/services/trust".to_owned(),
            query: String::new(),
            published,
            seamless_sso: false,
        }
    }

    fn addresses(published: Published) -> Vec<String> {
        let xml = document(&site(published));
        let document = roxmltree::Document::parse(&xml).unwrap();
        document
            .descendants()
            .filter(|node| node.tag_name().name() == "Address")
            .filter_map(|node| node.text().map(str::to_owned))
            .collect()
    }

    #[test]
    fn what_is_listed_depends_on_where_one_asks() {
        let windows = |published| {
            addresses(published)
                .into_iter()
                .filter(|a| a.ends_with("windowstransport"))
                .count()
        };
        assert_eq!(windows(Published::Everything), 2);
        assert_eq!(windows(Published::Trust2005Only), 1);
        assert_eq!(windows(Published::Extranet), 0);
        let foreign = addresses(Published::ForeignHost);
        assert_eq!(
            foreign
                .iter()
                .filter(|a| a.contains("sts.fabrikam.test"))
                .count(),
            2
        );
    }

    #[test]
    fn names_and_policies_are_unique_and_resolve() {
        let xml = document(&site(Published::Everything));
        let document = roxmltree::Document::parse(&xml).unwrap();
        for endpoint in &ENDPOINTS {
            let id = format!("{}_policy", endpoint.binding);
            let is_it = |node: &roxmltree::Node<'_, '_>| {
                node.attributes().any(|attribute| attribute.value() == id)
            };
            assert_eq!(document.descendants().filter(is_it).count(), 1, "{id}");
            assert!(xml.contains(&format!("URI=\"#{id}\"")));
        }
        assert!(!xml.contains('\n'));
    }
}
