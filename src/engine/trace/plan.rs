//! The plan of a trace: which query is next, and when. It reads the account of probes and does not change it.
//!
//! The nearest unfinished hop comes first: then the probes arrive at the target in the order of hops, and the few ICMP
//! errors that a host sends in a second answer the queries of the hop that is printed.

use std::collections::VecDeque;
use std::time::Duration;

use super::again;
use super::config::TraceConfig;
use super::due::Due;
use super::table::Table;
use super::wait;
use super::window::Window;
use crate::clock::Instant;
use crate::datagram::SendCause;

/// Time from one probe to the next: 39 probes, a whole window, leave within 3 ms.
const PACE: Duration = Duration::from_micros(75);

/// Probes that may leave at once when the process was late.
const BURST: u32 = 8;

/// Maximum number of open queries of one hop, unless `-N` is given.
const PER_HOP: usize = 3;

/// The pauses of a hop that answers some queries only: the first one, the longest, and all together. They double.
const HOLD: Duration = Duration::from_millis(100);
const LONGEST_HOLD: Duration = Duration::from_millis(400);
const ALL_HOLDS: Duration = Duration::from_millis(1_500);

/// Pause after the local send queue was full, and how often in a row a probe is sent again after it.
const RETRY_PAUSE: Duration = Duration::from_millis(10);
const RETRIES: u32 = 50;

/// While no probe to a neighbour is known to have left the machine, only the first hop is probed for so long. All probes may
/// wait in this machine for its link-layer address. If it is off, the kernel reports that for each of them at the same time,
/// and a host sends 50 ICMP errors at once, those to itself included (Linux icmp_msgs_burst): a second trace would get none
/// of them.
const NEIGHBOUR: Duration = Duration::from_millis(3_100);

/// When probes leave, and how far ahead.
#[derive(Debug)]
pub struct Plan {
    first_ttl: u8,
    queries: u8,
    /// Whether `-N` is given: hop by hop, without a pace.
    explicit: bool,
    /// Whether silent queries are sent again.
    resends: bool,
    /// Whether each query is a connection.
    connections: bool,
    gap: Duration,
    window: Window,
    /// Until when only the first hop is probed, if the target is most likely a neighbour and no probe left or was answered:
    /// see [`NEIGHBOUR`].
    alone_until: Option<Instant>,
    /// When the next probe may leave.
    slot: Instant,
    /// The lowest TTL with a query that was not sent.
    unfinished: u8,
    /// TTL and query of the probes to be repeated.
    repeats: VecDeque<(u8, u8)>,
    /// Retries in a row after a full send queue.
    retries: u32,
    /// Whether the kernel took a probe.
    took: bool,
    /// The pause of each hop, by TTL.
    holds: Vec<Hold>,
}

/// The pause of a hop, for a router that limits its answers.
#[derive(Clone, Copy, Debug, Default)]
struct Hold {
    /// Time between two queries; zero: no pause.
    pause: Duration,
    /// All pauses so far.
    spent: Duration,
    /// No query leaves before this.
    until: Instant,
}

impl Plan {
    /// The plan of a trace that begins at `start`.
    pub fn new(config: &TraceConfig, start: Instant) -> Self {
        let &TraceConfig { first_ttl, queries, parallel, gap, wait, neighbour, .. } = config;
        Self {
            first_ttl,
            queries,
            explicit: parallel.is_some(),
            resends: wait.is_adaptive() && (parallel.is_none() || config.mtu),
            connections: again::connects(config.flow.method),
            gap,
            window: Window::new(parallel),
            alone_until: (neighbour && parallel.is_none()).then(|| start + NEIGHBOUR),
            slot: start,
            unfinished: first_ttl,
            repeats: VecDeque::new(),
            retries: 0,
            took: false,
            holds: vec![Hold::default(); 256],
        }
    }

    /// The next query of a path that ends with the hop `last_ttl`: one to be repeated, else one to be sent again, or the
    /// next one of the nearest unfinished hop. `final_ttl`: the hop with the final answer. `None` until an answer or a
    /// timeout allows one.
    pub fn next(&self, table: &Table, final_ttl: Option<u8>, last_ttl: u8) -> Option<Due> {
        // A last hop may be found to be none: repeats beyond it are kept.
        if let Some(&(ttl, query)) = self.repeats.iter().find(|(ttl, _)| *ttl <= last_ttl) {
            return Some(Due { at: self.slot, ttl, query, again: false });
        }
        let again = self.again(table, final_ttl);
        let new = self.window.has_room(last_ttl).then(|| self.new_query(table, last_ttl)).flatten();
        again.into_iter().chain(new).min_by_key(|due| due.at)
    }

    /// The next silent query to be sent again.
    fn again(&self, table: &Table, final_ttl: Option<u8>) -> Option<Due> {
        if !self.resends {
            return None;
        }
        let due = again::next(table, final_ttl, self.queries, self.connections)?;
        Some(Due { at: due.at.max(self.slot), ..due })
    }

    /// Until when a query is to stay open because it is to be sent again: see [`again::limited`].
    pub fn open_until(&self, table: &Table, final_ttl: Option<u8>, ttl: u8, query: u8) -> Option<Instant> {
        let at = again::limited(table, final_ttl.filter(|_| self.resends)?, ttl, query)?;
        Some(at + wait::answer_time(table))
    }

