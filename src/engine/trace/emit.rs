//! The part of a trace that emits: outcomes in their order, and the end.

use super::Trace;
use super::ending;
use super::event::{Ending, Outcome, TraceEvent};
use super::order::Step;
use crate::engine::reject::Reject;

impl Trace {
    /// Records the outcome of a query.
    pub(super) fn decide(&mut self, ttl: u8, query: u8, outcome: Outcome) {
        let silent = outcome == Outcome::Silent;
        if let Outcome::Answered(answer) = &outcome
            && !answer.kind.is_final()
        {
            let mtu = self.table.newest(ttl, query).and_then(|probe| probe.mtu);
            self.events.push(TraceEvent::Passed { ttl, query, answer: answer.clone(), mtu });
        }
        self.table.decide(ttl, query, outcome);
        if !silent {
            self.final_ttl = ending::final_ttl(&self.table, &self.config.flow);
        }
        self.emit();
    }

    /// Emits the outcomes that are next in their order, and the end of the trace.
    pub(super) fn emit(&mut self) {
        while self.ending.is_none() {
            if self.held_until().is_some_and(|until| until > self.now) {
                return;
            }
            if self.settle_doubtful() {
                continue;
            }
            if self.order.is_complete(self.last_ttl()) {
                self.end(ending::ending(&self.table, &self.config.flow, self.final_ttl));
                return;
            }
            match self.order.step(&self.table, self.config.queries) {
                None => return,
                Some(Step::Outcome(event)) => self.push_judged(event),
                Some(Step::HopDone { silent_hops }) => {
                    let limit = self.config.gap_limit.filter(|_| !self.order.is_complete(self.last_ttl()));
                    if limit.is_some_and(|limit| silent_hops >= limit) {
                        self.end(Ending::GapLimit);
                    }
                }
            }
        }
    }

    /// Records the answers of the target that were doubtful, before a refusal is emitted: the target sent nothing else. Returns
    /// whether there are some.
    fn settle_doubtful(&mut self) -> bool {
        let refused = self.final_ttl.is_some_and(|last| {
            self.order.is_complete(last) || self.order.refused(&self.table) == Some(last)
        });
        let accepts = refused && self.unnumbered.accept_all(&self.config.flow, &self.table);
        if accepts {
            self.settle_unnumbered(None);
        }
        accepts
    }

    /// Emits an outcome, or a further answer, with the judgement of its answer.
    pub(super) fn push_judged(&mut self, mut event: TraceEvent) {
        if let TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. }
        | TraceEvent::Extra { ttl, answer, .. } = &mut event
        {
            answer.arrived = ending::is_arrival(&self.table, &self.config.flow, *ttl, answer);
        }
        self.events.push(event);
    }

    /// Ends the trace.
    pub(super) fn end(&mut self, ending: Ending) {
        (0..self.unmatched.clear()).for_each(|_| self.rejects.count(Reject::Foreign));
        self.ending = Some(ending);
        self.events.push(TraceEvent::Ended { at: self.now, ending });
    }
}
