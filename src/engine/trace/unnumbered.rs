//! Answers of the target without a number: of their probe only the flow is known, by the port that they came to.
//!
//! The target answers every probe that arrives, so of the probes of a flow those with the highest TTLs were answered. Where
//! silent routers lie before it, how many were answered shows the hop of the target. So these answers wait until there
//! is one for each probe of the flow, or no further one comes.
//!
//! An answer with a number of no probe of this trace is doubtful. It may be a late answer to a trace that had the port before.
//! It may also come from behind a firewall that changes sequence numbers, or from a target that still has a connection from
//! the port. So it counts only where the target sends nothing else: when the time of a probe of its flow is up, and no answer
//! of the target had a number. From then on such answers count at once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::event::TraceAnswer;
use super::recognise;
use super::table::{SentProbe, Table};
use super::wait;
use crate::clock::Instant;
use crate::datagram::ClockSource;
use crate::probe::trace::Flow;

/// Doubtful answers of one flow that are kept: as many as there are hops.
const MOST_DOUBTFUL: usize = 255;

/// The answers that wait.
#[derive(Debug, Default)]
pub struct Unnumbered {
    /// Those to probes of this trace.
    certain: Vec<Waiting>,
    doubtful: Vec<Waiting>,
    /// Whether the answers of the target have numbers: no doubtful one counts.
    numbered: bool,
    /// Whether doubtful answers were taken for certain: the target sends nothing else.
    accepted: bool,
}

#[derive(Debug)]
struct Waiting {
    /// The flow index.
    index: u16,
    /// Its RTT is not known yet.
    answer: TraceAnswer,
    clock: ClockSource,
}

impl Unnumbered {
    /// Whether no answer waits that is certainly to a probe of this trace.
    pub fn is_empty(&self) -> bool {
        self.certain.is_empty()
    }

    /// Whether any answer waits, a doubtful one too.
    pub fn wait(&self) -> bool {
        !self.certain.is_empty() || !self.doubtful.is_empty()
    }

    /// Adds an answer to a probe with this flow index. Returns whether there is a probe for it.
    pub fn add(
        &mut self,
        flow: &Flow,
        table: &Table,
        index: u16,
        answer: TraceAnswer,
        clock: ClockSource,
    ) -> bool {
        let room = recognise::candidates(flow, table, index).len() > self.of_flow(index).count();
        if room {
            self.certain.push(Waiting { index, answer, clock });
        }
        room
    }

    /// Adds a doubtful answer, perhaps to a probe with this flow index. Returns whether it may still count.
    pub fn add_doubtful(
        &mut self,
        flow: &Flow,
        table: &Table,
        index: u16,
        answer: TraceAnswer,
        clock: ClockSource,
    ) -> bool {
        let waiting = Waiting { index, answer, clock };
        if self.numbered {
            return false;
        }
        if self.accepted {
            let answers = waiting.may_answer(flow, table, &|_: &SentProbe| true);
            return answers && self.add(flow, table, index, waiting.answer, clock);
        }
        let room = self.doubtful.iter().filter(|other| other.index == index).count() < MOST_DOUBTFUL;
        if room {
            self.doubtful.push(waiting);
        }
        room
    }

    /// Records that an answer of the target had a number. Returns how many doubtful answers are dropped.
    pub fn drop_doubtful(&mut self) -> usize {
        self.numbered = true;
        std::mem::take(&mut self.doubtful).len()
    }

    /// Takes the doubtful answers for certain when the time of a probe is up that one of them may answer. `expired`: TTL and
    /// query of the probes with that time. Returns whether there are such answers.
    pub fn accept_doubtful(&mut self, flow: &Flow, table: &Table, expired: &[(u8, u8)]) -> bool {
        self.accept(flow, table, |probe| expired.contains(&(probe.ttl, probe.query)))
    }

    /// Takes all doubtful answers for certain that may answer a probe. Returns whether there are some.
    pub fn accept_all(&mut self, flow: &Flow, table: &Table) -> bool {
        self.accept(flow, table, |_| true)
    }

