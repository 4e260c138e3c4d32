//! WWW-Authenticate: the challenges of a server or an API.
