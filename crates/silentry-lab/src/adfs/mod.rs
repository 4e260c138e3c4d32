//! AD FS: metadata, the two trust endpoints that clients of Entra use, and its own OAuth 2.0 side.

mod mex;
mod oauth;
mod rst;
mod rstr;
mod saml;

use std::sync::Arc;

use hyper::Method;

use crate::clock::Clock;
use crate::directory::{self, User};
use crate::http::{Reply, Request};
use crate::http_sys;
use crate::keys::Keys;
use crate::negotiate::Negotiate;
use crate::random::guid;
use crate::scenario::switches::{self, Issues};

pub(crate) use mex::{Site, metadata};
pub(crate) use oauth::{AccessClaims, OAuth};
pub(crate) use rst::{Rst, RstError};
use rstr::Fault;
use saml::{Assertion, Method as AuthenticationMethod, Statement};

/// The identifiers of relying party trusts: Entra in the public cloud and in China.
const RELYING_PARTIES: [&str; 2] = [
    "urn:federation:MicrosoftOnline",
    "urn:federation:partner.microsoftonline.cn",
];

const STAGE: &str = "wstrust";

/// The federation service.
pub(crate) struct Adfs {
    pub(crate) clock: Clock,
    pub(crate) keys: Arc<Keys>,
    pub(crate) negotiate: Negotiate,
    pub(crate) oauth: OAuth,
    pub(crate) switches: switches::Adfs,
}

impl Adfs {
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let path = request.path.to_ascii_lowercase();
        if let Some(reply) = oauth::answer(self, request, &path) {
            return reply;
        }
        let Some(endpoint) = path.strip_prefix("/adfs/services/trust/") else {
            return http_sys::reply("federation", 404, "Not Found");
        };
        if endpoint == "mex" {
            return match request.method {
                Method::GET | Method::HEAD => {
                    mex::answer(request.host, self.switches.mex, self.switches.published)
                }
                _ => http_sys::reply("mex", 405, "Method Not Allowed"),
            };
        }
        let (trust, windows) = match endpoint {
            "13/windowstransport" => (Trust::V13, true),
            "2005/windowstransport" => (Trust::Feb2005, true),
            "13/usernamemixed" => (Trust::V13, false),
            "2005/usernamemixed" => (Trust::Feb2005, false),
            _ => return http_sys::reply(STAGE, 404, "Not Found"),
        };
        if windows {
            self.windows_transport(request, trust)
        } else {
            self.user_name_mixed(request, trust)
        }
    }

    /// Checks an access token that AD FS itself issued for this audience.
    pub(crate) fn verify_access_token(&self, token: &str, audience: &str) -> Option<AccessClaims> {
        oauth::verify_access_token(self, token, audience)
    }

    fn windows_transport(&self, request: &Request, trust: Trust) -> Reply {
        if let (Trust::V13, Some(status)) = (trust, self.switches.trust13_off) {
            return http_sys::reply(STAGE, status, "Service Unavailable");
        }
        if self.switches.redirects {
            let elsewhere = format!(
                "https://{}{}",
                directory::FOREIGN_FEDERATION_HOST,
                request.path
            );
            return http_sys::reply(STAGE, 302, "Found").header("location", elsewhere);
        }
        // http.sys authenticates before the service sees anything of the request.
        let caller = match self.negotiate.authenticate(request, STAGE) {
            Ok(caller) => caller,
            Err(refusal) => return *refusal,
        };
        let reply = self.issue(request, trust, |_| {
            // A ticket of an account that this directory does not have is still a valid ticket.
            let user = directory::by_principal(&caller.principal)?;
            Some((user, AuthenticationMethod::Windows))
        });
        caller.proven(reply)
    }

    fn user_name_mixed(&self, request: &Request, trust: Trust) -> Reply {
        self.issue(request, trust, |rst| {
            let given = rst.user_name.as_ref()?;
            let user = directory::by_login(&given.user_name)?;
            let right = user.password == given.password;
            right.then_some((user, AuthenticationMethod::Password))
        })
    }

    fn issue(
        &self,
        request: &Request,
        trust: Trust,
        authenticate: impl FnOnce(&Rst) -> Option<(&'static User, AuthenticationMethod)>,
    ) -> Reply {
        if request.method != Method::POST {
            return http_sys::reply(STAGE, 405, "Method Not Allowed");
        }
        if request.media_type() != "application/soap+xml" {
            let given = request.header("content-type").unwrap_or_default();
            return http_sys::reply(STAGE, 415, "").reason(format!(
                "Cannot process the message because the content type '{given}' was not the expected \
                 type 'application/soap+xml; charset=utf-8'."
            ));
        }
        let now = self.clock.now();
        let rst = match Rst::parse(&request.body, trust, now) {
            Ok(rst) => rst,
            Err(RstError::Malformed) => return http_sys::reply(STAGE, 400, "Bad Request"),
            Err(RstError::Fault { fault, message_id }) => {
                return fault.reply(message_id.as_deref(), now);
            }
        };
        let message_id = rst.message_id.as_deref();
        let Some((user, method)) = authenticate(&rst) else {
            return Fault::FailedAuthentication.reply(message_id, now);
        };
        if !RELYING_PARTIES.contains(&rst.applies_to.as_str()) {
            return Fault::InvalidScope.reply(message_id, now);
        }
        if self.switches.issues == Issues::DeniedByPolicy {
            return Fault::DeniedByPolicy.reply(message_id, now);
        }
        let assertion = self.assertion(request, user, method, &rst.applies_to);
        rstr::token(trust, message_id, &rst.applies_to, &assertion, now)
    }

    fn assertion(
        &self,
        request: &Request,
        user: &User,
        method: AuthenticationMethod,
        audience: &str,
    ) -> Assertion {
        let statement = Statement {
            user,
            audience,
            method,
            inside_network: self.switches.inside_network,
            with_immutable_id: self.switches.issues != Issues::WithoutImmutableId,
            request_id: request.header("client-request-id"),
        };
        let now = self.clock.now();
        match self.switches.issues {
            Issues::Saml2 => statement.saml2(&self.keys.adfs, now),
            Issues::Encrypted => encrypted(),
            Issues::UnregisteredKey => statement.saml1(&self.keys.unregistered, now),
            Issues::Saml1 | Issues::DeniedByPolicy | Issues::WithoutImmutableId => {
                statement.saml1(&self.keys.adfs, now)
            }
        }
    }
}

