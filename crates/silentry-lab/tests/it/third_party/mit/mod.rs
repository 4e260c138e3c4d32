//! The KDC, its files and the acceptor, used by MIT Kerberos: `kinit`, `kvno`, `klist`, the GSSAPI
//! library, and curl.
//!
//! The tests need the Debian packages krb5-user, python3-gssapi and curl.

mod lab;
mod tickets;
mod tokens;
