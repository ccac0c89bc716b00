//! Which probe goes next, and when.

use std::time::Duration;

use super::TraceConfig;
use super::table::Table;
use crate::clock::Instant;

/// From one probe to the next: 60 probes, 20 hops of 3, are out after 16 ms.
const PACE: Duration = Duration::from_micros(275);

/// Probes that may leave at once when the process was late.
const BURST: u32 = 4;

/// Hops that are asked before anything came back.
const WINDOW: u8 = 20;

/// Hops that are asked beyond the highest that answered.
const AHEAD: u8 = 4;

/// A query follows the one before it when the hop so many further on is first asked: routers dislike bursts.
const STAGGER: u8 = 4;

/// Probes that may be out to one hop at a time, unless more were asked for.
const PER_HOP: usize = 3;

/// After so long without any news the next window of hops is asked.
const SLIDE: Duration = Duration::from_millis(300);

/// The first pause for a hop that answers some queries only; it doubles.
const HOLD: Duration = Duration::from_millis(100);

/// When probes leave, and how far ahead.
#[derive(Debug)]
pub struct Plan {
    /// When the next probe may leave.
    slot: Instant,
    /// The highest TTL that may be asked.
    frontier: u8,
    /// When something last came back, or the frontier last moved.
    news: Instant,
}

/// A query that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it may leave.
    pub at: Instant,
    /// TTL of its hop.
    pub ttl: u8,
    /// Which query of the hop, from 1.
    pub query: u8,
}

impl Plan {
    /// The plan of a trace that begins at `start`.
    pub fn new(config: &TraceConfig, start: Instant) -> Self {
        let frontier = match config.parallel {
            None => config.first_ttl.saturating_add(WINDOW).saturating_sub(1),
            // The number of probes alone limits how far ahead is asked.
            Some(_) => u8::MAX,
        };
        Self { slot: start, frontier, news: start }
    }

    /// The next query, if there is one to come as things stand.
    pub fn next(&self, config: &TraceConfig, table: &Table, last_ttl: u8, outstanding: usize) -> Option<Due> {
        if config.parallel.is_some_and(|limit| outstanding >= usize::from(limit)) {
            return None;
        }
        let last = last_ttl.min(self.frontier);
        let due = |ttl| self.of_hop(config, table, ttl);
        let hops = (config.first_ttl..=last).filter_map(due);
        match config.parallel {
            // Hop by hop.
            Some(_) => hops.min_by_key(|due| due.ttl),
            // Hop by hop, later queries some hops behind; those held back never stand before others.
            None => hops.min_by_key(|due| {
                let steps = u32::from(due.query.saturating_sub(1)).saturating_mul(STAGGER.into());
                (due.at.max(self.slot), steps.saturating_add(due.ttl.into()), due.query)
            }),
        }
    }

    /// The next query of a hop.
    fn of_hop(&self, config: &TraceConfig, table: &Table, ttl: u8) -> Option<Due> {
        let hop = table.hop(ttl)?;
        let query = u8::try_from(hop.numbers.len()).ok()?.checked_add(1)?;
        let room = config.parallel.is_some() || table.outstanding(ttl) < PER_HOP;
        let at = hop.not_before.max(self.slot);
        (query <= config.queries && room).then_some(Due { at, ttl, query })
    }

    /// When the next probe may leave.
    pub fn slot(&self) -> Instant {
        self.slot
    }

    /// Notes that a probe was taken at `now`. A late one delays no later one, but for what would be a burst.
    pub fn taken(&mut self, config: &TraceConfig, now: Instant) {
        let gap = match config.parallel {
            None => PACE.max(config.gap),
            Some(_) => config.gap,
        };
        let earliest = if config.gap.is_zero() { now - PACE.saturating_mul(BURST) } else { now };
        self.slot = self.slot.max(earliest) + gap;
    }

    /// Keeps everything from leaving for a while: the local queue is full.
    pub fn back_off(&mut self, now: Instant, pause: Duration) {
        self.slot = self.slot.max(now + pause);
    }

    /// Notes that something came back from a hop at `now`.
    pub fn answered(&mut self, ttl: u8, now: Instant) {
        self.frontier = self.frontier.max(ttl.saturating_add(AHEAD));
        self.news = self.news.max(now);
    }

    /// When the next window of hops is asked although nothing came back; `None` when all are.
    pub fn slide_at(&self, last_ttl: u8) -> Option<Instant> {
        (self.frontier < last_ttl).then(|| self.news + SLIDE)
    }

    /// Asks the next window of hops if its time has come.
    pub fn slide(&mut self, now: Instant, last_ttl: u8) {
        if self.slide_at(last_ttl).is_some_and(|at| at <= now) {
            self.frontier = self.frontier.saturating_add(WINDOW);
            self.news = now;
        }
    }
}

/// Holds a hop's next query back: one was silent, and another was answered.
pub fn hold(table: &mut Table, ttl: u8, now: Instant) {
    if let Some(hop) = table.hop_mut(ttl)
        && hop.rtt.is_some()
    {
        hop.hold = if hop.hold.is_zero() { HOLD } else { hop.hold.saturating_mul(2) };
        hop.not_before = now + hop.hold;
    }
}

/// Spaces a hop's queries out once one was held back.
pub fn space(table: &mut Table, ttl: u8, now: Instant) {
    if let Some(hop) = table.hop_mut(ttl).filter(|hop| !hop.hold.is_zero()) {
        hop.not_before = now + hop.hold;
    }
}
