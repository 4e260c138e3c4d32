//! What the realm, the federation metadata and the federation server's answers can be wrong with.

use silentry_protocol::wstrust::fault::{FaultKind, WsTrustFault};
use silentry_protocol::wstrust::mex::{EndpointNotFound, FoundInstead, MexError, Wanted};
use silentry_protocol::wstrust::realm::{RealmError, RealmRefusal};
use silentry_protocol::wstrust::rst::NotExpressible;
use silentry_protocol::wstrust::rstr::RstrError;
use silentry_protocol::xml::document::DocumentError;

use super::{Code, Explain};

impl Explain for RealmError {
    fn code(&self) -> Code {
        Code::UserRealmDiscoveryFailed
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Document(DocumentError::Unexpected(_)) => {
                "Something between this machine and Entra answered in its place. Check the proxy, \
                 the firewall and {authority}."
            }
            _ => "Check that {authority} names a host of Microsoft Entra, and try again.",
        })
    }
}

impl Explain for RealmRefusal {
    fn code(&self) -> Code {
        match self {
            Self::ManagedUser => Code::IntegratedWindowsAuthNotSupportedManagedUser,
            Self::UnknownUserType { .. } => Code::UnknownUserType,
            // MSAL.NET gives this code for integrated sign-in too.
            Self::PersonalAccount => Code::RopcNotSupportedForMsa,
            Self::UnsupportedProtocol { .. } => Code::UnsupportedFederationProtocol,
            Self::MissingMetadataUrl => Code::MissingFederationMetadataUrl,
            Self::UnusableMetadataUrl(_) => Code::InvalidFederationMetadataUrl,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::ManagedUser => {
                "Use {sign-in}: integrated sign-in works for domains federated with AD FS only. A \
                 tenant with Seamless SSO may answer otherwise to clients that it recognises."
            }
            Self::UnknownUserType { .. } => {
                "Check the spelling of the user name ({username}), and that {authority} names the \
                 cloud that its domain belongs to."
            }
            Self::PersonalAccount => "Sign in with a work or school account, or use {sign-in}.",
            Self::UnsupportedProtocol { .. } => {
                "Use {sign-in}: this identity provider takes no Kerberos tickets by WS-Trust."
            }
            Self::MissingMetadataUrl => {
                "Ask the administrator to set MetadataExchangeUri on the domain's federation \
                 settings, or give the federation metadata yourself by {federation-metadata}."
            }
            Self::UnusableMetadataUrl(_) => {
                "Ask the administrator to set MetadataExchangeUri of the domain's federation \
                 settings to an https address."
            }
        })
    }
}

impl Explain for MexError {
    fn code(&self) -> Code {
        Code::ParsingWsMetadataExchangeFailed
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self.document() {
            DocumentError::Unexpected(_) => {
                "A firewall, proxy or sign-in page answered instead of the federation server. Try \
                 from the corporate network, and exempt the server from the proxy."
            }
            _ => {
                "Fetch the metadata address with a browser on this machine and compare; ask the \
                 federation server's administrator if it is wrong there too."
            }
        })
    }
}

impl Explain for EndpointNotFound {
    fn code(&self) -> Code {
        Code::WstrustEndpointNotFound
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match (self.found_instead(), self.wanted()) {
            (FoundInstead::RefusedAddresses(_), _) => {
                "Ask the federation server's administrator to publish https addresses."
            }
            (FoundInstead::NoWsdl { .. }, _) => {
                "Check that the address is that of the metadata, such as \
                 /adfs/services/trust/mex."
            }
            (_, Wanted::Password) => {
                "Ask the administrator to enable /adfs/services/trust/13/usernamemixed, through \
                 the extranet proxy too for use from outside the corporate network, or use \
                 {sign-in}."
            }
            (FoundInstead::NtlmOnly, Wanted::WindowsSession) => {
                "Ask the federation server's administrator to offer Negotiate at windowstransport, \
                 or use {sign-in}: NTLM alone is never used."
            }
            (FoundInstead::UsernamePasswordOnly, Wanted::WindowsSession) => {
                "Connect to the corporate network or VPN; from outside AD FS hides \
                 windowstransport. Inside, ask the administrator to enable \
                 /adfs/services/trust/2005/windowstransport."
            }
            (FoundInstead::CertificateHost | FoundInstead::Nothing, Wanted::WindowsSession) => {
                "Ask the administrator to enable /adfs/services/trust/2005/windowstransport, or \
                 use {sign-in}."
            }
        })
    }
}

