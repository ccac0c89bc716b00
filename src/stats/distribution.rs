//! The distribution of round-trip times: percentiles.
//!
//! A log-linear histogram with decimal buckets. Up to 999 ns each nanosecond is a bucket; above, each power of
//! ten has 900, one for each three significant digits. Only buckets in use take memory, four octets each, so a
//! host with few answers costs little and one with many no more than its times differ. A bounded one has at most
//! [`MOST`] entries: neighbouring buckets are merged, in pairs, when it would need more.

/// Significant digits of a percentile.
pub const DIGITS: u32 = 3;

/// Bits of an entry that count; those above are the bucket. There are 1000 + 17 × 900 + 1 buckets, 14 bits.
const COUNT_BITS: u32 = 18;
const FULL: u32 = (1 << COUNT_BITS) - 1;

/// Entries of a bounded distribution at most, a kilobyte.
pub const MOST: usize = 256;

/// How often each bucket was hit.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// Bucket and count, in the order of buckets. A count has as many entries as it has digits of [`COUNT_BITS`] bits,
    /// the lowest first.
    entries: Vec<u32>,
    /// How often neighbouring buckets were merged: 2^`merges` of them are one.
    merges: u8,
    /// Whether there are at most [`MOST`] entries.
    bounded: bool,
}

impl Distribution {
    /// An empty one that never takes more than about a kilobyte. Its percentiles have three significant digits as long
    /// as the samples are in at most [`MOST`] buckets.
    pub fn bounded() -> Self {
        Self { bounded: true, ..Self::default() }
    }

    /// Takes all memory that a bounded one can need.
    pub fn reserve(&mut self) {
        self.entries.reserve_exact((MOST + 1).saturating_sub(self.entries.len()));
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: u64) {
        let bucket = bucket::<DIGITS>(sample) >> self.merges;
        let mut at = self.entries.partition_point(|entry| entry >> COUNT_BITS < bucket);
        while let Some(entry) = self.entries.get_mut(at).filter(|entry| **entry >> COUNT_BITS == bucket) {
            if *entry & FULL < FULL {
                *entry += 1;
                return;
            }
            // One is carried to the next digit.
            *entry &= !FULL;
            at += 1;
        }
        if self.entries.len() == self.entries.capacity() {
            // By a quarter and not by half: there may be 65,536 of these.
            self.entries.reserve_exact(self.entries.len() / 4 + 4);
        }
        self.entries.insert(at, bucket << COUNT_BITS | 1);
        while self.bounded && self.entries.len() > MOST {
            self.merge();
        }
    }

    /// Removes all samples. The memory is kept.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.merges = 0;
    }

    /// The buckets in use, in their order, and their counts.
    fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        let mut rest = self.entries.as_slice();
        std::iter::from_fn(move || {
            let bucket = rest.first()? >> COUNT_BITS;
            let digits = rest.iter().take_while(|entry| **entry >> COUNT_BITS == bucket).count();
            let (this, after) = rest.split_at(digits);
            rest = after;
            let count =
                this.iter().rev().fold(0, |count, entry| count << COUNT_BITS | u64::from(entry & FULL));
            Some((bucket, count))
        })
    }

    /// Merges neighbouring buckets in pairs.
    fn merge(&mut self) {
        let mut merged: Vec<(u32, u64)> = Vec::with_capacity(MOST);
        for (bucket, count) in self.buckets() {
            match merged.last_mut().filter(|(last, _)| *last == bucket / 2) {
                Some((_, sum)) => *sum += count,
                None => merged.push((bucket / 2, count)),
            }
        }
        self.merges += 1;
        self.entries.clear();
        for (bucket, mut count) in merged {
            while count > 0 {
                // The lowest digit, which fits.
                self.entries.push(bucket << COUNT_BITS | (count & u64::from(FULL)) as u32);
                count >>= COUNT_BITS;
            }
        }
    }

    /// Number of samples.
    pub fn count(&self) -> u64 {
        self.buckets().map(|(_, count)| count).sum()
    }

    /// The values in use, rising, each with the number of samples that it stands for.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> {
        let middle = |bucket: u32| (bucket << self.merges) + ((1 << self.merges) - 1) / 2;
        self.buckets().map(move |(bucket, count)| (value(middle(bucket), DIGITS), count))
    }

    /// The smallest sample that `percent` of 100 samples do not exceed (nearest rank), rounded to three
    /// significant digits, or to the middle of merged buckets. `None` without a sample.
    ///
    /// The extremes are known exactly: a result never lies outside of them.
    pub fn percentile(&self, percent: u64, extremes: (u64, u64)) -> Option<u64> {
        percentile(self.values(), self.count(), percent, extremes)
    }
}

