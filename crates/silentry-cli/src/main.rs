//! The `silentry` command.
fn main() {}
