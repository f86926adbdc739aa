//! The command `white-box`.

fn main() {}
