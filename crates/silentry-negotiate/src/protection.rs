//! What protects the messages that follow a negotiation.

/// How messages are protected once a negotiation is complete, by
/// [`Context::wrap`](crate::Context::wrap) and [`Context::unwrap`](crate::Context::unwrap).
///
/// HTTP leaves it to TLS. LDAP has nothing else where there is no TLS: domain controllers refuse binds
/// that do not sign (`LDAPServerIntegrity`, Microsoft's advisory ADV190023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MessageProtection {
    /// Nothing is asked for.
    #[default]
    None,
    /// Messages cannot be changed, repeated or reordered unnoticed (`GSS_C_INTEG_FLAG`).
    Signed,
    /// Nor can they be read (`GSS_C_CONF_FLAG`).
    Sealed,
}
