//! Microsoft Entra access tokens for the domain user already signed in, without a prompt.

pub mod authority;
pub mod cache;
pub mod federation;
pub mod oauth;
pub mod secret;
