//! The part of a trace that looks for the path MTU: queries are repeated with other lengths.

use super::Trace;
use super::event::{Outcome, TraceAnswer, TraceEvent};
use super::table::{ProbeState, SentProbe};

impl Trace {
    /// Reduces the length of further probes, and repeats the query of this one, because it was too long for
    /// a link with an MTU of `mtu` octets (0: not reported). `answer` reports that; without it this machine does. Returns
    /// false if the path MTU is not looked for, the probe is answered, or its outcome was emitted, or the length cannot be
    /// reduced.
    pub(super) fn shrink(&mut self, id: u64, mtu: u32, answer: Option<&TraceAnswer>) -> bool {
        let Some(probe) = self.sizing(id) else { return false };
        self.mtu.too_long(&probe, mtu, answer.cloned()) && self.resize(id, &probe)
    }

    /// Repeats the query of a probe that passed while the path MTU is searched. Returns whether it is repeated.
    pub(super) fn passed(&mut self, id: u64) -> bool {
        let Some(probe) = self.sizing(id) else { return false };
        self.mtu.passed(&probe) && self.resize(id, &probe)
    }

    /// Repeats the query of a probe with another length, and emits a path MTU that was found.
    fn resize(&mut self, id: u64, probe: &SentProbe) -> bool {
        self.repeat(id);
        if let Some((mtu, answer)) = self.mtu.found() {
            let SentProbe { ttl, query, .. } = *probe;
            self.events.push(TraceEvent::PathMtu { ttl, query, answer, mtu });
        }
        true
    }

    /// The probe, if the path MTU is looked for and the outcome of its query is open or silent.
    fn sizing(&self, id: u64) -> Option<SentProbe> {
        let probe = self.table.probe(id).filter(|_| self.mtu.is_enabled())?;
        let query = self.table.query(probe.ttl, probe.query);
        let answered = query.is_some_and(|query| matches!(query.outcome, Some(Outcome::Answered(_))));
        let counts = !answered && probe.state != ProbeState::Void && !self.order.is_past(probe);
        counts.then(|| probe.clone())
    }
}
