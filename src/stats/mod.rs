//! The account of a run, folded from its events.
//!
//! A fold and nothing else: it reads no clock, knows no probe table and prints no text. Every count is an
//! exact integer. Reports, statistics and the exit status read the account; nothing else adds anything up.

mod account;
mod burst;
pub mod check;
mod distribution;
mod each;
mod extra;
mod figures;
pub mod histogram;
mod hops;
mod jitter;
pub mod loss;
mod moments;
mod neighbours;
mod percentiles;
mod ping;
mod recent;
mod row;
#[cfg(test)]
mod samples;
mod tally;
mod totals;
mod trace;
pub mod verdict;
mod window;
mod windows;

pub use account::Account;
pub use burst::Bursts;
pub use distribution::Distribution;
pub use each::{EachTime, ProbeTime};
pub use extra::{Extra, Extras};
pub use figures::{Figures, Targeted};
pub use hops::{Hop, Hops};
pub use jitter::Jitter;
pub use moments::Moments;
pub use neighbours::Neighbours;
pub use percentiles::{Percentiles, Precision};
pub use ping::PingAccount;
pub use recent::{Fate, Recent};
pub use row::Row;
pub use tally::{Classic, Tally, Timings};
pub use totals::Totals;
pub use trace::TraceAccount;
pub use window::Window;
pub use windows::{Span, WindowPlan};
