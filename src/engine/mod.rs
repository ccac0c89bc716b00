//! Which probes go out when, and what became of each. No I/O, no clock, no text for people.

pub mod event;
pub mod ping;
