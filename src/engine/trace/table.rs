//! The account of probes: each probe of a trace by its number, each hop by its TTL.
//!
//! It decides nothing: which probe is next, and when, is the plan's business.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::event::{Outcome, TraceAnswer};
use super::shifts::Shifts;
use crate::clock::Instant;
use crate::datagram::{ClockSource, Departed, DepartureStamp, SendCause, SendFault, Timing};

/// The state of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeState {
    /// Handed out for sending; the send result is unknown.
    Sending,
    /// Sent.
    Sent,
    /// It never left this machine, or was too long for a link. No answer to it counts.
    Void,
}

/// A probe. A query may have several.
#[derive(Clone, Debug)]
pub struct SentProbe {
    /// Its TTL.
    pub ttl: u8,
    /// The query of its hop, from 1.
    pub query: u8,
    /// Its flow index: see [`TraceProbe::flow`](crate::probe::trace::TraceProbe::flow).
    pub flow: u16,
    /// Octets behind the IP header.
    pub len: usize,
    /// When it left; until that is known, when it was handed out.
    pub sent: Instant,
    /// The clock that `sent` was read from.
    pub clock: ClockSource,
    /// When it left by our own clock.
    pub own: Instant,
    /// The path MTU that was found on the way to it, octets.
    pub mtu: Option<u32>,
    /// Its state.
    pub state: ProbeState,
    /// Whether an answer to it arrived.
    pub answered: bool,
}

impl SentProbe {
    /// A probe handed out for sending at `now`, of the flow of its query.
    pub fn new(ttl: u8, query: u8, len: usize, now: Instant) -> Self {
        let (clock, state) = (ClockSource::User, ProbeState::Sending);
        let flow = u16::from(query.saturating_sub(1));
        Self { ttl, query, flow, len, sent: now, clock, own: now, mtu: None, state, answered: false }
    }

    /// The time that an answer took which arrived at `at`, as the clock `arrival` measured, and both clocks. A stamp of the
    /// departure that is not before the answer is not used.
    pub fn rtt(&self, at: Instant, arrival: ClockSource) -> (Duration, Timing) {
        let (left, clock) =
            if self.sent < at { (self.sent, self.clock) } else { (self.own, ClockSource::User) };
        (at.since(left), Timing::between(clock, arrival))
    }
}

/// A query of a hop: the probes that were sent for it, and what became of it.
#[derive(Clone, Debug)]
pub struct HopQuery {
    /// The number of its first probe that left, or may have left, and of its newest.
    probes: (u64, u64),
    /// How many probes were sent for it because it stayed silent.
    pub resends: u8,
    /// Answers to it that came late or again.
    extras: u8,
    /// Its outcome; `None`: open. [`Outcome::Silent`] may still turn into [`Outcome::Answered`].
    pub outcome: Option<Outcome>,
}

/// A hop.
#[derive(Clone, Debug, Default)]
struct Hop {
    /// Its queries, in their order.
    queries: Vec<HopQuery>,
    /// RTT of its first answer, and the longest of all, of answers whose RTT is that of the path.
    rtt: Option<(Duration, Duration)>,
    /// Queries without an outcome.
    open: usize,
}

/// All probes, and all hops from the first TTL to the last.
///
/// Probes have 64-bit numbers here. On the wire they have 16 bits, from 1 to 65,535 and again from 1.
#[derive(Debug)]
pub struct Table {
    ttls: RangeInclusive<u8>,
    probes: Vec<SentProbe>,
    hops: Vec<Hop>,
    /// The longest RTT of all answers whose RTT is that of the path.
    longest_rtt: Duration,
    /// The longest time of all answers, also of those that do not show the time of the path; zero before the first.
    pub slowest_answer: Duration,
    /// The highest TTL that was answered.
    highest: Option<u8>,
    /// The newest probe that left from each port.
    ports: HashMap<u16, u16>,
    /// What translators do to the checksums of quotes.
    pub shifts: Shifts,
}

/// Late or further answers to one query that are emitted. Without a limit, whoever sends them decides how much memory and
/// output they take.
const MOST_EXTRAS: u8 = 16;

