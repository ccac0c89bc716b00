//! What became of the last probes of a run with one target, in the order in which they were sent.

use std::collections::VecDeque;

use super::loss::{Ratio, loss};
use crate::clock::nanos;
use crate::engine::ping::event::{Event, Verdict};

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It may still be answered.
    Waiting,
    /// It was answered, be it late, after so many nanoseconds; `None`: its time was not measured.
    Answered(Option<u64>),
    /// Its time was up.
    Lost,
    /// An ICMP error came back.
    Failed,
    /// It could not leave this machine.
    NotSent,
}

impl Fate {
    /// Loss of probes with these fates, of those that have an outcome.
    pub fn loss(fates: &[Self]) -> Option<Ratio> {
        let lost = fates.iter().filter(|fate| matches!(fate, Self::Lost | Self::Failed)).count();
        loss(lost as u64, fates.iter().filter(|fate| matches!(fate, Self::Answered(_))).count() as u64)
    }

    /// A percentile of their round-trip times, in nanoseconds, exact (nearest rank).
    pub fn percentile(fates: &[Self], percent: usize) -> Option<u64> {
        let time = |fate: &Self| if let Self::Answered(nanos) = fate { *nanos } else { None };
        let mut times: Vec<u64> = fates.iter().filter_map(time).collect();
        times.sort_unstable();
        let rank = times.len().saturating_mul(percent.min(100)).div_ceil(100).max(1);
        times.get(rank - 1).copied()
    }
}

/// Most probes that are kept: half of the sequence numbers, so that each names one of them.
const MOST: usize = 1 << 15;

/// The last probes. A number counts the probes of the run, from 0.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// How many of the probes before the oldest one that waits are kept; 0: none is kept at all.
    keep: usize,
    /// How many are kept before the oldest one that waits.
    settled: usize,
    /// The number of the first one that is kept.
    first: u64,
    fates: VecDeque<Fate>,
    /// The sequence number of the newest one.
    newest: u16,
}

impl Recent {
    /// Keeps so many, and further those that wait and what follows them.
    pub fn keeping(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Takes one event into account.
    pub fn add(&mut self, event: &Event) {
        if self.keep == 0 {
            return;
        }
        match event {
            Event::Sent { seq, .. } => self.append(*seq, Fate::Waiting),
            Event::NotSent { seq, .. } => self.append(*seq, Fate::NotSent),
            Event::Unanswered { .. } | Event::Lookup(_) => {}
            Event::Lost { seq, .. } => self.settle(*seq, Fate::Lost),
            Event::Error(error) if error.notice => {}
            Event::Error(error) => self.settle(error.seq, Fate::Failed),
            Event::Answer(answer) if answer.verdict == Verdict::Received => {
                self.settle(answer.seq, Fate::Answered(answer.time().map(nanos)));
            }
            Event::Answer(_) => {}
        }
    }

    /// The probes from this number on, as far as they are kept, each with its number.
    pub fn from(&self, number: u64) -> impl Iterator<Item = (u64, Fate)> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        (self.first..).zip(self.fates.iter().copied()).skip(skipped)
    }

    /// The last probes, so many at most, oldest first.
    pub fn last(&self, count: usize) -> impl Iterator<Item = Fate> {
        self.fates.iter().copied().skip(self.fates.len().saturating_sub(count))
    }

    /// The number of the probe with this sequence number; `None`: it is not kept.
    pub fn number(&self, seq: u16) -> Option<u64> {
        self.place(seq).map(|place| self.first.saturating_add(place as u64))
    }

    /// How many probes there were.
    pub fn count(&self) -> u64 {
        self.first.saturating_add(self.fates.len().try_into().unwrap_or(u64::MAX))
    }

    /// Where the probe with this sequence number is kept.
    fn place(&self, seq: u16) -> Option<usize> {
        self.fates.len().checked_sub(usize::from(self.newest.wrapping_sub(seq)) + 1)
    }

    fn append(&mut self, seq: u16, fate: Fate) {
        // A probe that waited for room in this machine may leave after a later one.
        let ahead = if self.fates.is_empty() { 1 } else { seq.wrapping_sub(self.newest) };
        if ahead == 0 || usize::from(ahead) > MOST {
            self.settle(seq, fate);
            return;
        }
        self.newest = seq;
        self.fates.extend(std::iter::repeat_n(Fate::Waiting, usize::from(ahead) - 1).chain([fate]));
        self.drop_oldest();
    }

    /// Drops what need not be kept.
    fn drop_oldest(&mut self) {
        let waits =
            |fates: &VecDeque<Fate>, place| fates.get(place).is_none_or(|fate| *fate == Fate::Waiting);
        while !waits(&self.fates, self.settled) {
            self.settled += 1;
        }
        while self.settled > self.keep || self.fates.len() > MOST {
            self.fates.pop_front();
            self.first += 1;
            self.settled = self.settled.saturating_sub(1);
        }
    }

