//! Percentiles of round-trip times, as exact as they are needed.

use std::collections::BTreeMap;

use super::distribution::{self, Distribution, bucket, value};

/// How exact percentiles are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Three significant digits at most: little memory for each of many targets, and for a run without an end.
    #[default]
    Coarse,
    /// Four significant digits, within 0.05 %.
    Fine,
}

/// Round-trip times, from which percentiles can be taken.
#[derive(Clone, Debug)]
pub enum Percentiles {
    /// To three digits at most.
    Coarse(Distribution),
    /// To four digits: the count of each bucket. Its size is bounded by the number of buckets. Boxed, so that coarse
    /// ones, of which there may be many, are small.
    Fine(Box<BTreeMap<u32, u64>>),
}

/// Significant digits of a fine distribution.
const FINE: u32 = 4;

impl Default for Percentiles {
    fn default() -> Self {
        Self::new(Precision::Coarse)
    }
}

impl Percentiles {
    /// Of the times of all targets together, as exact as that.
    pub fn new(precision: Precision) -> Self {
        Self::or(precision, Distribution::default)
    }

    /// Of the times of one target among many; a coarse one takes a kilobyte at most.
    pub fn bounded(precision: Precision) -> Self {
        Self::or(precision, Distribution::bounded)
    }

    fn or(precision: Precision, coarse: impl FnOnce() -> Distribution) -> Self {
        match precision {
            Precision::Coarse => Self::Coarse(coarse()),
            Precision::Fine => Self::Fine(Box::default()),
        }
    }

    /// Takes all memory that a bounded one can need.
    pub fn reserve(&mut self) {
        if let Self::Coarse(distribution) = self {
            distribution.reserve();
        }
    }

    /// Adds a time, in nanoseconds.
    #[inline]
    pub fn add(&mut self, nanos: u64) {
        match self {
            Self::Coarse(distribution) => distribution.add(nanos),
            Self::Fine(counts) => *counts.entry(bucket::<FINE>(nanos)).or_insert(0) += 1,
        }
    }

    /// The values in use, rising, each with the number of times that it stands for.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> {
        let (coarse, fine) = match self {
            Self::Coarse(distribution) => (Some(distribution.values()), None),
            Self::Fine(counts) => (None, Some(counts.iter())),
        };
        let fine = fine.into_iter().flatten().map(|(bucket, count)| (value(*bucket, FINE), *count));
        coarse.into_iter().flatten().chain(fine)
    }

    /// Number of times.
    pub fn count(&self) -> u64 {
        self.values().map(|(_, count)| count).sum()
    }

    /// The smallest time that `percent` of 100 do not exceed (nearest rank), rounded to the significant digits. `None`
    /// without a time. The extremes are known exactly: a result never lies outside of them.
    pub fn percentile(&self, percent: u64, extremes: (u64, u64)) -> Option<u64> {
        distribution::percentile(self.values(), self.count(), percent, extremes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fine(samples: impl Iterator<Item = u64>) -> Percentiles {
        samples.fold(Percentiles::new(Precision::Fine), |mut percentiles, sample| {
            percentiles.add(sample);
            percentiles
        })
    }

    #[test]
    fn fine_percentiles_are_within_a_thousandth_of_the_exact_ones_of_a_hundred_thousand_times() {
        // From a microsecond to a second, evenly on a logarithmic scale: as many of each size.
        let samples = (0..100_000_u64).map(|n| {
            let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            (1_000.0 * 10_f64.powf(6.0 * random as f64 / (1_u64 << 53) as f64)) as u64
        });
        let mut sorted: Vec<u64> = samples.collect();
        let percentiles = fine(sorted.iter().copied());
        sorted.sort_unstable();
        for percent in 1..=100 {
            let exact = sorted[percent as usize * 1_000 - 1];
            let found = percentiles.percentile(percent, (sorted[0], sorted[99_999])).unwrap();
            assert!(found.abs_diff(exact) * 1_000 <= exact, "p{percent} is {found}, exactly {exact}");
        }
    }

    #[test]
    fn only_buckets_in_use_take_memory() {
        let percentiles = fine((0..1_000_000).map(|n| 20_000_000 + n % 1_000_000));
        assert_eq!((percentiles.values().count(), percentiles.count()), (101, 1_000_000));
        assert!(size_of::<Percentiles>() <= size_of::<Distribution>());
    }

    #[test]
    fn nothing_has_no_percentile() {
        for precision in [Precision::Coarse, Precision::Fine] {
            assert_eq!(Percentiles::new(precision).percentile(50, (0, 0)), None);
        }
    }

    proptest! {
        #[test]
        fn fine_percentiles_are_the_exact_ones_to_four_digits(
            samples in prop::collection::vec((any::<u64>(), 0..64_u32), 1..300),
            percent in 0..=100_u64,
        ) {
            let mut sorted: Vec<u64> = samples.iter().map(|(sample, shift)| sample >> shift).collect();
            let percentiles = fine(sorted.iter().copied());
            sorted.sort_unstable();
            let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
            let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
            let exact = sorted[rank as usize - 1];
            let found = percentiles.percentile(percent, (min, max)).unwrap();
            // Half a unit of the fourth digit.
            prop_assert!(u128::from(found.abs_diff(exact)) * 2_000 <= u128::from(exact), "{found} for {exact}");
        }
    }
}
