//! The account of probes: each probe of a trace by its number, each hop by its TTL.
//!
//! It decides nothing: which probe is next, and when, is the plan's business.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::event::{Outcome, TraceAnswer};
use crate::clock::Instant;
use crate::datagram::{ClockSource, Departed, DepartureStamp, SendCause, SendFault};

/// The state of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeState {
    /// Handed out for sending; the send result is unknown.
    Sending,
    /// Sent; no answer yet.
    InFlight,
    /// Decided. [`Outcome::Silent`] may still turn into [`Outcome::Answered`].
    Decided(Outcome),
    /// Its query is repeated under another number.
    Replaced,
}

/// A probe.
#[derive(Clone, Debug)]
pub struct SentProbe {
    /// Its TTL.
    pub ttl: u8,
    /// The query of its hop, from 1.
    pub query: u8,
    /// Octets behind the IP header.
    pub len: usize,
    /// When it left; until that is known, when it was handed out.
    pub sent: Instant,
    /// The clock that `sent` was read from.
    pub clock: ClockSource,
    /// The path MTU that was found on the way to it, octets.
    pub mtu: Option<u32>,
    /// Its state.
    pub state: ProbeState,
}

impl SentProbe {
    /// A probe handed out for sending at `now`.
    pub fn new(ttl: u8, query: u8, len: usize, now: Instant) -> Self {
        let (clock, state) = (ClockSource::User, ProbeState::Sending);
        Self { ttl, query, len, sent: now, clock, mtu: None, state }
    }

    /// Whether its outcome is open.
    fn is_outstanding(&self) -> bool {
        matches!(self.state, ProbeState::Sending | ProbeState::InFlight)
    }
}

/// A hop.
#[derive(Clone, Debug, Default)]
struct Hop {
    /// The number of the current probe of each query, in the order of queries.
    numbers: Vec<u16>,
    /// RTT of its first answer.
    rtt: Option<Duration>,
    /// Probes whose outcome is open.
    outstanding: usize,
}

/// All probes, and all hops from the first TTL to the last.
#[derive(Debug)]
pub struct Table {
    ttls: RangeInclusive<u8>,
    probes: Vec<SentProbe>,
    hops: Vec<Hop>,
    /// The longest RTT of all answers.
    longest_rtt: Duration,
    /// The newest probe that left from each port.
    ports: HashMap<u16, u16>,
}

impl Table {
    /// An empty table for the hops of these TTLs.
    pub fn new(first_ttl: u8, max_ttl: u8) -> Self {
        let hops = usize::from(max_ttl.saturating_sub(first_ttl)).saturating_add(1);
        let (probes, hops) = (Vec::new(), vec![Hop::default(); hops]);
        Self { ttls: first_ttl..=max_ttl, probes, hops, longest_rtt: Duration::ZERO, ports: HashMap::new() }
    }

    /// Appends a probe, which becomes the current one of its query. Returns its number, from 1; `None` once
    /// the 65,535 numbers are used up.
    pub fn push(&mut self, probe: SentProbe) -> Option<u16> {
        let number = u16::try_from(self.probes.len()).ok()?.checked_add(1)?;
        if let Some(hop) = self.hop_mut(probe.ttl) {
            hop.outstanding = hop.outstanding.saturating_add(1);
            match hop.numbers.get_mut(usize::from(probe.query.saturating_sub(1))) {
                Some(replaced) => *replaced = number,
                None => hop.numbers.push(number),
            }
        }
        self.probes.push(probe);
        Some(number)
    }

    /// The TTLs of its hops.
    pub fn ttls(&self) -> RangeInclusive<u8> {
        self.ttls.clone()
    }

    /// The probe with this number.
    pub fn probe(&self, number: u16) -> Option<&SentProbe> {
        self.probes.get(usize::from(number).checked_sub(1)?)
    }

    fn probe_mut(&mut self, number: u16) -> Option<&mut SentProbe> {
        self.probes.get_mut(usize::from(number).checked_sub(1)?)
    }

    fn hop(&self, ttl: u8) -> Option<&Hop> {
        self.hops.get(usize::from(ttl.checked_sub(*self.ttls.start())?))
    }

    fn hop_mut(&mut self, ttl: u8) -> Option<&mut Hop> {
        self.hops.get_mut(usize::from(ttl.checked_sub(*self.ttls.start())?))
    }

    /// Octets behind the IP header of a probe that left, or may have left; `None`: no such probe.
    pub fn sent_len(&self, number: u16) -> Option<usize> {
        let probe = self.probe(number)?;
        // A probe can be answered before its send result is known.
        (!matches!(probe.state, ProbeState::Decided(Outcome::NotSent(_)))).then_some(probe.len)
    }

