//! The token endpoint's success: access token, lifetimes, who it is for.