/// A version of WS-Trust.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    Feb2005,
    V13,
}

impl Trust {
    fn namespace(self) -> &'static str {
        match self {
            Self::Feb2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust",
            Self::V13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Feb2005 => "t",
            Self::V13 => "trust",
        }
    }

    fn issue_action(self) -> &'static str {
        match self {
            Self::Feb2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue",
            Self::V13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue",
        }
    }

    fn reply_action(self) -> &'static str {
        match self {
            Self::Feb2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/Issue",
            Self::V13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RSTRC/IssueFinal",
        }
    }

    fn request_type(self) -> &'static str {
        match self {
            Self::Feb2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue",
            Self::V13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue",
        }
    }

    fn key_type(self) -> &'static str {
        match self {
            Self::Feb2005 => "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey",
            Self::V13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer",
        }
    }
}

/// What a relying party trust with an encryption certificate yields. Nobody could decrypt it
/// anyway, so that it is made of random words.
fn encrypted() -> Assertion {
    let cipher = |length: usize| guid().replace('-', "").repeat(length);
    let xml = format!(
        "<xenc:EncryptedData Type=\"http://www.w3.org/2001/04/xmlenc#Element\" \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:EncryptionMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"/>\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><e:EncryptedKey \
         xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\"><e:EncryptionMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/><e:CipherData>\
         <e:CipherValue>{}</e:CipherValue></e:CipherData></e:EncryptedKey></KeyInfo>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedData>",
        cipher(8),
        cipher(64)
    );
    Assertion {
        id: format!("_{}", guid()),
        is_saml2: false,
        xml,
    }
}
