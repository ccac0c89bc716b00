//! Count, extremes, mean and deviation of samples, by exact sums.

/// Count, extremes, and exact sums of samples and of their squares.
///
/// Exact for up to 2^62 samples of any size. (iputils' sums overflow long before.)
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    pub(super) count: u64,
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) sum: u128,
    /// Sums of the upper and of the lower 64 bits of each square.
    pub(super) squares: (u128, u128),
}

/// Which way a part below one is rounded on the way to a variance.
#[derive(Clone, Copy)]
enum Rounding {
    /// So that the variance comes out as the floor of its exact value.
    Exact,
    /// As iputils does: the square of the sum, divided by the count, is cut before it is subtracted.
    Classic,
}

impl Moments {
    /// Adds a sample.
    #[inline]
    pub fn add(&mut self, sample: u64) {
        self.min = if self.count == 0 { sample } else { self.min.min(sample) };
        self.max = self.max.max(sample);
        self.count += 1;
        self.sum += u128::from(sample);
        let square = u128::from(sample) * u128::from(sample);
        self.squares.0 += square >> 64;
        self.squares.1 += square & u128::from(u64::MAX);
    }

    /// How many samples there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The smallest sample; 0 when there is none.
    pub const fn min(&self) -> u64 {
        self.min
    }

    /// The largest sample; 0 when there is none.
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The mean, cut to an integer; 0 when there is no sample.
    pub fn mean(&self) -> u64 {
        // No mean exceeds the largest sample.
        self.sum.checked_div(u128::from(self.count)).map_or(0, |mean| mean as u64)
    }

    /// The population standard deviation, cut to an integer.
    pub fn deviation(&self) -> u64 {
        // At most half of the range of the samples.
        self.variance(Rounding::Exact).isqrt() as u64
    }

    /// The population standard deviation as iputils computes it from whole microseconds.
    pub fn classic_deviation(&self) -> u64 {
        let variance = self.variance(Rounding::Classic);
        let root = variance.isqrt();
        // Its integer square root, by Newton's method from above, ends one too high just below a square.
        let too_high = variance > 0 && variance + 1 == (root + 1) * (root + 1);
        (root + u128::from(too_high)) as u64
    }

    /// With S1 and S2 the sums of the n samples and of their squares, and
    /// S2 = a·n + b, S1 = q·n + r, 2·q·r = c·n + d (each rest below n):
    /// S2/n − (S1/n)² = a − q² − c + (b − d − r²/n)/n. Every intermediate value fits.
    fn variance(&self, rounding: Rounding) -> u128 {
        let n = u128::from(self.count);
        // Most hosts of a sweep answer once.
        if n < 2 {
            return 0;
        }
        let (a, b) = self.squares_divided(n);
        let (q, r) = (self.sum / n, self.sum % n);
        let (c, d) = (2 * q * r / n, 2 * q * r % n);
        let below_one = match rounding {
            Rounding::Exact => (r * r).div_ceil(n),
            Rounding::Classic => r * r / n,
        };
        let whole = (a - q * q) as i128 - c as i128;
        let rest = (b as i128 - d as i128 - below_one as i128).div_euclid(n as i128);
        (whole + rest).max(0) as u128
    }

