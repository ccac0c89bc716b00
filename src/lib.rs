//! rping, as a library so that tests, fuzzers and benches reach every room.
//!
//! A *probe* goes out; a *reply* (or nothing) comes back; an *event* says so; a *report* prints it.
//! The modules stand in the order in which they may know one another; `tests/layers.rs` checks it.

pub mod cli;
pub mod clock;
pub mod command;
pub mod datagram;
pub mod engine;
pub mod escape;
pub mod names;
pub mod output;
pub mod probe;
pub mod reply;
pub mod report;
pub mod run;
pub mod stats;
pub mod stop;
pub mod sys;
pub mod transport;
pub mod wire;
