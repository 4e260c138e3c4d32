//! The signed-in user's Negotiate token for an HTTP service.
