//! The plan of a trace: which probe is next, and when. It reads the account of probes and does not change it.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::TraceConfig;
use super::table::Table;
use crate::clock::Instant;

/// Time from one probe to the next: 60 probes, 20 hops of 3, leave within 16 ms.
const PACE: Duration = Duration::from_micros(275);

/// Probes that may leave at once when the process was late.
const BURST: u32 = 4;

/// Hops in the first window, before any answer.
const WINDOW: u8 = 20;

/// Hops in the window beyond the highest hop that answered.
const AHEAD: u8 = 4;

/// Query n + 1 of a hop is sent together with query n of the hop 4 further on, to avoid bursts at one router.
const STAGGER: u8 = 4;

/// Maximum number of outstanding probes of one hop, unless `-N` is given.
const PER_HOP: usize = 3;

/// The window grows after so long without an answer.
const SLIDE: Duration = Duration::from_millis(300);

/// The first pause of a hop that answers some queries only; it doubles.
const HOLD: Duration = Duration::from_millis(100);

/// Pause after the local send queue was full, and how often in a row a probe is sent again after it.
const RETRY_PAUSE: Duration = Duration::from_millis(10);
const RETRIES: u32 = 50;

/// When probes leave, and how far ahead.
#[derive(Debug)]
pub struct Plan {
    first_ttl: u8,
    queries: u8,
    parallel: Option<u16>,
    gap: Duration,
    /// When the next probe may leave.
    slot: Instant,
    /// The highest TTL in the window.
    frontier: u8,
    /// When the last answer arrived, or the window last grew.
    news: Instant,
    /// TTL and query of the probes to be repeated.
    repeats: VecDeque<(u8, u8)>,
    /// Retries in a row after a full send queue.
    retries: u32,
    /// The pause of each hop, by TTL.
    holds: Vec<Hold>,
}

/// The pause of a hop, for a router that limits its answers.
#[derive(Clone, Copy, Debug, Default)]
struct Hold {
    /// Time between two queries; zero: no pause.
    pause: Duration,
    /// No query leaves before this.
    until: Instant,
}

/// A query that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it may leave.
    pub at: Instant,
    /// TTL of its hop.
    pub ttl: u8,
    /// The query of the hop, from 1.
    pub query: u8,
}

impl Plan {
    /// The plan of a trace that begins at `start`.
    pub fn new(config: &TraceConfig, start: Instant) -> Self {
        let &TraceConfig { first_ttl, queries, parallel, gap, .. } = config;
        let frontier = match parallel {
            None => first_ttl.saturating_add(WINDOW).saturating_sub(1),
            // Only the number of probes in flight is limited.
            Some(_) => u8::MAX,
        };
        Self {
            first_ttl,
            queries,
            parallel,
            gap,
            slot: start,
            frontier,
            news: start,
            repeats: VecDeque::new(),
            retries: 0,
            holds: vec![Hold::default(); 256],
        }
    }

    /// The next query up to `last_ttl`, repeated ones first; `None` until an answer or a timeout allows one.
    pub fn next(&self, table: &Table, last_ttl: u8) -> Option<Due> {
        // A last hop may be found to be none: repeats beyond it are kept.
        if let Some(&(ttl, query)) = self.repeats.iter().find(|(ttl, _)| *ttl <= last_ttl) {
            return Some(Due { at: self.slot, ttl, query });
        }
        let full = |limit| table.outstanding_up_to(last_ttl) >= usize::from(limit);
        if self.parallel.is_some_and(full) {
            return None;
        }
        let last = last_ttl.min(self.frontier);
        let mut hops = (self.first_ttl..=last).filter_map(|ttl| self.of_hop(table, ttl));
        match self.parallel {
            // Hop by hop.
            Some(_) => hops.next(),
            // Hop by hop, later queries some hops behind; a hop that pauses never delays another.
            None => hops.min_by_key(|due| {
                let steps = u32::from(due.query.saturating_sub(1)).saturating_mul(STAGGER.into());
                (due.at.max(self.slot), steps.saturating_add(due.ttl.into()), due.query)
            }),
        }
    }

    /// The next query of a hop.
    fn of_hop(&self, table: &Table, ttl: u8) -> Option<Due> {
        let query = u8::try_from(table.queries(ttl)).ok()?.checked_add(1)?;
        let room = self.parallel.is_some() || table.outstanding(ttl) < PER_HOP;
        let at = self.holds.get(usize::from(ttl))?.until.max(self.slot);
        (query <= self.queries && room).then_some(Due { at, ttl, query })
    }

    /// Records that a query of the hop `ttl` was handed out at `now`. A late probe delays no later one, except to avoid a
    /// burst.
    pub fn taken(&mut self, ttl: u8, query: u8, now: Instant) {
        if let Some(place) = self.repeats.iter().position(|repeat| *repeat == (ttl, query)) {
            self.repeats.remove(place);
        }
        let gap = if self.parallel.is_none() { PACE.max(self.gap) } else { self.gap };
        let earliest = if self.gap.is_zero() { now - PACE.saturating_mul(BURST) } else { now };
        self.slot = self.slot.max(earliest) + gap;
        if let Some(hold) = self.holds.get_mut(usize::from(ttl)).filter(|hold| !hold.pause.is_zero()) {
            hold.until = now + hold.pause;
        }
    }

    /// Adds a query that is to be repeated.
    pub fn repeat(&mut self, ttl: u8, query: u8) {
        self.repeats.push_back((ttl, query));
    }

    /// Pauses after the local send queue was full at `now`. Returns whether the probe is to be sent again.
    pub fn retry(&mut self, now: Instant) -> bool {
        let retry = self.retries < RETRIES;
        if retry {
            self.retries = self.retries.saturating_add(1);
            self.slot = self.slot.max(now + RETRY_PAUSE);
        }
        retry
    }

    /// Records that a probe left.
    pub const fn departed(&mut self) {
        self.retries = 0;
    }

    /// Records an answer of a hop that arrived at `now`.
    pub fn answered(&mut self, ttl: u8, now: Instant) {
        self.frontier = self.frontier.max(ttl.saturating_add(AHEAD));
        self.news = self.news.max(now);
    }

    /// Pauses a hop that left a query unanswered at `now` and answered another. Without `-N` only.
    pub fn hold(&mut self, table: &Table, ttl: u8, now: Instant) {
        let limited = self.parallel.is_none() && table.rtt(ttl).is_some();
        if let Some(hold) = self.holds.get_mut(usize::from(ttl)).filter(|_| limited) {
            hold.pause = if hold.pause.is_zero() { HOLD } else { hold.pause.saturating_mul(2) };
            hold.until = now + hold.pause;
        }
    }

    /// When the window grows without an answer; `None` when all hops are in it.
    pub fn slide_at(&self, last_ttl: u8) -> Option<Instant> {
        (self.frontier < last_ttl).then(|| self.news + SLIDE)
    }

    /// Grows the window if its time has come.
    pub fn slide(&mut self, now: Instant, last_ttl: u8) {
        if self.slide_at(last_ttl).is_some_and(|at| at <= now) {
            self.frontier = self.frontier.saturating_add(WINDOW);
            self.news = now;
        }
    }
}