    /// A probe keeps the best that is known of it: an answer, even a late one, is the last word.
    fn settle(&mut self, seq: u16, fate: Fate) {
        let place = self.place(seq).and_then(|place| self.fates.get_mut(place));
        if let Some(place) = place.filter(|place| !matches!(place, Fate::Answered(_))) {
            *place = fate;
            self.drop_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Instant;
    use crate::datagram::{SendCause, SendFault, SystemError};
    use crate::stats::samples;
    use crate::wire::Family;

    fn sent(seq: u16) -> Event {
        Event::Sent { at: Instant::ZERO, target: 0, seq, in_flight: 1 }
    }

    fn lost(seq: u16) -> Event {
        Event::Lost { at: Instant::ZERO, target: 0, seq, sent: Instant::ZERO }
    }

    fn failed(seq: u16, notice: bool) -> Event {
        samples::unreachable(Instant::ZERO, seq, Family::V4, notice, true)
    }

    fn answer(seq: u16, nanos: u64, verdict: Verdict) -> Event {
        samples::answer(Instant::ZERO, seq, Duration::from_nanos(nanos), verdict)
    }

    fn received(seq: u16, nanos: u64) -> Event {
        answer(seq, nanos, Verdict::Received)
    }

    fn after(keep: usize, events: impl IntoIterator<Item = Event>) -> Recent {
        events.into_iter().fold(Recent::keeping(keep), |mut recent, event| {
            recent.add(&event);
            recent
        })
    }

    fn all(recent: &Recent) -> Vec<Fate> {
        recent.last(usize::MAX).collect()
    }

    #[test]
    fn each_probe_has_its_fate_in_the_order_of_sending() {
        let fault = SendFault { cause: SendCause::Firewall, error: SystemError::new(1) };
        let refused = Event::NotSent { at: Instant::ZERO, target: 0, seq: 5, fault };
        let recent = after(
            9,
            [
                sent(1),
                sent(2),
                sent(3),
                received(3, 30),
                sent(4),
                failed(4, true),
                failed(2, false),
                refused,
                sent(6),
            ],
        );
        let fates = [
            Fate::Waiting,
            Fate::Failed,
            Fate::Answered(Some(30)),
            Fate::Waiting,
            Fate::NotSent,
            Fate::Waiting,
        ];
        assert_eq!(all(&recent), fates);
        assert_eq!(recent.last(2).collect::<Vec<_>>(), fates[4..]);
        assert_eq!(recent.from(4).collect::<Vec<_>>(), [(4, Fate::NotSent), (5, Fate::Waiting)]);
        assert_eq!(recent.from(6).count(), 0);
    }

    #[test]
    fn a_late_answer_takes_the_place_of_a_loss_and_nothing_takes_that_of_an_answer() {
        let recent = after(
            9,
            [
                sent(1),
                lost(1),
                received(1, 10),
                failed(1, false),
                answer(1, 99, Verdict::Duplicate),
                sent(2),
                answer(2, 5, Verdict::Corrupt),
            ],
        );
        assert_eq!(all(&recent), [Fate::Answered(Some(10)), Fate::Waiting]);
    }

    #[test]
    fn some_probes_have_a_loss_and_percentiles_of_their_own() {
        let answered = (1..=20).flat_map(|seq| [sent(seq), received(seq, u64::from(seq) * 10)]);
        let recent = after(99, answered.chain([sent(21), lost(21), sent(22), failed(22, false), sent(23)]));
        assert_eq!(recent.count(), 23);
        let fates = all(&recent);
        assert_eq!(Fate::loss(&fates[..20]), loss(0, 20));
        assert_eq!(Fate::loss(&fates[10..]), loss(2, 10));
        assert_eq!(Fate::loss(&fates[22..]), None);
        assert_eq!(
            [50, 95, 100].map(|p| Fate::percentile(&fates[..20], p)),
            [Some(100), Some(190), Some(200)]
        );
        assert_eq!(
            (Fate::percentile(&fates[19..22], 1), Fate::percentile(&fates[20..], 95)),
            (Some(200), None)
        );
    }

    #[test]
    fn settled_probes_are_dropped_beyond_what_is_kept_and_waiting_ones_are_not() {
        let answered = (1..=10).flat_map(|seq| [sent(seq), received(seq, 7)]);
        let recent = after(3, answered);
        assert_eq!(recent.from(0).map(|(number, _)| number).collect::<Vec<_>>(), [7, 8, 9]);
        // Those before one that waits are kept, however many follow it.
        let third_waits = [sent(1), received(1, 7), sent(2), lost(2), sent(3)];
        let followed = third_waits.into_iter().chain((4..=20).flat_map(|seq| [sent(seq), received(seq, 7)]));
        assert_eq!(after(3, followed).from(0).map(|(number, _)| number).next(), Some(0));
        let first_waits = [sent(1)].into_iter().chain((2..=10).flat_map(|seq| [sent(seq), received(seq, 7)]));
        assert_eq!(after(3, first_waits).from(0).count(), 10);
        let silent = (1..=u16::MAX).map(sent);
        assert_eq!(after(3, silent).from(0).count(), MOST);
        assert_eq!(after(0, [sent(1)]).from(0).count(), 0);
    }

    #[test]
    fn sequence_numbers_begin_again_and_probes_may_leave_out_of_order() {
        let wrapped = [sent(65_535), sent(0), sent(1), received(65_535, 1), received(0, 2)];
        assert_eq!(
            all(&after(9, wrapped)),
            [Fate::Answered(Some(1)), Fate::Answered(Some(2)), Fate::Waiting]
        );
        let swapped = [sent(1), sent(3), received(3, 3), sent(2), received(2, 2)];
        assert_eq!(
            all(&after(9, swapped)),
            [Fate::Waiting, Fate::Answered(Some(2)), Fate::Answered(Some(3))]
        );
        // Of a probe that is no longer kept.
        let dropped = [sent(1), lost(1), sent(2), received(2, 2), sent(3), received(1, 1)];
        assert_eq!(all(&after(1, dropped)), [Fate::Answered(Some(2)), Fate::Waiting]);
    }
}
