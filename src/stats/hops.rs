//! The figures of each hop of a path.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::loss::{Ratio, loss};
use super::moments::Moments;
use crate::clock::nanos;
use crate::engine::trace::event::{Outcome, TraceAnswer};

/// The figures of a hop.
#[derive(Clone, Debug, Default)]
pub struct Hop {
    /// Probes that left this machine and whose outcome was decided.
    pub sent: u64,
    /// Probes that could not leave this machine.
    pub not_sent: u64,
    /// Probes that were answered, be it late.
    pub received: u64,
    /// The round-trip times of these answers, in nanoseconds.
    pub rtt: Moments,
    /// Who answered, in the order of the first answers.
    pub responders: Vec<IpAddr>,
}

impl Hop {
    /// Loss of the probes whose outcome was decided.
    pub fn loss(&self) -> Option<Ratio> {
        loss(self.sent.saturating_sub(self.received), self.received)
    }

    fn answer(&mut self, answer: &TraceAnswer) {
        self.received += 1;
        self.rtt.add(nanos(answer.rtt));
        if !self.responders.contains(&answer.from) {
            self.responders.push(answer.from);
        }
    }
}

/// All hops by their number.
#[derive(Clone, Debug, Default)]
pub struct Hops(BTreeMap<u8, Hop>);

impl Hops {
    /// Takes the outcome of a probe into account.
    pub(super) fn decide(&mut self, ttl: u8, outcome: &Outcome) {
        let hop = self.0.entry(ttl).or_default();
        match outcome {
            Outcome::Answered(answer) => {
                hop.sent += 1;
                hop.answer(answer);
            }
            Outcome::Silent => hop.sent += 1,
            Outcome::NotSent(_) => hop.not_sent += 1,
            Outcome::Unfinished => {}
        }
    }

    /// Takes the late answer to a probe into account.
    pub(super) fn late(&mut self, ttl: u8, answer: &TraceAnswer) {
        self.0.entry(ttl).or_default().answer(answer);
    }

    /// The hops with a probe, by their number.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Hop)> {
        self.0.iter().map(|(ttl, hop)| (*ttl, hop))
    }

    /// One of them.
    pub fn get(&self, ttl: u8) -> Option<&Hop> {
        self.0.get(&ttl)
    }
}