    /// The number of the newest probe that left from this port. A port is reused only after the socket of the
    /// older probe was closed.
    pub fn number_at(&self, port: u16) -> Option<u16> {
        self.ports.get(&port).copied()
    }

    /// The current probes of a hop with their numbers, in the order of queries.
    pub fn of_hop(&self, ttl: u8) -> impl Iterator<Item = (u16, &SentProbe)> {
        let numbers = self.hop(ttl).map(|hop| hop.numbers.as_slice()).unwrap_or_default();
        numbers.iter().filter_map(|number| Some((*number, self.probe(*number)?)))
    }

    /// The probes of a hop that are in flight.
    pub fn in_flight(&self, ttl: u8) -> impl Iterator<Item = (u16, &SentProbe)> {
        self.of_hop(ttl).filter(|(_, probe)| probe.state == ProbeState::InFlight)
    }

    /// The answers of a hop, in the order of queries.
    pub fn answers(&self, ttl: u8) -> impl Iterator<Item = &TraceAnswer> {
        self.of_hop(ttl).filter_map(|(_, probe)| match &probe.state {
            ProbeState::Decided(Outcome::Answered(answer)) => Some(answer),
            _ => None,
        })
    }

    /// The MTU, if it is known, that each probe of a hop exceeded which could not leave for its length.
    pub fn too_long(&self, ttl: u8) -> impl Iterator<Item = Option<u32>> {
        self.of_hop(ttl).filter_map(|(_, probe)| match &probe.state {
            ProbeState::Decided(Outcome::NotSent(SendFault {
                cause: SendCause::TooLong { mtu }, ..
            })) => Some(*mtu),
            _ => None,
        })
    }

    /// How many queries of a hop were sent at least once.
    pub fn queries(&self, ttl: u8) -> usize {
        self.hop(ttl).map_or(0, |hop| hop.numbers.len())
    }

    /// RTT of the first answer of a hop.
    pub fn rtt(&self, ttl: u8) -> Option<Duration> {
        self.hop(ttl)?.rtt
    }

    /// The longest RTT of all answers; zero before the first.
    pub fn longest_rtt(&self) -> Duration {
        self.longest_rtt
    }

    /// Probes of a hop whose outcome is open.
    pub fn outstanding(&self, ttl: u8) -> usize {
        self.hop(ttl).map_or(0, |hop| hop.outstanding)
    }

    /// Probes of the hops up to `last_ttl` whose outcome is open.
    pub fn outstanding_up_to(&self, last_ttl: u8) -> usize {
        (*self.ttls.start()..=last_ttl).map(|ttl| self.outstanding(ttl)).sum()
    }

    /// Records that a probe left. It may have been answered before.
    pub fn departed(&mut self, number: u16, departed: Departed) {
        if let Some(probe) = self.probe_mut(number)
            && probe.state == ProbeState::Sending
        {
            (probe.sent, probe.state) = (departed.at, ProbeState::InFlight);
            if departed.port != 0 {
                self.ports.insert(departed.port, number);
            }
        }
    }

    /// Records the kernel's departure time of a probe in flight. The RTT of an answered one stays as it is.
    pub fn stamp(&mut self, stamped: DepartureStamp) {
        if let Some(probe) = u16::try_from(stamped.id).ok().and_then(|number| self.probe_mut(number))
            && probe.state == ProbeState::InFlight
        {
            (probe.sent, probe.clock) = (stamped.at, stamped.clock);
        }
    }

    /// Records the outcome of a probe.
    pub fn decide(&mut self, number: u16, outcome: Outcome) {
        let rtt = if let Outcome::Answered(answer) = &outcome { Some(answer.rtt) } else { None };
        self.longest_rtt = self.longest_rtt.max(rtt.unwrap_or_default());
        if let Some(hop) = self.set(number, ProbeState::Decided(outcome)) {
            hop.rtt = hop.rtt.or(rtt);
        }
    }

    /// Records that the query of a probe is to be repeated under another number.
    pub fn replace(&mut self, number: u16) {
        self.set(number, ProbeState::Replaced);
    }

    /// Moves a probe to a state that is not outstanding; its hop.
    fn set(&mut self, number: u16, state: ProbeState) -> Option<&mut Hop> {
        let probe = self.probe_mut(number)?;
        let settled = usize::from(probe.is_outstanding());
        probe.state = state;
        let ttl = probe.ttl;
        let hop = self.hop_mut(ttl)?;
        hop.outstanding = hop.outstanding.saturating_sub(settled);
        Some(hop)
    }
}
