//! Numbers folded from events.
//!
//! A fold and nothing else: it reads no clock, knows no probe table and prints no text. Every sum is an
//! exact integer, so neither the length of a run nor the size of a round-trip time can spoil a result.

use std::time::Duration;

use crate::clock::Instant;
use crate::engine::event::{Answer, Event, ProbeError, Verdict};
use crate::wire::icmp::Family;

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
