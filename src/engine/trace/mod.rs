//! A traceroute: one target, asked with rising TTL, every probe accounted for.

mod ending;
pub mod event;
mod mtu;
mod plan;
pub mod recognise;
mod table;
mod wait;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{ClockSource, Departed, DepartureStamp, Room, SendCause, SendFault, Timing, Transmit};
use crate::engine::Session;
use crate::engine::reject::{Reject, Rejects};
use crate::probe::trace::{Flow, TraceProbe};
use crate::reply::{Reply, ReplyKind};
use event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use plan::{Due, Plan};
use recognise::{Answered, Recognised};
use table::{Slot, State, Table};

/// What a traceroute is asked to do.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    /// Whom to ask. The port is that of the flow.
    pub target: SocketAddr,
    /// What all probes have in common.
    pub flow: Flow,
    /// Octets of each probe behind the IP header; with `mtu`, of the first one.
    pub len: usize,
    /// Octets of the IP header, options included, so that an MTU can be turned into a length.
    pub header_len: usize,
    /// TTL of the first hop asked, at least 1.
    pub first_ttl: u8,
    /// TTL of the last one.
    pub max_ttl: u8,
    /// Probes for each hop, 1 to 10.
    pub queries: u8,
    /// Probes that may be out at once (`-N`); `None`: as many as suit the path.
    pub parallel: Option<u16>,
    /// How long an answer is waited for.
    pub wait: Wait,
    /// Least time from one probe to the next (`-z`).
    pub gap: Duration,
    /// Stop after so many hops in a row without any answer.
    pub gap_limit: Option<u8>,
    /// Find the path MTU: probes forbid fragments and shrink to what the path carries (`--mtu`).
    pub mtu: bool,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// As long as the rest of the path suggests.
    Adaptive,
    /// As `traceroute -w MAX,HERE,NEAR` says: at most `max`, or `here` times what another answer from this
    /// hop took, or `near` times what one from a later hop took. A factor of 0 does not count.
    Given {
        /// At most so long.
        max: Duration,
        /// Factor of this hop's.
        here: f64,
        /// Factor of a later hop's.
        near: f64,
    },
}

/// How long a full local queue is given, and how often one probe is tried.
const PAUSE: Duration = Duration::from_millis(10);
const TRIES: u32 = 50;

/// One trace: accounts for every probe.
#[derive(Debug)]
pub struct Trace {
    config: TraceConfig,
    table: Table,
    plan: Plan,
    /// Probes taken whose fate is not told, oldest first.
    leaving: VecDeque<u16>,
    /// The next to be told: TTL and query, from 1.
    next: (u8, u8),
    /// The lowest TTL that got a final answer.
    final_ttl: Option<u8>,
    /// Hops in a row, up to the last one told, that were silent.
    silent_hops: u8,
    /// Octets behind the IP header of the next probe.
    len: usize,
    /// A path MTU found and not yet told.
    mtu: Option<u32>,
    /// Queries to be asked again, and how often the last one was tried.
    again: VecDeque<(u8, u8)>,
    tries: u32,
    /// The latest time that was told.
    now: Instant,
    events: VecDeque<TraceEvent>,
    rejects: Rejects,
    ending: Option<Ending>,
    over: bool,
}

impl Trace {
    /// A trace that begins at `start`.
    pub fn new(config: TraceConfig, start: Instant) -> Self {
        Self {
            table: Table::new(config.first_ttl, config.max_ttl),
            plan: Plan::new(&config, start),
            leaving: VecDeque::new(),
            next: (config.first_ttl, 1),
            final_ttl: None,
            silent_hops: 0,
            len: config.len,
            mtu: None,
            again: VecDeque::new(),
            tries: 0,
            now: start,
            events: VecDeque::new(),
            rejects: Rejects::default(),
            ending: None,
            over: false,
            config,
        }
    }

    /// What arrived and was rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// Why the trace ended, once it has.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The last TTL that matters.
    fn last_ttl(&self) -> u8 {
        self.final_ttl.unwrap_or(self.config.max_ttl)
    }

