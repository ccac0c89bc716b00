//! Numbers folded from events.
//!
//! A fold and nothing else: it reads no clock, knows no probe table and prints no text. Every sum is an
//! exact integer, so neither the length of a run nor the size of a round-trip time can spoil a result.

mod board;
mod distribution;
mod moments;
mod tally;

pub use board::{Board, Row, Totals};
pub use distribution::Jitter;
pub use moments::Moments;
pub use tally::{Tally, Timings};
