//! Documents that say which endpoints a server has.

pub mod instance;
pub mod openid;
