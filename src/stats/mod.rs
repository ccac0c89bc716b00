//! Numbers folded from events.
//!
//! A fold and nothing else: it reads no clock, knows no probe table and prints no text. Every sum is an
//! exact integer, so neither the length of a run nor the size of a round-trip time can spoil a result.

mod board;

use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::Timing;
use crate::engine::ping::event::{Answer, Event, ProbeError, Verdict};
use crate::wire::Family;

pub use board::{Board, Row, Totals};

/// The account of a run, as `ping` sums it up.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Probes that left this machine.
    pub sent: u64,
    /// Probes that could not leave this machine.
    pub not_sent: u64,
    /// Probes answered soundly.
    pub received: u64,
    /// Further sound answers to probes already answered.
    pub duplicates: u64,
    /// Answers damaged on the way.
    pub corrupted: u64,
    /// ICMP errors about our probes; notices (source quench, redirect) are none.
    pub icmp_errors: u64,
    /// The largest number of probes that an answer, or an ICMPv4 error, found on their way: the newest
    /// probe's number minus that of the one it is about, plus one. 0 while nothing came back.
    pub pipe: u64,
    /// Round-trip times of received and duplicate answers, in nanoseconds.
    pub rtt: Moments,
    /// The same round-trip times, each cut to whole microseconds as the reply lines print it.
    pub rtt_micros: Moments,
    /// How many of them were measured by whose clocks.
    pub timings: Timings,
    newest_seq: u16,
    first_attempt: Option<Instant>,
    last_attempt: Instant,
    /// Exponentially weighted average of the round-trip times, weight 1/8: eight times the microseconds.
    ewma_times_8: u64,
}

/// Half of the sequence space: what lies further back than this is ahead of the newest probe.
const HALF_SPACE: u16 = 0x7fff;

impl Tally {
    /// Takes one event into account.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Sent { at, seq, .. } => {
                self.sent += 1;
                self.attempt(*at, *seq);
            }
            Event::NotSent { at, seq, .. } => {
                self.not_sent += 1;
                self.attempt(*at, *seq);
            }
            Event::Unanswered { .. } => {}
            Event::Answer(answer) => self.answer(answer),
            Event::Error(error) => self.error(error),
        }
    }

    /// Probes that were due: those that left and those that could not. The text calls them transmitted.
    pub const fn attempted(&self) -> u64 {
        self.sent + self.not_sent
    }

    /// What went wrong with a known cause: ICMP errors and probes that could not leave.
    pub const fn errors(&self) -> u64 {
        self.icmp_errors + self.not_sent
    }

    /// Probes without a sound answer, in percent of those that were due; `None` when none was due.
    pub fn loss_percent(&self) -> Option<f32> {
        let missing = self.attempted().saturating_sub(self.received);
        // The rounding of f32 is part of the text: iputils prints a float.
        (self.attempted() > 0).then(|| (missing as f64 * 100.0 / self.attempted() as f64) as f32)
    }

    /// From the first probe that was due to the last one.
    pub fn sending_time(&self) -> Duration {
        self.first_attempt.map_or(Duration::ZERO, |first| self.last_attempt.since(first))
    }

    /// Exponentially weighted average of the round-trip times, weight 1/8, in microseconds.
    pub const fn ewma_micros(&self) -> u64 {
        self.ewma_times_8 / 8
    }

    fn attempt(&mut self, at: Instant, seq: u16) {
        self.first_attempt.get_or_insert(at);
        self.last_attempt = at;
        self.newest_seq = seq;
    }

    fn answer(&mut self, answer: &Answer) {
        match answer.verdict {
            Verdict::Corrupt => {
                self.corrupted += 1;
                return;
            }
            Verdict::Received => self.received += 1,
            Verdict::Duplicate => self.duplicates += 1,
        }
        self.overtake(answer.seq);
        self.timings.count(answer.timing);
        let nanos = u64::try_from(answer.rtt.as_nanos()).unwrap_or(u64::MAX);
        let micros = nanos / 1_000;
        self.rtt.add(nanos);
        self.rtt_micros.add(micros);
        // Below 2^55 microseconds, so eight times that fits.
        self.ewma_times_8 = match self.ewma_times_8 {
            0 => micros * 8,
            before => before - before / 8 + micros,
        };
    }

    fn error(&mut self, error: &ProbeError) {
        if error.notice {
            return;
        }
        self.icmp_errors += 1;
        // iputils counts the pipe from ICMPv4 errors and not from ICMPv6 ones.
        if error.error.family == Family::V4 {
            self.overtake(error.seq);
        }
    }

    fn overtake(&mut self, seq: u16) {
        let behind = self.newest_seq.wrapping_sub(seq);
        if behind <= HALF_SPACE && self.attempted() > 0 {
            self.pipe = self.pipe.max(u64::from(behind) + 1);
        }
    }
}

/// How many round-trip times were measured by whose clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// The kernel's at both ends.
    pub kernel: u64,
    /// The interface's at both ends.
    pub hardware: u64,
    /// Different ones.
    pub mixed: u64,
    /// Ours at both ends.
    pub user: u64,
}

impl Timings {
    /// Counts one more.
    pub const fn count(&mut self, timing: Timing) {
        match timing {
            Timing::Kernel => self.kernel += 1,
            Timing::Hardware => self.hardware += 1,
            Timing::Mixed => self.mixed += 1,
            Timing::User => self.user += 1,
        }
    }
}

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

