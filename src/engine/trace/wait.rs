//! How long an answer is waited for.

use std::time::Duration;

use super::Wait;
use super::table::Table;

/// Where a hop, or one behind it, has answered: a silent probe is given so many times what that took.
const HERE: f64 = 3.0;

/// No less than this, though: routers answer from a slow path, when they have nothing better to do.
const FLOOR: Duration = Duration::from_millis(100);

/// Where nothing behind it has answered: so many times the longest that any answer took,
const TAIL: f64 = 5.0;

/// but no less than this, which covers what a far target adds to a near last router,
const SHORTEST_TAIL: Duration = Duration::from_secs(2);

/// and no longer, so that a target that never answers costs no more than a few seconds in all.
const LONGEST_TAIL: Duration = Duration::from_secs(3);

/// What traceroute(8) grants an answer from the same hop beyond its multiple.
const GRACE: Duration = Duration::from_millis(1);

impl Wait {
    /// How long an answer to a probe of this TTL is waited for, as things stand.
    pub fn patience(self, table: &Table, ttl: u8, last_ttl: u8) -> Duration {
        let here = table.hop(ttl).and_then(|hop| hop.rtt);
        let near = || (ttl.saturating_add(1)..=last_ttl).find_map(|ttl| table.hop(ttl)?.rtt);
        match self {
            Self::Adaptive => match here.or_else(near) {
                Some(rtt) => times(rtt, HERE).max(rtt.saturating_add(FLOOR)).min(LONGEST_TAIL.max(rtt)),
                None => tail(table, last_ttl),
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

/// The wait beyond the last hop that answered.
fn tail(table: &Table, last_ttl: u8) -> Duration {
    let longest = (0..=last_ttl).filter_map(|ttl| table.hop(ttl)?.rtt).max();
    let wait = longest.map_or(LONGEST_TAIL, |rtt| times(rtt, TAIL));
    wait.clamp(SHORTEST_TAIL, LONGEST_TAIL)
}

/// A multiple, as far as a duration can hold it.
fn times(rtt: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(rtt.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
