//! What AD FS answers: a RequestSecurityTokenResponse, or a SOAP fault.
//!
//! Compact and in the order of the recorded replies. One response, one token, no white space: MSAL
//! Java posts a token twice when it finds white space around it, MSAL Python takes it all.

use time::{Duration, OffsetDateTime};

use super::Trust;
use super::saml::Assertion;
use crate::clock::xml_time;
use crate::http::Reply;
use crate::xml::{ADDRESSING, SOAP12, WSP, WSSE, WSU, escape};

const FAULT_ACTION: &str = "http://www.w3.org/2005/08/addressing/soap/fault";
const SAML1_PROFILE: &str =
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1";
const SAML2_PROFILE: &str =
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0";
const SAML1_ID: &str =
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID";
const SAML2_ID: &str = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLID";

/// Returns the reply that carries an assertion, issued for an hour.
pub(super) fn token(
    trust: Trust,
    message_id: Option<&str>,
    applies_to: &str,
    assertion: &Assertion,
    now: OffsetDateTime,
) -> Reply {
    let (t, namespace) = (trust.prefix(), trust.namespace());
    let (created, expires) = (xml_time(now), xml_time(now + Duration::hours(1)));
    let applies_to = escape(applies_to);
    let (token_type, profile, id_type) = match assertion.is_saml2 {
        true => (
            "urn:oasis:names:tc:SAML:2.0:assertion",
            SAML2_PROFILE,
            SAML2_ID,
        ),
        false => (
            "urn:oasis:names:tc:SAML:1.0:assertion",
            SAML1_PROFILE,
            SAML1_ID,
        ),
    };
    let reference = format!(
        "<o:SecurityTokenReference k:TokenType=\"{profile}\" xmlns:o=\"{WSSE}\" \
         xmlns:k=\"http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd\">\
         <o:KeyIdentifier ValueType=\"{id_type}\">{}</o:KeyIdentifier></o:SecurityTokenReference>",
        assertion.id
    );
    // Only on the Collection of 1.3, else on the response itself: where the outermost one is.
    let declaration = format!(" xmlns:{t}=\"{namespace}\"");
    let (open, close, inner) = match trust {
        Trust::V13 => (
            format!("<{t}:RequestSecurityTokenResponseCollection{declaration}>"),
            format!("</{t}:RequestSecurityTokenResponseCollection>"),
            "",
        ),
        Trust::Feb2005 => (String::new(), String::new(), declaration.as_str()),
    };
    let body = format!(
        "{open}<{t}:RequestSecurityTokenResponse{inner}><{t}:Lifetime>\
         <wsu:Created xmlns:wsu=\"{WSU}\">{created}</wsu:Created>\
         <wsu:Expires xmlns:wsu=\"{WSU}\">{expires}</wsu:Expires></{t}:Lifetime>\
         <wsp:AppliesTo xmlns:wsp=\"{WSP}\"><wsa:EndpointReference xmlns:wsa=\"{ADDRESSING}\">\
         <wsa:Address>{applies_to}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>\
         <{t}:RequestedSecurityToken>{assertion}</{t}:RequestedSecurityToken>\
         <{t}:RequestedAttachedReference>{reference}</{t}:RequestedAttachedReference>\
         <{t}:RequestedUnattachedReference>{reference}</{t}:RequestedUnattachedReference>\
         <{t}:TokenType>{token_type}</{t}:TokenType>\
         <{t}:RequestType>{request_type}</{t}:RequestType>\
         <{t}:KeyType>{key_type}</{t}:KeyType></{t}:RequestSecurityTokenResponse>{close}",
        assertion = assertion.xml,
        request_type = trust.request_type(),
        key_type = trust.key_type(),
    );
    soap(200, trust.reply_action(), message_id, &body, now)
}

/// Why AD FS refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// ID3242: wrong password, unknown or locked user.
    FailedAuthentication,
    /// MSIS7068: the policy says no. Seen with HTTP status 200.
    DeniedByPolicy,
    /// ID3082: no relying party trust has this identifier.
    InvalidScope,
    /// ID3035: the request is not one for a bearer token.
    InvalidRequest,
    /// The timestamp is too old, or from the future.
    InvalidSecurity,
    /// The action is not the one of this endpoint.
    ActionNotSupported,
    /// A mandatory header is unknown.
    MustUnderstand,
}

impl Fault {
    /// Returns the HTTP reply.
    pub(super) fn reply(self, message_id: Option<&str>, now: OffsetDateTime) -> Reply {
        let (code, subcode, text) = match self {
            Self::FailedAuthentication => (
                "s:Sender",
                Some((WSSE, "FailedAuthentication")),
                "ID3242: The security token could not be authenticated or authorized.",
            ),
            Self::DeniedByPolicy => (
                "s:Sender",
                Some((Trust::Feb2005.namespace(), "FailedAuthentication")),
                "MSIS7068: Access denied.",
            ),
            Self::InvalidScope => (
                "s:Sender",
                Some((Trust::Feb2005.namespace(), "InvalidScope")),
                "ID3082: The request scope is not valid or is unsupported.",
            ),
            Self::InvalidRequest => (
                "s:Sender",
                Some((Trust::Feb2005.namespace(), "InvalidRequest")),
                "ID3035: The request was not valid or is unsupported.",
            ),
            Self::InvalidSecurity => (
                "s:Sender",
                Some((WSSE, "InvalidSecurity")),
                "An error occurred when verifying security for the message.",
            ),
            Self::ActionNotSupported => (
                "s:Sender",
                Some((ADDRESSING, "ActionNotSupported")),
                "The message cannot be processed at the receiver, due to a ContractFilter \
                 mismatch at the EndpointDispatcher.",
            ),
            Self::MustUnderstand => (
                "s:MustUnderstand",
                None,
                "The header was not understood by the recipient of this message, causing the \
                 message to not be processed.",
            ),
        };
        let subcode = subcode.map_or_else(String::new, |(namespace, name)| {
            format!("<s:Subcode><s:Value xmlns:a=\"{namespace}\">a:{name}</s:Value></s:Subcode>")
        });
        let body = format!(
            "<s:Fault><s:Code><s:Value>{code}</s:Value>{subcode}</s:Code><s:Reason>\
             <s:Text xml:lang=\"en-US\">{text}</s:Text></s:Reason></s:Fault>"
        );
        let status = if self == Self::DeniedByPolicy {
            200
        } else {
            500
        };
        soap(status, FAULT_ACTION, message_id, &body, now)
    }
}

fn soap(
    status: u16,
    action: &str,
    message_id: Option<&str>,
    body: &str,
    now: OffsetDateTime,
) -> Reply {
    let relates_to = message_id.map_or_else(String::new, |id| {
        format!("<a:RelatesTo>{}</a:RelatesTo>", escape(id))
    });
    let (created, expires) = (xml_time(now), xml_time(now + Duration::minutes(5)));
    let envelope = format!(
        "<s:Envelope xmlns:s=\"{SOAP12}\" xmlns:a=\"{ADDRESSING}\" xmlns:u=\"{WSU}\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">{action}</a:Action>{relates_to}\
         <o:Security s:mustUnderstand=\"1\" xmlns:o=\"{WSSE}\"><u:Timestamp u:Id=\"_0\">\
         <u:Created>{created}</u:Created><u:Expires>{expires}</u:Expires></u:Timestamp>\
         </o:Security></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    );
    Reply::new("wstrust", status)
        .body("application/soap+xml; charset=utf-8", envelope)
        .header("server", "Microsoft-HTTPAPI/2.0 Microsoft-HTTPAPI/2.0")
}
