//! Interarrival jitter of round-trip times: how much they differ, smoothed.

use std::time::Duration;

/// Interarrival jitter (RFC 3550 section 6.4.1): J += (|D| − J) / 16, with D the difference between a round-trip time
/// and the one of the answer that arrived before. Exact to the nanosecond: a sum in whole nanoseconds, as in the code of
/// appendix A.8, would lose up to eight of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jitter {
    /// Nanoseconds × 2^20.
    scaled: i64,
}

/// Bits below the point.
const FRACTION: u32 = 20;

/// The largest difference that is taken as it is: two hours.
const LARGEST: u64 = (1 << 43) - 1;

impl Jitter {
    /// Adds the difference between two round-trip times that follow one another, in nanoseconds.
    #[inline]
    pub fn add(&mut self, difference: u64) {
        // At most 2^43, so the shift and the difference fit.
        let difference = (difference.min(LARGEST) as i64) << FRACTION;
        self.scaled += (difference - self.scaled + 8) >> 4;
    }

    /// The jitter so far; zero before the second round-trip time.
    pub fn value(&self) -> Duration {
        // Never negative: it lies between zero and the largest difference.
        let rounded = (self.scaled + (1 << (FRACTION - 1))) >> FRACTION;
        Duration::from_nanos(rounded.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jitter(differences: &[u64]) -> Duration {
        let mut jitter = Jitter::default();
        differences.iter().for_each(|difference| jitter.add(*difference));
        jitter.value()
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        assert_eq!(jitter(&[]), Duration::ZERO);
        // 1600 / 16 = 100, then 100 + (3200 - 100) / 16 = 293.75.
        assert_eq!(jitter(&[1_600]), Duration::from_nanos(100));
        assert_eq!(jitter(&[1_600, 3_200]), Duration::from_nanos(294));
    }

    #[test]
    fn a_difference_beyond_two_hours_does_no_harm() {
        assert_eq!(jitter(&[u64::MAX]), Duration::from_nanos(1 << 39));
        assert_eq!(jitter(&[u64::MAX; 1_000]), Duration::from_nanos(LARGEST));
    }

    /// The formula as a fraction, its numerator and its denominator 16^n: exact, for as many steps as fit.
    fn exact(differences: &[u64]) -> (u128, u128) {
        differences.iter().fold((0, 1), |(sum, scale), difference| {
            // J·16^(n+1) = 15·J·16^n + D·16^n.
            (15 * sum + u128::from(*difference) * scale, 16 * scale)
        })
    }

    proptest! {
        #[test]
        fn jitter_equals_the_formula_to_the_nanosecond(
            differences in prop::collection::vec(0..1_u64 << 40, 1..20),
            shift in 0..40_u32,
        ) {
            let scaled: Vec<u64> = differences.iter().map(|difference| difference >> shift).collect();
            let (sum, scale) = exact(&scaled);
            let off = (jitter(&scaled).as_nanos() * scale).abs_diff(sum);
            // Half a nanosecond may be rounded either way.
            prop_assert!(off <= scale / 2 + (scale >> 14), "off by {off} / {scale}");
        }
    }

    #[test]
    fn jitter_stays_exact_over_a_hundred_thousand_differences() {
        let (mut formula, mut jitter) = (0_f64, Jitter::default());
        for n in 0..100_000_u64 {
            let difference = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 36;
            jitter.add(difference);
            formula += (difference as f64 - formula) / 16.0;
            let off = (jitter.value().as_nanos() as f64 - formula).abs();
            assert!(off <= 0.500_1, "{off} after {n}");
        }
    }
}