    fn outstanding(&self) -> usize {
        let last = self.last_ttl();
        self.table.iter().filter(|(_, slot)| slot.is_outstanding() && slot.ttl <= last).count()
    }

    /// The next query, if there is one to come as things stand.
    fn due(&self) -> Option<Due> {
        if self.over {
            return None;
        }
        let due = self.plan.next(&self.config, &self.table, self.last_ttl(), self.outstanding());
        match self.again.front().copied() {
            Some((ttl, query)) => Some(Due { ttl, query, at: self.plan.slot() }),
            None => due,
        }
    }

    /// Until when an answer to an open probe is waited for.
    fn deadline(&self, slot: &Slot) -> Option<Instant> {
        (slot.state == State::Open)
            .then(|| slot.sent + self.config.wait.patience(&self.table, slot.ttl, self.config.max_ttl))
    }

    /// Asks a query again, as what stood for it is of no use.
    fn ask_again(&mut self, number: u16) {
        if let Some(slot) = self.table.slot_mut(number) {
            slot.state = State::Replaced;
            self.again.push_back((slot.ttl, slot.query));
        }
    }

    /// Whose answer something is, and what it says.
    fn recognise(&self, reply: &Reply) -> Result<(u16, AnswerKind, bool), Reject> {
        match reply.kind {
            ReplyKind::Error { checksum_ok: false, .. } | ReplyKind::Answer { checksum_ok: false, .. } => {
                Err(Reject::Checksum)
            }
            ReplyKind::Error { error, .. } if error.is_notice() => Err(Reject::Unrelated),
            ReplyKind::Error { error, quoted, .. } => {
                let Recognised { number, translated } =
                    recognise::quoted(&self.config.flow, &self.table, &quoted).ok_or(Reject::Foreign)?;
                Ok((number, AnswerKind::Error(error), translated))
            }
            ReplyKind::Answer { .. }
            | ReplyKind::Segment { .. }
            | ReplyKind::Datagram { .. }
            | ReplyKind::Connected { .. } => {
                let answered = recognise::answered(&self.config.flow, &self.table, reply);
                let number = match answered.ok_or(Reject::Foreign)? {
                    Answered::Number(number) => number,
                    Answered::Any => self.likeliest().ok_or(Reject::NeverSent)?,
                };
                let kind = match reply.kind {
                    ReplyKind::Segment { flags, .. } => AnswerKind::Segment(flags),
                    // As the segment that the kernel kept to itself: RST and ACK, or SYN and ACK.
                    ReplyKind::Connected { refused, .. } => {
                        AnswerKind::Segment(if refused { 0x14 } else { 0x12 })
                    }
                    _ => AnswerKind::Reply,
                };
                Ok((number, kind, false))
            }
        }
    }

    /// The probe that an answer which names none is most likely about: the first open one beyond all that
    /// died on the way.
    fn likeliest(&self) -> Option<u16> {
        let exceeded = |slot: &&Slot| match &slot.state {
            State::Known(Outcome::Answered(answer)) => !is_final(answer.kind),
            _ => false,
        };
        let died = self.table.iter().map(|(_, slot)| slot).filter(exceeded).map(|slot| slot.ttl).max();
        let open = self.table.iter().filter(|(_, slot)| slot.state == State::Open && Some(slot.ttl) > died);
        open.min_by_key(|(number, slot)| (slot.ttl, slot.query, *number)).map(|(number, _)| number)
    }

