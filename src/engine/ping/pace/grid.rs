//! A fixed grid: round n begins at start + n × interval, and sends a probe to each of its targets.

use std::cmp::Ordering;
use std::ops::Range;
use std::time::Duration;

use crate::clock::Instant;

/// Targets that were added together, and their grid.
///
/// Grids are ordered by the begin of their rounds: the greatest one is the one that began first.
#[derive(Debug, PartialEq, Eq)]
pub struct Grid {
    targets: Range<u32>,
    start: Instant,
    /// The next target of the round.
    next: u32,
    round: u64,
    /// When the round begins.
    begins: Instant,
    /// Rounds still to come, this one included; `None`: no end.
    left: Option<u64>,
    /// Rounds that begin at once, this one included.
    preload: u64,
}

impl Grid {
    /// `rounds` for these targets from `start` on, of which `preload` begin at once; `None`: without end.
    pub fn new(targets: Range<u32>, start: Instant, rounds: Option<u64>, preload: u64) -> Self {
        Self { next: targets.start, targets, start, round: 0, begins: start, left: rounds, preload }
    }

    /// Whether no probe is left.
    pub fn is_over(&self) -> bool {
        self.left == Some(0) || self.targets.is_empty()
    }

    /// When the round begins that the next target belongs to.
    pub fn begins(&self) -> Instant {
        self.begins
    }

    /// The next target of the round.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// On to the next target, or to the next round; where the rounds may be `stretched`, to the one that should be
    /// going on.
    pub fn advance(&mut self, now: Instant, interval: Duration, stretched: bool) {
        self.next = self.next.saturating_add(1);
        if self.next < self.targets.end {
            return;
        }
        self.next = self.targets.start;
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.preload > 1 {
            self.preload = self.preload.saturating_sub(1);
            return;
        }
        let passed = now.since(self.start).as_nanos().checked_div(interval.as_nanos());
        let passed = u64::try_from(passed.unwrap_or(0)).unwrap_or(u64::MAX);
        let next = if stretched { passed } else { passed.saturating_add(1) };
        self.round = self.round.saturating_add(1).max(next);
        let nanos = interval.as_nanos().saturating_mul(self.round.into());
        self.begins = self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }

    /// One more round, for a target that is alone.
    pub fn extend(&mut self) {
        self.left = self.left.map(|left| left.saturating_add(1));
    }
}

impl Ord for Grid {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.begins, other.targets.start).cmp(&(self.begins, self.targets.start))
    }
}

impl PartialOrd for Grid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
