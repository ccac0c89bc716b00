//! The order in which outcomes are emitted: by hop, and by query within a hop, as traceroute(8) prints them.
//!
//! The engine keeps it, and not a report: what is emitted can no longer change, and so decides how the trace goes on. A late
//! answer to a star that was emitted does not end the trace at its hop.

use super::event::{Outcome, TraceEvent};
use super::table::{HopQuery, SentProbe, Table};

/// The outcomes emitted so far.
#[derive(Debug)]
pub struct Order {
    /// TTL and query of the next one.
    next: (u8, u8),
    /// The last complete hop; 0 before the first.
    complete: u8,
    /// Consecutive hops without an answer, up to the last complete one. Hops to which no probe could be sent do not count.
    silent_hops: u8,
}

/// A step of the order.
#[derive(Debug)]
pub enum Step {
    /// The next outcome.
    Outcome(TraceEvent),
    /// All outcomes of a hop are emitted.
    HopDone {
        /// Consecutive hops without an answer, up to this one.
        silent_hops: u8,
    },
}

impl Order {
    /// The order from the first hop on.
    pub const fn new(first_ttl: u8) -> Self {
        Self { next: (first_ttl, 1), complete: 0, silent_hops: 0 }
    }

    /// Whether the outcome of the query of a probe was emitted.
    pub fn is_past(&self, probe: &SentProbe) -> bool {
        (probe.ttl, probe.query) < self.next
    }

    /// Whether all outcomes are emitted up to the hop `last_ttl`.
    pub fn is_complete(&self, last_ttl: u8) -> bool {
        self.complete >= last_ttl
    }

    /// The hop of the next outcome, if that is a final answer.
    pub fn refused(&self, table: &Table) -> Option<u8> {
        let (ttl, query) = self.next;
        match &table.query(ttl, query)?.outcome {
            Some(Outcome::Answered(answer)) if answer.kind.is_final() => Some(ttl),
            _ => None,
        }
    }

    /// The next step, of hops with so many queries; `None` while the next outcome is open.
    pub fn step(&mut self, table: &Table, queries: u8) -> Option<Step> {
        let (ttl, query) = self.next;
        if query > queries {
            let unsent = |query: &HopQuery| matches!(query.outcome, Some(Outcome::NotSent(_)));
            if table.answers(ttl).next().is_some() {
                self.silent_hops = 0;
            } else if !table.queries(ttl).iter().all(unsent) {
                self.silent_hops = self.silent_hops.saturating_add(1);
            }
            (self.next, self.complete) = ((ttl.saturating_add(1), 1), ttl);
            return Some(Step::HopDone { silent_hops: self.silent_hops });
        }
        let (probe, state) = table.of_hop(ttl).nth(usize::from(query.saturating_sub(1)))?;
        let outcome = state.outcome.clone()?;
        self.next = (ttl, query.saturating_add(1));
        Some(Step::Outcome(decided(probe, outcome)))
    }

    /// The outcomes that remain when a trace is stopped, up to the hop `last_ttl`.
    pub fn rest(&self, table: &Table, last_ttl: u8) -> impl Iterator<Item = TraceEvent> {
        let queries = (self.next.0..=last_ttl).flat_map(|ttl| table.of_hop(ttl));
        queries
            .filter(|(probe, _)| !self.is_past(probe))
            .map(|(probe, query)| decided(probe, query.outcome.clone().unwrap_or(Outcome::Unfinished)))
    }
}

fn decided(probe: &SentProbe, outcome: Outcome) -> TraceEvent {
    TraceEvent::Decided { ttl: probe.ttl, query: probe.query, outcome, mtu: probe.mtu }
}
