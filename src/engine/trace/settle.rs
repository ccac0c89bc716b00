//! The part of a trace that keeps answers until the checksums of several show their probes.

use super::Trace;
use super::event::{AnswerKind, TraceAnswer};
use super::recognise::{self, Shifted};
use crate::engine::reject::Reject;
use crate::reply::Reply;

impl Trace {
    /// Keeps an answer until its probe is known.
    pub(super) fn add_unmatched(
        &mut self,
        quote: Shifted,
        reply: &Reply,
        kind: AnswerKind,
    ) -> Result<(), Reject> {
        let translated = quote.translated;
        let answer = TraceAnswer { translated, ..recognise::answer_of(reply, kind) };
        let dropped = self.unmatched.add(quote, answer, reply.clock);
        if let Some(shift) = self.unmatched.agreed(&self.config.flow, &self.table) {
            self.table.shifts.prove(shift);
        }
        self.settle_unmatched();
        if dropped { Err(Reject::Foreign) } else { Ok(()) }
    }

    /// Records the answers to probes that are known now.
    pub(super) fn settle_unmatched(&mut self) {
        for (id, answer) in self.unmatched.settled(&self.config.flow, &self.table) {
            if let Err(reason) = self.answer(id, answer) {
                self.rejects.count(reason);
            }
        }
    }
}
