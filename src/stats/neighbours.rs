//! How the round-trip time of an answer differs from that of its neighbour, the answer that arrived before it.

use std::time::Duration;

use super::jitter::Jitter;

/// The differences between neighbouring round-trip times: mean, maximum, and smoothed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neighbours {
    count: u64,
    /// In nanoseconds; it saturates at 584 years.
    sum: u64,
    max: u64,
    jitter: Jitter,
}

impl Neighbours {
    /// Adds the difference between the round-trip time of an answer and that of the one that arrived before it, in
    /// nanoseconds.
    #[inline]
    pub fn add(&mut self, difference: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(difference);
        self.max = self.max.max(difference);
        self.jitter.add(difference);
    }

    /// How many differences there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean difference, in nanoseconds, cut; `None` before the second round-trip time.
    pub const fn mean(&self) -> Option<u64> {
        self.sum.checked_div(self.count)
    }

    /// The largest difference, in nanoseconds; `None` before the second round-trip time.
    pub const fn max(&self) -> Option<u64> {
        if self.count > 0 { Some(self.max) } else { None }
    }

    /// Interarrival jitter (RFC 3550 section 6.4.1); zero before the second round-trip time.
    pub fn jitter(&self) -> Duration {
        self.jitter.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbours(differences: &[u64]) -> (Option<u64>, Option<u64>, u128) {
        let mut neighbours = Neighbours::default();
        differences.iter().for_each(|difference| neighbours.add(*difference));
        (neighbours.mean(), neighbours.max(), neighbours.jitter().as_nanos())
    }

    #[test]
    fn differences_have_a_mean_and_a_maximum_and_are_smoothed() {
        assert_eq!(neighbours(&[]), (None, None, 0));
        assert_eq!(neighbours(&[0]), (Some(0), Some(0), 0));
        assert_eq!(neighbours(&[1_600, 3_200]), (Some(2_400), Some(3_200), 294));
        assert_eq!(neighbours(&[3_200, 1_600]), (Some(2_400), Some(3_200), 288), "the order matters");
    }

    #[test]
    fn the_sum_saturates() {
        assert_eq!(neighbours(&[u64::MAX; 3]).1, Some(u64::MAX));
    }
}
