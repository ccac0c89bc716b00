//! A traceroute: one target, probed with increasing TTLs.
//!
//! [`table`] is the account of probes. `plan` chooses the next query, within a `window`, and `again` the silent ones that
//! are sent once more. [`recognise`] matches replies to probes, `unnumbered` and `unmatched` those without a number.
//! `ending` and `cycle` judge them, `order` sorts the outcomes, `emit` emits them; [`Trace`] composes them.

mod again;
mod config;
mod cycle;
mod due;
mod emit;
mod ending;
pub mod event;
mod mtu;
mod order;
mod plan;
pub mod recognise;
mod settle;
mod shifts;
mod sizing;
pub mod table;
mod times;
mod unmatched;
mod unnumbered;
mod wait;
mod window;

use std::collections::VecDeque;

pub use config::TraceConfig;
pub use wait::Wait;

use crate::clock::Instant;
use crate::datagram::{Departed, DepartureStamp, Room, SendCause, SendFault, Transmit};
use crate::engine::Session;
use crate::engine::reject::{Reject, Rejects};
use crate::probe::trace::TraceProbe;
use crate::reply::Reply;
use due::Due;
use event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use mtu::PathMtu;
use order::Order;
use plan::Plan;
use recognise::Subject;
use table::{ProbeState, SentProbe, Table};
use unmatched::Unmatched;
use unnumbered::Unnumbered;

/// The session of a trace.
#[derive(Debug)]
pub struct Trace {
    config: TraceConfig,
    table: Table,
    plan: Plan,
    order: Order,
    /// Probes whose send result is unknown, oldest first.
    sending: VecDeque<u64>,
    /// The lowest TTL with a final answer.
    final_ttl: Option<u8>,
    /// Answers without a number.
    unnumbered: Unnumbered,
    /// Answers with the checksum of no probe.
    unmatched: Unmatched,
    /// The lengths of probes.
    mtu: PathMtu,
    /// The latest time passed in.
    now: Instant,
    events: Vec<TraceEvent>,
    rejects: Rejects,
    ending: Option<Ending>,
}

impl Trace {
    /// A trace that begins at `start`.
    pub fn new(config: TraceConfig, start: Instant) -> Self {
        Self {
            table: Table::new(config.first_ttl, config.max_ttl),
            plan: Plan::new(&config, start),
            order: Order::new(config.first_ttl),
            sending: VecDeque::new(),
            final_ttl: None,
            unnumbered: Unnumbered::default(),
            unmatched: Unmatched::default(),
            mtu: PathMtu::new(&config),
            now: start,
            events: Vec::new(),
            rejects: Rejects::default(),
            ending: None,
            config,
        }
    }

    /// Counts of received messages that were rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// Why the trace ended; `None` before its end.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Repeats the query of a probe that cannot be used.
    fn repeat(&mut self, id: u64) {
        let probe = self.table.probe(id).filter(|probe| probe.state != ProbeState::Void);
        if let Some(&SentProbe { ttl, query, .. }) = probe {
            self.table.void(id);
            self.table.reopen(ttl, query, false);
            self.plan.settled(ttl, query);
            self.plan.repeat(ttl, query);
        }
    }

    /// Matches a reply to its probe, and records the answer.
    fn receive(&mut self, reply: &Reply) -> Result<(), Reject> {
        let (subject, kind) = recognise::probe_of(&self.config.flow, &self.table, reply)?;
        let found = match subject {
            Subject::Probe(found) => found,
            Subject::OfFlow(index) => {
                let answer = recognise::answer_of(reply, kind);
                let waits = self.unnumbered.add(&self.config.flow, &self.table, index, answer, reply.clock);
                return if waits { Ok(()) } else { Err(Reject::NeverSent) };
            }
            Subject::PerhapsOfFlow(index) => {
                let answer = recognise::answer_of(reply, kind);
                let Self { config, table, .. } = self;
                let waits = self.unnumbered.add_doubtful(&config.flow, table, index, answer, reply.clock);
                return if waits { Ok(()) } else { Err(Reject::Foreign) };
            }
            Subject::Shifted(quote) => return self.add_unmatched(quote, reply, kind),
        };
        if let AnswerKind::Segment(_) = kind {
            (0..self.unnumbered.drop_doubtful()).for_each(|_| self.rejects.count(Reject::Foreign));
        }
        if let Some(shift) = found.shift {
            self.table.shifts.learn(shift);
            self.settle_unmatched();
        }
        let id = self.table.id_of(found.number).ok_or(Reject::NeverSent)?;
        let probe = self.table.probe(id).ok_or(Reject::NeverSent)?;
        let (rtt, timing) = probe.rtt(reply.at, reply.clock);
        let answer =
            TraceAnswer { rtt, timing, translated: found.translated, ..recognise::answer_of(reply, kind) };
        self.answer(id, answer)
    }