    /// Quotient and rest of the sum of the squares by `n`: a long division, 64 bits a digit.
    fn squares_divided(&self, n: u128) -> (u128, u128) {
        let high = self.squares.0 + (self.squares.1 >> 64);
        let low = ((high % n) << 64) | (self.squares.1 & u128::from(u64::MAX));
        (((high / n) << 64) + low / n, low % n)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// A natural number of any size: digits of 32 bits, the lowest first.
    #[derive(Clone)]
    struct Big(Vec<u32>);

    impl Big {
        fn new(mut value: u128) -> Self {
            let mut digits = Vec::new();
            while value > 0 {
                digits.push(value as u32);
                value >>= 32;
            }
            Self(digits)
        }

        fn plus(&self, other: &Self) -> Self {
            let (mut digits, mut carry) = (Vec::new(), 0_u64);
            for i in 0..self.0.len().max(other.0.len()) + 1 {
                let digit = |big: &Self| u64::from(big.0.get(i).copied().unwrap_or(0));
                carry += digit(self) + digit(other);
                digits.push(carry as u32);
                carry >>= 32;
            }
            Self(digits)
        }

        fn times(&self, other: &Self) -> Self {
            let mut digits = vec![0_u32; self.0.len() + other.0.len() + 1];
            for (i, a) in self.0.iter().enumerate() {
                let mut carry = 0_u64;
                for (j, b) in other.0.iter().chain(&[0]).enumerate() {
                    carry += u64::from(*a) * u64::from(*b) + u64::from(digits[i + j]);
                    digits[i + j] = carry as u32;
                    carry >>= 32;
                }
            }
            Self(digits)
        }

        fn compare(&self, other: &Self) -> Ordering {
            let digit = |big: &Self, i| big.0.get(i).copied().unwrap_or(0);
            let top = self.0.len().max(other.0.len());
            (0..top)
                .rev()
                .map(|i| digit(self, i).cmp(&digit(other, i)))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        }
    }

    /// The moments of samples, each occurring so many times.
    fn moments(samples: &[(u64, u64)]) -> Moments {
        let mut moments = Moments::default();
        for &(sample, times) in samples {
            let mut one = Moments::default();
            one.add(sample);
            moments.min = if moments.count == 0 { sample } else { moments.min.min(sample) };
            moments.max = moments.max.max(sample);
            moments.count += times;
            moments.sum += one.sum * u128::from(times);
            moments.squares.0 += one.squares.0 * u128::from(times);
            moments.squares.1 += one.squares.1 * u128::from(times);
        }
        moments
    }

    /// Mean and deviation are the floors of the exact values: m·n ≤ S1 < (m+1)·n, and
    /// (d·n)² ≤ n·S2 − S1² < ((d+1)·n)².
    fn assert_exact(samples: &[(u64, u64)]) {
        let zero = || Big::new(0);
        let of = |value: u64| Big::new(u128::from(value));
        let n = samples.iter().fold(zero(), |n, (_, times)| n.plus(&of(*times)));
        let s1 = samples.iter().fold(zero(), |s, (x, times)| s.plus(&of(*x).times(&of(*times))));
        let s2 =
            samples.iter().fold(zero(), |s, (x, times)| s.plus(&of(*x).times(&of(*x)).times(&of(*times))));
        let moments = moments(samples);
        let (mean, deviation) = (u128::from(moments.mean()), u128::from(moments.deviation()));
        assert!(Big::new(mean).times(&n).compare(&s1).is_le(), "mean {mean} too high");
        assert!(Big::new(mean + 1).times(&n).compare(&s1).is_gt(), "mean {mean} too low");
        let square = |deviation: u128| {
            let scaled = Big::new(deviation).times(&n);
            scaled.times(&scaled).plus(&s1.times(&s1))
        };
        assert!(square(deviation).compare(&n.times(&s2)).is_le(), "deviation {deviation} too high");
        assert!(square(deviation + 1).compare(&n.times(&s2)).is_gt(), "deviation {deviation} too low");
        assert!(moments.min() <= moments.mean() && moments.mean() <= moments.max());
    }

    #[test]
    fn a_thousand_million_samples_of_any_size_are_summed_exactly() {
        let half = 1 << 63;
        assert_exact(&[(0, 500_000_000), (half, 500_000_000)]);
        assert_exact(&[(half, 999_999_999), (half - 1, 1)]);
        assert_exact(&[(0, 1), (half, 999_999_999)]);
        assert_exact(&[(u64::MAX, 1_000_000_000)]);
        assert_exact(&[(u64::MAX, 1 << 61), (0, 1 << 61)]);
        assert_exact(&[(1, 3), (2, 333_333_333), (half, 7), (12_345_678, 1_000_000)]);
    }

    #[test]
    fn a_variance_just_below_a_square_is_not_rounded_up_to_it() {
        // Variances 8/9, 24/25 and 80/9: iputils finds 1, 1 and 9.
        assert_exact(&[(0, 2), (2, 1)]);
        assert_exact(&[(0, 3), (2, 2)]);
        assert_exact(&[(0, 5), (8, 1)]);
    }

    #[test]
    fn no_sample_means_zero() {
        let none = Moments::default();
        assert_eq!((none.min(), none.mean(), none.max()), (0, 0, 0));
        assert_eq!((none.deviation(), none.classic_deviation()), (0, 0));
    }

    /// What iputils computes, step by step, where nothing overflows.
    fn iputils_mdev(samples: &[u64]) -> i128 {
        let total = samples.len() as i128;
        let tsum: i128 = samples.iter().map(|x| i128::from(*x)).sum();
        let tsum2: i128 = samples.iter().map(|x| i128::from(*x) * i128::from(*x)).sum();
        let variance = (tsum2 - tsum * tsum / total) / total;
        let (mut previous, mut root) = (i128::MAX, variance);
        while root > 0 && root < previous {
            previous = root;
            root = (root + variance / root) / 2;
        }
        root
    }

    proptest! {
        #[test]
        fn mean_and_deviation_equal_those_of_big_integers(
            samples in prop::collection::vec((any::<u64>(), 1..1_u64 << 40), 1..20),
            shift in 0..64_u32,
        ) {
            let scaled: Vec<_> = samples.iter().map(|(sample, times)| (sample >> shift, *times)).collect();
            assert_exact(&scaled);
        }

        #[test]
        fn the_classic_deviation_is_that_of_iputils(
            samples in prop::collection::vec(0..2_000_000_u64, 1..40),
            shift in 0..20_u32,
        ) {
            let mut moments = Moments::default();
            let scaled: Vec<u64> = samples.iter().map(|sample| sample >> shift).collect();
            scaled.iter().for_each(|sample| moments.add(*sample));
            prop_assert_eq!(i128::from(moments.classic_deviation()), iputils_mdev(&scaled));
        }
    }
}