    /// The next query of the nearest unfinished hop; a hop that pauses never delays another.
    fn new_query(&self, table: &Table, last_ttl: u8) -> Option<Due> {
        let mut earliest: Option<Due> = None;
        for ttl in self.unfinished..=last_ttl {
            let Some(due) = self.of_hop(table, ttl) else { continue };
            if earliest.is_none_or(|earliest| due.at < earliest.at) {
                earliest = Some(due);
            }
            if due.at <= self.slot {
                break;
            }
        }
        earliest
    }

    /// The next query of a hop.
    fn of_hop(&self, table: &Table, ttl: u8) -> Option<Due> {
        let query = u8::try_from(table.queries(ttl).len()).ok()?.checked_add(1)?;
        let room = self.explicit || table.open(ttl) < PER_HOP;
        let alone = self.alone_until.filter(|_| ttl > self.first_ttl && self.is_quiet(table));
        let at = self.holds.get(usize::from(ttl))?.until.max(self.slot).max(alone.unwrap_or(self.slot));
        (query <= self.queries && room).then_some(Due { at, ttl, query, again: false })
    }

    /// Whether nothing was answered, and a query of the first hop is waited for.
    fn is_quiet(&self, table: &Table) -> bool {
        table.highest().is_none() && table.open(self.first_ttl) > 0
    }

    /// Records that a query was handed out at `now` with the probe `id`. A late probe delays no later one, except to avoid
    /// a burst.
    pub fn taken(&mut self, table: &Table, due: Due, id: u64, now: Instant) {
        let Due { ttl, query, .. } = due;
        if let Some(place) = self.repeats.iter().position(|repeat| *repeat == (ttl, query)) {
            self.repeats.remove(place);
        }
        let gap = if self.explicit { self.gap } else { PACE.max(self.gap) };
        let earliest = if self.gap.is_zero() { now - PACE.saturating_mul(BURST) } else { now };
        self.slot = self.slot.max(earliest) + gap;
        if let Some(hold) = self.holds.get_mut(usize::from(ttl)).filter(|hold| !hold.pause.is_zero()) {
            hold.until = now + hold.pause;
            hold.spent = hold.spent.saturating_add(hold.pause);
        }
        if !due.again {
            self.window.insert(id, (ttl, query), now);
        }
        while self.unfinished < u8::MAX && table.queries(self.unfinished).len() >= usize::from(self.queries) {
            self.unfinished = self.unfinished.saturating_add(1);
        }
    }

    /// Adds a query that is to be repeated.
    pub fn repeat(&mut self, ttl: u8, query: u8) {
        self.repeats.push_back((ttl, query));
    }

    /// Pauses after there was no room for a probe at `now`. Returns whether it is to be sent again.
    pub fn retry(&mut self, now: Instant, cause: SendCause) -> bool {
        // A descriptor is free as soon as a probe is no longer waited for.
        let retry = self.retries < RETRIES || cause == SendCause::NoDescriptor;
        if retry {
            self.retries = self.retries.saturating_add(1);
            self.slot = self.slot.max(now + RETRY_PAUSE);
        }
        retry
    }

    /// Records that the kernel took a probe.
    pub const fn departed(&mut self) {
        (self.retries, self.took) = (0, true);
    }

    /// Records that the kernel refused a probe at `now`. Until it took one, no other is delayed by that: if it refuses all,
    /// the trace is over.
    pub fn refused(&mut self, now: Instant) {
        if !self.took {
            self.slot = self.slot.min(now);
        }
    }

    /// Records that a probe left the machine: its neighbour is known.
    pub const fn stamped(&mut self) {
        self.alone_until = None;
    }

    /// Records that nothing more is expected of the probes of a query.
    pub fn settled(&mut self, ttl: u8, query: u8) {
        self.window.remove(ttl, query);
    }

    /// Pauses a hop that left a query unanswered at `now` and answered another, for a limited time in all. Without `-N`
    /// only.
    pub fn hold(&mut self, table: &Table, ttl: u8, now: Instant) {
        let limited = !self.explicit && table.rtt(ttl).is_some();
        let Some(hold) = self.holds.get_mut(usize::from(ttl)).filter(|_| limited) else { return };
        let longer = if hold.pause.is_zero() { HOLD } else { hold.pause.saturating_mul(2).min(LONGEST_HOLD) };
        hold.pause = if hold.spent < ALL_HOLDS { longer } else { Duration::ZERO };
        hold.until = now + hold.pause;
    }

    /// When time makes room for a query, if one waits for room.
    pub fn opens_at(&self, table: &Table, last_ttl: u8) -> Option<Instant> {
        let waits = !self.window.has_room(last_ttl) && self.new_query(table, last_ttl).is_some();
        waits.then(|| self.window.opens_at(last_ttl, table.longest_rtt())).flatten()
    }

    /// Makes room for queries if it is time for that.
    pub fn expire(&mut self, table: &Table, now: Instant) {
        self.window.expire(now, table.longest_rtt());
    }
}
