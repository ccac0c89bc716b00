//! How long an answer is waited for.

use std::time::Duration;

use super::table::Table;
use crate::clock::Instant;

/// In mid-path: factor of the RTT of the neighbouring hops.
const NEAR: f64 = 3.0;

/// In mid-path, at least so long after that RTT: routers answer from a slow path at low priority.
const GRACE: Duration = Duration::from_millis(500);

/// The least time that an answer may take longer than others.
const MARGIN: Duration = Duration::from_millis(50);

/// Behind the last hop that answered. A host that is off is reported after three requests for its link-layer address, a
/// second apart (RFC 4861 section 10, and Linux for ARP), and a little later.
pub const TAIL: Duration = Duration::from_millis(3_300);

/// Time that traceroute(8) adds to the multiple of the RTT of the same hop.
const CLASSIC_GRACE: Duration = Duration::from_millis(1);

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// Derived from the RTTs of this trace.
    Adaptive,
    /// `traceroute -w MAX,HERE,NEAR`: at most `max`, or `here` times the RTT of this hop, or `near` times
    /// that of a later hop. A factor of 0 is unused.
    Given {
        /// The longest wait.
        max: Duration,
        /// Factor of the RTT of this hop.
        here: f64,
        /// Factor of the RTT of a later hop.
        near: f64,
    },
}

impl Wait {
    /// Whether it follows the RTTs of this trace.
    pub const fn is_adaptive(self) -> bool {
        matches!(self, Self::Adaptive)
    }

    /// When the wait for an answer to a query of this TTL is over, by what is known now. Its `first` probe and its
    /// `newest` left then.
    pub fn deadline(self, table: &Table, ttl: u8, first: Instant, newest: Instant) -> Instant {
        match self {
            Self::Adaptive if is_tail(table, ttl) => {
                // A further probe does not lengthen the wait, but for the time that its own answer needs.
                (first + TAIL + table.longest_rtt()).max(newest + answer_time(table))
            }
            // What other probes needed that left with the first one: a refusal shows it too.
            Self::Adaptive => (newest + mid_path(table, ttl)).max(first + table.slowest_answer + MARGIN),
            Self::Given { max, here, near } => newest + given(table, ttl, (max, here, near)),
        }
    }
}

/// After so long without an answer a probe is most likely lost: half as long again as the slowest answer so far.
pub fn answer_time(table: &Table) -> Duration {
    let longest = table.longest_rtt();
    times(longest, 1.5).max(longest.saturating_add(MARGIN))
}

/// Whether no hop from this one on was answered.
fn is_tail(table: &Table, ttl: u8) -> bool {
    table.highest().is_none_or(|highest| highest < ttl)
}

/// The wait at a hop that was answered itself, or before one that was.
fn mid_path(table: &Table, ttl: u8) -> Duration {
    let before = table.ttls().rev().skip_while(|near| *near >= ttl).find_map(|near| table.slowest(near));
    let here_or_after = table.ttls().skip_while(|near| *near < ttl).find_map(|near| table.slowest(near));
    in_mid_path(before.max(here_or_after).unwrap_or_default()).max(table.longest_rtt())
}

fn in_mid_path(near: Duration) -> Duration {
    times(near, NEAR).max(near.saturating_add(GRACE))
}

/// The wait for answers from beyond all that was answered, where nothing is reported late.
pub fn beyond(table: &Table) -> Duration {
    in_mid_path(table.longest_rtt())
}

/// The wait of traceroute(8).
fn given(table: &Table, ttl: u8, (max, here, near): (Duration, f64, f64)) -> Duration {
    let here =
        table.rtt(ttl).filter(|_| here > 0.0).map(|rtt| times(rtt, here).saturating_add(CLASSIC_GRACE));
    let later = || table.ttls().skip_while(|later| *later <= ttl).find_map(|later| table.rtt(later));
    let near = || later().filter(|_| near > 0.0).map(|rtt| times(rtt, near));
    here.or_else(near).map_or(max, |wait| wait.min(max))
}

/// `rtt` times `factor`, saturating.
fn times(rtt: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(rtt.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
