//! The account of one target: fixed in size while little happens, as there may be a million.

use std::time::Duration;

use super::burst::Bursts;
use super::moments::Moments;
use super::neighbours::Neighbours;
use super::percentiles::{Percentiles, Precision};
use crate::clock::nanos;
use crate::engine::ping::event::{Event, Verdict};

/// The account of one target.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Probes that left this machine.
    pub sent: u32,
    /// Probes that could not leave this machine.
    pub not_sent: u32,
    /// Probes answered by a valid answer.
    pub received: u32,
    /// Probes that left and were neither answered nor failed nor lost.
    pub in_flight: u32,
    /// The last round-trip time that was measured, in nanoseconds.
    last: u64,
    /// What is more than one answer, with a time and without a loss, or than losses of the first probes without an answer.
    history: Option<Box<History>>,
}

/// All answers and losses of a target: the extremes, the sum and the sum of squares of the round-trip times in
/// nanoseconds, and how they differ. The sum saturates at 584 years. One structure, as there may be 65,536.
#[derive(Clone, Debug)]
struct History {
    min: u64,
    max: u64,
    sum: u64,
    squares: u128,
    percentiles: Percentiles,
    neighbours: Neighbours,
    /// None while nothing was lost.
    bursts: Option<Box<Bursts>>,
}

impl History {
    /// No answer, and losses of so many probes from the first on.
    fn new(lost: u32, precision: Precision) -> Self {
        Self {
            min: u64::MAX,
            max: 0,
            sum: 0,
            squares: 0,
            percentiles: Percentiles::bounded(precision),
            neighbours: Neighbours::default(),
            bursts: (lost > 0).then(|| Box::new(Bursts::from_start(lost))),
        }
    }

    /// How many times there are: each but the first one differs from the one before.
    const fn times(&self) -> u64 {
        if self.min > self.max { 0 } else { self.neighbours.count() + 1 }
    }

    fn add(&mut self, nanos: u64) {
        (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
        self.sum = self.sum.saturating_add(nanos);
        self.squares = self.squares.saturating_add(u128::from(nanos) * u128::from(nanos));
        self.percentiles.add(nanos);
    }
}

/// The longest time that a row takes as it is (73 minutes): 2^32 squares of it fit their sum.
const LONGEST: u64 = (1 << 42) - 1;

impl Row {
    /// Takes an event about the target into account.
    pub(super) fn add(&mut self, event: &Event, precision: Precision) {
        match event {
            Event::Sent { .. } => {
                self.sent = self.sent.saturating_add(1);
                self.in_flight = self.in_flight.saturating_add(1);
            }
            Event::NotSent { .. } => self.not_sent = self.not_sent.saturating_add(1),
            Event::Unanswered { .. } | Event::Lookup(_) => {}
            Event::Lost { seq, .. } => self.lose(*seq, precision),
            Event::Error(error) if error.settles => self.lose(error.seq, precision),
            Event::Error(_) => {}
            Event::Answer(answer) => {
                if answer.verdict == Verdict::Received {
                    self.receive(answer.seq, answer.time().map(nanos), answer.settles, precision);
                }
            }
        }
    }

    /// Takes all memory that the history of two or more answers can need.
    pub(super) fn reserve(&mut self) {
        if let Some(history) = &mut self.history {
            history.percentiles.reserve();
            history.bursts.get_or_insert_default().reserve();
        }
    }

    /// [`Self::number`] as the runs of losses have it.
    fn place(&self, seq: u16) -> u32 {
        u32::try_from(self.number(seq)).unwrap_or(u32::MAX)
    }

    fn lose(&mut self, seq: u16, precision: Precision) {
        let (before, number) = (self.lost(), self.place(seq));
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.history.is_some() || self.received > 0 || number != before.saturating_add(1) {
            self.history(before, precision).bursts.get_or_insert_default().lose(number);
        }
    }

    /// The first answer to a probe, which was `in_flight` or was lost, and its time.
    fn receive(&mut self, seq: u16, nanos: Option<u64>, in_flight: bool, precision: Precision) {
        let nanos = nanos.map(|nanos| nanos.min(LONGEST));
        let (last, number, lost) = (self.last, self.place(seq), self.lost());
        if self.history.is_some() || self.received > 0 || lost > 0 || nanos.is_none() {
            let history = self.history(lost, precision);
            if let Some(nanos) = nanos {
                if history.times() > 0 {
                    history.neighbours.add(nanos.abs_diff(last));
                }
                history.add(nanos);
            }
            if let Some(bursts) = &mut history.bursts {
                bursts.answer(number);
            }
        }
        self.last = nanos.unwrap_or(last);
        self.in_flight = self.in_flight.saturating_sub(u32::from(in_flight));
        self.received = self.received.saturating_add(1);
    }