/// The numbers of the wire.
const NUMBERS: u64 = 65_535;

/// The number that a probe has on the wire.
pub fn wire_number(id: u64) -> u16 {
    u16::try_from(id.checked_rem(NUMBERS).unwrap_or(0).saturating_add(1)).unwrap_or(u16::MAX)
}

impl Table {
    /// An empty table for the hops of these TTLs.
    pub fn new(first_ttl: u8, max_ttl: u8) -> Self {
        let hops = usize::from(max_ttl.saturating_sub(first_ttl)).saturating_add(1);
        Self {
            ttls: first_ttl..=max_ttl,
            probes: Vec::new(),
            hops: vec![Hop::default(); hops],
            longest_rtt: Duration::ZERO,
            slowest_answer: Duration::ZERO,
            highest: None,
            ports: HashMap::new(),
            shifts: Shifts::default(),
        }
    }

    /// Appends a probe: the first of its query, or a further one. Returns its number.
    pub fn push(&mut self, probe: SentProbe) -> u64 {
        let id = u64::try_from(self.probes.len()).unwrap_or(u64::MAX);
        let first = self.query(probe.ttl, probe.query).map_or(id, |query| query.probes.0);
        // One that cannot be used is not the first that is waited for.
        let void = self.probe(first).is_some_and(|first| first.state == ProbeState::Void);
        if let Some(hop) = self.hop_mut(probe.ttl) {
            match hop.queries.get_mut(usize::from(probe.query.saturating_sub(1))) {
                Some(query) => query.probes = (if void { id } else { first }, id),
                None => {
                    hop.queries.push(HopQuery { probes: (id, id), resends: 0, extras: 0, outcome: None });
                    hop.open = hop.open.saturating_add(1);
                }
            }
        }
        self.probes.push(probe);
        id
    }

    /// The TTLs of its hops.
    pub fn ttls(&self) -> RangeInclusive<u8> {
        self.ttls.clone()
    }

    /// The probe with this number.
    pub fn probe(&self, id: u64) -> Option<&SentProbe> {
        self.probes.get(usize::try_from(id).ok()?)
    }

    fn probe_mut(&mut self, id: u64) -> Option<&mut SentProbe> {
        self.probes.get_mut(usize::try_from(id).ok()?)
    }

    /// The newest probe with this number on the wire.
    pub fn id_of(&self, number: u16) -> Option<u64> {
        let newest = u64::try_from(self.probes.len()).ok()?.checked_sub(1)?;
        let residue = u64::from(number.checked_sub(1)?);
        let behind = newest.checked_rem(NUMBERS)?.checked_add(NUMBERS)?.checked_sub(residue)?;
        newest.checked_sub(behind.checked_rem(NUMBERS)?)
    }

    fn hop(&self, ttl: u8) -> Option<&Hop> {
        self.hops.get(usize::from(ttl.checked_sub(*self.ttls.start())?))
    }

    fn hop_mut(&mut self, ttl: u8) -> Option<&mut Hop> {
        self.hops.get_mut(usize::from(ttl.checked_sub(*self.ttls.start())?))
    }

    /// The queries of a hop, in their order.
    pub fn queries(&self, ttl: u8) -> &[HopQuery] {
        self.hop(ttl).map(|hop| hop.queries.as_slice()).unwrap_or_default()
    }

    /// A query of a hop, from 1.
    pub fn query(&self, ttl: u8, query: u8) -> Option<&HopQuery> {
        self.queries(ttl).get(usize::from(query.checked_sub(1)?))
    }

    fn query_mut(&mut self, ttl: u8, query: u8) -> Option<&mut HopQuery> {
        self.hop_mut(ttl)?.queries.get_mut(usize::from(query.checked_sub(1)?))
    }

    /// Octets behind the IP header of a probe, by its number on the wire, that left, or may have left; `None`: no such
    /// probe.
    pub fn sent_len(&self, number: u16) -> Option<usize> {
        // A probe can be answered before its send result is known.
        let probe = self.probe(self.id_of(number)?)?;
        (probe.state != ProbeState::Void).then_some(probe.len)
    }

