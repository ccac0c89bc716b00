//! The account of a ping of one to a million targets: a small row for each, and all together.

use std::time::Duration;

use super::account::Account;
use super::each::EachTime;
use super::extra::{Extra, Extras};
use super::percentiles::Precision;
use super::recent::Recent;
use super::row::Row;
use super::tally::Tally;
use super::window::Window;
use super::windows::{Span, WindowPlan, Windows};
use crate::clock::Instant;
use crate::engine::ping::event::{Event, LookupOutcome, NameState};

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
    /// What stands beside the figures of each target, if that is kept.
    pub extras: Option<Extras>,
    rows: Vec<Row>,
    precision: Precision,
    windows: Option<Box<Windows>>,
}

impl PingAccount {
    /// An empty account of so many targets.
    pub fn new(targets: u32) -> Self {
        Self::with_precision(targets, Precision::default())
    }

    /// An empty account of so many targets, with percentiles as exact as that.
    pub fn with_precision(targets: u32, precision: Precision) -> Self {
        let rows = vec![Row::default(); targets as usize];
        Self {
            total: Tally::with_precision(precision),
            probed: 0,
            answered: 0,
            unknown: 0,
            open_names: 0,
            recent: Recent::default(),
            each: None,
            extras: None,
            rows,
            precision,
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

    /// What stands beside the figures of one target, if that is kept.
    pub fn extra(&self, target: u32) -> Extra {
        self.extras.as_ref().and_then(|extras| extras.of(target)).unwrap_or_default()
    }

    /// Targets that a probe left for and that did not answer.
    pub const fn silent(&self) -> u32 {
        self.probed - self.answered
    }

    /// Targets that no probe left for.
    pub fn not_asked(&self) -> u32 {
        self.targets() - self.probed
    }

    /// The only target; `None` where there are several, whose neighbouring times do not compare.
    pub fn only(&self) -> Option<&Row> {
        match self.rows.as_slice() {
            [row] => Some(row),
            _ => None,
        }
    }

    /// The jitter of the only target.
    pub fn jitter(&self) -> Option<Duration> {
        self.only().map(Row::jitter)
    }

    /// The longest run of losses of any target.
    pub fn burst(&self) -> u32 {
        self.rows.iter().map(Row::burst).max().unwrap_or(0)
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
        self.extras.iter_mut().for_each(|extras| extras.add(event));
        let Some(target) = event.target() else { return };
        let Some(row) = self.rows.get_mut(target as usize) else { return };
        let before = (row.sent, row.received);
        row.add(event, self.precision);
        if let (Some(each), Some(seq)) = (&mut self.each, event.seq()) {
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
