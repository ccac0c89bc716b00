//! The account of a window of time: what happened in it.
//!
//! Each count belongs to the window in which it happened: a probe is sent in one, and answered or lost in the same or
//! in a later one. So a window is complete when it ends, it needs no memory of its probes, and the sums of all windows
//! are the figures of the run. A late answer takes back the loss of its probe if the same window counts it. If an earlier
//! one does, the answer counts as late. The times of the probes of a target are up in the order in which they were sent, so
//! the number of the first one in a window is enough to know that. ICMP errors nearly always come in that order too.

use super::distribution::Distribution;
use super::figures::{Figures, Targeted};
use super::moments::Moments;
use crate::clock::nanos;
use crate::engine::ping::event::{Event, Verdict};

/// The account of one window.
#[derive(Debug)]
pub struct Window {
    /// Targets that answered.
    pub answered: u32,
    /// Targets that a probe left for and that did not answer.
    pub silent: u32,
    /// Further valid answers to probes already answered.
    pub duplicates: u64,
    /// Answers damaged on the way.
    pub corrupted: u64,
    /// ICMP errors about our probes; notices (source quench, redirect) are none.
    pub icmp_errors: u64,
    /// All targets together.
    pub total: WindowTotal,
    rows: Vec<WindowRow>,
    /// Whether anything happened.
    used: bool,
}

/// What happened in a window, of all targets together.
#[derive(Debug, Default)]
pub struct WindowTotal {
    sent: u64,
    not_sent: u64,
    received: u64,
    /// Sums over all targets.
    lost: u64,
    late: u64,
    times: Moments,
    distribution: Distribution,
}

/// What happened to the probes of one target in a window.
#[derive(Clone, Debug, Default)]
pub struct WindowRow {
    sent: u32,
    not_sent: u32,
    received: u32,
    lost: u32,
    late: u32,
    /// The sequence number of the first probe that was lost in it.
    first_lost: Option<u16>,
    /// The round-trip time of the first answer, in nanoseconds, or [`UNTIMED`].
    first: u64,
    /// Those of all answers, if there are two or more or the first has none; else what is left of an earlier window.
    times: Option<Box<(Moments, Distribution)>>,
}

/// The first answer has no time.
const UNTIMED: u64 = u64::MAX;

impl Window {
    /// An empty one of so many targets.
    pub(super) fn new(targets: u32) -> Self {
        Self {
            answered: 0,
            silent: 0,
            duplicates: 0,
            corrupted: 0,
            icmp_errors: 0,
            total: WindowTotal::default(),
            rows: vec![WindowRow::default(); targets as usize],
            used: false,
        }
    }

    /// Makes it an empty one. The memory is kept.
    pub(super) fn clear(&mut self) {
        self.rows.iter_mut().for_each(WindowRow::clear);
        let (rows, mut distribution) =
            (std::mem::take(&mut self.rows), std::mem::take(&mut self.total.distribution));
        distribution.clear();
        *self = Self { rows, total: WindowTotal { distribution, ..WindowTotal::default() }, ..Self::new(0) };
    }

    /// Whether anything happened in it.
    pub(super) fn is_used(&self) -> bool {
        self.used
    }

    /// Takes one event into account.
    pub(super) fn add(&mut self, event: &Event) {
        let Some(target) = event.target() else { return };
        self.used = true;
        // Names may join a run.
        let len = self.rows.len().max(target as usize + 1);
        self.rows.resize(len, WindowRow::default());
        let Some(row) = self.rows.get_mut(target as usize) else { return };
        let before = Counted::of(row);
        match event {
            Event::Sent { .. } => {
                self.total.sent += 1;
                row.sent = row.sent.saturating_add(1);
            }
            Event::NotSent { .. } => {
                self.total.not_sent += 1;
                row.not_sent = row.not_sent.saturating_add(1);
            }
            Event::Unanswered { .. } | Event::Lookup(_) => {}
            Event::Lost { seq, .. } => row.lose(*seq),
            Event::Error(error) => {
                self.icmp_errors += u64::from(!error.notice);
                if error.settles {
                    row.lose(error.seq);
                }
            }
            Event::Answer(answer) => match answer.verdict {
                Verdict::Received => {
                    let nanos = answer.time().map(nanos);
                    self.total.receive(nanos);
                    row.receive(nanos);
                    if !answer.settles {
                        row.regain(answer.seq);
                    }
                }
                Verdict::Duplicate => self.duplicates += 1,
                Verdict::Corrupt => self.corrupted += 1,
            },
        }
        let after = Counted::of(row);
        self.answered = self.answered + after.answered - before.answered;
        self.silent = self.silent + after.silent - before.silent;
        self.total.lost = self.total.lost + after.lost - before.lost;
        self.total.late = self.total.late + after.late - before.late;
    }
}

/// What a target adds to sums over all of them.
struct Counted {
    answered: u32,
    silent: u32,
    lost: u64,
    late: u64,
}

impl Counted {
    fn of(row: &WindowRow) -> Self {
        Self {
            answered: u32::from(row.received > 0),
            silent: u32::from(row.sent > 0 && row.received == 0),
            lost: row.lost.into(),
            late: row.late.into(),
        }
    }
}

