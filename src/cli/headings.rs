//! The headings of the help of both commands.

/// Of ping.
pub const TIMING: &str = "How many, how fast, how long";
pub const OUTPUT: &str = "What is printed";
pub const ROUTE: &str = "From where, and which way";
/// Of ping.
pub const PACKET: &str = "What is sent";
/// Of ping.
pub const MANY: &str = "Many hosts";
pub const STATUS: &str = "Exit status";
pub const OTHER: &str = "Other";