/// A percentile of `count` samples, given the rising values that stand for them.
pub(super) fn percentile(
    mut values: impl Iterator<Item = (u64, u64)>,
    count: u64,
    percent: u64,
    (min, max): (u64, u64),
) -> Option<u64> {
    let rank = u128::from(count) * u128::from(percent.min(100));
    let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(u64::MAX).max(1);
    match rank {
        _ if count == 0 => return None,
        1 => return Some(min),
        rank if rank == count => return Some(max),
        _ => {}
    }
    let mut before = 0;
    let found = values.find(|(_, count)| {
        before += count;
        before >= rank
    });
    found.map(|(value, _)| value.clamp(min, max))
}

/// The powers of ten.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// Values below this are buckets of their own.
const fn linear(digits: u32) -> u64 {
    10_u64.pow(digits)
}

/// Buckets of one power of ten above that; for three digits, 100 to 999.
const fn per_decade(digits: u32) -> u64 {
    linear(digits) - linear(digits) / 10
}

/// The bucket of a sample: that of the value with so many significant digits that is nearest, half up.
#[inline]
pub(super) fn bucket<const DIGITS: u32>(sample: u64) -> u32 {
    let Some(decade) = sample.checked_ilog10().and_then(|log| log.checked_sub(DIGITS - 1)) else {
        return sample as u32;
    };
    let unit = POWERS.get(decade as usize).copied().unwrap_or(u64::MAX);
    // The leading digits, for three of them 100 to 1000, which is the first one of the next decade. Below 2^18, so the
    // cast loses nothing.
    let leading = sample / unit + u64::from(sample % unit >= unit.div_ceil(2));
    (u64::from(decade) * const { per_decade(DIGITS) } + leading) as u32
}

