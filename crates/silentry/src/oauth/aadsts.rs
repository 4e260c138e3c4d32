//! The AADSTS codes that a public client meets, and what to do about each.
