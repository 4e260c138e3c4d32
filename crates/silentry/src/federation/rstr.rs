//! WS-Trust replies: an assertion or a fault.
