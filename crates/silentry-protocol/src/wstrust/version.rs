//! The versions of WS-Trust.

use super::namespaces::{WS_TRUST_13, WS_TRUST_2005};

/// The version of WS-Trust that an endpoint speaks.
///
/// The order is that of preference: 1.3 comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WsTrustVersion {
    /// WS-Trust 1.3, OASIS 2007. AD FS leaves its `13/windowstransport` off by default.
    V1_3,
    /// WS-Trust of February 2005.
    V2005,
}

impl WsTrustVersion {
    /// Returns the version as people write it: `1.3` or `2005`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_3 => "1.3",
            Self::V2005 => "2005",
        }
    }

    /// Returns the action of a token request, which is also its SOAPAction header.
    pub fn issue_action(self) -> &'static str {
        match self {
            Self::V1_3 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue",
            Self::V2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue",
        }
    }

    /// Returns the version whose token requests have this action.
    pub(super) fn from_issue_action(action: &str) -> Option<Self> {
        [Self::V1_3, Self::V2005]
            .into_iter()
            .find(|version| action.eq_ignore_ascii_case(version.issue_action()))
    }

    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::V1_3 => WS_TRUST_13,
            Self::V2005 => WS_TRUST_2005,
        }
    }

    pub(super) fn key_type(self) -> &'static str {
        match self {
            Self::V1_3 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer",
            Self::V2005 => "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey",
        }
    }

    pub(super) fn request_type(self) -> &'static str {
        match self {
            Self::V1_3 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue",
            Self::V2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue",
        }
    }
}
