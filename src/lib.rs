//! rping, as a library so that tests, fuzzers and benches reach every room.
//!
//! A *probe* goes out; a *reply* (or nothing) comes back; an *event* says so; a *report* prints it.
//! Each module imports modules above it only; `tests/layers.rs` checks which.

/// Packets: pure functions over octets.
pub mod wire;

/// Time: the only module that reads a clock.
pub mod clock;

/// Text from elsewhere, made harmless.
pub mod escape;

/// What passes between the engine and the transport, as plain data.
pub mod datagram;

/// Probes, and the encoding of their identity.
pub mod probe;

/// Every unsafe line, and what the kernel reads and writes.
pub mod sys;

/// Writing that never blocks.
pub mod output;

/// Signals.
pub mod stop;

/// Names to addresses, addresses to names and to autonomous systems.
pub mod names;

/// Replies, parsed.
pub mod reply;

/// Sessions: which probe when, and what became of it. No clock, no socket.
pub mod engine;

/// Numbers folded from events.
pub mod stats;

/// Sockets: octets out and in, stamped.
pub mod transport;

/// Events in, text or JSON out.
pub mod report;

/// The loop.
pub mod run;

/// The command line, parsed and checked.
pub mod cli;

/// The commands: what puts all others together.
pub mod command;