    /// The number on the wire of the newest probe that left from this port.
    pub fn number_at(&self, port: u16) -> Option<u16> {
        self.ports.get(&port).copied()
    }

    /// The newest probe of each query of a hop, in their order, and what became of the query.
    pub fn of_hop(&self, ttl: u8) -> impl Iterator<Item = (&SentProbe, &HopQuery)> {
        self.queries(ttl).iter().filter_map(|query| Some((self.probe(query.probes.1)?, query)))
    }

    /// The newest probe of a query.
    pub fn newest(&self, ttl: u8, query: u8) -> Option<&SentProbe> {
        self.probe(self.query(ttl, query)?.probes.1)
    }

    /// The open queries of a hop with probes that left: the newest probe of each.
    fn sent(&self, ttl: u8) -> impl Iterator<Item = (&SentProbe, &HopQuery)> {
        self.of_hop(ttl).filter(|(probe, query)| query.outcome.is_none() && probe.state == ProbeState::Sent)
    }

    /// The newest probes of a hop that are in flight, with their numbers on the wire.
    pub fn in_flight(&self, ttl: u8) -> impl Iterator<Item = (u16, &SentProbe)> {
        self.sent(ttl).map(|(probe, query)| (wire_number(query.probes.1), probe))
    }

    /// All probes that left and were not answered, with their numbers on the wire, whatever became of their queries.
    pub fn unanswered(&self) -> impl Iterator<Item = (u16, &SentProbe)> {
        let numbered = (0..).map(wire_number).zip(&self.probes);
        numbered.filter(|(_, probe)| probe.state == ProbeState::Sent && !probe.answered)
    }

    /// The open queries of a hop with probes that left: the query, when its first probe left, and when its newest did.
    pub fn waiting(&self, ttl: u8) -> impl Iterator<Item = (u8, Instant, Instant)> {
        let first = |query: &HopQuery| Some(self.probe(query.probes.0)?.sent);
        self.sent(ttl).filter_map(move |(probe, query)| Some((probe.query, first(query)?, probe.sent)))
    }

    /// The answers of a hop, in the order of queries.
    pub fn answers(&self, ttl: u8) -> impl Iterator<Item = &TraceAnswer> {
        self.queries(ttl).iter().filter_map(|query| match &query.outcome {
            Some(Outcome::Answered(answer)) => Some(answer),
            _ => None,
        })
    }

    /// Whether the path goes beyond a hop: a TTL was exceeded there.
    pub fn is_passed(&self, ttl: u8) -> bool {
        self.answers(ttl).any(|answer| !answer.kind.is_final())
    }

    /// The MTU, if it is known, that each probe of a hop exceeded which could not leave for its length.
    pub fn too_long(&self, ttl: u8) -> impl Iterator<Item = Option<u32>> {
        self.queries(ttl).iter().filter_map(|query| match &query.outcome {
            Some(Outcome::NotSent(SendFault { cause: SendCause::TooLong { mtu }, .. })) => Some(*mtu),
            _ => None,
        })
    }

    /// RTT of the first answer of a hop.
    pub fn rtt(&self, ttl: u8) -> Option<Duration> {
        self.hop(ttl)?.rtt.map(|(first, _)| first)
    }

    /// The longest RTT of a hop.
    pub fn slowest(&self, ttl: u8) -> Option<Duration> {
        self.hop(ttl)?.rtt.map(|(_, longest)| longest)
    }

    /// The longest RTT of all answers; zero before the first.
    pub fn longest_rtt(&self) -> Duration {
        self.longest_rtt
    }

    /// The highest TTL that was answered.
    pub fn highest(&self) -> Option<u8> {
        self.highest
    }

    /// Queries of a hop whose outcome is open.
    pub fn open(&self, ttl: u8) -> usize {
        self.hop(ttl).map_or(0, |hop| hop.open)
    }

    /// Queries of the hops up to `last_ttl` whose outcome is open.
    pub fn open_up_to(&self, last_ttl: u8) -> usize {
        (*self.ttls.start()..=last_ttl).map(|ttl| self.open(ttl)).sum()
    }

