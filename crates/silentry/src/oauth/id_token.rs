//! Claims of a JWT that came from the token endpoint itself.
