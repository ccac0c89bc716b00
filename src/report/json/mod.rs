//! JSON Lines: one object for each thing that happens, one line for each object.
//!
//! `docs/json.md` tells the format to those who read it. It knows no text for people: whatever a terminal
//! would need escaped, [`line`] escapes.

mod answer;
mod extension;
mod line;
mod many;
mod ping;
mod trace;

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::clock::{Epoch, Instant};
use crate::datagram::{SendFault, Timing};
use crate::output::Output;
use crate::stats::Timings;

use answer::{Answered, NotSent, Timeout, Told};

pub use many::JsonMany;
pub use ping::JsonPing;
pub use trace::{JsonTrace, TraceStart};

/// Version of the format. New keys may come in any version; a change of meaning makes a new one.
const VERSION: u32 = 1;

/// What every line begins with, and what it tells.
#[derive(Serialize)]
struct Line<R> {
    v: u32,
    ts: String,
    #[serde(flatten)]
    record: R,
}

/// Says one line.
fn say(at: Instant, epoch: Epoch, record: impl Serialize, output: &mut Output<'_>) {
    let line = Line { v: VERSION, ts: rfc3339(at, epoch), record };
    // Nothing that is said here refuses to be shown: no map has keys that are not text.
    if let Some(text) = line::line(&line) {
        output.print(format_args!("{text}\n"));
    }
}

/// A time of day in UTC, with nanoseconds.
fn rfc3339(at: Instant, epoch: Epoch) -> String {
    let wall = UNIX_EPOCH + Duration::from_nanos(epoch.wall(at).as_nanos());
    humantime::format_rfc3339_nanos(wall).to_string()
}

/// Milliseconds, exact to the nanosecond.
fn millis(duration: Duration) -> f64 {
    // Below 2^53 nanoseconds (104 days) every value is exact before the division.
    duration.as_nanos() as f64 / 1e6
}

/// Nanoseconds as milliseconds.
fn nanos(nanos: u64) -> f64 {
    millis(Duration::from_nanos(nanos))
}

/// Whose clocks timed an answer.
const fn clock(timing: Timing) -> &'static str {
    match timing {
        Timing::Kernel => "kernel",
        Timing::Hardware => "hardware",
        Timing::Mixed => "mixed",
        Timing::User => "user",
    }
}

/// How many times whose clocks.
#[derive(Serialize)]
struct Clocks {
    kernel: u64,
    hardware: u64,
    mixed: u64,
    user: u64,
}

impl From<Timings> for Clocks {
    fn from(Timings { kernel, hardware, mixed, user }: Timings) -> Self {
        Self { kernel, hardware, mixed, user }
    }
}

/// Why a datagram did not leave.
#[derive(Serialize)]
struct Fault {
    errno: i32,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
}

impl From<SendFault> for Fault {
    fn from(fault: SendFault) -> Self {
        Self { errno: fault.error.number(), reason: fault.error.to_string(), mtu: fault.mtu() }
    }
}

/// The number of a family: 4 or 6.
const fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 6,
    }
}
