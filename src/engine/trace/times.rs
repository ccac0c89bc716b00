//! When a trace acts next: the next query, the ends of waits, and until when an outcome is held.

use super::Trace;
use super::due::Due;
use super::ending::{self, Held};
use crate::clock::Instant;
use crate::engine::Session;

impl Trace {
    /// The last TTL: that of the final answer, once there is one.
    pub(super) fn last_ttl(&self) -> u8 {
        self.final_ttl.unwrap_or(self.config.max_ttl)
    }

    /// The next query; `None` until an answer or a timeout allows one.
    pub(super) fn due(&self) -> Option<Due> {
        // What leaves while answers wait for their probes would be one of these.
        let waits = self.is_done() || !self.unnumbered.is_empty();
        if waits { None } else { self.plan.next(&self.table, self.final_ttl, self.last_ttl()) }
    }

    /// The open queries up to `last_ttl` with the ends of their waits, hop by hop: TTL, query and time.
    pub(super) fn deadlines(&self, last_ttl: u8) -> impl Iterator<Item = (u8, u8, Instant)> {
        let hops = (self.config.first_ttl..=last_ttl).filter(|ttl| self.table.open(*ttl) > 0);
        // An answer that waits for its probe may be that of any query.
        let unnumbered = self.unnumbered.until(&self.config.flow, &self.table);
        hops.flat_map(move |ttl| {
            self.table.waiting(ttl).map(move |(query, first, newest)| {
                let deadline = self.config.wait.deadline(&self.table, ttl, first, newest);
                let again = self.plan.open_until(&self.table, self.final_ttl, ttl, query);
                (ttl, query, [again, unnumbered].into_iter().flatten().fold(deadline, Instant::max))
            })
        })
    }

    /// The open queries that have waited long enough: TTL and query.
    pub(super) fn expired(&self, now: Instant) -> Vec<(u8, u8)> {
        let late = self.deadlines(self.config.max_ttl).filter(|(_, _, deadline)| *deadline <= now);
        late.map(|(ttl, query, _)| (ttl, query)).collect()
    }

    /// Until when the next outcome or the end of the trace is held, because it is a refusal that an answer could overrule.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let refused = match self.final_ttl.filter(|last| self.order.is_complete(*last)) {
            Some(last) => last,
            None => self.order.refused(&self.table)?,
        };
        match ending::held(&self.table, &self.config.flow, refused)? {
            Held::Until(until) if !self.unnumbered.wait() => Some(until),
            Held::Until(_) | Held::WhileInFlight => {
                self.deadlines(self.config.max_ttl).map(|(_, _, deadline)| deadline).max()
            }
        }
    }
}