/// Whether a sequence number stands before another one, of which the next wrap is far.
const fn precedes(seq: u16, other: u16) -> bool {
    seq.wrapping_sub(other) > u16::MAX / 2
}

impl WindowTotal {
    fn receive(&mut self, nanos: Option<u64>) {
        self.received += 1;
        if let Some(nanos) = nanos {
            self.times.add(nanos);
            self.distribution.add(nanos);
        }
    }
}

impl WindowRow {
    /// Counts the loss of a probe.
    fn lose(&mut self, seq: u16) {
        self.lost = self.lost.saturating_add(1);
        self.first_lost = Some(self.first_lost.filter(|first| !precedes(seq, *first)).unwrap_or(seq));
    }

    /// Counts the answer to a probe that was lost.
    fn regain(&mut self, seq: u16) {
        let here = self.first_lost.filter(|first| !precedes(seq, *first));
        match here.and(self.lost.checked_sub(1)) {
            Some(lost) => self.lost = lost,
            None => self.late = self.late.saturating_add(1),
        }
    }

    fn receive(&mut self, nanos: Option<u64>) {
        match (self.received, nanos) {
            (0, Some(nanos)) => self.first = nanos.min(UNTIMED - 1),
            (before, nanos) => {
                let only = (before == 1 && self.first != UNTIMED).then_some(self.first);
                if before == 0 {
                    self.first = UNTIMED;
                }
                let new = || Box::new((Moments::default(), Distribution::bounded()));
                let (moments, distribution) = &mut **self.times.get_or_insert_with(new);
                if before == 0 || only.is_some() {
                    *moments = Moments::default();
                    distribution.clear();
                }
                for nanos in only.into_iter().chain(nanos) {
                    moments.add(nanos);
                    distribution.add(nanos);
                }
            }
        }
        self.received = self.received.saturating_add(1);
    }

    /// The times, unless there is one answer, which has a time.
    fn times(&self) -> Option<&(Moments, Distribution)> {
        let many = self.received > 1 || (self.received == 1 && self.first == UNTIMED);
        self.times.as_deref().filter(|_| many)
    }

    fn clear(&mut self) {
        *self = Self { times: self.times.take(), ..Self::default() };
    }
}

impl Targeted for Window {
    fn figures(&self, target: u32) -> Option<&dyn Figures> {
        // A name that joined since.
        static NOTHING: WindowRow = WindowRow {
            sent: 0,
            not_sent: 0,
            received: 0,
            lost: 0,
            late: 0,
            first_lost: None,
            first: 0,
            times: None,
        };
        Some(self.rows.get(target as usize).unwrap_or(&NOTHING))
    }
}

impl Figures for WindowTotal {
    fn sent(&self) -> u64 {
        self.sent
    }

    fn not_sent(&self) -> u64 {
        self.not_sent
    }

    fn received(&self) -> u64 {
        self.received
    }

    fn lost(&self) -> u64 {
        self.lost
    }

    fn late(&self) -> u64 {
        self.late
    }

    fn rtt(&self) -> Moments {
        self.times
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        self.distribution.percentile(percent, (self.times.min(), self.times.max()))
    }
}

impl Figures for WindowRow {
    fn sent(&self) -> u64 {
        self.sent.into()
    }

    fn not_sent(&self) -> u64 {
        self.not_sent.into()
    }

    fn received(&self) -> u64 {
        self.received.into()
    }

    fn lost(&self) -> u64 {
        self.lost.into()
    }

    fn late(&self) -> u64 {
        self.late.into()
    }

    fn rtt(&self) -> Moments {
        let mut moments = Moments::default();
        match self.times() {
            Some((all, _)) => moments = *all,
            None if self.received > 0 => moments.add(self.first),
            None => {}
        }
        moments
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        match self.times() {
            None => (self.received > 0).then_some(self.first),
            Some((moments, distribution)) => distribution.percentile(percent, (moments.min(), moments.max())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Count, least and largest time, and median, of a target with answers of these times.
    fn shown(row: &mut WindowRow, times: &[Option<u64>]) -> (u64, u64, u64, Option<u64>) {
        times.iter().for_each(|nanos| row.receive(*nanos));
        assert_eq!(Figures::received(row), times.len() as u64);
        let rtt = row.rtt();
        (rtt.count(), rtt.min(), rtt.max(), row.percentile(50))
    }

    #[test]
    fn answers_without_a_time_count_and_change_no_time() {
        let mut row = WindowRow::default();
        for (times, expected) in [
            (&[None][..], (0, 0, 0, None)),
            (&[Some(7)], (1, 7, 7, Some(7))),
            (&[None, Some(7), None], (1, 7, 7, Some(7))),
            (&[Some(7), None], (1, 7, 7, Some(7))),
            (&[None, None], (0, 0, 0, None)),
            (&[Some(5), None, Some(9)], (2, 5, 9, Some(5))),
            (&[], (0, 0, 0, None)),
        ] {
            assert_eq!(shown(&mut row, times), expected, "{times:?}");
            // The next window has the same memory.
            row.clear();
        }
    }
}
