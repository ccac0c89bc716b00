//! The account of a traceroute.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::account::Account;
use super::hops::Hops;
use super::moments::Moments;
use super::tally::Timings;
use crate::clock::{Instant, nanos};
use crate::engine::trace::event::{Ending, Outcome, TraceAnswer, TraceEvent};

/// The account of a trace.
#[derive(Debug, Default)]
pub struct TraceAccount {
    /// Probes whose outcome was decided, those that could not leave among them.
    pub probes: u64,
    /// Probes answered in time.
    pub answered: u64,
    /// Probes that could not leave this machine.
    pub not_sent: u64,
    /// Probes in flight when the trace was stopped.
    pub in_flight: u64,
    /// Answers after the deadline of their probe.
    pub late: u64,
    /// Further answers to answered probes.
    pub repeated: u64,
    /// The smallest path MTU that was found, octets.
    pub path_mtu: Option<u32>,
    /// The highest hop with a probe whose outcome was decided; 0 before the first.
    pub last_hop: u8,
    /// Answers, late and repeated ones among them, by the clocks that timed them.
    pub timings: Timings,
    /// The figures of each hop.
    pub hops: Hops,
    started: Instant,
    ended: Option<(Instant, Ending)>,
    /// TTL and query of the probes without an answer, before their deadline or later.
    silent: BTreeSet<(u8, u8)>,
    /// The lowest hop with a probe whose outcome was decided.
    first_hop: Option<u8>,
    /// Hops with an answer.
    answered_hops: BTreeSet<u8>,
    /// Hops that the path goes beyond: a TTL was exceeded there.
    passed_hops: BTreeSet<u8>,
    /// The least round-trip time to each hop.
    best: BTreeMap<u8, Duration>,
    /// The hops and the nanoseconds of the first answers that show that their probes arrived at the target.
    arrivals: Vec<(u8, u64)>,
}

impl TraceAccount {
    /// The empty account of a trace that starts at `now`.
    pub fn new(now: Instant) -> Self {
        Self { started: now, ..Self::default() }
    }

    /// Probes that left this machine.
    pub const fn sent(&self) -> u64 {
        (self.probes - self.not_sent) + self.in_flight
    }

    /// Probes that were answered, be it late.
    pub const fn received(&self) -> u64 {
        self.answered + self.late
    }

    /// When the trace ended.
    pub fn ended(&self) -> Option<Instant> {
        self.ended.map(|(at, _)| at)
    }

    /// Why the trace ended; one without an end was stopped.
    pub fn ending(&self) -> Ending {
        self.ended.map_or(Ending::Stopped, |(_, ending)| ending)
    }

    /// The lowest hop that the target may be at, or the node that reports it as unreachable. It is less than
    /// [`Self::last_hop`] if the hops before it are silent, or were not probed: the node may be there too.
    pub fn least_hop(&self) -> u8 {
        let silent = (1..self.last_hop).rev().take_while(|hop| !self.passed_hops.contains(hop));
        silent.last().unwrap_or(self.last_hop)
    }

    /// The first of the silent hops at the end of the path, if there are any.
    pub fn silent_from(&self) -> Option<u8> {
        let first = self.first_hop?;
        let after = self.answered_hops.last().map_or(first, |hop| hop.saturating_add(1));
        (after <= self.last_hop).then_some(after)
    }

    /// The first of the hops at the end of the path to which no probe could be sent, if there are any.
    pub fn unsent_from(&self) -> Option<u8> {
        let unsent = |hop: &u8| self.hops.get(*hop).is_some_and(|hop| hop.sent + hop.received == 0);
        (1..=self.last_hop).rev().take_while(unsent).last()
    }

    /// The least round-trip time to the nearest hop before this one that has one.
    pub fn best_before(&self, ttl: u8) -> Option<Duration> {
        self.best.range(..ttl).next_back().map(|(_, best)| *best)
    }

    /// The round-trip times of the target, in nanoseconds: those of the last hop.
    pub fn target_rtt(&self) -> Moments {
        let mut times = Moments::default();
        let here = self.arrivals.iter().filter(|(hop, _)| *hop == self.last_hop);
        here.for_each(|(_, nanos)| times.add(*nanos));
        times
    }

    /// Notes the first answer to a probe of a hop, if it shows that the probe arrived at the target.
    fn arrive(&mut self, hop: u8, answer: &TraceAnswer) {
        if answer.arrived {
            self.arrivals.push((hop, nanos(answer.rtt)));
        }
    }

    /// From the start of the trace to its end; zero before that.
    pub fn duration(&self) -> Duration {
        self.ended.map_or(Duration::ZERO, |(at, _)| at.since(self.started))
    }
}

impl Account for TraceAccount {
    type Event = TraceEvent;

    fn add(&mut self, event: &TraceEvent) {
        let answer = event.answer().filter(|_| !matches!(event, TraceEvent::Passed { .. }));
        answer.into_iter().for_each(|answer| self.timings.count(answer.timing));
        if let TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. }
        | TraceEvent::Extra { ttl, answer, .. } = event
        {
            self.answered_hops.insert(*ttl);
            if !answer.kind.is_final() {
                self.passed_hops.insert(*ttl);
            }
            if answer.kind.times_the_path() {
                self.best.entry(*ttl).and_modify(|best| *best = answer.rtt.min(*best)).or_insert(answer.rtt);
            }
        }
        match event {
            TraceEvent::Decided { outcome: Outcome::Unfinished, .. } => self.in_flight += 1,
            TraceEvent::Decided { ttl, query, outcome, .. } => {
                self.hops.decide(*ttl, outcome);
                self.last_hop = self.last_hop.max(*ttl);
                self.first_hop = self.first_hop.or(Some(*ttl));
                self.probes += 1;
                match outcome {
                    Outcome::Answered(answer) => {
                        self.answered += 1;
                        self.arrive(*ttl, answer);
                    }
                    Outcome::NotSent(_) => self.not_sent += 1,
                    Outcome::Silent | Outcome::Unfinished => {
                        self.silent.insert((*ttl, *query));
                    }
                }
            }
            TraceEvent::Extra { ttl, query, answer } => {
                if self.silent.remove(&(*ttl, *query)) {
                    self.hops.late(*ttl, answer);
                    self.late += 1;
                    self.arrive(*ttl, answer);
                } else {
                    self.repeated += 1;
                }
            }
            TraceEvent::PathMtu { mtu, .. } => {
                self.path_mtu = Some(self.path_mtu.map_or(*mtu, |least| least.min(*mtu)));
            }
            // Counted when its turn has come: a trace may end at a nearer hop.
            TraceEvent::Passed { .. } => {}
            TraceEvent::Ended { at, ending } => self.ended = Some((*at, *ending)),
        }
    }
}