/// Count, extremes, and exact sums of samples and of their squares.
///
/// Sound for up to 2^62 samples of any size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    /// Sums of the upper and of the lower 64 bits of each square.
    squares: (u128, u128),
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
        if n == 0 {
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
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::datagram::SendFault;
    use crate::engine::ping::event::{Content, Detail};
    use crate::wire::icmp;

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

        #[test]
        fn nothing_is_silently_loss(events in prop::collection::vec(any_event(), 0..300)) {
            let mut tally = Tally::default();
            for event in &events {
                let before = tally.clone();
                tally.add(event);
                prop_assert_eq!(tally.attempted(), tally.sent + tally.not_sent);
                prop_assert!(tally.errors() >= tally.not_sent);
                let changed = |now: u64, then: u64| u64::from(now != then);
                let changes = changed(tally.sent, before.sent)
                    + changed(tally.not_sent, before.not_sent)
                    + changed(tally.received, before.received)
                    + changed(tally.duplicates, before.duplicates)
                    + changed(tally.corrupted, before.corrupted)
                    + changed(tally.icmp_errors, before.icmp_errors);
                let silent = matches!(event, Event::Unanswered { .. })
                    || matches!(event, Event::Error(ProbeError { notice: true, .. }));
                prop_assert_eq!(changes, u64::from(!silent));
                prop_assert_eq!(tally.rtt.count(), tally.received + tally.duplicates);
                prop_assert!(tally.rtt.min() <= tally.rtt.mean() && tally.rtt.mean() <= tally.rtt.max());
            }
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let at = any::<u64>().prop_map(Instant::from_nanos);
        (0..8_u8, at, any::<u16>(), any::<u64>()).prop_map(|(kind, at, seq, rtt)| {
            let verdict = [Verdict::Received, Verdict::Duplicate, Verdict::Corrupt];
            match kind {
                0 | 1 => Event::Sent { at, seq, in_flight: 1 },
                2 => Event::NotSent { at, seq, fault: SendFault { errno: 1, mtu: None } },
                3 => Event::Unanswered { at, seq },
                4..=6 => answered(at, seq, Duration::from_nanos(rtt), verdict[usize::from(kind - 4)]),
                _ => failed(at, seq, Family::V4, rtt % 2 == 0),
            }
        })
    }

    const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn answered(at: Instant, seq: u16, rtt: Duration, verdict: Verdict) -> Event {
        Event::Answer(Answer {
            at,
            ident: 1,
            seq,
            from: LOCALHOST,
            different_address: false,
            len: 64,
            hop_limit: Some(64),
            rtt,
            timing: Timing::Kernel,
            verdict,
            content: Content::Intact,
            options: Vec::new(),
            many_responders: false,
            detail: Detail::Echo,
        })
    }

    fn failed(at: Instant, seq: u16, family: Family, notice: bool) -> Event {
        let error = icmp::Error { family, icmp_type: 3, code: 1, info: 0 };
        Event::Error(ProbeError { at, seq, from: LOCALHOST, error, notice, quoted_header: Vec::new() })
    }

    fn sent(seq: u16) -> Event {
        Event::Sent { at: Instant::from_nanos(u64::from(seq) * 1_000_000), seq, in_flight: 1 }
    }

    fn tally(events: impl IntoIterator<Item = Event>) -> Tally {
        events.into_iter().fold(Tally::default(), |mut tally, event| {
            tally.add(&event);
            tally
        })
    }

    const fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn the_pipe_is_the_longest_way_back_to_an_answered_probe() {
        let received = |seq| answered(at(0), seq, Duration::ZERO, Verdict::Received);
        let damaged = answered(at(0), 1, Duration::ZERO, Verdict::Corrupt);
        assert_eq!(tally([sent(1), received(1), sent(2), received(2)]).pipe, 1);
        assert_eq!(tally([sent(1), sent(2), sent(3), received(1), received(3)]).pipe, 3);
        assert_eq!(tally([sent(65_535), sent(0), sent(1), received(65_535)]).pipe, 3);
        assert_eq!(tally([sent(1), sent(2), damaged]).pipe, 0);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V4, false)]).pipe, 2);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V4, true)]).pipe, 0);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V6, false)]).pipe, 0);
        // Half of the sequence space behind, or ahead: nothing can be said.
        assert_eq!(tally([sent(1), received(2)]).pipe, 0);
    }

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

    #[test]
    fn the_weighted_average_follows_iputils() {
        let rtt = |micros| answered(at(0), 1, Duration::from_micros(micros), Verdict::Received);
        assert_eq!(tally([]).ewma_micros(), 0);
        assert_eq!(tally([rtt(38)]).ewma_micros(), 38);
        // 304; 304 - 38 + 7 = 273; 273 - 34 + 6 = 245.
        assert_eq!(tally([rtt(38), rtt(7), rtt(6)]).ewma_micros(), 30);
    }

    #[test]
    fn probes_that_could_not_leave_count_as_transmitted_and_as_errors() {
        let fault = SendFault { errno: 1, mtu: None };
        let not_sent = |seq| Event::NotSent { at: at(5), seq, fault };
        let tally = tally([sent(1), not_sent(2), not_sent(3)]);
        assert_eq!((tally.sent, tally.not_sent, tally.attempted(), tally.errors()), (1, 2, 3, 2));
        assert_eq!(tally.loss_percent(), Some(100.0));
    }

    #[test]
    fn the_sending_time_runs_from_the_first_probe_to_the_last() {
        assert_eq!(tally([]).sending_time(), Duration::ZERO);
        assert_eq!(tally([sent(1)]).sending_time(), Duration::ZERO);
        let late_answer = answered(at(9_000_000_000), 1, Duration::ZERO, Verdict::Received);
        assert_eq!(tally([sent(1), sent(204), late_answer]).sending_time(), Duration::from_millis(203));
    }
}
