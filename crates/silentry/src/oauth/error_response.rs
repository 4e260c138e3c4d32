//! Errors of the token endpoint: read leniently, classified.
