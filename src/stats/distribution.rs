//! How round-trip times vary.

use std::time::Duration;

/// Interarrival jitter of round-trip times (RFC 3550 section 6.4.1): how much one differs from the one
/// before, smoothed with gain 1/16.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jitter {
    before: Option<Duration>,
    /// Sixteen times the nanoseconds, as the RFC's own code keeps it (appendix A.8).
    times_16: u64,
}

impl Jitter {
    /// Adds the next round-trip time.
    pub fn add(&mut self, rtt: Duration) {
        if let Some(before) = self.before.replace(rtt) {
            let difference = u64::try_from(rtt.abs_diff(before).as_nanos()).unwrap_or(u64::MAX);
            let decay = self.times_16.saturating_add(8) >> 4;
            self.times_16 = self.times_16.saturating_add(difference).saturating_sub(decay);
        }
    }

    /// The jitter so far; zero before the second round-trip time.
    pub const fn value(&self) -> Duration {
        Duration::from_nanos(self.times_16 >> 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let mut jitter = Jitter::default();
        jitter.add(Duration::from_nanos(5_000));
        assert_eq!(jitter.value(), Duration::ZERO);
        // J += (|D| - J) / 16: 1600 / 16 = 100, then 100 + (3200 - 100) / 16 = 293.
        jitter.add(Duration::from_nanos(6_600));
        assert_eq!(jitter.value(), Duration::from_nanos(100));
        jitter.add(Duration::from_nanos(3_400));
        assert_eq!(jitter.value(), Duration::from_nanos(293));
    }
}
