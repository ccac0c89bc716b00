//! rping, as a library so that tests, fuzzers and benches reach every module.
//!
//! A *probe* is sent; a *reply* (or nothing) comes back; each becomes an *event*; a *report* prints it.
//! Each module imports modules above it only; `tests/layers.rs` checks which.

/// Packets: pure functions over octets.
pub mod wire;

/// Time: the only module that reads a clock.
pub mod clock;

/// Text from outside, escaped.
pub mod escape;

/// Plain data between the engine and the transport.
pub mod datagram;

/// Probes, and the encoding of their identity.
pub mod probe;

/// System calls, and every line of unsafe code.
pub mod sys;

/// Writing that never blocks.
pub mod output;

/// Signals.
pub mod stop;

/// Names to addresses, addresses to names and to autonomous systems.
pub mod names;

/// Replies, parsed.
pub mod reply;

/// Sessions: when each probe is sent, and its outcome. No clock, no socket.
pub mod engine;

/// Numbers folded from events.
pub mod stats;

/// Sockets: datagrams sent and received, with their time stamps.
pub mod transport;

/// Events in, text or JSON out.
pub mod report;

/// The loop.
pub mod run;

/// The command line, parsed and checked.
pub mod cli;

/// The commands, which use all other modules.
pub mod command;
