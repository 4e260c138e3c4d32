//! The `silentry` command.

#[cfg(test)]
mod inspect;

fn main() {}
