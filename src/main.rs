//! The `tix` command.

fn main() {}
