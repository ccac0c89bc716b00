//! A fixed grid: round n begins at start + n × interval, and sends a probe to each target.
//!
//! There is no drift: a probe that leaves late moves no later one. Rounds that passed while nobody looked (a suspended
//! process) are skipped, never made up for in a burst.

use std::num::NonZeroU64;
use std::time::Duration;

use super::backlog::{Backlog, Taken};
use super::gate::Gate;
use super::turn::Turn;
use crate::clock::Instant;

/// The schedule.
#[derive(Debug)]
pub struct Rounds {
    targets: u32,
    interval: Duration,
    start: Instant,
    gate: Gate,
    /// The next target of the round.
    next: u32,
    round: u64,
    /// When the round begins.
    begins: Instant,
    /// Rounds still to come, this one included; `None`: no end.
    left: Option<u64>,
    /// Rounds that begin at once, this one included.
    preload: u64,
    backlog: Backlog,
}

impl Rounds {
    /// See [`super::Pacing::Rounds`].
    pub fn new(
        targets: u32,
        interval: Duration,
        preload: u64,
        rate: Option<NonZeroU64>,
        count: Option<u64>,
        start: Instant,
    ) -> Self {
        let (gate, backlog) = (Gate::new(rate, start), Backlog::new(start));
        Self {
            targets,
            interval,
            start,
            gate,
            next: 0,
            round: 0,
            begins: start,
            left: count,
            preload,
            backlog,
        }
    }

    /// From one round to the next.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// What is next, and when. The grid comes before turns that wait for room.
    pub fn due(&self) -> Option<(Instant, Turn)> {
        let (at, target) = match (self.fresh(), self.refused()) {
            (Some(fresh), Some(refused)) => {
                if refused.0 < fresh.0 {
                    refused
                } else {
                    fresh
                }
            }
            (fresh, refused) => fresh.or(refused)?,
        };
        Some((at, Turn::Probe(target)))
    }

    /// The next target of the round, and when its turn is. A target alone has none while its last one waits for room.
    fn fresh(&self) -> Option<(Instant, u32)> {
        let waits = self.targets == 1 && self.backlog.has(0);
        let more = self.left != Some(0) && self.targets > 0 && !waits;
        more.then(|| (self.gate.opens().max(self.begins), self.next))
    }

    fn refused(&self) -> Option<(Instant, u32)> {
        let turn = self.backlog.first()?;
        Some((self.gate.opens().max(self.backlog.held()), turn.target))
    }

    /// Takes the turn that is due.
    pub fn take(&mut self, now: Instant) {
        let (fresh, refused) = (self.fresh(), self.refused());
        if refused.is_some_and(|refused| fresh.is_none_or(|fresh| refused.0 < fresh.0)) {
            self.backlog.take_first();
        } else {
            self.gate.close_until(self.begins);
            self.backlog.take(Taken { target: self.next, tries: 0, since: None });
            self.advance(now);
        }
        self.gate.pass(now);
    }

    /// The oldest turn taken is used.
    pub fn sent(&mut self) {
        self.backlog.sent();
    }

    /// The oldest turn taken found no room. A target alone is not denied a probe that it has a right to.
    pub fn refuse(&mut self, at: Instant) {
        let waits = self.backlog.refuse(at);
        if !waits && self.targets == 1 {
            self.left = self.left.map(|left| left.saturating_add(1));
        }
    }

    /// See [`super::Pace::pop_refused`].
    pub fn pop_refused(&mut self) -> Option<u32> {
        self.backlog.give_up_first()
    }

    /// While turns wait for room, those of targets that `may_wait` queue behind them: they would stand in the way of
    /// others. A target whose turn waits already has no second one.
    pub fn set_aside(&mut self, now: Instant, may_wait: impl Fn(u32) -> bool) {
        while let Some((due, target)) = self.fresh()
            && due <= now
            && (self.backlog.has(target) || (due < self.backlog.held() && may_wait(target)))
        {
            self.backlog.queue(Taken { target, tries: 0, since: Some(now) });
            self.advance(now);
        }
    }

    /// On to the next target, or to the next round.
    fn advance(&mut self, now: Instant) {
        self.next = self.next.saturating_add(1);
        if self.next < self.targets {
            return;
        }
        self.next = 0;
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.preload > 1 {
            self.preload = self.preload.saturating_sub(1);
            return;
        }
        let passed = now.since(self.start).as_nanos().checked_div(self.interval.as_nanos());
        let passed = u64::try_from(passed.unwrap_or(0)).unwrap_or(u64::MAX);
        // A round that the rate stretches beyond its interval is followed by the one that should be going on.
        let next = if self.gate.has_rate() { passed } else { passed.saturating_add(1) };
        self.round = self.round.saturating_add(1).max(next);
        let nanos = self.interval.as_nanos().saturating_mul(self.round.into());
        self.begins = self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }
}
