//! What was sent, and what became of it: every probe of a trace by its number, every hop by its TTL.

use std::time::Duration;

use super::event::{Outcome, TraceAnswer};
use super::recognise::Sent;
use crate::clock::Instant;
use crate::datagram::{ClockSource, Departed, DepartureStamp};

/// What became of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Taken, and its fate not told.
    Leaving,
    /// Out, and nothing came back.
    Open,
    /// Known; silence may still turn into an answer.
    Known(Outcome),
    /// Asked again under another number.
    Replaced,
}

/// A probe.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its TTL.
    pub ttl: u8,
    /// Which query of its hop it is, from 1.
    pub query: u8,
    /// Octets behind the IP header.
    pub len: usize,
    /// When it left; until that is told, when it was taken.
    pub sent: Instant,
    /// Whose clock says so.
    pub clock: ClockSource,
    /// The port that it left from.
    pub port: u16,
    /// The path MTU that was found on the way to it.
    pub mtu: Option<u32>,
    /// What became of it.
    pub state: State,
}

/// A hop.
#[derive(Clone, Debug, Default)]
pub struct Hop {
    /// Numbers of the probes that stand for its queries, in the order of queries.
    pub numbers: Vec<u16>,
    /// How long its first answer took.
    pub rtt: Option<Duration>,
    /// How long its next query is held back after a silent one, for a router that limits its answers.
    pub hold: Duration,
    /// No query leaves before this.
    pub not_before: Instant,
}

/// All probes, and all hops from the first TTL on.
#[derive(Debug)]
pub struct Table {
    first_ttl: u8,
    slots: Vec<Slot>,
    hops: Vec<Hop>,
}

impl Table {
    /// A table for the hops of these TTLs.
    pub fn new(first_ttl: u8, max_ttl: u8) -> Self {
        let hops = usize::from(max_ttl.saturating_sub(first_ttl)).saturating_add(1);
        Self { first_ttl, slots: Vec::new(), hops: vec![Hop::default(); hops] }
    }

    /// The number of the next probe; `None` once numbers are used up.
    pub fn next_number(&self) -> Option<u16> {
        u16::try_from(self.slots.len()).ok()?.checked_add(1)
    }

    /// Adds the next probe, which stands for a query of its hop from now on.
    pub fn push(&mut self, slot: Slot) {
        let Some(number) = self.next_number() else { return };
        if let Some(hop) = self.hop_mut(slot.ttl) {
            match hop.numbers.get_mut(usize::from(slot.query.saturating_sub(1))) {
                Some(replaced) => *replaced = number,
                None => hop.numbers.push(number),
            }
        }
        self.slots.push(slot);
    }

    /// The probe of that number.
    pub fn slot(&self, number: u16) -> Option<&Slot> {
        self.slots.get(usize::from(number).checked_sub(1)?)
    }

    /// The probe of that number, to be changed.
    pub fn slot_mut(&mut self, number: u16) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// The hop of that TTL.
    pub fn hop(&self, ttl: u8) -> Option<&Hop> {
        self.hops.get(usize::from(ttl.checked_sub(self.first_ttl)?))
    }

    /// The hop of that TTL, to be changed.
    pub fn hop_mut(&mut self, ttl: u8) -> Option<&mut Hop> {
        self.hops.get_mut(usize::from(ttl.checked_sub(self.first_ttl)?))
    }

    /// All probes with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Slot)> {
        (1..=u16::MAX).zip(&self.slots)
    }

    /// The probes that stand for the queries of a hop.
    pub fn of_hop(&self, ttl: u8) -> impl Iterator<Item = &Slot> {
        let numbers = self.hop(ttl).map(|hop| hop.numbers.as_slice()).unwrap_or_default();
        numbers.iter().filter_map(|number| self.slot(*number))
    }

    /// The answers of a hop.
    pub fn answers(&self, ttl: u8) -> impl Iterator<Item = &TraceAnswer> {
        self.of_hop(ttl).filter_map(|slot| match &slot.state {
            State::Known(Outcome::Answered(answer)) => Some(answer),
            _ => None,
        })
    }

    /// Probes of a hop that nothing is known about yet.
    pub fn outstanding(&self, ttl: u8) -> usize {
        self.of_hop(ttl).filter(|slot| slot.is_outstanding()).count()
    }

    /// Notes that a probe left.
    pub fn left(&mut self, number: u16, departed: Departed) {
        if let Some(slot) = self.slot_mut(number)
            && slot.state == State::Leaving
        {
            (slot.sent, slot.port, slot.state) = (departed.at, departed.port, State::Open);
        }
    }

    /// Notes when the kernel says that a probe left. What is answered already was timed without.
    pub fn stamp(&mut self, stamped: DepartureStamp) {
        if let Some(slot) = u16::try_from(stamped.id).ok().and_then(|number| self.slot_mut(number))
            && slot.state == State::Open
        {
            (slot.sent, slot.clock) = (stamped.at, stamped.clock);
        }
    }
}

impl Slot {
    /// Whether nothing is known about it yet.
    pub fn is_outstanding(&self) -> bool {
        matches!(self.state, State::Leaving | State::Open)
    }
}

impl Sent for Table {
    fn len(&self, number: u16) -> Option<usize> {
        let slot = self.slot(number)?;
        // One whose fate is not told yet may be answered already.
        let left = !matches!(slot.state, State::Known(Outcome::NotSent(_)));
        left.then_some(slot.len)
    }

    fn at_port(&self, port: u16) -> Option<u16> {
        // A port is used again only after its socket was closed: the newest probe is meant.
        let place = self.slots.iter().rposition(|slot| port != 0 && slot.port == port)?;
        u16::try_from(place.saturating_add(1)).ok()
    }
}
