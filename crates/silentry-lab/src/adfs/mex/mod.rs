//! The metadata of AD FS (`GET /adfs/services/trust/mex`).
//!
//! The document follows recorded ones of real farms in structure and order. Within that freedom it
//! is written so that every MSAL reads it: the prefixes are the literal ones MSAL Go and Java look
//! for, `xmlns:sp` stands on the `TransportBinding` itself (Go), addresses have no white space
//! around them (Java, Python), each binding has one policy and only known actions (Go), names are
//! unique (.NET), and `2005/usernamemixed` is listed beside 1.3 (.NET never matches the latter).

mod endpoint;

use std::time::Duration;

use super::Trust;
use crate::http::Reply;
use crate::http_sys;
use crate::scenario::switches::{Mex, Published};

use endpoint::{ENDPOINTS, contract, push};

/// Larger than any client should take; real documents have at most 100 KB.
const TOO_LARGE: usize = 16 * 1024 * 1024;

/// Answers the metadata URL as the scenario wants it.
pub(in crate::adfs) fn answer(host: &str, mex: Mex, published: Published) -> Reply {
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
        Mex::NotFound => http_sys::reply("mex", 404, "Not Found"),
        Mex::Unavailable => http_sys::reply("mex", 503, "Service Unavailable"),
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
             namespace=\"http://schemas.microsoft.com/Message\"/>\
             <xsd:import schemaLocation=\"{base}/mex?xsd=xsd1\" namespace=\"{}\"/>\
             <xsd:import schemaLocation=\"{base}/mex?xsd=xsd2\" namespace=\"{}\"/>\
             </xsd:schema></wsdl:types>",
            Trust::Feb2005.namespace(),
            Trust::V13.namespace(),
            base = site.base,
        ),
    );
    let both = [Trust::Feb2005, Trust::V13];
    document.extend(both.map(messages));
    document.extend(both.map(port_type));
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

fn messages(trust: Trust) -> String {
    let (contract, operation) = contract(trust);
    let (prefix, reply) = match trust {
        Trust::Feb2005 => ("t", "RequestSecurityTokenResponse"),
        Trust::V13 => ("trust", "RequestSecurityTokenResponseCollection"),
    };
    format!(
        "<wsdl:message name=\"{contract}_{operation}_InputMessage\">\
         <wsdl:part name=\"request\" element=\"{prefix}:RequestSecurityToken\"/></wsdl:message>\
         <wsdl:message name=\"{contract}_{operation}_OutputMessage\">\
         <wsdl:part name=\"{operation}Result\" element=\"{prefix}:{reply}\"/></wsdl:message>"
    )
}

fn port_type(trust: Trust) -> String {
    let (contract, operation) = contract(trust);
    let (request_action, reply_action) = (trust.issue_action(), trust.reply_action());
    format!(
        "<wsdl:portType name=\"{contract}\"><wsdl:operation name=\"{operation}\">\
         <wsdl:input wsaw:Action=\"{request_action}\" \
         message=\"tns:{contract}_{operation}_InputMessage\"/>\
         <wsdl:output wsaw:Action=\"{reply_action}\" \
         message=\"tns:{contract}_{operation}_OutputMessage\"/>\
         </wsdl:operation></wsdl:portType>"
    )
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
