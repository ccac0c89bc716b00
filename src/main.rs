//! rping: ping for people in terminals and for scripts that read exit codes.

fn main() {}
