//! The account of a run, folded from its events.
//!
//! A fold and nothing else: it reads no clock, knows no probe table and prints no text. Every count is an
//! exact integer. Reports, statistics and the exit status read the account; nothing else adds anything up.

mod distribution;
pub mod loss;
mod moments;
mod ping;
mod tally;
mod trace;
pub mod verdict;

pub use distribution::{Distribution, Jitter};
pub use moments::Moments;
pub use ping::{PingAccount, Row};
pub use tally::{Classic, Tally, Timings};
pub use trace::TraceAccount;

/// What the events of a run are folded into.
pub trait Account {
    /// What it is folded from.
    type Event;

    /// Takes one event into account.
    fn add(&mut self, event: &Self::Event);
}