    /// Takes an answer into account.
    fn answer(&mut self, number: u16, answer: TraceAnswer) -> Result<(), Reject> {
        let slot = self.table.slot(number).ok_or(Reject::NeverSent)?;
        let (ttl, query, state) = (slot.ttl, slot.query, slot.state.clone());
        if let AnswerKind::Error(error) = answer.kind
            && self.shrink(number, error.mtu())
        {
            return Ok(());
        }
        match state {
            // A fate not yet told, yet an answer: it left.
            State::Leaving | State::Open => {}
            State::Known(Outcome::Silent) if (ttl, query) >= self.next => {}
            State::Known(Outcome::Silent | Outcome::Answered(_)) => {
                if ttl <= self.last_ttl() {
                    self.events.push_back(TraceEvent::Extra { ttl, query, answer });
                }
                return Ok(());
            }
            State::Replaced | State::Known(_) => return Err(Reject::Late),
        }
        if is_final(answer.kind) {
            let last = self.last_ttl().min(ttl);
            self.final_ttl = Some(last);
            self.again.retain(|(ttl, _)| *ttl <= last);
        }
        if let Some(hop) = self.table.hop_mut(ttl) {
            hop.rtt = hop.rtt.or(Some(answer.rtt));
        }
        self.plan.answered(ttl, answer.at);
        self.known(number, Outcome::Answered(answer));
        Ok(())
    }

    fn known(&mut self, number: u16, outcome: Outcome) {
        if let Some(slot) = self.table.slot_mut(number) {
            slot.state = State::Known(outcome);
        }
        self.tell();
    }

    /// Tells all that is known, in order, and the end.
    fn tell(&mut self) {
        while !self.over {
            let (ttl, query) = self.next;
            if query > self.config.queries {
                self.end_of_hop(ttl);
                continue;
            }
            let place = usize::from(query.saturating_sub(1));
            let number = self.table.hop(ttl).and_then(|hop| hop.numbers.get(place).copied());
            let Some(slot) = number.and_then(|number| self.table.slot(number)) else { return };
            let State::Known(outcome) = &slot.state else { return };
            let (outcome, mtu) = (outcome.clone(), slot.mtu);
            self.events.push_back(TraceEvent::Decided { ttl, query, outcome, mtu });
            self.next = (ttl, query.saturating_add(1));
        }
    }

    /// Goes on to the next hop, or ends the trace.
    fn end_of_hop(&mut self, ttl: u8) {
        let silent = self.table.answers(ttl).next().is_none();
        self.silent_hops = if silent { self.silent_hops.saturating_add(1) } else { 0 };
        let gap = self.config.gap_limit.is_some_and(|limit| self.silent_hops >= limit);
        if ttl >= self.last_ttl() {
            self.end(ending::ending(&self.table, &self.config, self.final_ttl));
        } else if gap {
            self.end(Ending::GapLimit);
        } else {
            self.next = (ttl.saturating_add(1), 1);
        }
    }

    fn end(&mut self, ending: Ending) {
        (self.over, self.ending) = (true, Some(ending));
        self.events.push_back(TraceEvent::Ended { at: self.now, ending });
    }
}

/// Whether an answer ends the trace at its hop: all but "TTL exceeded in transit" do.
fn is_final(kind: AnswerKind) -> bool {
    match kind {
        AnswerKind::Error(error) => !error.is_ttl_exceeded(),
        AnswerKind::Reply | AnswerKind::Segment(_) => true,
    }
}