    /// Takes the doubtful answers for certain if one of them may answer one of `these` probes.
    fn accept(&mut self, flow: &Flow, table: &Table, these: impl Fn(&SentProbe) -> bool) -> bool {
        let accepts = self.doubtful.iter().any(|waiting| waiting.may_answer(flow, table, &these));
        if accepts {
            self.accepted = true;
            let doubtful = std::mem::take(&mut self.doubtful).into_iter();
            self.certain
                .extend(doubtful.filter(|waiting| waiting.may_answer(flow, table, &|_: &SentProbe| true)));
        }
        accepts
    }

    fn of_flow(&self, index: u16) -> impl Iterator<Item = &Waiting> {
        self.certain.iter().filter(move |waiting| waiting.index == index)
    }

    /// The flow indexes of the answers.
    fn indexes(&self) -> BTreeSet<u16> {
        self.certain.iter().map(|waiting| waiting.index).collect()
    }

    /// When all flows have waited long enough; `None`: no answer waits.
    pub fn until(&self, flow: &Flow, table: &Table) -> Option<Instant> {
        self.indexes().into_iter().filter_map(|index| self.of_flow_until(flow, table, index)).max()
    }

    /// Until when further answers of a flow are waited for: as long as the newest may have taken.
    fn of_flow_until(&self, flow: &Flow, table: &Table, index: u16) -> Option<Instant> {
        let newest = self.of_flow(index).map(|waiting| waiting.answer.at).max()?;
        let oldest = recognise::candidates(flow, table, index).iter().map(|(_, probe)| probe.sent).min();
        let taken = oldest.map_or(Duration::ZERO, |sent| newest.since(sent));
        Some(newest + taken.min(wait::TAIL).max(wait::answer_time(table)))
    }

    /// The answers that are assigned to probes at `now`, with the numbers of these in the table, as they arrived: all, as soon
    /// as each flow has an answer for each of its probes, or has waited long enough. With `None` they wait for nothing.
    pub fn settled(&mut self, flow: &Flow, table: &Table, now: Option<Instant>) -> Vec<(u64, TraceAnswer)> {
        let indexes = self.indexes();
        let waits = |index: &u16| {
            now.is_some_and(|now| self.of_flow_until(flow, table, *index) > Some(now))
                && self.of_flow(*index).count() < recognise::candidates(flow, table, *index).len()
        };
        if indexes.iter().any(waits) {
            return Vec::new();
        }
        let mut settled = Vec::new();
        for index in indexes {
            let candidates = recognise::candidates(flow, table, index);
            // Those without a probe are dropped.
            let answers: Vec<_> = self.certain.extract_if(.., |waiting| waiting.index == index).collect();
            let mut answered: Vec<_> = candidates.iter().rev().take(answers.len()).collect();
            answered.sort_by_key(|(_, probe)| probe.own);
            let to_probe = |(waiting, (number, probe)): (Waiting, &(u16, &SentProbe))| {
                Some((table.id_of(*number)?, waiting.to(probe)))
            };
            settled.extend(answers.into_iter().zip(answered).filter_map(to_probe));
        }
        settled.sort_by_key(|(_, answer)| answer.at);
        settled
    }
}

impl Waiting {
    /// Whether a doubtful answer came after one of `these` probes had left.
    fn may_answer(&self, flow: &Flow, table: &Table, these: &impl Fn(&SentProbe) -> bool) -> bool {
        let came = |probe: &SentProbe| probe.sent.min(probe.own) <= self.answer.at;
        let candidates = recognise::candidates(flow, table, self.index);
        candidates.into_iter().any(|(_, probe)| these(probe) && came(probe))
    }

    /// The answer to this probe.
    fn to(self, probe: &SentProbe) -> TraceAnswer {
        let (rtt, timing) = probe.rtt(self.answer.at, self.clock);
        TraceAnswer { rtt, timing, ..self.answer }
    }
}
