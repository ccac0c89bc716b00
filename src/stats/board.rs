//! The account of many targets: a row each, small, as there may be a million.

use hdrhistogram::Histogram;

use super::{Moments, Timings};
use crate::engine::ping::event::{Event, Verdict};

/// Round-trip times of one target that are kept as they are; of more, a histogram is.
const FEW: usize = 64;

/// Significant digits of a percentile taken from a histogram.
const DIGITS: u8 = 2;

/// The account of all targets.
#[derive(Debug)]
pub struct Board {
    rows: Vec<Row>,
    /// All of them together.
    pub totals: Totals,
}

/// The account of all targets together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Targets that a probe was sent to.
    pub asked: u32,
    /// Targets that answered.
    pub answered: u32,
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
    /// ICMP errors about our probes.
    pub icmp_errors: u64,
    /// Probes that an answer may still come to.
    pub out: u64,
    /// Round-trip times of received answers, in whole microseconds.
    pub rtt: Moments,
    /// Whose clocks timed the sound answers.
    pub timings: Timings,
}

impl Totals {
    /// Probes whose time is up without an answer.
    pub const fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received).saturating_sub(self.out)
    }
}

/// The account of one target.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Probes that left this machine.
    pub sent: u32,
    /// Probes that could not leave this machine.
    pub not_sent: u32,
    /// Probes answered soundly.
    pub received: u32,
    /// Probes that an answer may still come to.
    pub out: u32,
    /// Round-trip times of received answers, in whole microseconds: extremes, sum, and sum of squares.
    min: u32,
    max: u32,
    sum: u64,
    /// The upper and the lower half.
    squares: (u64, u64),
    /// Those times, from the second on.
    times: Option<Box<Times>>,
}

#[derive(Clone, Debug)]
enum Times {
    Few(Vec<u32>),
    Many(Histogram<u32>),
}

impl Board {
    /// An empty account of so many targets.
    pub fn new(targets: u32) -> Self {
        Self { rows: vec![Row::default(); targets as usize], totals: Totals::default() }
    }

    /// Takes one event into account.
    pub fn add(&mut self, event: &Event) {
        let Some(row) = self.rows.get_mut(event.target() as usize) else { return };
        let totals = &mut self.totals;
        match event {
            Event::Sent { .. } => {
                totals.asked += u32::from(row.sent == 0);
                row.sent = row.sent.saturating_add(1);
                row.out = row.out.saturating_add(1);
                totals.sent += 1;
                totals.out += 1;
            }
            Event::NotSent { .. } => {
                row.not_sent = row.not_sent.saturating_add(1);
                totals.not_sent += 1;
            }
            Event::Unanswered { .. } => {}
            Event::Lost { .. } => settle(row, totals, true),
            Event::Error(error) => {
                settle(row, totals, error.settles);
                totals.icmp_errors += u64::from(!error.notice);
            }
            Event::Answer(answer) => {
                settle(row, totals, answer.settles);
                if answer.verdict != Verdict::Corrupt {
                    totals.timings.count(answer.timing);
                }
                match answer.verdict {
                    Verdict::Corrupt => totals.corrupted += 1,
                    Verdict::Duplicate => totals.duplicates += 1,
                    Verdict::Received => {
                        let micros = u32::try_from(answer.rtt.as_micros()).unwrap_or(u32::MAX);
                        totals.answered += u32::from(row.received == 0);
                        totals.received += 1;
                        totals.rtt.add(micros.into());
                        row.receive(micros);
                    }
                }
            }
        }
    }

    /// The account of one target.
    pub fn row(&self, target: u32) -> Option<&Row> {
        self.rows.get(target as usize)
    }
}

/// A probe is out of flight, if it `settles`.
fn settle(row: &mut Row, totals: &mut Totals, settles: bool) {
    row.out = row.out.saturating_sub(settles.into());
    totals.out = totals.out.saturating_sub(settles.into());
}

impl Row {
    /// Whether probes were sent, none was answered, and no answer may still come.
    pub const fn is_unreachable(&self) -> bool {
        self.sent > 0 && self.received == 0 && self.out == 0
    }

    fn receive(&mut self, micros: u32) {
        if self.received > 0 {
            let first = self.min;
            let times = self.times.get_or_insert_with(|| Box::new(Times::Few(vec![first])));
            times.add(micros);
        }
        self.min = if self.received == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.received = self.received.saturating_add(1);
        // Below 2^32 samples below 2^32, so neither sum overflows.
        self.sum = self.sum.saturating_add(micros.into());
        let (low, carry) = self.squares.1.overflowing_add(u64::from(micros) * u64::from(micros));
        self.squares = (self.squares.0 + u64::from(carry), low);
    }

    /// Probes whose time is up without an answer.
    pub const fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received).saturating_sub(self.out)
    }

    /// Extremes, mean and deviation of the round-trip times, in whole microseconds.
    pub fn rtt(&self) -> Moments {
        Moments {
            count: self.received.into(),
            min: self.min.into(),
            max: self.max.into(),
            sum: self.sum.into(),
            squares: (self.squares.0.into(), self.squares.1.into()),
        }
    }

    /// The smallest time, in microseconds, that 95 of 100 answers did not exceed: exact for up to 64 of
    /// them, else to two significant digits. `None` without an answer.
    pub fn p95(&self) -> Option<u64> {
        match self.times.as_deref() {
            None => (self.received > 0).then_some(self.min.into()),
            Some(Times::Few(times)) => {
                let mut sorted = times.clone();
                sorted.sort_unstable();
                let rank = (sorted.len() * 95).div_ceil(100);
                sorted.get(rank.saturating_sub(1)).copied().map(u64::from)
            }
            Some(Times::Many(times)) => {
                Some(times.value_at_percentile(95.0).clamp(self.min.into(), self.max.into()))
            }
        }
    }
}

impl Times {
    fn add(&mut self, micros: u32) {
        match self {
            Self::Few(times) if times.len() < FEW => times.push(micros),
            Self::Few(times) => {
                // Fails for more digits than five only.
                let Ok(mut many) = Histogram::new(DIGITS) else { return };
                times.iter().chain([&micros]).for_each(|micros| many.saturating_record(u64::from(*micros)));
                *self = Self::Many(many);
            }
            Self::Many(times) => {
                let _ = times.record(micros.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(times: impl IntoIterator<Item = u32>) -> Row {
        times.into_iter().fold(Row::default(), |mut row, micros| {
            row.receive(micros);
            row
        })
    }

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Row>() <= 64, "{}", size_of::<Row>());
    }

    #[test]
    fn a_row_knows_the_same_moments_as_a_full_account() {
        let times: Vec<u32> = (1..1_000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
        let mut full = Moments::default();
        times.iter().for_each(|micros| full.add(u64::from(*micros)));
        let rtt = row(times).rtt();
        let shown = |m: &Moments| (m.count(), m.min(), m.max(), m.mean(), m.classic_deviation());
        assert_eq!(shown(&rtt), shown(&full));
    }

    #[test]
    fn percentiles_are_exact_for_few_times_and_close_for_many() {
        assert_eq!(row([]).p95(), None);
        assert_eq!(row([7]).p95(), Some(7));
        assert_eq!(row([9, 7]).p95(), Some(9));
        assert_eq!(row((1..=20).rev()).p95(), Some(19));
        assert_eq!(row(1..=64).p95(), Some(61));
        let many = row((1..=10_000).rev()).p95().unwrap();
        assert!((9_405..=9_595).contains(&many), "{many}");
        assert_eq!(row([u32::MAX; 100]).p95(), Some(u32::MAX.into()));
    }
}