impl Session for Trace {
    type Event = TraceEvent;

    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        self.now = self.now.max(now);
        let Due { ttl, query, .. } = self.due().filter(|due| due.at <= now)?;
        let number = self.table.next_number()?;
        let probe = TraceProbe { number, ttl, len: self.len };
        let flow = &self.config.flow;
        let (len, port) = (flow.emit(probe, buffer), flow.dst_port(number));
        let mut dst = self.config.target;
        dst.set_port(port);
        self.table.push(Slot {
            ttl,
            query,
            len: flow.len(self.len),
            sent: now,
            clock: ClockSource::User,
            port: 0,
            mtu: self.mtu.take(),
            state: State::Leaving,
        });
        self.again.pop_front();
        self.plan.taken(&self.config, now);
        plan::space(&mut self.table, ttl, now);
        self.leaving.push_back(number);
        Some(Transmit { dst, len, ttl: Some(ttl), id: number.into(), room: Room::Wait })
    }

    fn handle_sent(&mut self, departed: Departed) {
        self.tries = 0;
        if let Some(number) = self.leaving.pop_front() {
            self.table.left(number, departed);
        }
    }

    fn handle_send_fault(&mut self, at: Instant, fault: SendFault) {
        self.now = self.now.max(at);
        let Some(number) = self.leaving.pop_front() else { return };
        let full = fault.is_full();
        if full && self.tries < TRIES {
            self.tries = self.tries.saturating_add(1);
            self.plan.back_off(at, PAUSE);
            self.ask_again(number);
        } else {
            let shrunk = match fault.cause {
                SendCause::TooLong { mtu } => self.shrink(number, Some(mtu.unwrap_or(0))),
                _ => false,
            };
            if !shrunk {
                self.known(number, Outcome::NotSent(fault));
            }
        }
    }

    fn handle_stamp(&mut self, stamped: DepartureStamp) {
        self.table.stamp(stamped);
    }

    fn handle_reply(&mut self, reply: &Reply) {
        if self.over {
            return;
        }
        self.now = self.now.max(reply.at);
        let judged = self.recognise(reply).and_then(|(number, kind, translated)| {
            let slot = self.table.slot(number).ok_or(Reject::NeverSent)?;
            let extension = match reply.kind {
                ReplyKind::Error { extension, .. } => extension.unwrap_or_default().to_vec(),
                _ => Vec::new(),
            };
            let answer = TraceAnswer {
                at: reply.at,
                from: reply.from,
                rtt: reply.at.since(slot.sent),
                timing: Timing::between(slot.clock, reply.clock),
                hop_limit: reply.hop_limit,
                kind,
                extension,
                translated,
            };
            self.answer(number, answer)
        });
        if let Err(reason) = judged {
            self.rejects.count(reason);
        }
    }

    fn handle_reject(&mut self, reason: Reject) {
        self.rejects.count(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.over {
            return;
        }
        self.now = self.now.max(now);
        let late = |slot: &Slot| self.deadline(slot).is_some_and(|at| at <= now);
        let expired: Vec<u16> =
            self.table.iter().filter(|(_, slot)| late(slot)).map(|(number, _)| number).collect();
        let mut held = None;
        for number in expired {
            let ttl = self.table.slot(number).map(|slot| slot.ttl);
            // Once for all of a hop that are silent at a time; those of one hop follow one another closely.
            if let Some(ttl) = ttl.filter(|_| self.config.parallel.is_none() && held != ttl) {
                plan::hold(&mut self.table, ttl, now);
                held = Some(ttl);
            }
            self.known(number, Outcome::Silent);
        }
        self.plan.slide(now, self.last_ttl());
        self.tell();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let last = self.last_ttl();
        let relevant = self.table.iter().filter(|(_, slot)| slot.ttl <= last);
        let expiry = relevant.filter_map(|(_, slot)| self.deadline(slot)).min();
        [self.due().map(|due| due.at), expiry, self.plan.slide_at(last)].into_iter().flatten().min()
    }

    fn poll_event(&mut self) -> Option<TraceEvent> {
        self.events.pop_front()
    }

    fn stop(&mut self) {
        if self.over {
            return;
        }
        let answered = |slot: &Slot| matches!(slot.state, State::Known(Outcome::Answered(_)));
        let last = self.last_ttl();
        let known = self.table.iter().filter(|(_, slot)| answered(slot) && slot.ttl <= last);
        let highest = known.map(|(_, slot)| slot.ttl).max().unwrap_or(0);
        let (first, from) = self.next;
        for ttl in first..=highest {
            let told = if ttl == first { usize::from(from.saturating_sub(1)) } else { 0 };
            for slot in self.table.of_hop(ttl).skip(told) {
                let outcome = match &slot.state {
                    State::Known(outcome) => outcome.clone(),
                    State::Leaving | State::Open | State::Replaced => Outcome::Unfinished,
                };
                let Slot { query, mtu, .. } = *slot;
                self.events.push_back(TraceEvent::Decided { ttl, query, outcome, mtu });
            }
        }
        self.end(Ending::Stopped);
    }

    fn is_done(&self) -> bool {
        self.over
    }

    fn in_flight(&self) -> u64 {
        u64::try_from(self.outstanding()).unwrap_or(u64::MAX)
    }
}
