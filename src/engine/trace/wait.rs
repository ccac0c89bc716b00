//! The deadline of a probe: how long its answer is waited for.

use std::time::Duration;

use super::table::Table;

/// Factor of the RTT of the hop, or of the next later hop that answered.
const HERE: f64 = 3.0;

/// The deadline is at least this long after that RTT: routers answer from a slow path at low priority.
const FLOOR: Duration = Duration::from_millis(100);

/// Behind the last hop that answered: factor of the longest first RTT of any hop.
const TAIL: f64 = 5.0;

/// Lower bound behind the last hop that answered, for a far target behind a near last router.
const SHORTEST_TAIL: Duration = Duration::from_secs(2);

/// Upper bound, so that a target that never answers costs no more than a few seconds in all.
const LONGEST_TAIL: Duration = Duration::from_secs(3);

/// Time that traceroute(8) adds to the multiple of the RTT of the same hop.
const GRACE: Duration = Duration::from_millis(1);

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
    /// How long an answer to a probe of this TTL is waited for, by what is known now.
    pub fn patience(self, table: &Table, ttl: u8) -> Duration {
        let here = table.rtt(ttl);
        let near = || table.ttls().skip_while(|later| *later <= ttl).find_map(|later| table.rtt(later));
        match self {
            Self::Adaptive => match here.or_else(near) {
                Some(rtt) => times(rtt, HERE).max(rtt.saturating_add(FLOOR)).min(LONGEST_TAIL.max(rtt)),
                None => tail(table),
            },
            Self::Given { max, here: here_factor, near: near_factor } => {
                let here = here
                    .filter(|_| here_factor > 0.0)
                    .map(|rtt| times(rtt, here_factor).saturating_add(GRACE));
                let near = || near().filter(|_| near_factor > 0.0).map(|rtt| times(rtt, near_factor));
                here.or_else(near).map_or(max, |wait| wait.min(max))
            }
        }
    }
}

/// The wait behind the last hop that answered.
fn tail(table: &Table) -> Duration {
    let longest = table.ttls().filter_map(|ttl| table.rtt(ttl)).max();
    let wait = longest.map_or(LONGEST_TAIL, |rtt| times(rtt, TAIL));
    wait.clamp(SHORTEST_TAIL, LONGEST_TAIL)
}

/// `rtt` times `factor`, saturating.
fn times(rtt: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(rtt.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
