//! The account of a ping of one to a million targets: a small row for each, and all together.

use std::time::Duration;

use super::account::Account;
use super::distribution::{Distribution, Jitter};
use super::each::EachTime;
use super::moments::Moments;
use super::recent::Recent;
use super::tally::Tally;
use super::window::Window;
use super::windows::{Span, WindowPlan, Windows};
use crate::clock::Instant;
use crate::engine::ping::event::{Event, LookupOutcome, NameState, Verdict};

/// The account of a run.
#[derive(Debug)]
pub struct PingAccount {
    /// All targets together.
    pub total: Tally,
    /// Targets that a probe left for.
    pub probed: u32,
    /// Targets that answered.
    pub answered: u32,
    /// Names that were not found and addresses that cannot be probed.
    pub unknown: u32,
    /// Names that are still being looked up.
    pub open_names: u32,
    /// The last probes, if the run has one target and they are kept ([`Self::keep_recent`]).
    pub recent: Recent,
    /// The time of each probe, if that is kept.
    pub each: Option<EachTime>,
    rows: Vec<Row>,
    windows: Option<Box<Windows>>,
}

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
    /// The round-trip time of the first answer, in nanoseconds.
    first: u64,
    /// Those of all answers, kept from the second one on.
    times: Option<Box<Times>>,
}

/// The round-trip times of received answers, in nanoseconds: extremes, sum, sum of squares, and how they differ. The
/// sum saturates at 584 years.
#[derive(Clone, Debug)]
struct Times {
    min: u64,
    max: u64,
    sum: u64,
    squares: u128,
    distribution: Distribution,
    jitter: Jitter,
}

impl Times {
    /// The time of one answer.
    fn of(nanos: u64) -> Self {
        let mut times = Self {
            min: u64::MAX,
            max: 0,
            sum: 0,
            squares: 0,
            distribution: Distribution::bounded(),
            jitter: Jitter::default(),
        };
        times.add(nanos);
        times
    }

    fn add(&mut self, nanos: u64) {
        (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
        self.sum = self.sum.saturating_add(nanos);
        self.squares = self.squares.saturating_add(u128::from(nanos) * u128::from(nanos));
        self.distribution.add(nanos);
        self.jitter.add(nanos);
    }
}

/// The longest time that a row takes as it is (73 minutes): 2^32 squares of it fit their sum.
const LONGEST: u64 = (1 << 42) - 1;

impl PingAccount {
    /// An empty account of so many targets.
    pub fn new(targets: u32) -> Self {
        let rows = vec![Row::default(); targets as usize];
        Self {
            total: Tally::default(),
            probed: 0,
            answered: 0,
            unknown: 0,
            open_names: 0,
            recent: Recent::default(),
            each: None,
            rows,
            windows: None,
        }
    }

    /// The same where so many words are `unknown`, and so many names are looked up while the run goes on.
    pub fn with_names(self, unknown: u32, open_names: u32) -> Self {
        Self { unknown, open_names, ..self }
    }

    /// Keeps the last probes of a run with one target, so many.
    pub fn keep_recent(&mut self, count: usize) {
        if self.targets() == 1 {
            self.recent = Recent::keeping(count);
        }
    }

    /// The same with windows, if there is a plan. The first one opens at `start`.
    pub fn with_windows(self, plan: Option<WindowPlan>, start: Instant) -> Self {
        let targets = self.targets();
        Self { windows: plan.map(|plan| Box::new(Windows::new(plan, targets, start))), ..self }
    }

    /// The time of the window that was closed last.
    pub fn closed_window(&self) -> Option<Span> {
        self.windows.as_ref()?.closed()
    }

    /// The account of the window that was closed last; `None`: there is none, or it has the figures of the run.
    pub fn window(&self) -> Option<&Window> {
        self.windows.as_ref()?.account()
    }

    /// Whether the run has windows.
    pub const fn has_windows(&self) -> bool {
        self.windows.is_some()
    }

    /// The same, and the time of each probe is kept.
    pub fn with_each_time(self) -> Self {
        Self { each: Some(EachTime::default()), ..self }
    }

