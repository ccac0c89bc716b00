//! A histogram of round-trip times with few bars, for people.

use super::percentiles::Percentiles;

/// A bar: how many times lie from one value on and below another, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The smallest time in it.
    pub from: u64,
    /// The time above it.
    pub to: u64,
    /// How many times lie in it.
    pub count: u64,
}

/// Bars at most.
const MOST: u32 = 12;

/// The bars between two extremes, rising, without gaps. Their edges have three significant digits and are in geometric
/// progression: nearly even where times differ little, and each a multiple of the one before where they differ much. The
/// more samples, the more bars (Sturges' rule: one more than the binary logarithm), twelve at most. No bar without a
/// sample.
pub fn bars(times: &Percentiles, (min, max): (u64, u64)) -> Vec<Bar> {
    let Some(log) = times.count().checked_ilog2() else { return Vec::new() };
    let (first, last) = (cut(min), cut(max).saturating_add(unit(max)));
    let rows = (log + 1).min(MOST) as i32;
    let ratio = root(last as f64 / first.max(1) as f64, rows);
    let between = (1..rows).map(|row| rounded((first as f64 * ratio.powi(row)) as u64));
    let mut edges: Vec<u64> = std::iter::once(first).chain(between).collect();
    edges.retain(|edge| (first..last).contains(edge));
    edges.push(last);
    edges.dedup();
    let mut bars: Vec<_> = edges.windows(2).filter_map(|pair| bar(pair.first()?, pair.last()?)).collect();
    for (value, count) in times.values() {
        let above = edges.partition_point(|edge| *edge <= value.clamp(min, max));
        if let Some(bar) = above.checked_sub(1).and_then(|at| bars.get_mut(at)) {
            bar.count += count;
        }
    }
    bars
}

/// The `n`-th root of a value of at least 1, by Newton's method from above. `powf` would be the only function of libm in the
/// program: 0.3 MB of memory, and a library to load at each start.
fn root(value: f64, n: i32) -> f64 {
    let mut root = value;
    loop {
        let next = root - (root - value / root.powi(n - 1)) / f64::from(n);
        if next >= root {
            return root;
        }
        root = next;
    }
}

fn bar(from: &u64, to: &u64) -> Option<Bar> {
    (from < to).then_some(Bar { from: *from, to: *to, count: 0 })
}

/// The unit of the third significant digit.
fn unit(nanos: u64) -> u64 {
    10_u64.pow(nanos.checked_ilog10().unwrap_or(0).saturating_sub(2))
}

/// A value cut to three significant digits.
fn cut(nanos: u64) -> u64 {
    nanos - nanos % unit(nanos)
}

/// A value rounded to three significant digits.
fn rounded(nanos: u64) -> u64 {
    cut(nanos.saturating_add(unit(nanos) / 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Precision;

    fn found(samples: &[u64]) -> Vec<(u64, u64, u64)> {
        let mut times = Percentiles::new(Precision::Fine);
        samples.iter().for_each(|sample| times.add(*sample));
        let extremes = samples.iter().min().zip(samples.iter().max());
        let (min, max) = extremes.map_or((0, 0), |(min, max)| (*min, *max));
        bars(&times, (min, max)).into_iter().map(|bar| (bar.from, bar.to, bar.count)).collect()
    }

    proptest! {
        #[test]
        fn a_root_is_that_of_the_mathematical_library(value in 1.0..1e19_f64, n in 1..13_i32) {
            let expected = value.powf(1.0 / f64::from(n));
            prop_assert!((root(value, n) / expected - 1.0).abs() < 1e-12, "{} {expected}", root(value, n));
        }
    }

    #[test]
    fn bars_are_even_where_times_differ_little_and_grow_where_they_differ_much() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[11_412_345]), [(11_400_000, 11_500_000, 1)]);
        let close: Vec<u64> = (0..8).map(|n| 11_000_000 + n * 100_000).collect();
        let even = [11_000_000, 11_200_000, 11_400_000, 11_600_000].map(|from| (from, from + 200_000, 2));
        assert_eq!(found(&close), even);
        let wide = found(&[10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000]);
        assert_eq!(
            wide,
            [(10_000, 33_700, 2), (33_700, 114_000, 2), (114_000, 383_000, 2), (383_000, 1_290_000, 2)]
        );
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_of_a_dozen_bars_without_gaps(
            samples in prop::collection::vec((any::<u64>(), 1..64_u32), 1..200),
        ) {
            let samples: Vec<u64> = samples.iter().map(|(sample, shift)| sample >> shift).collect();
            let bars = found(&samples);
            prop_assert!((1..=12).contains(&bars.len()));
            prop_assert_eq!(bars.iter().map(|bar| bar.2).sum::<u64>(), samples.len() as u64);
            prop_assert!(bars.windows(2).all(|pair| pair[0].1 == pair[1].0));
            let (min, max) = (*samples.iter().min().unwrap(), *samples.iter().max().unwrap());
            prop_assert!(bars[0].0 <= min && max < bars[bars.len() - 1].1);
        }
    }
}
