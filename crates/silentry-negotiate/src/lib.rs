//! The signed-in user's Negotiate token for an HTTP service (RFC 4559), from the ticket that is already
//! there: no password, no prompt.
//!
//! On Linux and macOS the system's GSSAPI library is found at run time; nothing is needed to build, and a
//! program starts without it. On Windows SSPI is called. There is no Kerberos of this crate's own.
//!
//! # One request
//!
//! A token is made for one request on one TLS connection. Three things happen in this order: the handshake,
//! after which the server's certificate is known; the token, bound to that certificate; the request with
//! the token, without waiting to be asked for it by a 401.
//!
//! ```no_run
//! use silentry_negotiate::{ChannelBinding, Negotiator, ServerProof, ServicePrincipal};
//! # struct Connection;
//! # struct Reply;
//! # fn connect(_: &str) -> Connection { Connection }
//! # impl Connection {
//! #     fn leaf(&self) -> Vec<u8> { Vec::new() }
//! #     fn post(&self, _: &[u8]) -> Reply { Reply }
//! # }
//! # impl Reply { fn negotiate_token(&self) -> Option<Vec<u8>> { None } }
//!
//! let connection = connect("sts.contoso.com");
//! let service = ServicePrincipal::http("sts.contoso.com")?;
//! let binding = ChannelBinding::tls_server_end_point(&connection.leaf()).ok();
//!
//! let (context, token) = Negotiator::new().initiate(&service, binding.as_ref())?;
//! // Authorization: Negotiate <base64 of the token>
//! let reply = connection.post(token.as_bytes());
//!
//! // WWW-Authenticate: Negotiate <base64 of the server's proof>
//! match context.finish(reply.negotiate_token().as_deref())? {
//!     ServerProof::Verified => println!("it is the service"),
//!     ServerProof::Absent => println!("TLS alone says who it is"),
//! }
//! # Ok::<(), silentry_negotiate::Error>(())
//! ```
//!
//! `examples/reqwest.rs` does the whole of it with reqwest, where the certificate is the hard part.
//!
//! # What is decided here, and what is left to the caller
//!
//! - Mutual authentication is always asked for. A final token that is there must verify; one that is not
//!   there is reported as [`ServerProof::Absent`], and the caller decides.
//! - NTLM is refused unless [allowed](Negotiator::with_ntlm_allowed), also inside SPNEGO.
//! - Credentials are never delegated.
//! - A redirect must not be followed with a token, nor a token sent without TLS: that is up to the HTTP
//!   client.
//! - After a 401 to a complete negotiation, try once more with a new token, then stop. The library takes
//!   the same service ticket from the ccache again; only `kdestroy` or `klist purge` drops it.
//!
//! # Beyond HTTP
//!
//! A protocol that has no TLS below it, such as LDAP, asks for
//! [message protection](Negotiator::with_message_protection) and passes its messages through
//! [`Context::wrap`] and [`Context::unwrap`]. The service then has a class of its own:
//! `ServicePrincipal::of_host("ldap", "dc1.corp.contoso.com")`.
//!
//! # Errors
//!
//! [`Error::code`] is for programs, its `Display` has the reason in the words of the Kerberos library, and
//! [`Error::mitigation`] says what to do:
//!
//! ```
//! use silentry_negotiate::{Credentials, Negotiator, ServicePrincipal};
//!
//! let negotiator = Negotiator::new().with_credentials(Credentials::ccache("FILE:/nonexistent"));
//! let service = ServicePrincipal::http("sts.contoso.com")?;
//! if let Err(error) = negotiator.initiate(&service, None) {
//!     eprintln!("{error} ({})\n{}", error.code(), error.mitigation());
//! }
//! # Ok::<(), silentry_negotiate::Error>(())
//! ```
//!
//! # Which libraries
//!
//! | system | library | named ccache or keytab | channel binding |
//! |---|---|---|---|
//! | Linux | MIT Kerberos `libgssapi_krb5.so.2` | from 1.11 | from 1.19 |
//! | Linux | Heimdal `libgssapi.so.3` | from 8 | yes |
//! | macOS | `GSS.framework` | no | no |
//! | Windows | SSPI | no | yes |

mod channel_binding;
mod context;
mod credentials;
mod deadline;
mod der;
mod error;
mod leg;
mod negotiator;
mod platform;
mod principal;
mod protection;
mod settings;
mod token;
#[cfg(unix)]
mod unix;
mod user;
#[cfg(windows)]
mod windows;

pub use channel_binding::ChannelBinding;
pub use context::{Context, ServerProof, Step};
pub use credentials::Credentials;
pub use error::Error;
pub use negotiator::Negotiator;
pub use principal::ServicePrincipal;
pub use protection::MessageProtection;
pub use token::Token;
pub use user::SignedInUser;
