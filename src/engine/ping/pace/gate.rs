//! A rate limiter without drift: the n-th probe passes at `base` + n / rate, but for those that leave together.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::Instant;

/// How far a schedule may fall behind its rate and still catch up.
const SLACK: Duration = Duration::from_millis(10);

/// Departures a second at most: probes that are due between two departures leave with the first of them, because a
/// wake-up costs more than a send.
const DEPARTURES: u64 = 2_000;

/// Lets so many probes pass in a second.
#[derive(Debug)]
pub struct Gate {
    rate: Option<NonZeroU64>,
    base: Instant,
    passed: u64,
}

impl Gate {
    /// A gate that opens at `start`; without a rate it stays open.
    pub fn new(rate: Option<NonZeroU64>, start: Instant) -> Self {
        Self { rate, base: start, passed: 0 }
    }

    /// Whether it limits anything.
    pub fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// When the next probe may pass.
    pub fn opens(&self) -> Instant {
        let Some(rate) = self.rate else { return self.base };
        let behind = self.passed.checked_rem(rate.get() / DEPARTURES).unwrap_or(0);
        let passed = u128::from(self.passed.saturating_sub(behind));
        let nanos = passed.saturating_mul(1_000_000_000).checked_div(rate.get().into());
        self.base
            + Duration::from_nanos(nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(u64::MAX))
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
        let mut gate = Gate::new(NonZeroU64::new(1_000), at(0));
        gate.pass(at(5_500));
        assert_eq!(gate.opens(), at(1_000));
        gate.pass(at(20_000));
        assert_eq!(gate.opens(), at(21_000), "more than ten milliseconds are not");
    }
}
