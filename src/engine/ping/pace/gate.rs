//! A rate limiter without drift: the n-th probe passes at `base` + n / rate, but for those that leave together.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::{Instant, nanos};

/// How many probes leave in a time at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRate {
    probes: NonZeroU64,
    nanos: u64,
}

impl ProbeRate {
    /// So many probes a second.
    pub const fn per_second(probes: NonZeroU64) -> Self {
        Self { probes, nanos: SECOND }
    }

    /// One probe each `gap`; `None`: without a gap there is no limit.
    pub fn one_each(gap: Duration) -> Option<Self> {
        let nanos = nanos(gap);
        (nanos > 0).then_some(Self { probes: NonZeroU64::MIN, nanos })
    }

    /// How long so many probes take.
    pub fn time(self, probes: u64) -> Duration {
        let nanos =
            u128::from(probes).saturating_mul(self.nanos.into()).checked_div(self.probes.get().into());
        Duration::from_nanos(nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(u64::MAX))
    }

    /// Probes that are due between two departures.
    fn group(self) -> u64 {
        let gap = SECOND / DEPARTURES;
        let probes = u128::from(self.probes.get()).saturating_mul(gap.into());
        let probes = probes.checked_div(self.nanos.into()).unwrap_or(0);
        u64::try_from(probes).unwrap_or(u64::MAX)
    }
}

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// How far a schedule may fall behind its rate and still catch up.
const SLACK: Duration = Duration::from_millis(10);

/// Departures a second at most: probes that are due between two departures leave with the first of them, because a
/// wake-up costs more than a send.
const DEPARTURES: u64 = 2_000;

/// Lets probes pass at a rate.
#[derive(Debug)]
pub struct Gate {
    rate: Option<ProbeRate>,
    base: Instant,
    passed: u64,
}

impl Gate {
    /// A gate that opens at `start`; without a rate it stays open.
    pub fn new(rate: Option<ProbeRate>, start: Instant) -> Self {
        Self { rate, base: start, passed: 0 }
    }

    /// Whether it limits anything.
    pub fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// When the next probe may pass.
    pub fn opens(&self) -> Instant {
        let Some(rate) = self.rate else { return self.base };
        let behind = self.passed.checked_rem(rate.group()).unwrap_or(0);
        self.base + rate.time(self.passed.saturating_sub(behind))
    }

    /// A probe passes at `now`.
    pub fn pass(&mut self, now: Instant) {
        if now.since(self.opens()) > SLACK {
            (self.base, self.passed) = (now, 0);
        }
        self.passed = self.passed.saturating_add(1);
    }

    /// Nothing passes before `until`.
    pub fn close_until(&mut self, until: Instant) {
        if self.opens() < until {
            (self.base, self.passed) = (until, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1_000)
    }

    #[test]
    fn a_little_lateness_is_caught_up_with() {
        let mut gate = Gate::new(NonZeroU64::new(1_000).map(ProbeRate::per_second), at(0));
        gate.pass(at(5_500));
        assert_eq!(gate.opens(), at(1_000));
        gate.pass(at(20_000));
        assert_eq!(gate.opens(), at(21_000), "more than ten milliseconds are not");
    }

    #[test]
    fn a_gap_of_any_length_is_kept_exactly() {
        for (gap, third) in [(3_000, 9_000), (333, 999), (1_500_000, 4_500_000)] {
            let mut gate = Gate::new(ProbeRate::one_each(Duration::from_micros(gap)), at(0));
            for passed in 0..3 {
                assert_eq!(gate.opens(), at(gap * passed));
                gate.pass(at(gap * passed));
            }
            assert_eq!(gate.opens(), at(third));
        }
        assert_eq!(ProbeRate::one_each(Duration::ZERO), None);
    }
}