/// The value that stands for a bucket.
pub(super) fn value(bucket: u32, digits: u32) -> u64 {
    let (bucket, first) = (u64::from(bucket), linear(digits) / 10);
    if bucket < linear(digits) {
        return bucket;
    }
    let decade = (bucket - first) / per_decade(digits);
    let leading = (bucket - first) % per_decade(digits) + first;
    leading.saturating_mul(10_u64.saturating_pow(u32::try_from(decade).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PERCENTS: [u64; 6] = [1, 50, 90, 95, 99, 100];

    /// Rounds to three significant digits, half up, by way of decimal text.
    fn rounded(sample: u64) -> u64 {
        let text = sample.to_string();
        let Some((_, rest)) = text.split_at_checked(3).filter(|(_, rest)| !rest.is_empty()) else {
            return sample;
        };
        let head: u128 = text[..3].parse().unwrap();
        let up = u128::from(rest.as_bytes()[0] >= b'5');
        u64::try_from((head + up) * 10_u128.pow(rest.len() as u32)).unwrap_or(u64::MAX)
    }

    /// Each percentile equals the exact one, rounded, and within the extremes.
    fn assert_exact(samples: &[u64]) {
        let mut distribution = Distribution::default();
        samples.iter().for_each(|sample| distribution.add(*sample));
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        for percent in PERCENTS {
            let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
            let exact = sorted[rank as usize - 1];
            let expected = match rank {
                1 => min,
                rank if rank == sorted.len() as u64 => max,
                _ => rounded(exact).clamp(min, max),
            };
            let found = distribution.percentile(percent, (min, max));
            assert_eq!(found, Some(expected), "p{percent} of {} samples, exactly {exact}", sorted.len());
        }
    }

    #[test]
    fn percentiles_are_those_of_all_samples_whatever_their_number_and_order() {
        for count in [1, 2, 64, 65, 100, 10_000, 100_000_u64] {
            let rising = (1..=count).map(|n| 20_000_000 + n * 137);
            assert_exact(&rising.clone().collect::<Vec<_>>());
            assert_exact(&rising.rev().collect::<Vec<_>>());
            assert_exact(&vec![10_000_000; count as usize]);
            assert_exact(&vec![u64::MAX; count as usize]);
            let bimodal = (0..count).map(|n| if n % 3 == 0 { 900_000 + n } else { 45_123_456 + n });
            assert_exact(&bimodal.collect::<Vec<_>>());
        }
    }

    #[test]
    fn sixty_five_answers_of_about_twenty_milliseconds_have_a_p95_above_the_least() {
        let mut distribution = Distribution::default();
        (0..65).for_each(|n| distribution.add(20_000_000 + n * 100_000));
        assert_eq!(distribution.percentile(95, (20_000_000, 26_400_000)), Some(26_100_000));
    }

    #[test]
    fn a_bucket_counts_beyond_the_room_of_one_entry() {
        let mut distribution = Distribution::default();
        (0..300_000).for_each(|_| distribution.add(7));
        (0..300_000).for_each(|_| distribution.add(9));
        distribution.add(11);
        assert_eq!(distribution.count(), 600_001);
        assert_eq!([49, 50, 51, 99].map(|p| distribution.percentile(p, (7, 11)).unwrap()), [7, 9, 9, 9]);
        assert!(distribution.entries.len() <= 5, "{:?}", distribution.entries);
    }

    #[test]
    fn a_count_of_any_size_takes_as_many_entries_as_it_has_digits() {
        // 2^36 - 1 samples, without adding them one by one.
        let entries = vec![7 << COUNT_BITS | FULL, 7 << COUNT_BITS | FULL];
        let mut distribution = Distribution { entries, ..Distribution::default() };
        distribution.add(7);
        distribution.add(8);
        assert_eq!(distribution.buckets().collect::<Vec<_>>(), [(7, 1 << 36), (8, 1)]);
        assert_eq!(distribution.entries.len(), 4);
        assert_eq!(distribution.percentile(99, (7, 8)), Some(7));
    }

    #[test]
    fn a_bounded_distribution_keeps_three_digits_for_256_buckets_and_its_size_for_any_number() {
        let samples = |count: u64| (0..count).map(|n| 10_000_000 + n * 100_000);
        let of = |count| {
            samples(count).fold(Distribution::bounded(), |mut distribution, sample| {
                distribution.add(sample);
                distribution
            })
        };
        // 10.0, 10.1, ... 35.5 ms.
        let (fits, extremes) = (of(256), (10_000_000, 35_500_000));
        assert_eq!((fits.entries.len(), fits.merges), (256, 0));
        assert_eq!([50, 95].map(|p| fits.percentile(p, extremes)), [Some(22_700_000), Some(34_300_000)]);
        // 10.0 to 90.0 ms: four buckets are one, so that a percentile is wrong by 0.2 ms at most.
        let (merged, extremes) = (of(801), (10_000_000, 90_000_000));
        assert_eq!((merged.count(), merged.merges), (801, 2));
        assert!(merged.entries.len() <= MOST && merged.entries.capacity() <= MOST + 70);
        for percent in 1..100_u64 {
            let exact = 10_000_000 + ((801 * percent).div_ceil(100_u64) - 1) * 100_000;
            let found = merged.percentile(percent, extremes).unwrap();
            assert!(found.abs_diff(exact) <= 200_000, "p{percent}: {found} for {exact}");
        }
    }

    #[test]
    fn only_buckets_in_use_take_memory() {
        let mut distribution = Distribution::default();
        (0..1_000_000_u64).for_each(|n| distribution.add(20_000_000 + n % 1_000_000));
        assert!(distribution.entries.capacity() <= 20, "{}", distribution.entries.capacity());
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Distribution::default().percentile(50, (0, 0)), None);
    }

    #[test]
    fn a_cleared_distribution_is_an_empty_one_with_its_memory() {
        let mut distribution = Distribution::bounded();
        (0..10_000).for_each(|n| distribution.add(n * n * n));
        assert!(distribution.merges > 0);
        let capacity = distribution.entries.capacity();
        distribution.clear();
        assert_eq!((distribution.count(), distribution.percentile(50, (0, 0))), (0, None));
        (0..100).for_each(|n| distribution.add(n * 1_000_000));
        assert_eq!(distribution.percentile(50, (0, 99_000_000)), Some(49_000_000));
        assert_eq!(distribution.entries.capacity(), capacity);
    }

    proptest! {
        #[test]
        fn a_bounded_distribution_counts_each_sample_within_its_bound(
            samples in prop::collection::vec((any::<u64>(), 0..64_u32), 1..2_000),
        ) {
            let mut distribution = Distribution::bounded();
            samples.iter().for_each(|(sample, shift)| distribution.add(sample >> shift));
            prop_assert!(distribution.entries.len() <= MOST);
            prop_assert_eq!(distribution.count(), samples.len() as u64);
            prop_assert!(distribution.buckets().is_sorted_by(|a, b| a.0 < b.0));
        }

        #[test]
        fn percentiles_equal_the_exact_ones_to_three_digits(
            samples in prop::collection::vec((any::<u64>(), 0..64_u32), 1..300),
        ) {
            assert_exact(&samples.iter().map(|(sample, shift)| sample >> shift).collect::<Vec<_>>());
        }

        #[test]
        fn a_bucket_stands_for_the_rounded_value(sample in any::<u64>(), shift in 0..64_u32) {
            prop_assert_eq!(value(bucket::<DIGITS>(sample >> shift), DIGITS), rounded(sample >> shift));
        }
    }
}
