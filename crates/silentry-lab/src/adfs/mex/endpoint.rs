//! The endpoints of the metadata: their policies, bindings and ports.

use std::fmt::Write as _;

use super::Site;
use crate::adfs::Trust;
use crate::directory::{FOREIGN_FEDERATION_HOST, REALM};
use crate::scenario::switches::Published;
use crate::xml::escape;

const SP_2005: &str = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy";
const SP_13: &str = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";
const POLICY_HTTP: &str = "http://schemas.microsoft.com/ws/06/2004/policy/http";

/// One address at which tokens are issued.
pub(super) struct Endpoint {
    /// Also the name of its port; its policy is called the same with `_policy` behind.
    pub(super) binding: &'static str,
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

pub(super) const ENDPOINTS: [Endpoint; 8] = [
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
    pub(super) fn is_published(&self, site: &Site) -> bool {
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

    pub(super) fn policy(&self, published: Published) -> String {
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
        let references = match self.policy {
            Policy::Windows | Policy::UserName => "<wsp:Policy/>",
            Policy::Certificate => "<wsp:Policy><sp:MustSupportRefThumbprint/></wsp:Policy>",
            Policy::Kerberos => {
                "<wsp:Policy><sp:MustSupportRefKeyIdentifier/><sp:MustSupportRefIssuerSerial/>\
                 <sp:MustSupportRefThumbprint/><sp:MustSupportRefEncryptedKey/></wsp:Policy>"
            }
        };
        format!(
            "{signed}<sp:EndorsingSupportingTokens xmlns:sp=\"{sp}\"><wsp:Policy>{endorsing}{proof}\
             <sp:SignedParts><sp:Header Name=\"To\" \
             Namespace=\"http://www.w3.org/2005/08/addressing\"/></sp:SignedParts></wsp:Policy>\
             </sp:EndorsingSupportingTokens><sp:Wss11 xmlns:sp=\"{sp}\">{references}</sp:Wss11>\
             <sp:{version} xmlns:sp=\"{sp}\"><wsp:Policy><sp:MustSupportIssuedTokens/>\
             <sp:RequireClientEntropy/><sp:RequireServerEntropy/></wsp:Policy></sp:{version}>"
        )
    }

    pub(super) fn binding(&self) -> String {
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

    pub(super) fn port(&self, site: &Site) -> String {
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

/// Returns the names of the service contract and of its operation.
pub(super) fn contract(trust: Trust) -> (&'static str, &'static str) {
    match trust {
        Trust::Feb2005 => ("IWSTrustFeb2005Async", "TrustFeb2005IssueAsync"),
        Trust::V13 => ("IWSTrust13Async", "Trust13IssueAsync"),
    }
}

pub(super) fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing to a String does not fail");
}