impl Explain for NotExpressible {
    fn code(&self) -> Code {
        Code::WstrustRequestNotExpressible
    }

    fn advice(&self) -> Option<&'static str> {
        Some("Remove the control character, or use {sign-in}.")
    }
}

impl Explain for RstrError {
    fn code(&self) -> Code {
        match self {
            Self::Document(_) => Code::ParsingWstrustResponseFailed,
            Self::WithoutToken { .. } => Code::WstrustResponseWithoutToken,
            Self::Encrypted => Code::AssertionEncrypted,
            Self::UnknownVersion { .. } => Code::AssertionVersionUnknown,
            Self::TokenWithFailure { .. } => Code::WstrustTokenWithFailureStatus,
            Self::Status { .. } => Code::FederatedServiceReturnedError,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Document(DocumentError::Unexpected(_)) => {
                "A firewall, proxy or sign-in page answered instead of the federation server. \
                 Exempt the server from the proxy."
            }
            Self::Encrypted => {
                "Ask the administrator to remove the encryption certificate from the Microsoft 365 \
                 relying-party trust."
            }
            Self::UnknownVersion { .. } => {
                "Ask the administrator to let the federation server issue SAML 1.1 or 2.0 \
                 assertions for Microsoft Entra."
            }
            Self::Document(_) | Self::WithoutToken { .. } | Self::TokenWithFailure { .. } => {
                "Ask the federation server's administrator to look at its event log for this time."
            }
            Self::Status { .. } => {
                "Check that the endpoint is enabled on the federation server and that nothing \
                 between it and this machine answers in its place."
            }
        })
    }
}

impl Explain for WsTrustFault {
    fn code(&self) -> Code {
        Code::FederatedServiceReturnedError
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self.kind() {
            FaultKind::NotAuthorised => {
                "Check that the account is neither locked, disabled nor expired and may use this \
                 application. Do not repeat a password that was refused."
            }
            FaultKind::UnknownAudience => {
                "The federation server does not know the audience: check that {authority} \
                 names the right cloud, and the Microsoft 365 relying-party trust."
            }
            FaultKind::ClockSkew => {
                "Correct the clock of this machine: the federation server allows 5 minutes."
            }
            FaultKind::BadRequest => {
                "The federation server did not understand the request. Report this with its \
                 reason."
            }
            FaultKind::Other => {
                "Ask the federation server's administrator to look at its event log (AD FS/Admin, \
                 events 111 and 364) for this time."
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use silentry_protocol::wstrust::mex::FederationMetadata;
    use silentry_protocol::wstrust::rstr::WsTrustReply;

    fn check(refused: &impl Explain) {
        refused.mitigation().check(refused.code().as_str());
    }

    #[test]
    fn every_refusal_has_advice_for_either_reader() {
        let document = || DocumentError::Empty;
        check(&RealmError::Document(document()));
        check(&RstrError::Document(document()));
        for refusal in [
            RealmRefusal::ManagedUser,
            RealmRefusal::PersonalAccount,
            RealmRefusal::MissingMetadataUrl,
        ] {
            check(&refusal);
        }
        for error in [
            RstrError::Encrypted,
            RstrError::UnknownVersion { token_type: None },
            RstrError::TokenWithFailure { status: 500 },
            RstrError::Status {
                status: 503,
                page: None,
            },
        ] {
            check(&error);
        }
    }

    #[test]
    fn every_kind_of_fault_has_advice() {
        for reason in ["ID3242: x", "ID3082: x", "ID3035: x", "x"] {
            let soap = format!(
                "<Fault><faultcode>f</faultcode><faultstring>{reason}</faultstring></Fault>"
            );
            let Ok(WsTrustReply::Fault(fault)) = WsTrustReply::parse(soap.as_bytes(), None) else {
                panic!("{reason}: not a fault");
            };
            check(&fault);
        }
    }

    #[test]
    fn advice_is_about_the_endpoint_that_was_looked_for() {
        let empty = b"<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'/>";
        let Ok(nothing) = FederationMetadata::parse(empty, None, None) else {
            panic!("not metadata");
        };
        for (sought, speaks, silent) in [
            (
                nothing.integrated_windows(),
                "windowstransport",
                "usernamemixed",
            ),
            (
                nothing.username_password(),
                "usernamemixed",
                "windowstransport",
            ),
        ] {
            let advice = sought.unwrap_err().mitigation();
            advice.check(speaks);
            let text = advice.for_command();
            assert!(text.contains(speaks) && !text.contains(silent), "{text}");
        }
    }
}