    /// Records that a probe left. It may have been answered before.
    pub fn departed(&mut self, id: u64, departed: Departed) {
        let Some(probe) = self.probe_mut(id).filter(|probe| probe.state == ProbeState::Sending) else {
            return;
        };
        probe.state = ProbeState::Sent;
        if !probe.answered {
            (probe.sent, probe.own) = (departed.at, departed.at);
            if departed.port != 0 {
                self.ports.insert(departed.port, wire_number(id));
            }
        }
    }

    /// Records the kernel's departure time of a probe in flight. The RTT of an answered one stays as it is.
    pub fn stamp(&mut self, stamped: DepartureStamp) {
        let probe = self.probe_mut(stamped.id).filter(|probe| probe.state == ProbeState::Sent);
        if let Some(probe) = probe.filter(|probe| !probe.answered) {
            (probe.sent, probe.clock) = (stamped.at, stamped.clock);
        }
    }

    /// Records that an answer to a probe arrived. Returns whether one did before.
    pub fn answered(&mut self, id: u64) -> bool {
        self.probe_mut(id).is_some_and(|probe| std::mem::replace(&mut probe.answered, true))
    }

    /// Records the outcome of a query.
    pub fn decide(&mut self, ttl: u8, query: u8, outcome: Outcome) {
        let (time, rtt) = match &outcome {
            Outcome::Answered(answer) => {
                (Some(answer.rtt), Some(answer.rtt).filter(|_| answer.kind.times_the_path()))
            }
            Outcome::Silent | Outcome::NotSent(_) | Outcome::Unfinished => (None, None),
        };
        let Some(was) = self.query_mut(ttl, query).map(|query| query.outcome.replace(outcome)) else {
            return;
        };
        if let Some(hop) = self.hop_mut(ttl).filter(|_| was.is_none()) {
            hop.open = hop.open.saturating_sub(1);
        }
        if let Some(time) = time {
            self.slowest_answer = self.slowest_answer.max(time);
            self.highest = self.highest.max(Some(ttl));
        }
        if let Some(rtt) = rtt {
            self.longest_rtt = self.longest_rtt.max(rtt);
            if let Some(hop) = self.hop_mut(ttl) {
                hop.rtt = Some(hop.rtt.map_or((rtt, rtt), |(first, longest)| (first, longest.max(rtt))));
            }
        }
    }

    /// Records a late or a further answer to a query. Returns false beyond the first [`MOST_EXTRAS`].
    pub fn extra(&mut self, ttl: u8, query: u8) -> bool {
        let Some(query) = self.query_mut(ttl, query) else { return false };
        query.extras = query.extras.saturating_add(1);
        query.extras <= MOST_EXTRAS
    }

    /// Records that no answer to a probe counts.
    pub fn void(&mut self, id: u64) {
        if let Some(probe) = self.probe_mut(id) {
            probe.state = ProbeState::Void;
        }
    }

    /// Opens a query again that is sent once more: because it was `silent`, or as its probe could not be used.
    pub fn reopen(&mut self, ttl: u8, query: u8, silent: bool) {
        let Some(query) = self.query_mut(ttl, query) else { return };
        query.resends = query.resends.saturating_add(silent.into());
        if query.outcome.take().is_some()
            && let Some(hop) = self.hop_mut(ttl)
        {
            hop.open = hop.open.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_wire_is_that_of_the_newest_probe_with_it() {
        let mut table = Table::new(1, 255);
        assert_eq!(table.id_of(1), None);
        for count in 1..=200_000_u64 {
            let id = table.push(SentProbe::new(1, 1, 40, Instant::ZERO));
            let number = wire_number(id);
            assert_eq!((id, number > 0), (count - 1, true));
            assert_eq!(table.id_of(number), Some(id));
        }
        assert_eq!(
            (table.id_of(0), table.id_of(1), table.id_of(65_535)),
            (None, Some(3 * 65_535), Some(3 * 65_535 - 1))
        );
        // Not sent in the fourth round yet.
        assert_eq!(table.id_of(4_000), Some(2 * 65_535 + 3_999));
    }
}