    /// Records the answers without a number that are assigned to probes at `now`; with `None` all.
    fn settle_unnumbered(&mut self, now: Option<Instant>) {
        for (id, answer) in self.unnumbered.settled(&self.config.flow, &self.table, now) {
            if self.is_done() {
                return;
            }
            if let Err(reason) = self.answer(id, answer) {
                self.rejects.count(reason);
            }
        }
    }

    /// Records the answer to a probe.
    fn answer(&mut self, id: u64, answer: TraceAnswer) -> Result<(), Reject> {
        let too_long = match answer.kind {
            AnswerKind::Error(error) => error.mtu(),
            AnswerKind::Reply | AnswerKind::Segment(_) => None,
        };
        let repeated = match too_long {
            Some(mtu) => self.shrink(id, mtu, Some(&answer)),
            None => self.passed(id),
        };
        if repeated {
            return Ok(());
        }
        let probe = self.table.probe(id).ok_or(Reject::NeverSent)?;
        let (ttl, query) = (probe.ttl, probe.query);
        if probe.state == ProbeState::Void {
            return Err(Reject::Late);
        }
        let past = self.order.is_past(probe);
        let repeated = self.table.answered(id);
        self.plan.settled(ttl, query);
        match self.table.query(ttl, query).and_then(|query| query.outcome.as_ref()) {
            None => {}
            Some(Outcome::Silent) if !past => {}
            // The other answer of a query that was sent twice is no duplicate.
            Some(Outcome::Answered(other)) if !repeated && !self.overrules(ttl, &answer, other) => {
                return Ok(());
            }
            Some(Outcome::Answered(_)) if !repeated && !past => {}
            Some(Outcome::Silent | Outcome::Answered(_)) => {
                if !self.table.extra(ttl, query) {
                    return Err(Reject::Repeated);
                }
                if ttl <= self.last_ttl() {
                    self.push_judged(TraceEvent::Extra { ttl, query, answer });
                }
                return Ok(());
            }
            Some(Outcome::NotSent(_) | Outcome::Unfinished) => return Err(Reject::Late),
        }
        self.decide(ttl, query, Outcome::Answered(answer));
        Ok(())
    }

    /// Whether an answer of a hop shows that probes go further than a refusal shows.
    fn overrules(&self, ttl: u8, answer: &TraceAnswer, other: &TraceAnswer) -> bool {
        let refuses = |answer: &TraceAnswer| {
            answer.kind.is_final() && !ending::is_arrival(&self.table, &self.config.flow, ttl, answer)
        };
        refuses(other) && !refuses(answer)
    }
}