    /// Number of targets.
    pub fn targets(&self) -> u32 {
        // Their numbers are such.
        self.rows.len() as u32
    }

    /// Number of targets, of unknown words, and of names that are still being looked up.
    pub fn all(&self) -> u64 {
        u64::from(self.targets()) + u64::from(self.unknown) + u64::from(self.open_names)
    }

    /// The account of one target.
    pub fn row(&self, target: u32) -> Option<&Row> {
        self.rows.get(target as usize)
    }

    /// Targets that a probe left for and that did not answer.
    pub const fn silent(&self) -> u32 {
        self.probed - self.answered
    }

    /// Targets that no probe left for.
    pub fn not_asked(&self) -> u32 {
        self.targets() - self.probed
    }

    /// The jitter of the only target; `None` where there are several, whose times do not compare.
    pub fn jitter(&self) -> Option<Duration> {
        match self.rows.as_slice() {
            [row] => Some(row.jitter()),
            _ => None,
        }
    }
}

impl PingAccount {
    /// Takes the lookup of a name into account.
    fn look_up(&mut self, outcome: &LookupOutcome) {
        match outcome {
            LookupOutcome::Found { places, before } => {
                match before {
                    NameState::Open => self.open_names = self.open_names.saturating_sub(1),
                    NameState::Unknown => self.unknown = self.unknown.saturating_sub(1),
                    NameState::Known => {}
                }
                places.iter().for_each(|place| self.add_rows(place.target));
            }
            LookupOutcome::Unknown { .. } => {
                self.open_names = self.open_names.saturating_sub(1);
                self.unknown = self.unknown.saturating_add(1);
            }
            LookupOutcome::Moved { after, .. } => self.add_rows(after.target),
        }
    }

    /// Adds rows up to that of a target.
    fn add_rows(&mut self, target: u32) {
        let len = self.rows.len().max(target as usize + 1);
        self.rows.resize(len, Row::default());
    }
}

impl Account for PingAccount {
    type Event = Event;

    fn add(&mut self, event: &Event) {
        self.total.add(event);
        if let Event::Lookup(lookup) = event {
            self.look_up(&lookup.outcome);
        }
        self.recent.add(event);
        let Some(row) = event.target().and_then(|target| self.rows.get_mut(target as usize)) else { return };
        let before = (row.sent, row.received);
        row.add(event);
        if let (Some(each), Some(target), Some(seq)) = (&mut self.each, event.target(), event.seq()) {
            each.add(target, row.number(seq), event);
        }
        self.probed += u32::from(before.0 == 0 && row.sent > 0);
        self.answered += u32::from(before.1 == 0 && row.received > 0);
        if let Some(windows) = &mut self.windows {
            windows.add(event);
            // A run of days: what it will need it takes at once.
            if before.1 == 1 {
                row.reserve();
            }
        }
    }

    fn window_end(&self) -> Option<Instant> {
        self.windows.as_ref().map(|windows| windows.end())
    }

    fn beyond(&self, event: &Event) -> Option<Instant> {
        self.window_end().filter(|end| *end <= event.at()).map(|_| event.at())
    }

    fn next_window(&mut self, now: Instant) {
        if let Some(windows) = &mut self.windows {
            windows.next(now);
        }
    }

