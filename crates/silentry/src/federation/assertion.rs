//! A SAML assertion: exact bytes and version.
