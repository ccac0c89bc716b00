//! The headings of the help of `rping ping`.

pub const TIMING: &str = "How many, how fast, how long";
pub const OUTPUT: &str = "What is printed";
pub const ROUTE: &str = "From where, and which way";
pub const PACKET: &str = "What is sent";
pub const OTHER: &str = "Other";
pub const MANY: &str = "Many hosts";
/// Of both commands.
pub const STATUS: &str = "Exit status";