impl Session for Trace {
    type Event = TraceEvent;

    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        self.now = self.now.max(now);
        let due = self.due().filter(|due| due.at <= now)?;
        let Due { ttl, query, again, .. } = due;
        let TraceConfig { flow, mut target, .. } = self.config;
        let resends =
            self.table.query(ttl, query).map_or(0, |query| query.resends.saturating_add(again.into()));
        let probe = SentProbe::new(ttl, query, flow.len(self.mtu.len()), now);
        // The next connection of a query that stayed silent is a new one.
        let index = probe.flow.saturating_add(u16::from(self.config.queries).saturating_mul(resends.into()));
        let id = self.table.push(SentProbe { flow: index, mtu: self.mtu.take_found(), ..probe });
        if again {
            self.table.reopen(ttl, query, true);
        }
        self.plan.taken(&self.table, due, id, now);
        self.sending.push_back(id);
        let number = table::wire_number(id);
        let len = flow.emit(TraceProbe { number, flow: index, ttl, len: self.mtu.len() }, buffer);
        target.set_port(flow.dst_port(number));
        Some(Transmit { dst: target, len, ttl: Some(ttl), id, room: Room::Wait })
    }

    fn handle_sent(&mut self, departed: Departed) {
        self.plan.departed();
        if let Some(id) = self.sending.pop_front() {
            self.table.departed(id, departed);
        }
    }

    fn handle_send_fault(&mut self, at: Instant, fault: SendFault) {
        self.now = self.now.max(at);
        let Some(id) = self.sending.pop_front() else { return };
        let repeated = match fault.cause {
            SendCause::TooLong { mtu } => self.shrink(id, mtu.unwrap_or(0), None),
            cause => {
                let retry = fault.is_full() && self.plan.retry(at, cause);
                if retry {
                    self.repeat(id);
                }
                retry
            }
        };
        let Some(&SentProbe { ttl, query, .. }) = self.table.probe(id).filter(|_| !repeated) else { return };
        self.table.void(id);
        self.plan.settled(ttl, query);
        self.plan.refused(at);
        self.decide(ttl, query, Outcome::NotSent(fault));
    }

    fn handle_stamp(&mut self, stamped: DepartureStamp) {
        self.plan.stamped();
        self.table.stamp(stamped);
    }

    fn handle_reply(&mut self, reply: &Reply) {
        if self.is_done() {
            return;
        }
        self.now = self.now.max(reply.at);
        if let Err(reason) = self.receive(reply) {
            self.rejects.count(reason);
        }
        self.settle_unnumbered(Some(self.now));
    }

    fn handle_reject(&mut self, reason: Reject) {
        self.rejects.count(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.is_done() {
            return;
        }
        self.now = self.now.max(now);
        self.settle_unnumbered(Some(now));
        let mut expired = self.expired(now);
        if self.unnumbered.accept_doubtful(&self.config.flow, &self.table, &expired) {
            self.settle_unnumbered(Some(now));
            expired = self.expired(now);
        }
        let mut held = None;
        for (ttl, query) in expired {
            // Queries of one hop that expire together count once.
            if held != Some(ttl) {
                self.plan.hold(&self.table, ttl, now);
                held = Some(ttl);
            }
            self.plan.settled(ttl, query);
            self.decide(ttl, query, Outcome::Silent);
        }
        self.plan.expire(&self.table, now);
        self.emit();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.is_done() {
            return None;
        }
        let last = self.last_ttl();
        let expiry = self.deadlines(last).map(|(_, _, deadline)| deadline).min();
        let opens = self.plan.opens_at(&self.table, last);
        let unnumbered = self.unnumbered.until(&self.config.flow, &self.table);
        let due = self.due().map(|due| due.at);
        [due, expiry, opens, self.held_until(), unnumbered].into_iter().flatten().min()
    }

    fn take_events(&mut self, each: impl FnMut(&TraceEvent)) {
        self.events.iter().for_each(each);
        self.events.clear();
    }

    fn stop(&mut self) {
        if self.is_done() {
            return;
        }
        self.settle_unnumbered(None);
        let rest: Vec<_> = self.order.rest(&self.table, self.last_ttl()).collect();
        rest.into_iter().for_each(|event| self.push_judged(event));
        self.end(Ending::Stopped);
    }

    fn is_done(&self) -> bool {
        self.ending.is_some()
    }

    fn is_awaited(&self, id: u64) -> bool {
        let open = |probe: &SentProbe| {
            self.table.query(probe.ttl, probe.query).is_some_and(|query| query.outcome.is_none())
        };
        self.table.probe(id).is_some_and(|probe| probe.ttl <= self.last_ttl() && open(probe))
    }

    fn in_flight(&self) -> u64 {
        u64::try_from(self.table.open_up_to(self.last_ttl())).unwrap_or(u64::MAX)
    }
}