    /// The history, made if there is none: of one answer, or of the first probes, so many of which are `lost`.
    fn history(&mut self, lost: u32, precision: Precision) -> &mut History {
        let (last, answered) = (self.last, self.received > 0);
        self.history.get_or_insert_with(|| {
            let mut history = Box::new(History::new(if answered { 0 } else { lost }, precision));
            if answered {
                history.add(last);
            }
            history
        })
    }

    /// Probes that were due: those that left and those that could not.
    pub const fn attempted(&self) -> u64 {
        self.sent as u64 + self.not_sent as u64
    }

    /// Probes with an outcome: those that could not leave, and those that are no longer in flight.
    pub const fn resolved(&self) -> u64 {
        self.attempted().saturating_sub(self.in_flight as u64)
    }

    /// The number of the newest probe with a sequence number, from 1.
    pub const fn number(&self, seq: u16) -> u64 {
        let newest = self.attempted();
        // The low 16 bits of the number are the sequence number.
        newest.saturating_sub((newest as u16).wrapping_sub(seq) as u64)
    }

    /// Probes that left, were not answered, and are not in flight.
    pub const fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received).saturating_sub(self.in_flight)
    }

    /// Extremes, mean and deviation of the round-trip times that were measured of received answers, in nanoseconds.
    pub fn rtt(&self) -> Moments {
        let only = self.last;
        let (count, min, max, sum, squares) = match self.history.as_deref() {
            None if self.received == 0 => (0, 0, 0, 0, 0),
            None => (1, only, only, only, u128::from(only) * u128::from(only)),
            Some(history) if history.times() == 0 => (0, 0, 0, 0, 0),
            Some(history) => (history.times(), history.min, history.max, history.sum, history.squares),
        };
        Moments { count, min, max, sum: sum.into(), squares: (squares >> 64, squares & u128::from(u64::MAX)) }
    }

    /// A percentile of these times, in nanoseconds, to the digits of the account's [`Precision`].
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        match self.history.as_deref() {
            None => (self.received > 0).then_some(self.last),
            Some(history) => history.percentiles.percentile(percent, (history.min, history.max)),
        }
    }

    /// How the times of answers differ from those of the answers that arrived before.
    pub fn neighbours(&self) -> Neighbours {
        self.history.as_deref().map_or_else(Neighbours::default, |history| history.neighbours)
    }

    /// Interarrival jitter (RFC 3550 section 6.4.1); zero before the second answer.
    pub fn jitter(&self) -> Duration {
        self.neighbours().jitter()
    }

    /// The longest run of lost probes that follow one another by number.
    pub fn burst(&self) -> u32 {
        match self.history.as_deref() {
            Some(history) => history.bursts.as_deref().map_or(0, Bursts::longest),
            None if self.received == 0 => self.lost(),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Instant;

    fn row(times: impl IntoIterator<Item = u64>) -> Row {
        times.into_iter().fold(Row::default(), |mut row, nanos| {
            row.receive(0, Some(nanos), false, Precision::Coarse);
            row
        })
    }

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Row>() <= 32, "{}", size_of::<Row>());
    }

    #[test]
    fn a_row_has_the_same_moments_percentiles_and_differences_as_a_full_account() {
        // Fewer sizes than a bounded distribution can tell apart.
        let times: Vec<u64> = (1..1_000_u64)
            .map(|n| 20_000_000 + (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) * 100_000)
            .collect();
        let (mut moments, mut percentiles, mut neighbours) =
            (Moments::default(), Percentiles::default(), Neighbours::default());
        for time in &times {
            moments.add(*time);
            percentiles.add(*time);
        }
        times.windows(2).for_each(|pair| neighbours.add(pair[1].abs_diff(pair[0])));
        let row = row(times);
        let shown = |m: &Moments| (m.count(), m.min(), m.max(), m.mean(), m.deviation());
        assert_eq!(shown(&row.rtt()), shown(&moments));
        for percent in [50, 95, 100] {
            assert_eq!(
                row.percentile(percent),
                percentiles.percentile(percent, (moments.min(), moments.max()))
            );
        }
        assert_eq!(row.jitter(), neighbours.jitter());
        let differences = |found: Neighbours| (found.mean(), found.max());
        assert_eq!(differences(row.neighbours()), differences(neighbours));
    }

    #[test]
    fn one_answer_is_every_percentile_and_none_has_none() {
        assert_eq!(row([]).percentile(95), None);
        assert_eq!([50, 99].map(|percent| row([10_000_007]).percentile(percent)), [Some(10_000_007); 2]);
    }

    #[test]
    fn answers_without_a_time_count_and_change_no_time() {
        let shown = |times: &[Option<u64>]| {
            let row = times.iter().fold(Row::default(), |mut row, nanos| {
                row.receive(0, *nanos, false, Precision::Coarse);
                row
            });
            let (rtt, p95, jitter) = (row.rtt(), row.percentile(95), row.jitter().as_nanos());
            (row.received, [rtt.count(), rtt.min(), rtt.mean(), rtt.max()], p95, jitter)
        };
        assert_eq!(shown(&[None, None]), (2, [0; 4], None, 0));
        assert_eq!(shown(&[None, Some(7)]), (2, [1, 7, 7, 7], Some(7), 0));
        assert_eq!(shown(&[Some(7), None]), (2, [1, 7, 7, 7], Some(7), 0));
        let with = [Some(1_000), None, Some(2_600), None, None, Some(1_000)];
        let without = with.iter().filter(|time| time.is_some()).copied().collect::<Vec<_>>();
        assert_eq!((shown(&with).1, shown(&with).2), (shown(&without).1, shown(&without).2));
        assert_eq!(shown(&with).3, shown(&without).3);
    }

    #[test]
    fn a_time_beyond_an_hour_does_not_spoil_the_sums() {
        let row = row([u64::MAX; 3]);
        assert_eq!((row.rtt().mean(), row.rtt().deviation()), (LONGEST, 0));
    }

    /// What became of a probe.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fate {
        Open,
        Lost,
        Answered,
        NotSent,
    }

    proptest! {
        #[test]
        fn the_longest_burst_is_that_of_a_table_of_all_probes(
            steps in prop::collection::vec((0..8_u8, any::<prop::sample::Index>()), 0..200),
        ) {
            let (mut row, mut fates) = (Row::default(), Vec::new());
            for (step, index) in steps {
                let at = if fates.is_empty() { 0 } else { index.index(fates.len()) };
                let seq = at as u16 + 1;
                match (step, fates.get(at)) {
                    (0..=2, _) => {
                        let sent = Event::Sent { at: Instant::ZERO, target: 0, seq: 0, in_flight: 1 };
                        row.add(&sent, Precision::Fine);
                        fates.push(Fate::Open);
                    }
                    (3, _) => {
                        row.not_sent += 1;
                        fates.push(Fate::NotSent);
                    }
                    (4..=5, Some(Fate::Open)) => {
                        row.lose(seq, Precision::Fine);
                        fates[at] = Fate::Lost;
                    }
                    (_, Some(fate @ (Fate::Open | Fate::Lost))) => {
                        row.receive(seq, Some(1_000), *fate == Fate::Open, Precision::Fine);
                        fates[at] = Fate::Answered;
                    }
                    _ => {}
                }
                let longest = fates.split(|fate| *fate != Fate::Lost).map(<[Fate]>::len).max();
                prop_assert_eq!(Some(row.burst() as usize), longest, "{:?}", fates);
                let count = |fate| fates.iter().filter(|f| **f == fate).count() as u32;
                prop_assert_eq!(
                    [row.in_flight, row.lost(), row.received],
                    [Fate::Open, Fate::Lost, Fate::Answered].map(count)
                );
            }
        }
    }

    #[test]
    fn a_target_that_never_answers_or_answers_once_needs_no_history() {
        let sent = |seq| Event::Sent { at: Instant::ZERO, target: 0, seq, in_flight: 1 };
        let mut row = Row::default();
        (1..=4).for_each(|seq| row.add(&sent(seq), Precision::Coarse));
        (1..=4).for_each(|seq| row.lose(seq, Precision::Coarse));
        assert_eq!((row.burst(), row.history.is_none()), (4, true));
        let mut row = Row::default();
        row.add(&sent(1), Precision::Coarse);
        row.receive(1, Some(5_000), true, Precision::Coarse);
        assert_eq!((row.burst(), row.history.is_none()), (0, true));
    }

    #[test]
    fn sequence_numbers_that_come_again_are_other_probes() {
        let mut row = Row { sent: 65_600, in_flight: 65_600, ..Row::default() };
        // 65,535, 65,536 and 65,537.
        [65_535, 0, 1].into_iter().for_each(|seq| row.lose(seq, Precision::Coarse));
        assert_eq!(row.burst(), 3);
    }
}
