//! Microsoft Entra access tokens for the domain user already signed in, without a prompt.
//!
//! The Kerberos ticket of the sign-in goes to AD FS, comes back as a SAML assertion, and becomes a token (integrated
//! Windows authentication), on Windows, Linux and macOS:
//!
//! ```no_run
//! # async fn example() -> Result<(), silentry::Error> {
//! use silentry::{Error, PublicClientApplication};
//!
//! let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
//!     .with_tenant_id("contoso.com")
//!     .build()?;
//! let scopes = ["https://graph.microsoft.com/User.Read"];
//!
//! match app.acquire_token_by_integrated_windows_auth(scopes).await {
//!     Ok(token) => println!("{} has a token until {:?}", token.account().username(), token.expires_on()),
//!     // MFA, consent, an expired password: only a flow that can prompt helps, and `claims()` goes with it.
//!     Err(Error::InteractionRequired(needed)) => eprintln!("{}", needed.mitigation()),
//!     Err(error) => eprintln!("{error}\n{}", error.mitigation()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The names are MSAL's in Rust's spelling, so that Microsoft's documentation reads across.
//!
//! # What goes where
//!
//! - The **ticket** goes over https only, to the host of the federation metadata by its full name on port 443, or to
//!   those alone that [`with_federation_hosts`] lists, bound to the TLS connection that carries it (RFC 5929), and only
//!   to a server that proves itself. NTLM is refused unless [`with_ntlm`] allows it; credentials are never delegated.
//! - The **assertion** goes to the authority's token endpoint, byte for byte as the federation server signed it.
//! - What was learnt about realms and federation servers is remembered for five minutes by a
//!   [`PublicClientApplication`] and its clones, so that the next sign-in needs two exchanges instead of four.
//!
//! # Without async
//!
//! With the feature `blocking`, `.wait()` stands wherever async code writes `.await`, on any thread:
//! `app.acquire_token(scopes).wait()?`, after `use silentry::blocking::Wait`. Windows, command line tools and plugins
//! that have no runtime need none.
//!
//! # Asking no more than needed
//!
//! A token in memory costs no I/O. Calls for the same token at the same time share one exchange, those of several
//! processes with the same persistent cache as well; a call with a correlation id of its own goes alone. A server that
//! wants to be left alone [is](Error::is_throttled). So ask for a token each time that one is needed, and keep none.
//!
//! When an API refuses a token that was fine a moment ago, [`ClaimsChallenge`] reads what it demands of the next.
//!
//! # Policy
//!
//! An administrator's policy (`/etc/silentry/policy.toml`, the registry or managed preferences) is read when an
//! application is built, and may forbid federation servers, tenants, client ids, flows, NTLM, tickets without channel
//! binding, and places of token caches. It only narrows what the program sets. `docs/policy.md` tells the rest.
//!
//! # Errors
//!
//! Every failure is an [`Error`] with a stable [`code`](Error::code), the [`stage`](Error::stage) where it happened and
//! a [`mitigation`](Error::mitigation) for people. [`Code`] lists them.
//!
//! # Features
//!
//! - `integrated` (default): sign-in with the Kerberos ticket, also to proxies. Without it nobody can tell who is signed
//!   in to the machine, and [`acquire_token`](PublicClientApplication::acquire_token) needs to be told the account.
//! - `interactive` (default): sign-in in the system's browser.
//! - `blocking`: the trait `blocking::Wait`, for programs without async.
//! - `persistent-cache` (default): the token caches of the operating systems ([`cache::store`]). Without it only the
//!   trait remains.
//!
//! [`with_federation_hosts`]: PublicClientApplicationBuilder::with_federation_hosts
//! [`with_ntlm`]: PublicClientApplicationBuilder::with_ntlm

mod advice;
mod application;
mod authority;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "interactive")]
mod browser;
pub mod cache;
mod client;
#[cfg(feature = "integrated")]
mod directory;
mod error;
mod federation_hosts;
mod flow;
mod flow_name;
mod identity;
#[cfg(feature = "integrated")]
mod kerberos_settings;
mod memory;
mod own_thread;
mod policy;
mod random;
mod request;
mod result;
pub mod text;
pub mod transport;

pub use advice::Advice;
pub use authority::{Authority, Tenant};
#[cfg(feature = "interactive")]
pub use browser::{Browser, BrowserError, SystemBrowser};
pub use cache::TokenCache;
#[cfg(feature = "integrated")]
pub use client::AcquireTokenByIntegratedWindowsAuth;
#[cfg(feature = "interactive")]
pub use client::AcquireTokenInteractive;
pub use client::{
    AcquireToken, AcquireTokenByRefreshToken, AcquireTokenByUsernamePassword, AcquireTokenSilent,
    AcquireTokenWithDeviceCode, BeginDeviceCode, ClaimsChallenge, DeviceCode, DeviceCodeSignIn,
    PublicClientApplication, PublicClientApplicationBuilder,
};
#[cfg(feature = "integrated")]
pub use directory::Directory;
#[doc(hidden)]
pub use error::Explain;
pub use error::{Attempt, Category, Code, Error, Failure, InteractionRequired, ServerCode, Stage};
pub use flow_name::Flow;
#[cfg(feature = "integrated")]
pub use kerberos_settings::MutualAuthentication;
pub use result::{Account, AuthenticationResult, TokenSource};
#[cfg(feature = "interactive")]
pub use silentry_protocol::oauth::authorization::Prompt;
pub use silentry_protocol::secret::Secret;
