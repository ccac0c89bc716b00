//! A ping: one target, asked again and again, every probe accounted for.

pub mod event;
pub mod flight;
mod judge;
pub mod many;
pub mod pace;
mod plan;

use std::collections::VecDeque;

use crate::clock::Instant;
use crate::datagram::{Departed, Room, SendFault, Stamped, Transmit};
use crate::engine::Session;
use crate::engine::reject::{Reject, Rejects};
use crate::probe::{Identity, Probe};
use crate::reply::{Kind, Reply};
use event::{Event, Verdict};
use flight::{Flight, State};
pub use plan::Config;
use plan::Plan;

/// One run: accounts for every probe.
#[derive(Debug)]
pub struct Ping {
    config: Config,
    identity: Identity,
    plan: Plan,
    flight: Flight,
    /// Number of the last probe whose fate was told.
    told: u64,
    events: VecDeque<Event>,
    rejects: Rejects,
}

impl Session for Ping {
    type Event = Event;

    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        if self.plan.due(&self.flight).is_none_or(|due| due > now) {
            return None;
        }
        self.plan.left(now, self.flight.in_flight());
        let number = self.flight.push(now, State::Open);
        let probe = Probe {
            number,
            dst: self.config.dst(),
            method: self.config.method,
            originate: event::millis_of_day(self.config.millis_of_day, now),
        };
        let len = probe.emit(&self.identity, &self.config.payload, buffer);
        Some(Transmit { dst: self.config.target, len, ttl: None, id: number, room: Room::Wait })
    }

    fn handle_sent(&mut self, Departed { at, .. }: Departed) {
        let Some(number) = self.next_fate(at) else { return };
        self.flight.depart(number, at, State::Open);
        self.plan.departed(at);
        let in_flight = self.flight.in_flight_at(number);
        self.events.push_back(Event::Sent { at, target: 0, seq: number as u16, in_flight });
    }

    fn handle_send_fault(&mut self, at: Instant, fault: SendFault) {
        let Some(number) = self.next_fate(at) else { return };
        self.flight.depart(number, at, State::NotSent);
        self.plan.not_left(at);
        self.events.push_back(Event::NotSent { at, target: 0, seq: number as u16, fault });
    }

    fn handle_stamp(&mut self, stamped: Stamped) {
        self.flight.stamp(stamped);
    }

    fn handle_reply(&mut self, reply: &Reply) {
        let judged = match reply.kind {
            Kind::Answer { .. } => self.handle_answer(reply),
            Kind::Error { .. } => self.handle_error(reply),
            Kind::Segment { .. } | Kind::Datagram { .. } | Kind::Connected { .. } => Err(Reject::Unrelated),
        };
        if let Err(reason) = judged {
            self.rejects.count(reason);
        }
    }

    fn handle_reject(&mut self, reason: Reject) {
        self.rejects.count(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.plan.expire(now, &self.flight);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.plan.due(&self.flight), self.plan.end(&self.flight)].into_iter().flatten().min()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn stop(&mut self) {
        self.plan.stop(&self.flight);
    }

    fn is_done(&self) -> bool {
        self.plan.is_over()
    }

    fn in_flight(&self) -> u64 {
        self.flight.in_flight()
    }
}

impl Ping {
    /// A run that begins at `start`.
    pub fn new(config: Config, identity: Identity, start: Instant) -> Self {
        let plan = Plan::new(&config, start);
        Self {
            config,
            identity,
            plan,
            flight: Flight::default(),
            told: 0,
            events: VecDeque::new(),
            rejects: Rejects::default(),
        }
    }

    /// The number of the probe whose fate is told now, if any waits for that; says whether the one before
    /// it has no answer yet.
    fn next_fate(&mut self, at: Instant) -> Option<u64> {
        let before = self.told;
        self.told = Some(before.saturating_add(1)).filter(|number| *number <= self.flight.newest())?;
        let silent = |slot: flight::Slot| matches!(slot.state, State::Open | State::Failed);
        if self.config.report_unanswered && self.flight.slot(before).is_some_and(silent) {
            self.events.push_back(Event::Unanswered { at, target: 0, seq: before as u16 });
        }
        Some(self.told)
    }

    fn handle_answer(&mut self, reply: &Reply) -> Result<(), Reject> {
        let newest = |seq| self.flight.number(seq).filter(|number| self.flight.left(*number));
        let judged = judge::answer(&self.config.asked(), &self.identity, newest, reply)?;
        let number = judged.number;
        let Some(slot) = self.flight.slot(number) else { return Err(Reject::NeverSent) };
        let verdict = judged.verdict(slot.state)?;
        let departure = (slot.sent, slot.source);
        let mut answer = judged.told(reply, verdict, departure, self.config.millis_of_day);
        answer.different_address = !self.config.asked().expects(reply.from);
        answer.many_responders = self.config.many_responders;
        answer.settles = verdict == Verdict::Received && slot.state == State::Open;
        if verdict != Verdict::Corrupt {
            self.flight.settle(number, State::Answered);
            self.plan.learn(answer.rtt);
        }
        self.events.push_back(Event::Answer(answer));
        if verdict == Verdict::Received {
            self.plan.answered(slot.state == State::Failed);
        }
        Ok(())
    }

    fn handle_error(&mut self, reply: &Reply) -> Result<(), Reject> {
        let newest = |seq| self.flight.number(seq);
        let (number, mut error) = judge::error(&self.config.asked(), &self.identity, newest, reply)?;
        let Some(slot) = self.flight.slot(number) else { return Err(Reject::NeverSent) };
        let (first, notice) = (slot.state == State::Open, error.notice);
        error.settles = first && !notice;
        if !notice {
            self.flight.settle(number, if first { State::Failed } else { slot.state });
        }
        self.events.push_back(Event::Error(error));
        if first && !notice {
            self.plan.failed();
        }
        Ok(())
    }

    /// What arrived and was rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }
}