    fn last_window(&mut self, now: Instant) -> bool {
        self.windows.as_mut().is_some_and(|windows| windows.last(now))
    }
}

impl Row {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Sent { .. } => {
                self.sent = self.sent.saturating_add(1);
                self.in_flight = self.in_flight.saturating_add(1);
            }
            Event::NotSent { .. } => self.not_sent = self.not_sent.saturating_add(1),
            Event::Unanswered { .. } | Event::Lookup(_) => {}
            Event::Lost { .. } => self.settle(true),
            Event::Error(error) => self.settle(error.settles),
            Event::Answer(answer) => {
                self.settle(answer.settles);
                if answer.verdict == Verdict::Received {
                    self.receive(u64::try_from(answer.rtt.as_nanos()).unwrap_or(u64::MAX));
                }
            }
        }
    }

    /// Takes all memory that the times of two or more answers can need.
    fn reserve(&mut self) {
        if let Some(times) = &mut self.times {
            times.distribution.reserve();
        }
    }

    fn settle(&mut self, was_in_flight: bool) {
        self.in_flight = self.in_flight.saturating_sub(u32::from(was_in_flight));
    }

    fn receive(&mut self, nanos: u64) {
        let nanos = nanos.min(LONGEST);
        match self.received {
            0 => self.first = nanos,
            _ => self.times.get_or_insert_with(|| Box::new(Times::of(self.first))).add(nanos),
        }
        self.received = self.received.saturating_add(1);
    }

    /// Probes that were due: those that left and those that could not.
    pub const fn attempted(&self) -> u64 {
        self.sent as u64 + self.not_sent as u64
    }

    /// Probes whose fate is known: those that could not leave, and those that are no longer in flight.
    pub const fn resolved(&self) -> u64 {
        self.attempted().saturating_sub(self.in_flight as u64)
    }

    /// The number of the newest probe with a sequence number, from 1.
    pub const fn number(&self, seq: u16) -> u64 {
        let newest = self.attempted();
        // The low 16 bits of the number are the sequence number.
        newest.saturating_sub((newest as u16).wrapping_sub(seq) as u64)
    }

    /// Whether probes were sent, none was answered, and none is in flight.
    pub const fn is_unreachable(&self) -> bool {
        self.sent > 0 && self.received == 0 && self.in_flight == 0
    }

    /// Probes that left, were not answered, and are not in flight.
    pub const fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received).saturating_sub(self.in_flight)
    }

    /// Extremes, mean and deviation of the round-trip times of received answers, in nanoseconds.
    pub fn rtt(&self) -> Moments {
        let first = self.first;
        let (min, max, sum, squares) = match self.times.as_deref() {
            None => (first, first, first, u128::from(first) * u128::from(first)),
            Some(times) => (times.min, times.max, times.sum, times.squares),
        };
        Moments {
            count: self.received.into(),
            min,
            max,
            sum: sum.into(),
            squares: (squares >> 64, squares & u128::from(u64::MAX)),
        }
    }

    /// A percentile of the received answers' times, in nanoseconds, to three significant digits.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        match &self.times {
            None => (self.received > 0).then_some(self.first),
            Some(times) => times.distribution.percentile(percent, (times.min, times.max)),
        }
    }

    /// Interarrival jitter; zero before the second answer.
    pub fn jitter(&self) -> Duration {
        self.times.as_ref().map_or(Duration::ZERO, |times| times.jitter.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(times: impl IntoIterator<Item = u64>) -> Row {
        times.into_iter().fold(Row::default(), |mut row, nanos| {
            row.receive(nanos);
            row
        })
    }

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Row>() <= 32, "{}", size_of::<Row>());
    }

    #[test]
    fn a_row_knows_the_same_moments_percentiles_and_jitter_as_a_full_account() {
        // As many different ones as the distribution of a row keeps apart.
        let times: Vec<u64> =
            (1..1_000_u64).map(|n| (n % 250).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 22).collect();
        let (mut moments, mut distribution, mut jitter) =
            (Moments::default(), Distribution::default(), Jitter::default());
        for time in &times {
            moments.add(*time);
            distribution.add(*time);
            jitter.add(*time);
        }
        let row = row(times);
        let shown = |m: &Moments| (m.count(), m.min(), m.max(), m.mean(), m.deviation());
        assert_eq!(shown(&row.rtt()), shown(&moments));
        for percent in [50, 95, 100] {
            assert_eq!(
                row.percentile(percent),
                distribution.percentile(percent, (moments.min(), moments.max()))
            );
        }
        assert_eq!(row.jitter(), jitter.value());
    }

    #[test]
    fn one_answer_is_every_percentile_and_none_has_none() {
        assert_eq!(row([]).percentile(95), None);
        assert_eq!([50, 99].map(|percent| row([10_000_007]).percentile(percent)), [Some(10_000_007); 2]);
    }

    #[test]
    fn a_time_beyond_an_hour_does_not_spoil_the_sums() {
        let row = row([u64::MAX; 3]);
        assert_eq!((row.rtt().mean(), row.rtt().deviation()), (LONGEST, 0));
    }
}
