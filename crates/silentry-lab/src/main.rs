//! The `silentry-lab` command.
fn main() {}
