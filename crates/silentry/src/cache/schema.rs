//! The unified JSON schema that all MSALs share.
