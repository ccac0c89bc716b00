//! Fixed grids: the targets that a run begins with have one, and so have those that join together later.
//!
//! There is no drift: a probe that leaves late moves no later one. Rounds that passed while nobody looked (a suspended
//! process) are skipped, never made up for in a burst.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::time::Duration;

use super::backlog::{Backlog, Taken};
use super::gate::{Gate, ProbeRate};
use super::grid::Grid;
use super::turn::Turn;
use crate::clock::Instant;

/// The schedule.
#[derive(Debug)]
pub struct Rounds {
    targets: u32,
    interval: Duration,
    /// Probes to each target; `None`: no end.
    count: Option<u64>,
    gate: Gate,
    /// Those with probes left; the greatest one is next.
    grids: BinaryHeap<Grid>,
    /// The last one that came to its end.
    ended: Option<Grid>,
    backlog: Backlog,
}

impl Rounds {
    /// See [`super::Pacing::Rounds`].
    pub fn new(
        targets: u32,
        interval: Duration,
        preload: u64,
        rate: Option<ProbeRate>,
        count: Option<u64>,
        start: Instant,
    ) -> Self {
        let (gate, backlog) = (Gate::new(rate, start), Backlog::new(start));
        let grids = BinaryHeap::new();
        let mut rounds = Self { targets: 0, interval, count, gate, grids, ended: None, backlog };
        rounds.push(targets, start, preload);
        rounds
    }

    /// Adds targets. Their first probes are due at `now`.
    pub fn add(&mut self, targets: u32, now: Instant) {
        self.push(targets, now, 1);
    }

    fn push(&mut self, targets: u32, start: Instant, preload: u64) {
        let first = self.targets;
        self.targets = first.saturating_add(targets);
        let grid = Grid::new(first..self.targets, start, self.count, preload);
        if !grid.is_over() {
            self.grids.push(grid);
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
        let grid = self.grids.peek().filter(|_| !waits)?;
        Some((self.gate.opens().max(grid.begins()), grid.next()))
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
        } else if let Some(grid) = self.grids.peek() {
            self.gate.close_until(grid.begins());
            self.backlog.take(Taken { target: grid.next(), tries: 0, since: None });
            self.advance(now);
        }
        self.gate.pass(now);
    }

    /// The newest turn taken is used.
    pub fn skip(&mut self) {
        self.backlog.skip();
    }

    /// The oldest turn taken is used.
    pub fn sent(&mut self) {
        self.backlog.sent();
    }

    /// The oldest turn taken found no room. A target alone is not denied a probe that it has a right to.
    pub fn refuse(&mut self, at: Instant) {
        let waits = self.backlog.refuse(at);
        if waits || self.targets != 1 {
            return;
        }
        if let Some(mut grid) = self.grids.pop().or_else(|| self.ended.take()) {
            grid.extend();
            self.grids.push(grid);
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

    /// On to the next target of the grid that is next.
    fn advance(&mut self, now: Instant) {
        let Some(mut grid) = self.grids.peek_mut() else { return };
        // A round that the rate stretches beyond its interval is followed by the one that should be going on.
        grid.advance(now, self.interval, self.gate.has_rate());
        if grid.is_over() {
            self.ended = Some(PeekMut::pop(grid));
        }
    }
}
