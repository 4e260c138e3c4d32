//! Seamless SSO: Kerberos straight to Entra, for managed domains.
//!
//! Requests and the reply with its `DesktopSsoToken` follow published clients (AADInternals,
//! ROADtools); no recording of the metadata or of failures is public.

use std::sync::Arc;

use hyper::Method;
use time::OffsetDateTime;

use super::desktop_sso::DesktopSso;
use super::error::EntraError;
use super::grants;
use crate::adfs::{Rst, RstError, Site, Trust, metadata};
use crate::clock::{Clock, xml_time};
use crate::directory::{self, AUTOLOGON_HOST, Demand, DomainKind, Tenant, User, domain_kind};
use crate::http::{Reply, Request};
use crate::http_sys;
use crate::keys::{Keys, SigningKey};
use crate::negotiate::Negotiate;
use crate::random::guid;
use crate::scenario::switches::Published;
use crate::xml::{SAML1, SOAP12, WSSE, escape};

const STAGE: &str = "wstrust";
const PASSPORT: &str = "http://schemas.microsoft.com/Passport/SoapServices/SOAPFault";

/// The service behind `autologon.microsoftazuread-sso.com`.
pub(crate) struct Autologon {
    pub(crate) keys: Arc<Keys>,
    pub(crate) negotiate: Negotiate,
}

impl Autologon {
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let path = request.path.to_ascii_lowercase();
        let Some((tenant, endpoint)) = path
            .trim_start_matches('/')
            .split_once("/winauth/trust/")
            .filter(|(tenant, _)| Tenant::parse(tenant) == Some(Tenant::Home))
        else {
            return http_sys::reply("federation", 404, "Not Found");
        };
        match (endpoint, &request.method) {
            ("mex", &Method::GET) => {
                // The endpoints carry the query of the metadata URL, as the real ones do.
                let query = match request.query.is_empty() {
                    true => String::new(),
                    false => format!("?{}", request.query),
                };
                metadata(&Site {
                    base: format!("https://{AUTOLOGON_HOST}/{tenant}/winauth/trust"),
                    query,
                    published: Published::Trust2005Only,
                    seamless_sso: true,
                })
            }
            ("2005/windowstransport", &Method::POST) => self.windows_transport(request),
            ("2005/usernamemixed", &Method::POST) => self.user_name_mixed(request),
            _ => http_sys::reply("federation", 404, "Not Found"),
        }
    }

    fn windows_transport(&self, request: &Request) -> Reply {
        let caller = match self.negotiate.authenticate(request, STAGE) {
            Ok(caller) => caller,
            Err(refusal) => return *refusal,
        };
        let reply = answer_rst(request, &self.keys.entra, |_| {
            directory::by_principal(&caller.principal)
                .filter(|user| domain_kind(user.domain()) == Some(DomainKind::SeamlessSso))
                .ok_or_else(|| {
                    let text = "The user was not found in the directory by the ticket's data.";
                    EntraError::invalid_grant(81013, text)
                })
        });
        caller.proven(reply)
    }

    fn user_name_mixed(&self, request: &Request) -> Reply {
        answer_rst(request, &self.keys.entra, |rst| {
            let malformed = || EntraError::invalid_request(81016, "Invalid STS request.");
            let given = rst.user_name.as_ref().ok_or_else(malformed)?;
            let user = grants::password_user(&given.user_name, &given.password, false)?;
            if user.demand == Demand::Mfa {
                let text = "You must use multi-factor authentication to access the resource.";
                return Err(EntraError::invalid_grant(50076, text));
            }
            Ok(user)
        })
    }
}

fn answer_rst(
    request: &Request,
    key: &SigningKey,
    authenticate: impl FnOnce(&Rst) -> Result<&'static User, EntraError>,
) -> Reply {
    let now = Clock::default().now();
    let rst = match Rst::parse(&request.body, Trust::Feb2005, now) {
        Ok(rst) => rst,
        Err(RstError::Malformed) => return http_sys::reply(STAGE, 400, "Bad Request"),
        Err(RstError::Fault { .. }) => {
            return fault(
                &EntraError::invalid_request(81016, "Invalid STS request."),
                now,
            );
        }
    };
    match authenticate(&rst) {
        Ok(user) => token(&DesktopSso::issue(key, user, now.unix_timestamp())),
        Err(error) => fault(&error, now),
    }
}

fn token(token: &str) -> Reply {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><S:Envelope xmlns:S=\"{SOAP12}\" \
         xmlns:wst=\"http://schemas.xmlsoap.org/ws/2005/02/trust\" xmlns:saml=\"{SAML1}\"><S:Body>\
         <wst:RequestSecurityTokenResponse>\
         <wst:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</wst:TokenType>\
         <wst:RequestedSecurityToken><saml:Assertion xmlns:saml=\"{SAML1}\">\
         <DesktopSsoToken>{token}</DesktopSsoToken></saml:Assertion></wst:RequestedSecurityToken>\
         </wst:RequestSecurityTokenResponse></S:Body></S:Envelope>"
    );
    Reply::new(STAGE, 200).body("application/soap+xml; charset=utf-8", envelope)
}

/// A fault in the manner of Entra's own WS-Trust, which names the AADSTS code in its detail.
fn fault(error: &EntraError, now: OffsetDateTime) -> Reply {
    let (id, time) = (guid(), xml_time(now));
    let envelope = format!(
        "<S:Envelope xmlns:wsse=\"{WSSE}\" xmlns:wst=\"http://schemas.xmlsoap.org/ws/2005/02/trust\" \
         xmlns:S=\"{SOAP12}\"><S:Header><psf:pp xmlns:psf=\"{PASSPORT}\">\
         <psf:serverVersion>1</psf:serverVersion><psf:authstate>0x80048800</psf:authstate>\
         <psf:reqstatus>0x80048821</psf:reqstatus><psf:serverInfo ServerTime=\"{time}\">\
         ESTS-PUB-LAB rid:{id}</psf:serverInfo></psf:pp></S:Header><S:Body><S:Fault>\
         <S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value>wst:FailedAuthentication</S:Value>\
         </S:Subcode></S:Code><S:Reason><S:Text xml:lang=\"en-US\">Authentication Failure</S:Text>\
         </S:Reason><S:Detail><psf:error xmlns:psf=\"{PASSPORT}\"><psf:value>0x80048821</psf:value>\
         <psf:internalerror><psf:code>0x80048821</psf:code><psf:text>{text}</psf:text>\
         </psf:internalerror></psf:error></S:Detail></S:Fault></S:Body></S:Envelope>",
        text = escape(&error.summary()),
    );
    Reply::new(STAGE, 500).body("application/soap+xml; charset=utf-8", envelope)
}
